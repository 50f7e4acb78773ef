//! How subscriptions are read in bulk.

use async_graphql::ID;
use sea_orm::{ColumnTrait, Condition, IdenStatic, Iterable as _};
use serde_json::Value;

use super::actions::{self, Available};
use super::loader::current_first;
use super::parts::is_told_why;
use super::status::{self, Effective};
use super::surroundings;
use crate::auth::Permission;
use crate::clock::Timestamp;
use crate::entity::subscription::Column::{
    AmountMinor, AnchorDay, BillingCycle, CancelAt, CanceledAt, CreatedAt, Currency, CurrentPeriodEnd,
    CurrentPeriodStart, CustomerId, EndedAt, ExpiresAt, ExternalId, FeatureOverrides, Gateway, GatewaySubscriptionId,
    GraceEndsAt, Id, LastRenewedBy, Metadata, Mode, OverriddenState, OverriddenTierId, OverrideEndsAt, OverrideReason,
    PastDueSince, PausedAt, PendingUntil, PrivateMetadata, ResumesAt, ScheduledAmountMinor, ScheduledAt,
    ScheduledBillingCycle, ScheduledTierId, StartsAt, Status, SuspendedAt, SuspendedFrom, SuspensionCause, TenantId,
    TierId, TrialEndsAt, TrialStartedAt, UpdatedAt, UserLimit, Version,
};
use crate::entity::{self, StoredJson, SubscriptionId, TypedId, customer, organization, payment, subscription};
use crate::error::Result;
use crate::graphql::context::RequestContext;
use crate::graphql::scalar::money;
use crate::read::arguments::Arguments;
use crate::read::json::Json;
use crate::read::shape::{
    Cells, Computed, Either, Facts, Field, Object, One, Page, Readable, column, computed, object, one, pages, private,
};
use crate::read::start::{Found, Root};
use crate::read::{Planned, Unplanned};
use crate::{customer as customers, organization as organizations, tier as tiers};

impl Readable for subscription::Entity {
    const OBJECT: &'static str = "Subscription";
    const KEY: subscription::Column = Id;

    fn field(name: &str) -> Option<Field> {
        match name {
            "id" => column::<SubscriptionId>(Id),
            "status" => column::<String>(Status),
            "mode" => column::<String>(Mode),
            "tierId" => column::<entity::TierId>(TierId),
            "billingCycle" => column::<String>(BillingCycle),
            "startsAt" => column::<Timestamp>(StartsAt),
            "trialStartedAt" => column::<Option<Timestamp>>(TrialStartedAt),
            "trialEndsAt" => column::<Option<Timestamp>>(TrialEndsAt),
            "currentPeriodStart" => column::<Option<Timestamp>>(CurrentPeriodStart),
            "currentPeriodEnd" => column::<Option<Timestamp>>(CurrentPeriodEnd),
            "anchorDay" => column::<i32>(AnchorDay),
            "expiresAt" => column::<Option<Timestamp>>(ExpiresAt),
            "cancelAt" => column::<Option<Timestamp>>(CancelAt),
            "canceledAt" => column::<Option<Timestamp>>(CanceledAt),
            "endedAt" => column::<Option<Timestamp>>(EndedAt),
            "pastDueSince" => column::<Option<Timestamp>>(PastDueSince),
            "graceEndsAt" => column::<Option<Timestamp>>(GraceEndsAt),
            "suspendedAt" => column::<Option<Timestamp>>(SuspendedAt),
            "suspensionCause" => column::<Option<String>>(SuspensionCause),
            "pausedAt" => column::<Option<Timestamp>>(PausedAt),
            "resumesAt" => column::<Option<Timestamp>>(ResumesAt),
            "pendingUntil" => column::<Option<Timestamp>>(PendingUntil),
            "userLimit" => column::<Option<i32>>(UserLimit),
            "gateway" => column::<Option<String>>(Gateway),
            "gatewaySubscriptionId" => column::<Option<String>>(GatewaySubscriptionId),
            "externalId" => column::<Option<String>>(ExternalId),
            "metadata" => column::<StoredJson>(Metadata),
            "privateMetadata" => computed(&[PrivateMetadata], |facts| private(facts, Permission::SubscriptionsManage)),
            "lastRenewedBy" => computed(&[LastRenewedBy], told_why),
            "createdAt" => column::<Timestamp>(CreatedAt),
            "updatedAt" => column::<Timestamp>(UpdatedAt),
            "version" => column::<i32>(Version),
            "price" => money!(AmountMinor, Currency),
            "scheduledChange" => Some(Field::Part(SCHEDULED_CHANGE, Some(ScheduledTierId.as_str()))),
            "override" => Some(Field::Part(OVERRIDE, Some(OverriddenTierId.as_str()))),
            "featureOverrides" => computed(&[FeatureOverrides], feature_overrides),
            "organization" => Some(Field::One(organizations::read::seen(TenantId))),
            "owner" => Some(owner(TenantId, CustomerId)),
            "tier" => Some(Field::One(tiers::read::of("tier", TierId))),
            "effectiveStatus" => Some(Field::Computed(effective_status())),
            "availableActions" => Some(Field::Computed(available_actions())),
            "payments" => pages::<payment::Entity>(payment::Column::SubscriptionId, Id, |request, arguments| {
                Page::of::<payment::Entity>(request, "subscription.payments", None, arguments)
            }),
            _ => None,
        }
    }
}

