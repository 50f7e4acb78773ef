//! The mutations that make, save and remove subscriptions. Those that take one step are in `step_mutation.rs`. Each checks
//! its input and leaves the rest to the use case.

use async_graphql::{Context, Object, SimpleObject};

use super::graphql::SubscriptionContract;
use super::input::{
    ChangeAddOnsInput, ChangeTierInput, CreateSubscriptionInput, EnsureSubscriptionInput, SubscriptionActionInput,
    UpdateSubscriptionInput, overrides, parse_owner,
};
use super::lifecycle::Action;
use super::{LostTime, Save, Update};
use crate::clock::Timestamp;
use crate::entity::{TierId, subscription};
use crate::error::{Error, Result};
use crate::graphql::command::command;
use crate::graphql::context::ContextExt;
use crate::graphql::error::{UserError, payload};
use crate::graphql::input::{Check, check_key};
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
    pub(super) fn new(outcome: Result<subscription::Model>) -> Result<Option<Self>> {
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
                let dropped = input.dropped()?;
                let wish = input.wish(&dropped, ctx.cursors())?;
                super::change_tier(&writer, ctx.settings(), &command, &target, wish).await
            }
            .await,
        )
    }

    /// Gives a subscription more or fewer add-ons: more now, fewer at the end of what is paid for, unless a timing is given.
    /// Naming the present quantity takes back what waits. Needs `subscriptions.manage`. Emits `subscription.change_add_ons`
    /// or `subscription.schedule_add_on_change`.
    async fn change_add_ons(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The subscription and its add-ons.")] input: ChangeAddOnsInput,
    ) -> Result<Option<SubscriptionPayload>> {
        let writer = super::writer(ctx.scope(), Action::ChangeAddOns)?;
        let command = command(ctx, "changeAddOns", &input.idempotency_key);
        SubscriptionPayload::new(
            async {
                let target = input.target()?;
                let wanted = input.wanted()?;
                let wish = input.wish(&wanted, ctx.cursors());
                super::change_add_ons(&writer, ctx.settings(), &command, &target, wish).await
            }
            .await,
        )
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
