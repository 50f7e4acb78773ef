//! The mutations of subscriptions. Each checks its input, names its step and leaves the rest to the use case.

use async_graphql::{Context, ID, InputObject, Json, MaybeUndefined, Object};
use serde_json::{Map, Value, json};

use super::graphql::Subscription;
use super::lifecycle::{Action, CancelAt, Step};
use super::opening::Terms;
use super::{ChangeTiming, Order, OwnerId, Update};
use crate::clock::Timestamp;
use crate::entity::{BillingCycle, CustomerId, OrganizationId, SubscriptionId, SuspensionCause, TierId};
use crate::error::{Code, Refusal, Result};
use crate::graphql::command::{command, target_input};
use crate::graphql::context::ContextExt;
use crate::graphql::error::payload;
use crate::graphql::input::{Check, MAX_DAYS, check_key, parse_id, parse_optional_id};
use crate::graphql::scalar::{CurrencyCode, SafeInt};

/// The owner of a subscription: exactly one of the two.
fn parse_owner(organization: Option<&ID>, customer: Option<&ID>) -> Result<OwnerId> {
    let organization = parse_optional_id::<OrganizationId>("input.organizationId", organization)?;
    let customer = parse_optional_id::<CustomerId>("input.customerId", customer)?;
    match (organization, customer) {
        (Some(id), None) => Ok(OwnerId::Organization(id)),
        (None, Some(id)) => Ok(OwnerId::Customer(id)),
        (Some(_), Some(_)) => {
            let message = "A subscription has exactly one owner: name an organization or a customer, not both.";
            Err(Refusal::new(Code::Conflict, message).at("input.customerId").into())
        }
        (None, None) => {
            let message = "Name the organization or the customer that is to be subscribed.";
            Err(Refusal::new(Code::Required, message).at("input.customerId").into())
        }
    }
}

/// What is agreed on when a subscription begins.
#[derive(Clone, Debug, InputObject)]
pub struct SubscriptionTermsInput {
    /// The tier; its kind must fit the owner. Without one, the default trial: one month of the tier `starter`.
    tier_id: Option<ID>,
    /// How often it is charged.
    #[graphql(default_with = "BillingCycle::Monthly")]
    billing_cycle: BillingCycle,
    /// The currency of the price; the organization's default if not given.
    currency: Option<CurrencyCode>,
    /// Days of trial instead of the tier's; 0 for none.
    trial_days: Option<i32>,
    /// End of the trial; wins over days.
    trial_ends_at: Option<Timestamp>,
    /// When it starts; now if not given. In the future, it is PENDING until then.
    starts_at: Option<Timestamp>,
    /// End of the first period; one cycle after the start if not given. Without trial arguments, it means no trial.
    current_period_end: Option<Timestamp>,
    /// Hard end, whatever is paid.
    expires_at: Option<Timestamp>,
    /// Whether access waits for the first payment: the subscription begins PENDING.
    #[graphql(default)]
    requires_payment: bool,
    /// How many active members the organization may have, 1–100,000; what the tier says if not given.
    user_limit: Option<i32>,
    /// Features that differ from the tier's.
    #[graphql(validator(max_items = 100))]
    feature_overrides: Option<Vec<FeatureOverrideInput>>,
    /// The integrator's own key, at most 255 characters.
    external_id: Option<String>,
    /// Free-form JSON object, at most 16 KiB.
    metadata: Option<Json<Value>>,
}

/// A feature that differs from the tier's.
#[derive(Clone, Debug, InputObject)]
pub struct FeatureOverrideInput {
    /// Key of the feature, such as `ai.queries`.
    key: String,
    /// On or off.
    #[graphql(default = true)]
    enabled: bool,
    /// The ceiling of a limit or meter; null is unlimited.
    ceiling: Option<SafeInt>,
}

