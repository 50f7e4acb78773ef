//! The inputs of the mutations of subscriptions, and what they stand for.

use async_graphql::{ID, InputObject, MaybeUndefined};
use serde_json::{Map, Value, json};

use super::lifecycle::CancelAt;
use super::opening::Terms;
use super::preview::Token;
use super::{AddOnWish, ChangeTiming, Order, OwnerId, Quantity, Wish};
use crate::add_on::MAX_QUANTITY;
use crate::entity::{
    AddOnId, BillingCycle, CustomerId, OrganizationId, Proration, SubscriptionId, SubscriptionStatus, TierId,
};
use crate::error::{Code, Refusal, Result};
use crate::graphql::command::{Target, target_input};
use crate::graphql::input::{Check, MAX_DAYS, parse_ids, parse_optional_id};
use crate::graphql::json::GivenJson;
use crate::graphql::scalar::{CurrencyCode, MAX_SAFE_INT, SafeInt};
use crate::graphql::update::{Omittable, update_input};
use crate::graphql::when::When;
use crate::store::Cursors;

/// The owner of a subscription: exactly one of the two.
pub fn parse_owner(organization: Option<&ID>, customer: Option<&ID>) -> Result<OwnerId> {
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
    /// Add-ons that go with the tier, at most 20. The price counts them in.
    #[graphql(validator(max_items = 20))]
    add_ons: Option<Vec<AddOnQuantityInput>>,
    /// Days of trial from the start, instead of the tier's, which it gives an owner once; 0 for none.
    trial_days: Option<i32>,
    /// End of the trial; wins over days.
    trial_ends_at: Option<When>,
    /// When it starts; now if not given. In the future, it is PENDING until then, and then has its trial or period. In
    /// the past, it has the period that contains now, counted from the start.
    starts_at: Option<When>,
    /// End of the first period; counted by cycles from the start if not given. It means no trial.
    current_period_end: Option<When>,
    /// Hard end, whatever is paid.
    expires_at: Option<When>,
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
    /// Free-form JSON object: at most 16 KiB, 1,000 keys and 32 levels.
    metadata: Option<GivenJson>,
    /// The same of those who manage the subscription, shown to nobody else.
    private_metadata: Option<GivenJson>,
}

/// How many of an add-on a subscription is to have.
#[derive(Clone, Debug, InputObject)]
pub struct AddOnQuantityInput {
    /// The add-on.
    add_on_id: ID,
    /// How many of it, up to its `maxQuantity`.
    #[graphql(default = 1)]
    quantity: i32,
}

/// The quantities that these inputs stand for, and what is wrong with them. `path` is where they stand.
pub fn quantities(
    check: &mut Check,
    path: &str,
    list: Option<Vec<AddOnQuantityInput>>,
    fewest: i64,
) -> Result<Vec<Quantity>> {
    let mut quantities: Vec<Quantity> = Vec::new();
    for (index, AddOnQuantityInput { add_on_id: id, quantity }) in list.unwrap_or_default().into_iter().enumerate() {
        let at = |field: &str| format!("{path}.{index}.{field}");
        check.range(&at("quantity"), quantity.into(), fewest..=MAX_QUANTITY);
        let Some(id) = check.optional_id::<AddOnId>(&at("addOnId"), Some(&id)) else { continue };
        if quantities.iter().any(|one| one.id == id) {
            check.refuse(&at("addOnId"), Code::Duplicate, "The add-on is named twice.");
        }
        quantities.push(Quantity { id, quantity });
    }
    Ok(quantities)
}

/// A feature that differs from the tier's.
#[derive(Clone, Debug, InputObject)]
pub struct FeatureOverrideInput {
    /// Key of the feature, such as `ai.queries`.
    key: String,
    /// On or off.
    #[graphql(default = true)]
    enabled: bool,
    /// The ceiling of a limit or meter; null is unlimited. Left out, it stays the tier's.
    ceiling: MaybeUndefined<SafeInt>,
}

