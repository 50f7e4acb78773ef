//! The mutations of subscriptions. Each checks its input, names its step and leaves the rest to the use case.

use async_graphql::{Context, Object, SimpleObject};

use super::graphql::SubscriptionContract;
use super::input::{
    CancelSubscriptionInput, ChangeTierInput, CreateSubscriptionInput, EnsureSubscriptionInput,
    ExtendSubscriptionInput, OverrideTierInput, PauseSubscriptionInput, StartTrialInput, SubscriptionActionInput,
    UpdateSubscriptionInput, overrides, parse_owner,
};
use super::lifecycle::{Action, Step};
use super::{LostTime, Save, Update};
use crate::clock::Timestamp;
use crate::entity::{SuspensionCause, TierId, subscription};
use crate::error::{Code, Error, Refusal, Result};
use crate::graphql::command::command;
use crate::graphql::context::ContextExt;
use crate::graphql::error::{UserError, payload};
use crate::graphql::input::{Check, MAX_DAYS, check_key, parse_id, parse_optional_id};
use crate::graphql::update::list_given;
use crate::read::payload::Shown;

/// The answer of a mutation on a subscription.
#[derive(SimpleObject)]
pub struct SubscriptionPayload {
    /// What came of it; null if the mutation was refused.
    subscription: Option<Shown<SubscriptionContract>>,
    /// Paid time that a change of cycle at once gave up, because a new period began. Null if none, and where a command
    /// is repeated under its idempotency key.
    lost_paid_time: Option<LostPaidTime>,
    /// Why the mutation was refused; empty if it was carried out.
    user_errors: Vec<UserError>,
}

/// Paid time that was given up.
#[derive(SimpleObject)]
pub struct LostPaidTime {
    /// From when on.
    pub since: Timestamp,
    /// Until when it was paid for.
    pub until: Timestamp,
}

impl SubscriptionPayload {
    /// As other payloads are made.
    fn new(outcome: Result<subscription::Model>) -> Result<Option<Self>> {
        Self::with_loss(outcome.map(|row| (row, None)))
    }

    fn with_loss(outcome: Result<(subscription::Model, Option<LostTime>)>) -> Result<Option<Self>> {
        let (subscription, lost, refusals) = match outcome {
            Ok((row, lost)) => (Some(Shown(row.into())), lost, Vec::new()),
            Err(Error::Refused(refusals)) => (None, None, refusals),
            Err(fault) => return Err(fault),
        };
        let lost_paid_time = lost.map(|LostTime { from, until }| LostPaidTime { since: from, until });
        Ok(Some(Self { subscription, lost_paid_time, user_errors: refusals.into_iter().map(Into::into).collect() }))
    }
}

/// Mutations of subscriptions.
#[derive(Default)]
pub struct SubscriptionMutation;

/// Runs one step that needs nothing but its input.
async fn step(
    ctx: &Context<'_>,
    operation: &'static str,
    input: SubscriptionActionInput,
    step: Step,
) -> Result<Option<SubscriptionPayload>> {
    let writer = super::writer(ctx.scope(), step.action())?;
    let command = command(ctx, operation, &input.idempotency_key);
    SubscriptionPayload::new(
        async { super::step(&writer, ctx.settings(), &command, &input.target()?, &step).await }.await,
    )
}

#[Object]
impl SubscriptionMutation {
    /// Makes sure that an owner has a subscription: returns the current one, or starts the default trial (one month of
    /// the tier `starter`, ten users) for an owner that never had one. Safe to call on every visit. Needs
    /// `subscriptions.manage`. Emits `subscription.create` when it makes one.
    async fn ensure_subscription(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: EnsureSubscriptionInput,
    ) -> Result<Option<SubscriptionPayload>> {
        let writer = super::writer(ctx.scope(), Action::Update)?;
        let command = command(ctx, "ensureSubscription", &input.idempotency_key);
        SubscriptionPayload::new(
            async {
                let mut check = Check::new();
                check_key(&mut check, input.idempotency_key.as_deref());
                check.finish()?;
                let owner = parse_owner(input.organization_id.as_ref(), input.customer_id.as_ref())?;
                super::ensure(&writer, &command, ctx.settings(), owner).await
            }
            .await,
        )
    }