const SCHEDULED_CHANGE: Object = Object {
    name: "ScheduledChange",
    field: |name| match name {
        "tierId" => column::<entity::TierId>(ScheduledTierId),
        "tier" => Some(Field::One(tiers::read::of("scheduled tier", ScheduledTierId))),
        "price" => money!(ScheduledAmountMinor, Currency),
        "billingCycle" => column::<String>(ScheduledBillingCycle),
        "at" => column::<Timestamp>(ScheduledAt),
        _ => None,
    },
};

const OVERRIDE: Object = Object {
    name: "TierOverride",
    field: |name| match name {
        "reason" => computed(&[OverrideReason], told_why),
        "endsAt" => column::<Option<Timestamp>>(OverrideEndsAt),
        "overriddenTierId" => column::<entity::TierId>(OverriddenTierId),
        _ => None,
    },
};

/// A text for those who may know why.
fn told_why(facts: &Facts<'_>) -> Result<Json> {
    let is_told = is_told_why(facts.request.scope.caller()?);
    Ok(facts.get::<String>(0)?.filter(|_| is_told).map(Json::text).into())
}

fn feature_overrides(facts: &Facts<'_>) -> Result<Json> {
    let overrides = super::parts::feature_overrides(&facts.filled::<Value>(0)?);
    let one = |over: super::parts::FeatureOverride| {
        let ceiling = over.ceiling.map(|ceiling| Json::Int(ceiling.0));
        let fields =
            vec![("key", Json::text(over.key)), ("enabled", Json::Bool(over.enabled)), ("ceiling", ceiling.into())];
        Json::Object("FeatureOverride", fields)
    };
    Ok(Json::List(overrides.into_iter().map(one).collect()))
}

fn available_actions() -> Computed {
    let row = subscription::Column::iter().collect::<Vec<_>>();
    let needs = std::iter::once((None, names(&row))).chain(surroundings::needs()).collect();
    Computed { needs, value: actions_of }
}

fn actions_of(facts: &Facts<'_>) -> Result<Json> {
    let (caller, now) = (facts.request.scope.caller()?, facts.request.scope.now());
    let row = facts.model::<subscription::Entity>()?;
    let around = surroundings::found(facts.cells().from(subscription::Column::iter().count()), &row)?;
    let one = |Available { action, obstacle, requires }| {
        let fields = vec![
            ("action", Json::name(action)),
            ("allowed", Json::Bool(obstacle.is_none())),
            ("reason", obstacle.map(Json::name).into()),
            ("requires", Json::text(requires.as_str())),
        ];
        Json::Object("AvailableAction", fields)
    };
    Ok(Json::List(actions::available(&row, caller, &around, now)?.into_iter().map(one).collect()))
}

