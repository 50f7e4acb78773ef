//! Several schedulers, late ones, and ones that are cut off: what is recorded in the end is the same.

use chrono::TimeDelta;
use futures_util::future::join_all;
use sea_orm::{IdenStatic as _, Iterable as _, ModelTrait as _};
use serde_json::json;
use tessera::entity::{audit_event, payment, subscription};
use tessera::scheduler::{Retention, Scheduler};

use super::{subscribed, tier};
use crate::support::{World, on_both};

/// Customers in every kind of state that time changes.
async fn populate(world: &World) {
    let free = tier(world, "free", 0, json!({})).await;
    let fallback = json!({"trialEndPolicy": "FALLBACK", "periodEndPolicy": "DOWNGRADE", "fallbackTierId": free});
    let tiers = [
        tier(world, "renews", 700, json!({"periodEndPolicy": "RENEW"})).await,
        tier(world, "suspends", 800, json!({"periodEndPolicy": "SUSPEND"})).await,
        tier(world, "falls", 900, fallback).await,
        world.alpha.basic.to_string(),
        free,
    ];
    let admin = world.admin(world.alpha);
    for (number, tier) in tiers.iter().enumerate() {
        for (name, terms, mutation, input) in [
            ("paid", json!({}), None, json!({})),
            ("tried", json!({"trialDays": 11}), None, json!({})),
            ("later", json!({"startsAt": "2026-03-20T00:00:00Z"}), None, json!({})),
            ("leaves", json!({}), Some("cancelSubscription"), json!({})),
            ("stands", json!({}), Some("pauseSubscription"), json!({"resumesAt": "2026-04-11T00:00:00Z"})),
            ("ends", json!({"expiresAt": "2026-06-01T00:00:00Z"}), None, json!({})),
        ] {
            let id = subscribed(world, &format!("{name}-{number}"), tier, terms).await;
            if let Some(mutation) = mutation {
                let mut input = input;
                input["id"] = json!(id);
                admin.mutate(mutation, input, "").await;
            }
        }
    }
}

pub fn scheduler(world: &World) -> Scheduler {
    Scheduler::new(world.store.clone(), Retention::new(30), false)
}

/// The rows without what depends on when they were written: subscriptions by the names of their customers, the trail,
/// and the payments.
pub async fn outcome(world: &World) -> (Vec<String>, Vec<String>, Vec<String>) {
    use subscription::Column::{
        AddOns, Id, LastRenewedBy, PaymentStatusAt, ScheduledAddOns, TenantId, TriedTiers, UpdatedAt,
    };
    let system = world.store.system();
    let ids = |row: &subscription::Model| row.external_id.clone().unwrap_or_default();
    let rows: Vec<subscription::Model> = system.all::<subscription::Entity>().await.expect("rows");
    let mut places = std::collections::BTreeMap::new();
    for row in &rows {
        places.insert(uuid::Uuid::from(row.id), format!("{}/{}/{:?}", ids(row), row.created_at, row.starts_at));
    }
    // Customers are made in the same order everywhere.
    let mut order: Vec<_> = rows.iter().map(|row| uuid::Uuid::from(row.id)).collect();
    order.sort();
    let number = |id: uuid::Uuid| order.iter().position(|other| *other == id).expect("an id");
    let aside = [AddOns, Id, LastRenewedBy, PaymentStatusAt, ScheduledAddOns, TenantId, TriedTiers, UpdatedAt]
        .map(|column| column.as_str());
    let is_told = |column: &subscription::Column| {
        !aside.contains(&column.as_str()) && !column.as_str().ends_with("tier_id") && column.as_str() != "customer_id"
    };
    let mut told: Vec<_> = rows
        .iter()
        .map(|row| {
            let columns = subscription::Column::iter().filter(is_told);
            let values: Vec<_> = columns.map(|column| format!("{}={:?}", column.as_str(), row.get(column))).collect();
            let add_ons = [&row.add_ons, &row.scheduled_add_ons].map(|lines| {
                lines.0.iter().map(|line| (line.key.clone(), line.quantity, line.unit_amount_minor)).collect::<Vec<_>>()
            });
            format!("{:03} {} {add_ons:?}", number(row.id.into()), values.join(" "))
        })
        .collect();
    told.sort();
    let trail = system.all::<audit_event::Entity>().await.expect("entries");
    let mut trail: Vec<_> = trail
        .into_iter()
        .filter(|entry| entry.entity_type == "subscription" && entry.effective_at.is_some())
        .map(|entry| {
            format!("{:03} {:?} {} {}", number(entry.entity_id), entry.effective_at, entry.action, entry.actor)
        })
        .collect();
    trail.sort();
    let payments = system.all::<payment::Entity>().await.expect("payments");
    let mut payments: Vec<_> = payments
        .into_iter()
        .map(|row| {
            format!(
                "{:03} {:?} {:?} {}",
                number(row.subscription_id.into()),
                row.period_start,
                row.status,
                row.amount_minor
            )
        })
        .collect();
    payments.sort();
    (told, trail, payments)
}

#[on_both]
async fn one_on_time_and_four_that_are_late_record_the_same(world: &World) {
    populate(world).await;
    let other = World::new(world.backend).await;
    populate(&other).await;
    let punctual = scheduler(world);
    for _ in 0..240 {
        world.pass(TimeDelta::hours(18));
        assert_eq!(punctual.pass().await.expect("the database answers").parked, 0);
    }
    let late: Vec<_> = (0..4).map(|_| scheduler(&other)).collect();
    for days in [50, 1, 100, 29] {
        other.pass(TimeDelta::days(days));
        for report in join_all(late.iter().map(Scheduler::pass)).await {
            assert_eq!(report.expect("the database answers").parked, 0);
        }
        // What somebody else had locked.
        late[0].pass().await.expect("the database answers");
    }
    let (expected, found) = (outcome(world).await, outcome(&other).await);
    assert!(expected.1.len() > 60, "{}", expected.1.len());
    assert_eq!(expected.1, found.1, "the trail");
    assert_eq!(expected.2, found.2, "the payments");
    assert_eq!(expected.0, found.0, "the subscriptions");
    world.store.system().invariants().await.into_iter().for_each(|one| {
        assert_eq!(one.violations.ok(), Some(0), "{}", one.name);
    });
}

#[on_both]
async fn one_that_is_cut_off_at_any_moment_leaves_nothing_half_done(world: &World) {
    populate(world).await;
    let other = World::new(world.backend).await;
    populate(&other).await;
    for here in [world, &other] {
        here.pass(TimeDelta::days(200));
    }
    for cut in 0..20u64 {
        let work = tokio::spawn({
            let scheduler = scheduler(world);
            async move { scheduler.pass().await.map(drop) }
        });
        tokio::time::sleep(std::time::Duration::from_micros(300 * cut)).await;
        work.abort();
        drop(work.await);
    }
    // What one that was cut off had locked is free a moment later.
    while !world.store.system().due(world.clock.now(), None, 1).await.expect("the database answers").is_empty() {
        scheduler(world).pass().await.expect("the database answers");
    }
    scheduler(&other).pass().await.expect("the database answers");
    let (found, expected) = (outcome(world).await, outcome(&other).await);
    assert_eq!(found, expected);
}