    /// Subscribes an owner that has no live subscription. Needs `subscriptions.manage`. Emits `subscription.create`.
    async fn create_subscription(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: CreateSubscriptionInput,
    ) -> Result<Option<SubscriptionPayload>> {
        let writer = super::writer(ctx.scope(), Action::Update)?;
        let command = command(ctx, "createSubscription", &input.idempotency_key);
        SubscriptionPayload::new(
            async {
                let mut check = Check::new();
                check_key(&mut check, input.idempotency_key.as_deref());
                check.finish()?;
                let owner = parse_owner(input.organization_id.as_ref(), input.customer_id.as_ref())?;
                let order = input.terms.order("input.terms")?;
                super::create(&writer, &command, ctx.settings(), owner, &order).await
            }
            .await,
        )
    }

    /// One save of a form: status, tier and cycle, dates, limits and references, in this order, all of it or nothing. Each
    /// part obeys the rules of its own mutation and leaves an entry of its own in the trail. Owner, currency, amount and
    /// tenant never change by themselves. Needs `subscriptions.manage`, and what the parts need. Emits `subscription.update`
    /// and what the parts emit.
    async fn update_subscription(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: UpdateSubscriptionInput,
    ) -> Result<Option<SubscriptionPayload>> {
        let writer = super::writer(ctx.scope(), Action::Update)?;
        let command = command(ctx, "updateSubscription", &input.idempotency_key);
        SubscriptionPayload::new(
            async {
                let target = input.target()?;
                let mut check = Check::new();
                let feature_overrides = list_given(input.feature_overrides)
                    .map(|list| overrides(&mut check, "input.featureOverrides", Some(list)));
                let tier_id = input.tier_id.given();
                let tier_id = check.optional_id::<TierId>("input.tierId", tier_id.as_ref());
                check.finish()?;
                let update = Update {
                    current_period_start: input.current_period_start.given(),
                    current_period_end: input.current_period_end.given(),
                    trial_ends_at: input.trial_ends_at.given(),
                    expires_at: input.expires_at,
                    user_limit: input.user_limit,
                    feature_overrides,
                    external_id: input.external_id,
                    metadata: input.metadata,
                    private_metadata: input.private_metadata,
                };
                let save = Save {
                    status: input.status.given(),
                    tier_id,
                    billing_cycle: input.billing_cycle.given(),
                    timing: input.timing.given(),
                    update,
                };
                super::save(&writer, ctx.settings(), &command, &target, &save).await
            }
            .await,
        )
    }

    /// Moves a subscription to another tier or cycle; it keeps its id. A shorter cycle or a lower rank waits for the end
    /// of what is paid for, anything else happens now; with the timing NOW, `lostPaidTime` tells what that gives up. Needs
    /// `subscriptions.manage`. Emits `subscription.change_tier` or `subscription.schedule_tier_change`.
    async fn change_tier(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: ChangeTierInput,
    ) -> Result<Option<SubscriptionPayload>> {
        let writer = super::writer(ctx.scope(), Action::ChangeTier)?;
        let command = command(ctx, "changeTier", &input.idempotency_key);
        SubscriptionPayload::with_loss(
            async {
                let target = input.target()?;
                let tier_id = parse_optional_id::<TierId>("input.tierId", input.tier_id.as_ref())?;
                super::change_tier(
                    &writer,
                    ctx.settings(),
                    &command,
                    &target,
                    tier_id,
                    input.billing_cycle,
                    input.timing,
                )
                .await
            }
            .await,
        )
    }

    /// Starts paid time now: converts a trial (needs `subscriptions.manage`), or accepts a pending subscription without
    /// its payment (needs `subscriptions.override` as well). Emits `subscription.activate`.
    async fn activate_subscription(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: SubscriptionActionInput,
    ) -> Result<Option<SubscriptionPayload>> {
        step(ctx, "activateSubscription", input, Step::Activate).await
    }

