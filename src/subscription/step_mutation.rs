//! The mutations that take one step of the lifecycle. Each checks its input, names its step and leaves the rest to the use
//! case.

use async_graphql::{Context, Object};

use super::input::{
    CancelSubscriptionInput, ExtendSubscriptionInput, OverrideTierInput, PauseSubscriptionInput, StartTrialInput,
    SubscriptionActionInput,
};
use super::lifecycle::{Action, Step};
use super::mutation::SubscriptionPayload;
use crate::entity::{SuspensionCause, TierId};
use crate::error::{Code, Refusal, Result};
use crate::graphql::command::command;
use crate::graphql::context::ContextExt;
use crate::graphql::input::{Check, MAX_DAYS, parse_id};

/// Mutations that take one step of a subscription's lifecycle.
#[derive(Default)]
pub struct SubscriptionStepMutation;

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
impl SubscriptionStepMutation {
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
                super::cancel(&writer, ctx.settings(), &command, &target, when, input.token(ctx.cursors())).await
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
}
