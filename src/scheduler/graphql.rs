//! What the platform's own people see of the scheduler, and do with it.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};

use super::clock::Moved;
use super::{Scheduler, Transition};
use crate::auth::{Permission, Standing};
use crate::clock::Timestamp;
use crate::entity::{SubscriptionId, SubscriptionStatus, parked_transition, subscription};
use crate::error::{Code, Error, Refusal, Result, not_found};
use crate::graphql::context::ContextExt;
use crate::graphql::error::payload;
use crate::graphql::input::parse_id;
use crate::graphql::scalar::SafeInt;
use crate::read::payload::Shown;
use crate::subscription::graphql::SubscriptionContract;
use crate::subscription::lifecycle::Event;

/// How many transitions that happened are listed.
const LISTED: usize = 100;
/// How many that failed, each with its subscription.
const PARKED: u64 = 50;
/// How far the test clock moves at once, in days.
const MAX_AHEAD: i64 = 3_660;

/// A transition that the scheduler could not carry out. The subscription waits for somebody to put right what is wrong;
/// what it is worth is answered by the clock nevertheless, and no other one waits with it.
#[derive(SimpleObject)]
pub struct ParkedTransition {
    /// The subscription that waits; null if it is deleted.
    subscription: Option<Shown<SubscriptionContract>>,
    /// When the transition was due.
    due_at: Timestamp,
    /// How often it was tried.
    attempts: i32,
    /// What went wrong, for whoever runs the program.
    error: String,
    /// When it was tried last.
    parked_at: Timestamp,
}

/// A transition that time brought about.
#[derive(SimpleObject)]
pub struct TransitionDone {
    /// The subscription.
    subscription_id: SubscriptionId,
    /// What happened.
    kind: Event,
    /// When it was due.
    at: Timestamp,
    /// The status that it led to.
    status: SubscriptionStatus,
}

impl From<Transition> for TransitionDone {
    fn from(Transition { subscription, event, at, status }: Transition) -> Self {
        Self { subscription_id: subscription, kind: event, at, status }
    }
}

/// Names a transition to try again.
#[derive(Clone, Debug, InputObject)]
pub struct RetryTransitionInput {
    /// The subscription whose transition failed.
    subscription_id: ID,
}

/// Moves the test clock.
#[derive(Clone, Debug, InputObject)]
pub struct SimulateClockInput {
    /// To when: later than now, at most ten years.
    to: Timestamp,
}

payload! {
    /// The answer of `retryTransition`.
    RetryTransitionPayload, subscription: Shown<SubscriptionContract>
}

/// How far the test clock came.
#[derive(SimpleObject)]
pub struct ClockMoved {
    /// The time now, as far as the rules of subscriptions go.
    now: Timestamp,
    /// Whether that is what was asked for. One request moves it as far as it comes in some seconds: send it again.
    is_complete: bool,
    /// What happened on the way: the first 100.
    transitions: Vec<TransitionDone>,
    /// How much happened on the way.
    transition_count: SafeInt,
}

impl From<Moved> for ClockMoved {
    fn from(Moved { now, is_complete, report }: Moved) -> Self {
        Self {
            now,
            is_complete,
            transition_count: SafeInt(i64::try_from(report.transitions.len()).unwrap_or(i64::MAX)),
            transitions: report.transitions.into_iter().take(LISTED).map(Into::into).collect(),
        }
    }
}

payload! {
    /// The answer of `simulateClock`.
    SimulateClockPayload, clock: ClockMoved
}

/// Refuses who does not run the platform.
fn check_platform(ctx: &Context<'_>, permission: Permission) -> Result<()> {
    let caller = ctx.scope().caller()?;
    if caller.standing() == Standing::Platform && caller.may(permission) {
        return Ok(());
    }
    Err(Error::Forbidden(if caller.standing() == Standing::Platform { permission } else { Permission::PlatformManage }))
}

fn scheduler<'c>(ctx: &Context<'c>) -> &'c Scheduler {
    ctx.data_unchecked::<Scheduler>()
}

/// Queries about the scheduler.
#[derive(Default)]
pub struct SchedulerQuery;

#[Object]
impl SchedulerQuery {
    /// The transitions that the scheduler could not carry out, the earliest first, at most 50. `retryTransition` tries
    /// one again. For the platform's own people, with `audit.read`.
    async fn parked_transitions(&self, ctx: &Context<'_>) -> Result<Option<Vec<ParkedTransition>>> {
        check_platform(ctx, Permission::AuditRead)?;
        let parked = scheduler(ctx).store.system().parked(PARKED).await?;
        let ids: Vec<_> = parked.iter().map(|parked| parked.subscription_id).collect();
        let found = subscription::Entity::find().filter(subscription::Column::Id.is_in(ids));
        let mut rows = ctx.scope().all(found).await?;
        let mut one = |parked: parked_transition::Model| {
            let place = rows.iter().position(|row| row.id == parked.subscription_id);
            ParkedTransition {
                subscription: place.map(|place| Shown(rows.swap_remove(place).into())),
                due_at: parked.due_at,
                attempts: parked.attempts,
                error: parked.error,
                parked_at: parked.parked_at,
            }
        };
        Ok(Some(parked.into_iter().map(&mut one).collect()))
    }
}

/// Mutations of the scheduler.
#[derive(Default)]
pub struct SchedulerMutation;

#[Object]
impl SchedulerMutation {
    /// Tries a transition again that the scheduler could not carry out. Refused with CONFLICT if it fails again. Sent
    /// twice, it does no more than once. Needs `platform.manage`.
    async fn retry_transition(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: RetryTransitionInput,
    ) -> Result<Option<RetryTransitionPayload>> {
        check_platform(ctx, Permission::PlatformManage)?;
        RetryTransitionPayload::new(
            async {
                let path = "input.subscriptionId";
                let id = parse_id::<SubscriptionId>(path, &input.subscription_id)?;
                let found = async || ctx.scope().get::<subscription::Entity>(id).await;
                let row = found().await?.ok_or_else(|| not_found("subscription", path))?;
                if scheduler(ctx).retry(row.tenant_id, id).await?.parked > 0 {
                    let message = "It failed again: parkedTransitions says why.";
                    return Err(Refusal::new(Code::Conflict, message).at(path).into());
                }
                found().await?.ok_or_else(|| not_found("subscription", path))
            }
            .await,
        )
    }
}

/// Mutations of the test clock, which are there only where it is.
#[derive(Default)]
pub struct ClockMutation;

/// Whether there is a test clock.
fn has_test_clock(ctx: &Context<'_>) -> bool {
    ctx.settings().has_test_clock
}

#[Object]
impl ClockMutation {
    /// Moves the time of the rules forward, through every moment at which something is due; it never goes back. Tokens,
    /// idempotency keys and time limits go by the machine's clock. Needs `platform.manage`.
    #[graphql(visible = "has_test_clock")]
    async fn simulate_clock(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: SimulateClockInput,
    ) -> Result<Option<SimulateClockPayload>> {
        check_platform(ctx, Permission::PlatformManage)?;
        SimulateClockPayload::new(
            async {
                let now = ctx.scope().now();
                if input.to <= now || input.to > now.plus_days(MAX_AHEAD) {
                    let message =
                        format!("Expected a time later than {now}, at most {MAX_AHEAD} days: it never goes back.");
                    return Err(Refusal::new(Code::OutOfRange, message).at("input.to").into());
                }
                scheduler(ctx).advance(input.to).await
            }
            .await,
        )
    }
}