    /// Starts the trial of a pending subscription that had none. Needs `subscriptions.manage`. Emits
    /// `subscription.start_trial`.
    async fn start_trial(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: StartTrialInput,
    ) -> Result<Option<SubscriptionPayload>> {
        let writer = super::writer(ctx.scope(), Action::StartTrial)?;
        let command = command(ctx, "startTrial", &input.idempotency_key);
        SubscriptionPayload::new(
            async {
                let target = input.target()?;
                let mut check = Check::new();
                let days = input.days.map(|days| check.range("input.days", days.into(), 1..=MAX_DAYS));
                check.finish()?;
                super::start_trial(&writer, ctx.settings(), &command, &target, days, input.ends_at).await
            }
            .await,
        )
    }

    /// Moves the end of the period or trial, or of the wait for a payment. What only waits for its start, and what is
    /// over, has no end to move. Needs `subscriptions.manage`. Emits `subscription.extend`.
    async fn extend_subscription(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: ExtendSubscriptionInput,
    ) -> Result<Option<SubscriptionPayload>> {
        let writer = super::writer(ctx.scope(), Action::Extend)?;
        let command = command(ctx, "extendSubscription", &input.idempotency_key);
        SubscriptionPayload::new(
            async {
                let target = input.target()?;
                let mut check = Check::new();
                let days = check.range("input.days", input.days.into(), 1..=MAX_DAYS);
                check.finish()?;
                super::step(&writer, ctx.settings(), &command, &target, &Step::Extend { days }).await
            }
            .await,
        )
    }

    /// Renews a subscription for one more period, which was paid elsewhere: up to the anchor's next boundary. What is past
    /// due, or suspended for that, is paid by it, and what is lapsed begins a period now. Needs `subscriptions.manage`; an
    /// organization's own that is managed from above needs `subscriptions.override`. Emits `subscription.renew`.
    async fn renew_subscription(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: SubscriptionActionInput,
    ) -> Result<Option<SubscriptionPayload>> {
        step(ctx, "renewSubscription", input, Step::Renew).await
    }

    /// Records that a payment is owed, for what is billed elsewhere: access continues for the days of grace. Needs
    /// `subscriptions.manage`; an organization's own that is managed from above needs `subscriptions.override`. Emits
    /// `subscription.mark_past_due`.
    async fn mark_past_due(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: SubscriptionActionInput,
    ) -> Result<Option<SubscriptionPayload>> {
        step(ctx, "markPastDue", input, Step::MarkPastDue).await
    }

    /// Records that what was owed is paid, elsewhere: it is ACTIVE again. A suspension for it is lifted; a period that is
    /// over is followed by one from now on. Needs `subscriptions.manage`; an organization's own that is managed from above
    /// needs `subscriptions.override`. Emits `subscription.mark_paid`.
    async fn mark_paid(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: SubscriptionActionInput,
    ) -> Result<Option<SubscriptionPayload>> {
        step(ctx, "markPaid", input, Step::MarkPaid).await
    }

    /// Shuts a subscription off: read only until it is resumed. Needs `subscriptions.manage`. Emits
    /// `subscription.suspend`.
    async fn suspend_subscription(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: SubscriptionActionInput,
    ) -> Result<Option<SubscriptionPayload>> {
        step(ctx, "suspendSubscription", input, Step::Suspend(SuspensionCause::Operator)).await
    }

    /// Lifts a suspension or a pause. The time that was left when it was paused is still left; after `resumesAt`, it was
    /// resumed then. Needs `subscriptions.manage`. Emits `subscription.resume`.
    async fn resume_subscription(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: SubscriptionActionInput,
    ) -> Result<Option<SubscriptionPayload>> {
        step(ctx, "resumeSubscription", input, Step::Resume).await
    }

    /// Pauses a subscription at its owner's wish: no access, and the paid time stands still. Needs
    /// `subscriptions.manage`. Emits `subscription.pause`.
    async fn pause_subscription(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: PauseSubscriptionInput,
    ) -> Result<Option<SubscriptionPayload>> {
        let writer = super::writer(ctx.scope(), Action::Pause)?;
        let command = command(ctx, "pauseSubscription", &input.idempotency_key);
        SubscriptionPayload::new(
            async {
                let target = input.target()?;
                super::pause(&writer, ctx.settings(), &command, &target, input.resumes_at).await
            }
            .await,
        )
    }

