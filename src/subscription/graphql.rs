//! The type `SubscriptionContract`: a subscription. GraphQL has `Subscription` for its own use, as the name of a root.

use std::sync::Arc;

use async_graphql::Context;
use declare::object;
use sea_orm::Iterable;

use super::actions::{self, Available};
use super::parts::{
    AvailableAction, EffectiveStatus, FeatureOverride, ScheduledChange, SubscriptionAddOn, SubscriptionOwner,
    TierOverride, add_ons, feature_overrides, told_why,
};
use super::recorded::RECORDED;
use super::relation;
use super::surroundings::{self, Around, Surroundings};
use super::upcoming::{UpcomingChange, upcoming_changes};
use crate::auth::Permission;
use crate::clock::Timestamp;
use crate::customer::graphql as customer;
use crate::entitlement::graphql::{self as entitlement, GrantedFeature};
use crate::entity::{
    BillingCycle, Gateway, ManagementMode, PaymentStatus, PeriodEndPolicy, StoredJson, SubscriptionId,
    SubscriptionStatus, SuspensionCause, TierId, TrialEndPolicy, payment, subscription,
};
use crate::error::Result;
use crate::gateway_account::graphql::{self as gateway_account, GatewayAccount};
use crate::graphql::context::{ContextExt, RequestContext};
use crate::graphql::scalar::{Money, money};
use crate::organization::graphql::{self as organization, Organization};
use crate::payment::graphql::{self as payments, PaymentConnection};
use crate::read::facts::{Facts, Needs, names, private};
use crate::read::json::ToJson;
use crate::read::shape::{Field, computed};
use crate::tier::graphql::{self as tier, Tier};

/// What an owner (an organization or one of its customers) is entitled to.
///
/// Reading it is implied by reading its owner; changing it needs `subscriptions.manage`.
#[object(noun = subscription)]
pub struct SubscriptionContract {
    /// Globally unique.
    id: SubscriptionId,
    /// Where it stands in its lifecycle, as recorded. What it is worth at this moment is `effectiveStatus`.
    status: SubscriptionStatus,
    /// Who decides about it.
    mode: ManagementMode,
    /// The tier's id.
    tier_id: TierId,
    /// How often it is charged.
    billing_cycle: BillingCycle,
    /// When it starts or started.
    starts_at: Timestamp,
    /// Start of the trial, if there was one; in the future, if it waits for its start.
    trial_started_at: Option<Timestamp>,
    /// End of the trial.
    trial_ends_at: Option<Timestamp>,
    /// Start of the period that is paid for.
    current_period_start: Option<Timestamp>,
    /// End of the period that is paid for.
    current_period_end: Option<Timestamp>,
    /// IANA name of the time zone that its periods are counted in: the organization's when it was made.
    time_zone: String,
    /// Day of the month, in this time zone, that periods start on; shorter months end earlier without losing it.
    anchor_day: i32,
    /// What happens when the period ends and nothing renews it, as agreed on when the period began.
    period_end_policy: PeriodEndPolicy,
    /// What happens when the trial ends and nothing converts it, as agreed on when the trial began.
    trial_end_policy: TrialEndPolicy,
    /// The tier that these policies may lead to.
    fallback_tier_id: Option<TierId>,
    /// How many days access continues while a renewal is unpaid.
    grace_days: i32,
    /// How many days behind that it is canceled, if it is still unpaid.
    unpaid_days: i32,
    /// Hard end set by an administrator, whatever is paid.
    expires_at: Option<Timestamp>,
    /// When a cancellation takes or took effect.
    cancel_at: Option<Timestamp>,
    /// When the cancellation was asked for.
    canceled_at: Option<Timestamp>,
    /// When it ended.
    ended_at: Option<Timestamp>,
    /// Since when a renewal is unpaid.
    past_due_since: Option<Timestamp>,
    /// Until when access continues although a renewal is unpaid.
    grace_ends_at: Option<Timestamp>,
    /// Since when it is suspended.
    suspended_at: Option<Timestamp>,
    /// Why it is suspended.
    suspension_cause: Option<SuspensionCause>,
    /// Since when it is paused.
    paused_at: Option<Timestamp>,
    /// When it resumes by itself.
    resumes_at: Option<Timestamp>,
    /// When it expires if nobody pays.
    pending_until: Option<Timestamp>,
    /// How many active members the organization may have; null: what the tier says.
    user_limit: Option<i32>,
    /// Features that differ from the tier's.
    #[computed(feature_overrides, from(FeatureOverrides))]
    feature_overrides: Vec<FeatureOverride>,
    /// What it grants by now, feature by feature: by its tier, and by what was agreed on instead.
    #[resolved(entitlement::features)]
    features: Vec<GrantedFeature>,
    /// Which gateway bills it; null if none does.
    gateway: Option<Gateway>,
    /// Its id at the gateway.
    gateway_subscription_id: Option<String>,
    /// The seller's account at the gateway; null if none bills it, and for callers that cannot see the account.
    #[one(gateway_account::seen, GatewayAccountId)]
    gateway_account: Option<GatewayAccount>,
    /// The integrator's own key.
    external_id: Option<String>,
    /// Free-form JSON object of the integrator; null, with an error, if it is too deep to be read.
    metadata: Option<StoredJson>,
    /// When it was made.
    created_at: Timestamp,
    /// When it was last changed.
    updated_at: Timestamp,
    /// Counts changes, from 1. Pass it as `expectedVersion` to change only what you saw.
    version: i32,
    /// Free-form JSON object of those who manage it, shown to nobody else: null without `subscriptions.manage`, and with an error if it
    /// is too deep to be read.
    #[computed(notes, from(PrivateMetadata))]
    private_metadata: Option<StoredJson>,
    /// Who is entitled.
    #[one_of(customer::seen, CustomerId; organization::seen, TenantId)]
    owner: Option<SubscriptionOwner>,
    /// The organization it belongs to; null for callers that cannot see organizations.
    #[one(organization::seen, TenantId)]
    organization: Option<Organization>,
    /// What is subscribed to.
    #[one(tier::of, TierId)]
    tier: Option<Tier>,
    /// What it has besides its tier.
    #[computed(add_ons, from(AddOns, Currency))]
    add_ons: Vec<SubscriptionAddOn>,
    /// What it costs each cycle, add-ons included: a snapshot that later edits of the catalogue do not change.
    #[computed(money, from(AmountMinor, Currency))]
    price: Money,
    /// What it is worth at this moment.
    #[computed(relation::effective_status, needs = relation::needs_effective_status())]
    effective_status: EffectiveStatus,
    /// What will happen to it by itself, as things stand, in order: up to the first renewal that comes by itself, at most 10.
    #[computed(upcoming_changes, needs = vec![(None, names(&RECORDED))])]
    upcoming_changes: Vec<UpcomingChange>,
    /// A change of tier that waits for its time.
    #[part(ScheduledTierId)]
    scheduled_change: Option<ScheduledChange>,
    /// The administrator's override, while there is one.
    #[part(OverriddenTierId)]
    tier_override: Option<TierOverride>,
    /// Who bought it: the subject of a token, or `ROOT` for the platform's own people. Null for callers with neither
    /// `subscriptions.manage` nor `audit.read`.
    #[computed(told_why, from(Purchaser))]
    purchaser: Option<String>,
    /// How its newest payment stands; null if there is none, and for callers without `payments.read`.
    #[computed(payment_status, needs = needs_newest_payment(payment::Column::Status))]
    payment_status: Option<PaymentStatus>,
    /// Since when; null with `paymentStatus`.
    #[computed(payment_status_at, needs = needs_newest_payment(payment::Column::StatusChangedAt))]
    payment_status_at: Option<Timestamp>,
    /// Who renewed it last: the subject of a token, `ROOT` for the platform's own people, or `scheduler`. Null for callers
    /// with neither `subscriptions.manage` nor `audit.read`.
    #[computed(told_why, from(LastRenewedBy))]
    last_renewed_by: Option<String>,
    /// What the caller may do with it now, and why not where not.
    #[resolved(available_actions, planned = planned_actions())]
    available_actions: Vec<AvailableAction>,
    /// Its payments. Needs `payments.read`.
    #[pages(payments::of_subscription, Id)]
    payments: Option<PaymentConnection>,
}