fn overrides(check: &mut Check, path: &str, list: Option<Vec<FeatureOverrideInput>>) -> Value {
    let mut object = Map::new();
    for FeatureOverrideInput { key, enabled, ceiling } in list.unwrap_or_default() {
        let key = check.key(path, &key);
        let ceiling = ceiling.map(|ceiling| check.range(path, ceiling.0, 0..=crate::graphql::scalar::MAX_SAFE_INT));
        if object.insert(key.clone(), json!({ "enabled": enabled, "ceiling": ceiling })).is_some() {
            check.refuse(path, Code::Duplicate, format!("The feature `{key}` is named twice."));
        }
    }
    Value::Object(object)
}

impl SubscriptionTermsInput {
    /// The order that this input stands for. `path` is where it stands.
    pub fn order(self, path: &str) -> Result<Order> {
        let at = |field: &str| format!("{path}.{field}");
        let tier_id = parse_optional_id::<TierId>(&at("tierId"), self.tier_id.as_ref())?;
        let mut check = Check::new();
        let trial_days = self.trial_days.map(|days| check.range(&at("trialDays"), days.into(), 0..=MAX_DAYS));
        if let Some(limit) = self.user_limit {
            check.range(&at("userLimit"), limit.into(), 1..=100_000);
        }
        let terms = Terms {
            trial_days,
            trial_ends_at: self.trial_ends_at,
            starts_at: self.starts_at,
            period_end: self.current_period_end,
            expires_at: self.expires_at,
            requires_payment: self.requires_payment,
            user_limit: self.user_limit,
            feature_overrides: overrides(&mut check, &at("featureOverrides"), self.feature_overrides),
            external_id: check.optional_text(&at("externalId"), self.external_id.as_deref(), 255),
            metadata: check.metadata(&at("metadata"), self.metadata),
        };
        check.finish()?;
        let currency = self.currency.map(|currency| currency.0);
        Ok(Order { tier_id, billing_cycle: self.billing_cycle, currency, terms })
    }
}

/// Subscribes an owner.
#[derive(Clone, Debug, InputObject)]
pub struct CreateSubscriptionInput {
    /// The organization that is to be subscribed.
    organization_id: Option<ID>,
    /// The customer that is to be subscribed.
    customer_id: Option<ID>,
    /// What is agreed on.
    terms: SubscriptionTermsInput,
    /// Makes the command safe to send again: at most 255 characters, new for every command.
    idempotency_key: Option<String>,
}

/// Makes sure that an owner has a subscription.
#[derive(Clone, Debug, InputObject)]
pub struct EnsureSubscriptionInput {
    /// The organization.
    organization_id: Option<ID>,
    /// The customer.
    customer_id: Option<ID>,
    /// Makes the command safe to send again: at most 255 characters, new for every command.
    idempotency_key: Option<String>,
}