/// The columns that effective status depends on, in the order of [`recorded`].
pub(super) const RECORDED: [subscription::Column; 16] = [
    Status,
    Mode,
    BillingCycle,
    StartsAt,
    TrialEndsAt,
    CurrentPeriodEnd,
    ExpiresAt,
    CancelAt,
    EndedAt,
    GraceEndsAt,
    SuspendedFrom,
    PausedAt,
    ResumesAt,
    PendingUntil,
    OverrideEndsAt,
    OverriddenState,
];

/// A row of which no more is known than its effective status depends on.
fn recorded(facts: &Facts<'_>) -> Result<Option<subscription::Model>> {
    recorded_in(facts.cells())
}

/// The same from those columns of a row.
pub(super) fn recorded_in(facts: Cells<'_>) -> Result<Option<subscription::Model>> {
    let Some(status) = facts.get(0)? else { return Ok(None) };
    let unknown = uuid::Uuid::nil();
    let starts_at = facts.filled(3)?;
    Ok(Some(subscription::Model {
        status,
        mode: facts.filled(1)?,
        billing_cycle: facts.filled(2)?,
        starts_at,
        trial_ends_at: facts.get(4)?,
        current_period_end: facts.get(5)?,
        expires_at: facts.get(6)?,
        cancel_at: facts.get(7)?,
        ended_at: facts.get(8)?,
        grace_ends_at: facts.get(9)?,
        suspended_from: facts.get(10)?,
        paused_at: facts.get(11)?,
        resumes_at: facts.get(12)?,
        pending_until: facts.get(13)?,
        override_ends_at: facts.get(14)?,
        overridden_state: facts.get(15)?,
        created_at: starts_at,
        updated_at: starts_at,
        tenant_id: unknown.into(),
        id: unknown.into(),
        customer_id: None,
        tier_id: unknown.into(),
        amount_minor: 0,
        currency: String::new(),
        trial_started_at: None,
        current_period_start: None,
        anchor_day: 1,
        canceled_at: None,
        past_due_since: None,
        suspended_at: None,
        suspension_cause: None,
        scheduled_tier_id: None,
        scheduled_amount_minor: None,
        scheduled_billing_cycle: None,
        scheduled_at: None,
        override_reason: None,
        overridden_tier_id: None,
        overridden_amount_minor: None,
        overridden_billing_cycle: None,
        user_limit: None,
        trial_limits_users: false,
        suspended_by: None,
        feature_overrides: Value::Null,
        gateway: None,
        gateway_subscription_id: None,
        external_id: None,
        metadata: StoredJson::Read(Value::Null),
        private_metadata: None,
        last_renewed_by: None,
        search_text: None,
        access_ends_at: None,
        next_at: None,
        next_status: None,
        second_at: None,
        second_status: None,
        third_at: None,
        third_status: None,
        version: 1,
        deleted_at: None,
    }))
}

fn effective(facts: &Facts<'_>, exempt: bool) -> Result<Json> {
    let request = facts.request;
    let effective = status::effective(recorded(facts)?.as_ref(), exempt, request.scope.now(), &request.settings.policy);
    let Effective { kind, entitled, expired, expiring_soon, days_until_expiry, ends_at, reason } = effective;
    let fields = vec![
        ("status", Json::name(kind)),
        ("entitled", Json::Bool(entitled)),
        ("expired", Json::Bool(expired)),
        ("expiringSoon", Json::Bool(expiring_soon)),
        ("daysUntilExpiry", days_until_expiry.map(|days| Json::Int(days.min(i32::MAX.into()))).into()),
        ("endsAt", ends_at.map(Json::Time).into()),
        ("reason", Json::name(reason)),
    ];
    Ok(Json::Object("EffectiveStatus", fields))
}

pub(super) fn names(columns: &[impl IdenStatic]) -> Vec<&'static str> {
    columns.iter().map(IdenStatic::as_str).collect()
}