/// The overrides as they are stored, and what is wrong with them. `path` is where they stand.
pub fn overrides(check: &mut Check, path: &str, list: Option<Vec<FeatureOverrideInput>>) -> Value {
    let mut object = Map::new();
    for (index, FeatureOverrideInput { key, enabled, ceiling }) in list.unwrap_or_default().into_iter().enumerate() {
        let path = &format!("{path}.{index}");
        let key = check.key(path, &key);
        let mut instead = json!({ "enabled": enabled });
        match ceiling {
            MaybeUndefined::Undefined => {}
            MaybeUndefined::Null => instead["ceiling"] = Value::Null,
            MaybeUndefined::Value(SafeInt(ceiling)) => {
                instead["ceiling"] = check.range(path, ceiling, 0..=MAX_SAFE_INT).into();
            }
        }
        if object.insert(key.clone(), instead).is_some() {
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
        let add_ons = quantities(&mut check, &at("addOns"), self.add_ons, 1)?;
        if let Some(first) = add_ons.first().filter(|_| tier_id.is_none()) {
            let message = format!("The default trial has no add-ons: name a tier for {}.", first.id);
            check.refuse(&at("addOns"), Code::Conflict, message);
        }
        let terms = Terms {
            trial_days,
            trial_ends_at: self.trial_ends_at,
            starts_at: self.starts_at,
            period_end: self.current_period_end,
            expires_at: self.expires_at,
            requires_payment: self.requires_payment,
            user_limit: self.user_limit,
            trial_limits_users: false,
            feature_overrides: overrides(&mut check, &at("featureOverrides"), self.feature_overrides),
            external_id: check.optional_text(&at("externalId"), self.external_id.as_deref(), 255),
            metadata: check.metadata(&at("metadata"), self.metadata),
            private_metadata: check.private_metadata(&at("privateMetadata"), self.private_metadata),
        };
        check.finish()?;
        let currency = self.currency.map(|currency| currency.0);
        Ok(Order { tier_id, billing_cycle: self.billing_cycle, currency, add_ons, terms })
    }
}

/// Subscribes an owner.
#[derive(Clone, Debug, InputObject)]
pub struct CreateSubscriptionInput {
    /// The organization that is to be subscribed.
    pub organization_id: Option<ID>,
    /// The customer that is to be subscribed.
    pub customer_id: Option<ID>,
    /// What is agreed on.
    pub terms: SubscriptionTermsInput,
    /// Makes the command safe to send again: at most 255 characters, new for every command.
    pub idempotency_key: Option<String>,
}

/// Makes sure that an owner has a subscription.
#[derive(Clone, Debug, InputObject)]
pub struct EnsureSubscriptionInput {
    /// The organization.
    pub organization_id: Option<ID>,
    /// The customer.
    pub customer_id: Option<ID>,
    /// Makes the command safe to send again: at most 255 characters, new for every command.
    pub idempotency_key: Option<String>,
}

update_input! {
    /// Changes what is agreed on: an omitted field is unchanged, null clears it where it can be empty. Dates of what a
    /// gateway bills are not moved by hand.
    UpdateSubscriptionInput for SubscriptionId {
        /// The status that it is to have, by the one action that leads there: what `activateSubscription`, `startTrial`,
        /// `markPastDue`, `markPaid`, `suspendSubscription`, `pauseSubscription`, `resumeSubscription`, `cancelSubscription`
        /// (now), `reactivateSubscription` or `expireSubscription` would do. Before the rest.
        status: Omittable<SubscriptionStatus>,
        /// The tier, as `changeTier` would change it: behind the status, before the rest.
        tier_id: Omittable<ID>,
        /// The cycle, as `changeTier` would change it.
        billing_cycle: Omittable<BillingCycle>,
        /// When tier and cycle change; if not given, as `changeTier` decides.
        timing: Omittable<ChangeTiming>,
        /// Start of the current period. Later periods start on its day of the month.
        current_period_start: Omittable<When>,
        /// End of the current period.
        current_period_end: Omittable<When>,
        /// End of the trial.
        trial_ends_at: Omittable<When>,
        /// Hard end, whatever is paid.
        expires_at: MaybeUndefined<When>,
        /// How many active members the organization may have, 1–100,000; null: what the tier says.
        user_limit: MaybeUndefined<i32>,
        /// Features that differ from the tier's. Replaces all of them.
        #[graphql(validator(max_items = 100))]
        feature_overrides: MaybeUndefined<Vec<FeatureOverrideInput>>,
        /// The integrator's own key, at most 255 characters.
        external_id: MaybeUndefined<String>,
        /// Free-form JSON object: at most 16 KiB, 1,000 keys and 32 levels. Replaces all of it.
        metadata: MaybeUndefined<GivenJson>,
        /// The same of those who manage the subscription, shown to nobody else.
        private_metadata: MaybeUndefined<GivenJson>,
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
        /// The cycle; the present one if not given. Another cycle starts a new period, at resumption where it is paused
        /// or suspended.
        billing_cycle: Option<BillingCycle>,
        /// When; if not given, a shorter cycle or a tier of lower rank waits for the end of what is paid for, and
        /// anything else happens now.
        timing: Option<ChangeTiming>,
        /// The add-ons that do not go along, at most 20. The others do, with their quantity: at the price that they have,
        /// and in another cycle at the catalogue's.
        #[graphql(validator(max_items = 20))]
        drop_add_ons: Option<Vec<ID>>,
        /// How it is charged, if it happens in the middle of a period; as the new tier says if not given.
        proration: Option<Proration>,
        /// The `previewToken` of what it must come to.
        preview_token: Option<String>,
    }
}
target_input! {
    /// Gives a subscription more or fewer add-ons.
    ChangeAddOnsInput for SubscriptionId {
        /// How many of which, at most 20; 0 removes one. What is not named stays.
        #[graphql(validator(max_items = 20))]
        add_ons: Vec<AddOnQuantityInput>,
        /// When; if not given, more is added now, and less waits for the end of what is paid for.
        timing: Option<ChangeTiming>,
        /// How it is charged, if it happens in the middle of a period: PRORATE or NONE; as the tier says if not given.
        proration: Option<Proration>,
        /// The `previewToken` of what it must come to.
        preview_token: Option<String>,
    }
}
target_input! {
    /// Starts the trial of a pending subscription.
    StartTrialInput for SubscriptionId {
        /// How many days; the tier's if not given.
        days: Option<i32>,
        /// When it ends; wins over days.
        ends_at: Option<When>,
    }
}
target_input! {
    /// Moves the end of the period, trial or wait.
    ExtendSubscriptionInput for SubscriptionId {
        /// By how many days, 1–730.
        days: i32,
    }
}
target_input! {
    /// Pauses a subscription.
    PauseSubscriptionInput for SubscriptionId {
        /// When it resumes by itself; not before someone resumes it if not given.
        resumes_at: Option<When>,
    }
}
target_input! {
    /// Cancels a subscription.
    CancelSubscriptionInput for SubscriptionId {
        /// When it takes effect.
        #[graphql(default_with = "CancelTiming::PeriodEnd")]
        timing: CancelTiming,
        /// The date, for the timing DATE: in the future, and not behind the end of the period, trial or override.
        at: Option<When>,
        /// The `previewToken` of what it must come to.
        preview_token: Option<String>,
    }
}
/// Gives a tier without payment.
#[derive(Clone, Debug, InputObject)]
pub struct OverrideTierInput {
    /// Which one.
    pub id: ID,
    /// The tier.
    pub tier_id: ID,
    /// When the override ends by itself; not before someone ends it if not given.
    pub ends_at: Option<When>,
    /// Why, for the audit trail: at most 500 characters.
    pub reason: String,
    /// Change it only if it still has this version.
    pub expected_version: Option<i32>,
    /// Makes the command safe to send again: at most 255 characters, new for every command.
    pub idempotency_key: Option<String>,
}

impl OverrideTierInput {
    /// What the input names, or what is wrong with it.
    pub fn target(&self) -> Result<Target<SubscriptionId>> {
        Target::parse(&self.id, self.expected_version, Some(&self.reason), self.idempotency_key.as_deref())
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

fn token<'a>(text: Option<&'a String>, seal: &'a Cursors) -> Option<Token<'a>> {
    text.map(|text| Token { text, seal })
}

impl ChangeTierInput {
    /// The add-ons that do not go along.
    pub fn dropped(&self) -> Result<Vec<AddOnId>> {
        parse_ids("input.dropAddOns", self.drop_add_ons.as_deref().unwrap_or_default())
    }

    /// What the subscription is to move to.
    pub fn wish<'a>(&'a self, dropped: &'a [AddOnId], seal: &'a Cursors) -> Result<Wish<'a>> {
        let tier_id = parse_optional_id::<TierId>("input.tierId", self.tier_id.as_ref())?;
        let (cycle, timing, proration) = (self.billing_cycle, self.timing, self.proration);
        Ok(Wish { tier_id, cycle, timing, proration, dropped, token: token(self.preview_token.as_ref(), seal) })
    }
}

impl ChangeAddOnsInput {
    /// How many of which.
    pub fn wanted(&self) -> Result<Vec<Quantity>> {
        let mut check = Check::new();
        if self.add_ons.is_empty() {
            check.refuse("input.addOns", Code::Required, "Name the add-ons to change.");
        }
        let wanted = quantities(&mut check, "input.addOns", Some(self.add_ons.clone()), 0)?;
        check.finish()?;
        Ok(wanted)
    }

    /// What the subscription is to have.
    pub fn wish<'a>(&'a self, wanted: &'a [Quantity], seal: &'a Cursors) -> AddOnWish<'a> {
        let (timing, proration) = (self.timing, self.proration);
        AddOnWish { wanted, timing, proration, token: token(self.preview_token.as_ref(), seal) }
    }
}

impl CancelSubscriptionInput {
    /// The preview that it must come to.
    pub fn token<'a>(&'a self, seal: &'a Cursors) -> Option<Token<'a>> {
        token(self.preview_token.as_ref(), seal)
    }

    /// When the cancellation takes effect, or what contradicts itself.
    pub fn when(&self) -> Result<CancelAt<When>> {
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
