//! Previews: what a change would come to. The command's own work is done and thrown away, so that a preview cannot differ
//! from what the command does.
//!
//! A preview has a token. A command that is given it does exactly that, counted from the same second, or is refused with
//! `PREVIEW_STALE`: if the subscription, a price, what is paid or the status of its owner has changed, or after ten minutes.
//! Use never makes it stale.

pub mod difference;
pub mod graphql;

use std::collections::BTreeSet;

use chrono::TimeDelta;

use self::difference::Side;
use super::lifecycle::{Step, as_of, carry_out, next_due};
use super::owed::Balance;
use super::proration::Line;
use super::take::{charged_to, take};
use super::{Settings, actions};
use crate::clock::Timestamp;
use crate::entitlement::{Entitlement, Terms};
use crate::entity::{Mutable as _, SubscriptionId, customer, subscription};
use crate::error::{Code, Refusal, Result};
use crate::graphql::command::Target;
use crate::store::{Cursors, UnitOfWork, Writer};
use crate::usage::window::window;
use futures_util::future::BoxFuture;

/// How long a preview holds.
const HOLDS: TimeDelta = TimeDelta::minutes(10);

/// The preview that a command must come to.
#[derive(Clone, Copy)]
pub struct Token<'a> {
    /// The token of the preview.
    pub text: &'a str,
    /// What it was sealed with.
    pub seal: &'a Cursors,
}

fn stale() -> Refusal {
    let message = "The preview does not hold any more: ask for another one.";
    Refusal::new(Code::PreviewStale, message).at("input.previewToken")
}

/// The second that a change counts from: that of its preview, or now.
pub(super) fn second(token: Option<Token<'_>>, now: Timestamp) -> Result<Timestamp> {
    let Some(token) = token else {
        return Ok(Timestamp::from_micros(now.micros() - now.micros().rem_euclid(1_000_000)));
    };
    let second = token.text.split_once('.').and_then(|(second, _)| second.parse().ok());
    let second = second.map(|second: i64| Timestamp::from_micros(second.saturating_mul(1_000_000)));
    Ok(second.filter(|second| *second <= now && now.since(*second) <= HOLDS).ok_or_else(stale)?)
}

/// Refuses a step that is not the one that was previewed.
pub(super) async fn check(
    unit: &UnitOfWork<'_>,
    row: &subscription::Model,
    step: &Step,
    token: Option<Token<'_>>,
) -> Result<()> {
    let Some(token) = token else { return Ok(()) };
    let second = second(Some(token), unit.now())?;
    let balance = charged_to(unit, row, step).await?;
    if token_of(unit, row, step, second, (balance.as_ref(), token.seal)).await? == token.text {
        return Ok(());
    }
    Err(stale().into())
}

/// The token of what a step would come to.
async fn token_of(
    unit: &UnitOfWork<'_>,
    row: &subscription::Model,
    step: &Step,
    second: Timestamp,
    (balance, seal): (Option<&Balance>, &Cursors),
) -> Result<String> {
    let owner = match row.customer_id {
        Some(id) => unit.get::<customer::Entity>(id).await?.map(|customer| customer.status),
        None => None,
    };
    let organization = unit.organization().await?.status;
    let balance = balance.map(|balance| {
        let pending = balance.pending.as_ref().map(|payment| (payment.id, payment.version));
        (balance.paid_minor, pending)
    });
    let version = row.version();
    let all = format!("preview {} {version} {second} {step:?} {balance:?} {owner:?} {organization:?}", row.id);
    Ok(format!("{}.{}", second.micros() / 1_000_000, seal.encode(&all, &[])))
}

/// What a change would come to.
pub struct Preview {
    /// What a command does exactly this with.
    pub token: String,
    /// Until when.
    pub expires_at: Timestamp,
    /// The subscription as it is by now.
    pub before: subscription::Model,
    /// As it would be when the change has taken effect.
    pub after: subscription::Model,
    /// When it takes effect.
    pub effective_at: Timestamp,
    /// What is charged now.
    pub lines: Vec<Line>,
    /// When something is charged next, and how much; none if it ends before.
    pub next: Option<(Timestamp, i64)>,
    /// What was granted and used, and what would be.
    pub features: (Vec<Side>, Vec<Side>),
}

/// Does what the command would do, and throws it away.
pub async fn preview<'e>(
    writer: &'e Writer,
    settings: &'e Settings,
    target: &'e Target<SubscriptionId>,
    seal: &'e Cursors,
    action: super::lifecycle::Action,
    decide: &'e (impl for<'t> Fn(&'t UnitOfWork<'e>, &'t subscription::Model) -> BoxFuture<'t, Result<Step>> + Sync),
) -> Result<Preview> {
    let tried = writer.try_out::<subscription::Entity, _>(target.id, "input.id", |unit, row| {
        Box::pin(async move {
            let found = row.clone();
            let taken = take(unit, settings, row, target, action, decide).await;
            let taken = match taken {
                Err(error) => return Err(actions::narrowed(unit, &found, error).await),
                Ok(taken) => taken,
            };
            let Some(step) = &taken.step else {
                let message = "Time has done this already: there is nothing to preview.";
                return Err(Refusal::new(Code::Conflict, message).at("input.id").into());
            };
            let now = unit.now();
            let second = second(None, now)?;
            let token = token_of(unit, &taken.before, step, second, (taken.balance.as_ref(), seal)).await?;
            let waits = |at: Option<Timestamp>| at.filter(|at| *at > now);
            let effective_at = match taken.after.ended_at {
                Some(_) => second,
                None if taken.after.cancel_at != taken.before.cancel_at => {
                    waits(taken.after.cancel_at).unwrap_or(second)
                }
                None if is_at_once(&taken.before, &taken.after) => second,
                None => waits(taken.after.scheduled_at).unwrap_or(second),
            };
            let after = as_of(&taken.after, effective_at, None).0.into_owned();
            let (granted, counters) = unit.scope().granted_and_counted(&[&taken.before, &after], None).await?;
            let (had, has) = (granted.terms(&taken.before), granted.terms(&after));
            // What one side says nothing of may be unlimited there.
            let keys: BTreeSet<_> = had.all().into_iter().chain(has.all()).map(|feature| feature.key).collect();
            let of = |terms: Terms<'_>, at| {
                let side = |feature: Entitlement| {
                    let window = window(terms.subscription, feature.kind, feature.resets, at);
                    let used = counters.counted(terms.subscription, &feature.key, &window).used;
                    Side { feature, used }
                };
                keys.iter().filter_map(|key| terms.of(key)).map(side).collect()
            };
            let features = (of(had, now), of(has, effective_at.max(now)));
            let next = next_charge(&taken.after, now);
            let (before, lines) = (taken.before, taken.lines);
            Ok(Preview { token, expires_at: second.plus(HOLDS), before, after, effective_at, lines, next, features })
        })
    });
    tried.await
}

fn is_at_once(before: &subscription::Model, after: &subscription::Model) -> bool {
    (before.tier_id, before.billing_cycle, &before.add_ons) != (after.tier_id, after.billing_cycle, &after.add_ons)
}

/// When time charges something next, and how much; none if the subscription ends before that.
fn next_charge(row: &subscription::Model, now: Timestamp) -> Option<(Timestamp, i64)> {
    let mut state = as_of(row, now, None).0.into_owned();
    while let Some(due) = next_due(&state, None) {
        let start = state.current_period_start;
        carry_out(&mut state, due);
        if state.ended_at.is_some() {
            return None;
        }
        if state.current_period_start != start {
            return Some((due.at, state.amount_minor));
        }
    }
    None
}