    /// Cancels a subscription: now, at the end of the period (the default), or at a date before that. An override can be
    /// canceled at any date that it covers. A change of tier that would come later is dropped. Needs
    /// `subscriptions.manage`, or `subscriptions.self_service` if a gateway bills it. Emits `subscription.cancel` or
    /// `subscription.schedule_cancel`.
    async fn cancel_subscription(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: CancelSubscriptionInput,
    ) -> Result<Option<SubscriptionPayload>> {
        let writer = super::writer(ctx.scope(), Action::Cancel)?;
        let command = command(ctx, "cancelSubscription", &input.idempotency_key);
        SubscriptionPayload::new(
            async {
                let (target, when) = (input.target()?, input.when()?);
                super::cancel(&writer, ctx.settings(), &command, &target, when).await
            }
            .await,
        )
    }

    /// Takes back a cancellation that has not taken effect. Needs `subscriptions.manage`, or
    /// `subscriptions.self_service` if a gateway bills it. Emits `subscription.undo_cancel`.
    async fn undo_cancel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: SubscriptionActionInput,
    ) -> Result<Option<SubscriptionPayload>> {
        step(ctx, "undoCancel", input, Step::UndoCancel).await
    }

    /// Brings an ended subscription back: ACTIVE, with what is left of its period or else a new one; an override that it
    /// had is not brought back. Needs
    /// `subscriptions.manage`, or `subscriptions.self_service` if a gateway bills it. Emits `subscription.reactivate`.
    async fn reactivate_subscription(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: SubscriptionActionInput,
    ) -> Result<Option<SubscriptionPayload>> {
        let writer = super::writer(ctx.scope(), Action::Reactivate)?;
        let command = command(ctx, "reactivateSubscription", &input.idempotency_key);
        SubscriptionPayload::new(
            async { super::reactivate(&writer, ctx.settings(), &command, &input.target()?).await }.await,
        )
    }

    /// Ends a subscription now, without a cancellation. Needs `subscriptions.manage`. Emits `subscription.expire`.
    async fn expire_subscription(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: SubscriptionActionInput,
    ) -> Result<Option<SubscriptionPayload>> {
        step(ctx, "expireSubscription", input, Step::Expire).await
    }

    /// Gives a tier without payment, with a reason, until it is ended or runs out. It gives access at once, whatever it
    /// lies on; its end returns there: to paid time, a trial, a wait, a pause, a suspension or the end it had. Needs
    /// `subscriptions.override`. Emits `subscription.override_tier`.
    async fn override_tier(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: OverrideTierInput,
    ) -> Result<Option<SubscriptionPayload>> {
        let writer = super::writer(ctx.scope(), Action::OverrideTier)?;
        let command = command(ctx, "overrideTier", &input.idempotency_key);
        SubscriptionPayload::new(
            async {
                let target = input.target()?;
                let tier_id = parse_id::<TierId>("input.tierId", &input.tier_id)?;
                if target.reason.is_none() {
                    let message = "An override needs a reason.";
                    return Err(Refusal::new(Code::Required, message).at("input.reason").into());
                }
                super::override_tier(&writer, ctx.settings(), &command, &target, tier_id, input.ends_at).await
            }
            .await,
        )
    }

    /// Returns to the tier, price and state from before the override, as time has left them. Needs
    /// `subscriptions.override`. Emits `subscription.end_override`.
    async fn end_override(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: SubscriptionActionInput,
    ) -> Result<Option<SubscriptionPayload>> {
        step(ctx, "endOverride", input, Step::EndOverride).await
    }

    /// Removes a subscription that was made by mistake: it becomes invisible, and its owner can subscribe anew. Needs
    /// `subscriptions.manage`. Emits `subscription.delete`.
    async fn delete_subscription(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: SubscriptionActionInput,
    ) -> Result<Option<DeleteSubscriptionPayload>> {
        let writer = super::writer(ctx.scope(), Action::Delete)?;
        let command = command(ctx, "deleteSubscription", &input.idempotency_key);
        DeleteSubscriptionPayload::new(async { super::delete(&writer, &command, &input.target()?).await }.await)
    }
}

payload! {
    /// The answer of `deleteSubscription`.
    DeleteSubscriptionPayload, deleted_id: crate::graphql::scalar::DeletedId
}