target_input! {
    /// Changes what is agreed on: an omitted field is unchanged, null clears it.
    UpdateSubscriptionInput for SubscriptionId {
        /// Start of the current period.
        current_period_start: Option<Timestamp>,
        /// End of the current period.
        current_period_end: Option<Timestamp>,
        /// End of the trial.
        trial_ends_at: Option<Timestamp>,
        /// Hard end, whatever is paid.
        expires_at: MaybeUndefined<Timestamp>,
        /// How many active members the organization may have, 1–100,000; null: what the tier says.
        user_limit: MaybeUndefined<i32>,
        /// Features that differ from the tier's. Replaces all of them.
        #[graphql(validator(max_items = 100))]
        feature_overrides: Option<Vec<FeatureOverrideInput>>,
        /// The integrator's own key, at most 255 characters.
        external_id: MaybeUndefined<String>,
        /// Free-form JSON object, at most 16 KiB. Replaces all of it.
        metadata: Option<Json<Value>>,
    }
}
target_input! {
    /// Names a subscription to act on.
    SubscriptionActionInput for SubscriptionId {}
}
target_input! {
    /// Moves a subscription to another tier or cycle.
    ChangeTierInput for SubscriptionId {
        /// The tier; the present one if not given. Naming the present tier and cycle takes a scheduled change back.
        tier_id: Option<ID>,
        /// The cycle; the present one if not given. Another cycle starts a new period.
        billing_cycle: Option<BillingCycle>,
        /// When; if not given, an upgrade (higher rank) happens now and a downgrade at the end of the period.
        timing: Option<ChangeTiming>,
    }
}
target_input! {
    /// Starts the trial of a pending subscription.
    StartTrialInput for SubscriptionId {
        /// How many days; the tier's if not given.
        days: Option<i32>,
        /// When it ends; wins over days.
        ends_at: Option<Timestamp>,
    }
}
target_input! {
    /// Moves the end of the period, trial or wait.
    ExtendSubscriptionInput for SubscriptionId {
        /// By how many days, 1–730; counted from now where the end has passed.
        days: i32,
    }
}
target_input! {
    /// Pauses a subscription.
    PauseSubscriptionInput for SubscriptionId {
        /// When it resumes by itself; not before someone resumes it if not given.
        resumes_at: Option<Timestamp>,
    }
}
target_input! {
    /// Cancels a subscription.
    CancelSubscriptionInput for SubscriptionId {
        /// When it takes effect.
        #[graphql(default_with = "CancelTiming::PeriodEnd")]
        timing: CancelTiming,
        /// The date, for the timing DATE: in the future, and not behind the end of the period.
        at: Option<Timestamp>,
    }
}
target_input! {
    /// Gives a tier without payment.
    OverrideTierInput for SubscriptionId {
        /// The tier.
        tier_id: ID,
        /// When the override ends by itself; not before someone ends it if not given.
        ends_at: Option<Timestamp>,
    }
}

/// When a cancellation takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
pub enum CancelTiming {
    /// At once.
    Now,
    /// At the end of the period or trial: access is kept until then.
    PeriodEnd,
    /// At a date.
    Date,
}

impl CancelSubscriptionInput {
    fn when(&self) -> Result<CancelAt> {
        match (self.timing, self.at) {
            (CancelTiming::Now, None) => Ok(CancelAt::Now),
            (CancelTiming::PeriodEnd, None) => Ok(CancelAt::PeriodEnd),
            (CancelTiming::Date, Some(at)) => Ok(CancelAt::Date(at)),
            (CancelTiming::Date, None) => {
                Err(Refusal::new(Code::Required, "The timing DATE needs a date.").at("input.at").into())
            }
            (CancelTiming::Now | CancelTiming::PeriodEnd, Some(_)) => {
                let message = "A date goes with the timing DATE only.";
                Err(Refusal::new(Code::Conflict, message).at("input.at").into())
            }
        }
    }
}