/// What a subscription is worth at this moment. An organization can be exempt; who cannot see organizations sees no
/// subscriptions of theirs either.
fn effective_status() -> Computed {
    let exempt = (Some(organizations::read::seen(TenantId)), names(&[organization::Column::Exempt]));
    Computed {
        needs: vec![(None, names(&RECORDED)), (None, names(&[CustomerId])), exempt],
        value: |facts| {
            let own = facts.get::<uuid::Uuid>(RECORDED.len())?.is_none();
            let exempt = own && facts.get::<bool>(RECORDED.len() + 1)?.unwrap_or(false);
            effective(facts, exempt)
        },
    }
}

/// What an owner's subscription is worth at this moment; `exempt` is the owner's column that says so.
pub fn owner_status(current: One, exempt: Option<organization::Column>) -> Option<Field> {
    Some(Field::Computed(Computed {
        needs: vec![(Some(current), names(&RECORDED)), (None, exempt.iter().map(IdenStatic::as_str).collect())],
        value: |facts| {
            let exempt = if facts.has(RECORDED.len()) { facts.filled(RECORDED.len())? } else { false };
            effective(facts, exempt)
        },
    }))
}

/// The tier of an owner's subscription.
pub fn tier_id(current: One) -> Option<Field> {
    Some(Field::Computed(Computed {
        needs: vec![(Some(current), names(&[TierId]))],
        value: |facts| Ok(facts.get::<entity::TierId>(0)?.map(|id| Json::text(id.to_string())).into()),
    }))
}

/// The live subscription of an owner, or else its latest, found by a column of the owner's row.
pub fn current_of(column: subscription::Column, equals: impl ColumnTrait, only: Condition) -> One {
    let first_by = current_first().keys();
    One { only, first_by, ..one::<subscription::Entity>("current subscription", column, equals) }
}

/// Who a row belongs to, by the columns of its tenant and its customer. Who cannot see owners of a kind sees no rows of
/// theirs either.
pub fn owner<C: ColumnTrait>(tenant: C, customer: C) -> Field {
    Field::Either(Box::new(Either {
        by: customer.as_str(),
        filled: customers::read::seen(customer),
        null: organizations::read::seen(tenant),
    }))
}

/// The queries that start from subscriptions.
pub fn root(name: &str) -> Option<Root> {
    match name {
        "subscription" => Some(Root::One(Found::by_id::<subscription::Entity, SubscriptionId>)),
        "subscriptions" => Some(Root::Pages(object::<subscription::Entity>(), |request, arguments| {
            Page::of::<subscription::Entity>(request, "subscriptions", None, arguments)
        })),
        "currentSubscription" => Some(Root::One(|request, arguments| of_owner(request, arguments, "subscription"))),
        "subscriptionStatus" => {
            Some(Root::One(|request, arguments| of_owner(request, arguments, "subscriptionStatus")))
        }
        _ => None,
    }
}

/// A field of the owner that the arguments name: an organization, a customer or the caller itself.
fn of_owner(request: &RequestContext, arguments: Arguments<'_>, field: &'static str) -> Planned<Option<Found>> {
    let organization: Option<ID> = arguments.get("organizationId")?;
    let customer: Option<ID> = arguments.get("customerId")?;
    let caller = request.scope.caller()?;
    let is_caller = organization.is_none() && customer.is_none();
    let (organization, customer) = match (organization, customer) {
        (Some(_), Some(_)) => return Err(Unplanned),
        (Some(id), None) => (Some(entity::OrganizationId::parse(&id).ok_or(Unplanned)?), None),
        (None, Some(id)) => (None, Some(entity::CustomerId::parse(&id).ok_or(Unplanned)?)),
        (None, None) => (caller.organization(), caller.customer()),
    };
    let found = match (customer, organization) {
        (Some(id), _) => Found::of::<customer::Entity>(request, customer::Column::Id.eq(id))?,
        (None, Some(id)) => Found::of::<organization::Entity>(request, organization::Column::Id.eq(id))?,
        (None, None) => return Err(Unplanned),
    };
    Ok(Some(Found { field: Some(field), is_caller, ..found }))
}