/// The columns that lists are filtered by say the same; what is shown is read where it is written.
fn needs_newest_payment(column: payment::Column) -> Needs {
    vec![(Some(payments::newest_of(subscription::Column::Id).joined()), names(&[column]))]
}

fn payment_status(facts: &Facts<'_>) -> Result<Option<PaymentStatus>> {
    facts.get(0)
}

fn payment_status_at(facts: &Facts<'_>) -> Result<Option<Timestamp>> {
    facts.get(0)
}

fn notes(facts: &Facts<'_>) -> Result<Option<StoredJson>> {
    private(facts, Permission::SubscriptionsManage)
}

async fn available_actions(ctx: &Context<'_>, row: &Arc<subscription::Model>) -> Result<Vec<AvailableAction>> {
    match ctx.loader().load_one(Around(row.id)).await? {
        Some(around) => actions_of(row, &around, ctx.request()),
        None => Ok(Vec::new()),
    }
}

/// How the read path reads the available actions: the row, and in the same statement what surrounds it.
fn planned_actions() -> Field {
    let row = subscription::Column::iter().collect::<Vec<_>>();
    let needs = std::iter::once((None, names(&row))).chain(surroundings::needs()).collect();
    computed(needs, |facts| {
        let row = facts.cells.model::<subscription::Entity>()?;
        let around = surroundings::found(facts.cells.from(subscription::Column::iter().count()), &row)?;
        Ok(actions_of(&row, &around, facts.request)?.to_json())
    })
}

fn actions_of(
    row: &subscription::Model,
    around: &Surroundings,
    request: &RequestContext,
) -> Result<Vec<AvailableAction>> {
    let one = |Available { action, obstacle, requires }| AvailableAction {
        action,
        allowed: obstacle.is_none(),
        reason: obstacle,
        requires: requires.as_str(),
    };
    let (caller, now) = (request.scope.caller()?, request.scope.now());
    Ok(actions::available(row, caller, around, now)?.into_iter().map(one).collect())
}