payload! {
    /// The answer of a mutation on a subscription.
    SubscriptionPayload, subscription: Subscription
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
) -> Result<SubscriptionPayload> {
    let writer = super::writer(ctx.scope(), step.action())?;
    let command = command(operation, &input.idempotency_key, &input);
    SubscriptionPayload::new(async { super::step(&writer, &command, &input.target()?, &step).await }.await)
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
    ) -> Result<SubscriptionPayload> {
        let writer = super::writer(ctx.scope(), Action::Update)?;
        let command = command("ensureSubscription", &input.idempotency_key, &input);
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
    ) -> Result<SubscriptionPayload> {
        let writer = super::writer(ctx.scope(), Action::Update)?;
        let command = command("createSubscription", &input.idempotency_key, &input);
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

    /// Changes what is agreed on: dates, limits, references. Owner, currency, amount and tenant never change. Needs
    /// `subscriptions.manage`. Emits `subscription.update`.
    async fn update_subscription(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: UpdateSubscriptionInput,
    ) -> Result<SubscriptionPayload> {
        let writer = super::writer(ctx.scope(), Action::Update)?;
        let command = command("updateSubscription", &input.idempotency_key, &input);
        SubscriptionPayload::new(
            async {
                let target = input.target()?;
                let mut check = Check::new();
                let feature_overrides =
                    input.feature_overrides.map(|list| overrides(&mut check, "input.featureOverrides", Some(list)));
                check.finish()?;
                let update = Update {
                    current_period_start: input.current_period_start,
                    current_period_end: input.current_period_end,
                    trial_ends_at: input.trial_ends_at,
                    expires_at: input.expires_at,
                    user_limit: input.user_limit,
                    feature_overrides,
                    external_id: input.external_id,
                    metadata: input.metadata,
                };
                super::update(&writer, &command, &target, &update).await
            }
            .await,
        )
    }

    /// Moves a subscription to another tier or cycle; it keeps its id. Needs `subscriptions.manage`. Emits
    /// `subscription.change_tier` or `subscription.schedule_tier_change`.
    async fn change_tier(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: ChangeTierInput,
    ) -> Result<SubscriptionPayload> {
        let writer = super::writer(ctx.scope(), Action::ChangeTier)?;
        let command = command("changeTier", &input.idempotency_key, &input);
        SubscriptionPayload::new(
            async {
                let target = input.target()?;
                let tier_id = parse_optional_id::<TierId>("input.tierId", input.tier_id.as_ref())?;
                super::change_tier(&writer, &command, &target, tier_id, input.billing_cycle, input.timing).await
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
    ) -> Result<SubscriptionPayload> {
        step(ctx, "activateSubscription", input, Step::Activate).await
    }

    /// Starts the trial of a pending subscription that had none. Needs `subscriptions.manage`. Emits
    /// `subscription.start_trial`.
    async fn start_trial(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: StartTrialInput,
    ) -> Result<SubscriptionPayload> {
        let writer = super::writer(ctx.scope(), Action::StartTrial)?;
        let command = command("startTrial", &input.idempotency_key, &input);
        SubscriptionPayload::new(
            async {
                let target = input.target()?;
                let mut check = Check::new();
                let days = input.days.map(|days| check.range("input.days", days.into(), 1..=MAX_DAYS));
                check.finish()?;
                super::start_trial(&writer, &command, &target, days, input.ends_at).await
            }
            .await,
        )
    }

    /// Moves the end of the period or trial. Needs `subscriptions.manage`. Emits `subscription.extend`.
    async fn extend_subscription(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: ExtendSubscriptionInput,
    ) -> Result<SubscriptionPayload> {
        let writer = super::writer(ctx.scope(), Action::Extend)?;
        let command = command("extendSubscription", &input.idempotency_key, &input);
        SubscriptionPayload::new(
            async {
                let target = input.target()?;
                let mut check = Check::new();
                let days = check.range("input.days", input.days.into(), 1..=MAX_DAYS);
                check.finish()?;
                super::step(&writer, &command, &target, &Step::Extend { days }).await
            }
            .await,
        )
    }

    /// Shuts a subscription off: read only until it is resumed. Needs `subscriptions.manage`. Emits
    /// `subscription.suspend`.
    async fn suspend_subscription(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: SubscriptionActionInput,
    ) -> Result<SubscriptionPayload> {
        step(ctx, "suspendSubscription", input, Step::Suspend(SuspensionCause::Operator)).await
    }

    /// Lifts a suspension or a pause. The time that was left when it was paused is still left. Needs
    /// `subscriptions.manage`. Emits `subscription.resume`.
    async fn resume_subscription(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: SubscriptionActionInput,
    ) -> Result<SubscriptionPayload> {
        step(ctx, "resumeSubscription", input, Step::Resume).await
    }

    /// Pauses a subscription at its owner's wish: no access, and the paid time stands still. Needs
    /// `subscriptions.manage`. Emits `subscription.pause`.
    async fn pause_subscription(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: PauseSubscriptionInput,
    ) -> Result<SubscriptionPayload> {
        let writer = super::writer(ctx.scope(), Action::Pause)?;
        let command = command("pauseSubscription", &input.idempotency_key, &input);
        SubscriptionPayload::new(
            async {
                let target = input.target()?;
                if input.resumes_at.is_some_and(|at| at <= ctx.scope().now()) {
                    let message = "The date must lie in the future.";
                    return Err(Refusal::new(Code::InvalidDate, message).at("input.resumesAt").into());
                }
                super::step(&writer, &command, &target, &Step::Pause(input.resumes_at)).await
            }
            .await,
        )
    }

    /// Cancels a subscription: now, at the end of the period (the default), or at a date before that. Needs
    /// `subscriptions.manage`, or `subscriptions.self_service` if a gateway bills it. Emits `subscription.cancel` or
    /// `subscription.schedule_cancel`.
    async fn cancel_subscription(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: CancelSubscriptionInput,
    ) -> Result<SubscriptionPayload> {
        let writer = super::writer(ctx.scope(), Action::Cancel)?;
        let command = command("cancelSubscription", &input.idempotency_key, &input);
        SubscriptionPayload::new(
            async {
                let (target, when) = (input.target()?, input.when()?);
                super::step(&writer, &command, &target, &Step::Cancel(when)).await
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
    ) -> Result<SubscriptionPayload> {
        step(ctx, "undoCancel", input, Step::UndoCancel).await
    }

    /// Brings an ended subscription back: ACTIVE, with what is left of its period or else a new one. Needs
    /// `subscriptions.manage`, or `subscriptions.self_service` if a gateway bills it. Emits `subscription.reactivate`.
    async fn reactivate_subscription(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: SubscriptionActionInput,
    ) -> Result<SubscriptionPayload> {
        let writer = super::writer(ctx.scope(), Action::Reactivate)?;
        let command = command("reactivateSubscription", &input.idempotency_key, &input);
        SubscriptionPayload::new(async { super::reactivate(&writer, &command, &input.target()?).await }.await)
    }

    /// Ends a subscription now, without a cancellation. Needs `subscriptions.manage`. Emits `subscription.expire`.
    async fn expire_subscription(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: SubscriptionActionInput,
    ) -> Result<SubscriptionPayload> {
        step(ctx, "expireSubscription", input, Step::Expire).await
    }

    /// Gives a tier without payment, with a reason, until it is ended or runs out; an ended subscription comes back.
    /// Needs `subscriptions.override`. Emits `subscription.override_tier`.
    async fn override_tier(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: OverrideTierInput,
    ) -> Result<SubscriptionPayload> {
        let writer = super::writer(ctx.scope(), Action::OverrideTier)?;
        let command = command("overrideTier", &input.idempotency_key, &input);
        SubscriptionPayload::new(
            async {
                let target = input.target()?;
                let tier_id = parse_id::<TierId>("input.tierId", &input.tier_id)?;
                if target.reason.is_none() {
                    let message = "An override needs a reason.";
                    return Err(Refusal::new(Code::Required, message).at("input.reason").into());
                }
                super::override_tier(&writer, &command, &target, tier_id, input.ends_at).await
            }
            .await,
        )
    }

    /// Returns to the tier and price from before the override. Needs `subscriptions.override`. Emits
    /// `subscription.end_override`.
    async fn end_override(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: SubscriptionActionInput,
    ) -> Result<SubscriptionPayload> {
        step(ctx, "endOverride", input, Step::EndOverride).await
    }

    /// Removes a subscription that was made by mistake: it becomes invisible, and its owner can subscribe anew. Needs
    /// `subscriptions.manage`. Emits `subscription.delete`.
    async fn delete_subscription(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: SubscriptionActionInput,
    ) -> Result<DeleteSubscriptionPayload> {
        let writer = super::writer(ctx.scope(), Action::Delete)?;
        let command = command("deleteSubscription", &input.idempotency_key, &input);
        DeleteSubscriptionPayload::new(async { super::delete(&writer, &command, &input.target()?).await }.await)
    }
}

payload! {
    /// The answer of `deleteSubscription`.
    DeleteSubscriptionPayload, deleted_id: crate::graphql::scalar::DeletedId
}
