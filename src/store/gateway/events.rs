//! What gateways told us: kept once, queued, decided.

use std::fmt::Write as _;

use sea_orm::{IdenStatic as _, Iterable as _};

use super::super::System;
use super::super::flush::Flush;
use super::super::text::{Text, put};
use super::super::write::Write;
use super::{ObjectKey, models};
use crate::clock::Timestamp;
use crate::entity::{WebhookEventState, webhook_event};
use crate::error::Result;

impl Text {
    /// Decides the events that an object's fetches up to a number come after.
    pub(super) fn decide_events(
        &mut self,
        key: &ObjectKey,
        seq: i64,
        state: WebhookEventState,
        reason: Option<&str>,
        now: Timestamp,
    ) {
        put!(self, r#"UPDATE "webhook_events" SET "version" = "version" + 1, "state" = "#);
        self.value(state);
        put!(self, r#", "reason" = "#);
        self.value(reason);
        put!(self, r#", "decided_at" = "#);
        self.value(now);
        put!(self, r#", "updated_at" = "#);
        self.value(now);
        put!(self, r#" WHERE "account_id" = "#);
        self.value(key.account);
        put!(self, r#" AND "object_kind" = "#);
        self.value(key.kind);
        put!(self, r#" AND "object_id" = "#);
        self.value(key.id.as_str());
        put!(self, r#" AND "state" = 'QUEUED' AND "seq" <= "#);
        self.value(seq);
    }
}

impl System<'_> {
    /// Keeps news, unless it is kept already.
    pub async fn keep_event(&self, row: &webhook_event::Model) -> Result<()> {
        let insert = self.text(|text| {
            text.write(Write::insert(std::slice::from_ref(row)));
            put!(text, r#" ON CONFLICT ("account_id", "gateway_event_id") DO NOTHING"#);
        });
        self.execute(insert).await?;
        Ok(())
    }

    /// Queues news that was kept: each object that it names is fetched once, however much of it there is. Answers how much
    /// there was. `due_at` is when they are fetched.
    pub async fn queue_events(&self, now: Timestamp, due_at: Timestamp, limit: u64) -> Result<usize> {
        let transaction = self.transaction().await?;
        let take = self.text(|text| {
            put!(text, r#"SELECT "#);
            text.columns(webhook_event::Column::iter().map(|column| column.as_str()));
            put!(text, r#" FROM "webhook_events" WHERE "state" = 'RECEIVED' ORDER BY "created_at" LIMIT {limit}"#);
            text.skip_locked();
        });
        let events = models::<webhook_event::Entity>(&transaction, take).await?;
        let mut objects: Vec<ObjectKey> = events
            .iter()
            .filter_map(|event| {
                let (kind, id) = event.object_kind.zip(event.object_id.clone())?;
                Some(ObjectKey { account: event.account_id, kind, id })
            })
            .collect();
        // All who lock them do so in one order.
        objects.sort_by(|a, b| (a.account, a.kind.as_str(), &a.id).cmp(&(b.account, b.kind.as_str(), &b.id)));
        objects.dedup();
        for key in &objects {
            transaction.execute(self.text(|text| text.register(key, None, Some(due_at), now))).await?;
        }
        if !events.is_empty() {
            let queue = self.text(|text| {
                put!(
                    text,
                    r#"UPDATE "webhook_events" SET "state" = 'QUEUED', "version" = "version" + 1, "seq" = (SELECT "wanted_seq"
                    FROM "gateway_objects" AS "object" WHERE "object"."account_id" = "webhook_events"."account_id"
                    AND "object"."kind" = "object_kind" AND "object"."external_id" = "object_id"), "updated_at" = "#
                );
                text.value(now);
                put!(text, r#" WHERE "id" IN ("#);
                text.list(events.iter().map(|event| event.id), Text::value);
                put!(text, ")");
            });
            transaction.execute(queue).await?;
        }
        transaction.commit(Flush::default()).await?;
        Ok(events.len())
    }
}
