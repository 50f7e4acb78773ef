//! How an owner gets a subscription: what it orders, and the use cases that carry the order out.

use chrono_tz::Tz;
use futures_util::future::BoxFuture;
use sea_orm::{EntityTrait, QueryFilter, QueryOrder};

use super::add_ons::{self, Quantity};
use super::catalogue::{Cost, Seller};
use super::ends::{self, Charged};
use super::opening::{self, Opening, Subscriber, Terms};
use super::period::Anchor;
use super::{Settings, actions, already_subscribed, live};
use crate::auth::Permission;
use crate::entity::subscription::TriedTiers;
use crate::entity::{
    BillingCycle, CustomerId, OperationalStatus, OrganizationId, SubscriptionManagement, TierId, TierKind, customer,
    organization, subscription,
};
use crate::error::{Code, Error, Refusal, Result};
use crate::graphql::nested::{Owned, OwnerKey};
use crate::graphql::when::When;
use crate::store::{Change, Command, LastSubscriptions, UnitOfWork, Writer};

/// Key of the tier that the default trial is of.
const DEFAULT_TIER_KEY: &str = "starter";
/// How many users the default trial allows an organization.
const DEFAULT_USER_LIMIT: i32 = 10;

/// Who is to be subscribed.
#[derive(Clone, Copy, Debug)]
pub enum OwnerId {
    /// The organization itself.
    Organization(OrganizationId),
    /// A customer.
    Customer(CustomerId),
}

impl OwnerId {
    /// The input field that names the owner.
    fn path(self) -> &'static str {
        match self {
            Self::Organization(_) => "input.organizationId",
            Self::Customer(_) => "input.customerId",
        }
    }
}

/// Who is to be subscribed, as its row says: a new one, or one that is locked.
#[derive(Clone, Debug)]
pub struct Owner {
    key: OwnerKey,
    status: OperationalStatus,
    /// The organization's default currency, as far as it is known.
    currency: Option<String>,
    /// The organization's time zone, as far as it is known.
    zone: Option<Tz>,
    /// The tiers whose days of trial it was given.
    tried: TriedTiers,
}

impl Owner {
    /// Who it is.
    pub fn key(&self) -> OwnerKey {
        self.key
    }

    /// Whether it is the caller's own organization, and its subscription is managed from above.
    async fn is_managed_from_above(&self, unit: &UnitOfWork<'_>) -> Result<bool> {
        let own = self.key.customer.is_none() && actions::above(unit.scope().caller()?, self.key.tenant).is_none();
        Ok(own && unit.organization().await?.subscription_management == SubscriptionManagement::PlatformManaged)
    }

    /// The same with what it had before. What was deleted was a mistake, and gave it no trial.
    fn after(self, before: LastSubscriptions) -> Self {
        Self { tried: before.kept.map(|row| row.tried_tiers).unwrap_or_default(), ..self }
    }
}

impl From<&organization::Model> for Owner {
    fn from(row: &organization::Model) -> Self {
        let key = OwnerKey { tenant: row.id, customer: None };
        Self {
            key,
            status: row.status,
            currency: Some(row.default_currency.clone()),
            zone: Some(row.zone()),
            tried: TriedTiers::default(),
        }
    }
}

impl From<&customer::Model> for Owner {
    fn from(row: &customer::Model) -> Self {
        let key = OwnerKey { tenant: row.tenant_id, customer: Some(row.id) };
        Self { key, status: row.status, currency: None, zone: None, tried: TriedTiers::default() }
    }
}

/// A tier and terms for a new subscription; without a tier, the default trial.
#[derive(Clone, Debug)]
pub struct Order {
    /// The tier; the default one if not given.
    pub tier_id: Option<TierId>,
    /// How often it is charged.
    pub billing_cycle: BillingCycle,
    /// ISO 4217 code; the organization's default if not given.
    pub currency: Option<String>,
    /// Add-ons that go with the tier.
    pub add_ons: Vec<Quantity>,
    /// Everything else.
    pub terms: Terms<When>,
}

impl Order {
    /// The default trial: one month of the default tier, monthly, ten users for an organization.
    pub fn default_trial() -> Self {
        Self {
            tier_id: None,
            billing_cycle: BillingCycle::Monthly,
            currency: None,
            add_ons: Vec::new(),
            terms: Terms {
                trial_days: None,
                trial_ends_at: None,
                starts_at: None,
                period_end: None,
                expires_at: None,
                requires_payment: false,
                user_limit: None,
                trial_limits_users: false,
                feature_overrides: serde_json::json!({}),
                external_id: None,
                metadata: serde_json::json!({}),
                private_metadata: None,
            },
        }
    }
}

/// Subscribes an owner that has no live subscription.
pub async fn create(
    writer: &Writer,
    command: &Command,
    settings: &Settings,
    owner: OwnerId,
    order: &Order,
) -> Result<subscription::Model> {
    let path = owner.path();
    on_owner(writer, command, owner, |unit, owner| {
        Box::pin(async move {
            if owner.is_managed_from_above(unit).await? {
                return Err(actions::own_account(path).into());
            }
            if let Some(live) = live(unit, owner.key).await? {
                return Err(already_subscribed(live).at(path).into());
            }
            let before = unit.last_subscriptions(owner.key).await?;
            refuse_detour(unit, before.last(), &order.terms, path)?;
            open(unit, settings, owner.after(before), order, "input.terms").await
        })
    })
    .await
}

/// The owner's current subscription; the default trial if it never had one. Safe to call at any time, any number of
/// times at once.
pub async fn ensure(
    writer: &Writer,
    command: &Command,
    settings: &Settings,
    owner: OwnerId,
) -> Result<subscription::Model> {
    let path = owner.path();
    on_owner(writer, command, owner, |unit, owner| {
        Box::pin(async move {
            if let Some(current) = current(unit, owner.key).await? {
                return Ok(current);
            }
            let (before, trial) = (unit.last_subscriptions(owner.key).await?, Order::default_trial());
            if before.last().is_some() && owner.is_managed_from_above(unit).await? {
                return Err(actions::own_account(path).into());
            }
            refuse_detour(unit, before.last(), &trial.terms, path)?;
            open(unit, settings, owner.after(before), &trial, "input").await
        })
    })
    .await
}

/// Refuses to begin anew what the caller could not bring back: what the owner had last was suspended from above, or
/// ordered with payment that is still due. What nobody paid in time blocks nobody. `last` may be deleted.
fn refuse_detour(
    unit: &UnitOfWork<'_>,
    last: Option<&subscription::Model>,
    terms: &Terms<When>,
    path: &str,
) -> Result<()> {
    let caller = unit.scope().caller()?;
    let Some(last) = last else { return Ok(()) };
    // Nobody below deletes what is suspended from above.
    if last.deleted_at.is_none() && actions::suspended_from_above(caller, last) {
        return Err(actions::lifted_from_above(path).into());
    }
    let due = last.pending_until.is_some_and(|until| until > unit.now());
    if due && !terms.requires_payment && !caller.may(Permission::SubscriptionsOverride) {
        return Err(Error::Forbidden(Permission::SubscriptionsOverride));
    }
    Ok(())
}

/// Begins a subscription of an owner that has none that lives: it waits for its first payment.
pub async fn pending(
    unit: &UnitOfWork<'_>,
    settings: &Settings,
    owner: Owner,
    order: &Order,
) -> Result<subscription::Model> {
    let before = unit.last_subscriptions(owner.key).await?;
    refuse_detour(unit, before.last(), &order.terms, "input.ownerId")?;
    open(unit, settings, owner.after(before), order, "input").await
}

async fn on_owner<'e>(
    writer: &'e Writer,
    command: &Command,
    owner: OwnerId,
    work: impl for<'t> Fn(&'t UnitOfWork<'e>, Owner) -> BoxFuture<'t, Result<subscription::Model>> + Sync,
) -> Result<subscription::Model> {
    let path = owner.path();
    match owner {
        OwnerId::Organization(id) => {
            writer.change::<organization::Entity, _>(command, id, path, |unit, row| work(unit, Owner::from(&row))).await
        }
        OwnerId::Customer(id) => {
            writer.change::<customer::Entity, _>(command, id, path, |unit, row| work(unit, Owner::from(&row))).await
        }
    }
}

async fn open(
    unit: &UnitOfWork<'_>,
    settings: &Settings,
    owner: Owner,
    order: &Order,
    path: &str,
) -> Result<subscription::Model> {
    let row = draft(unit, settings, owner, order, path).await?;
    unit.insert(row, Change::new("create")).await
}

/// The subscription that an owner begins with, yet to be inserted by the transaction that made or locked the owner.
/// `path` is where the order stands in the input.
pub async fn draft(
    unit: &UnitOfWork<'_>,
    settings: &Settings,
    owner: Owner,
    order: &Order,
    path: &str,
) -> Result<subscription::Model> {
    if owner.status == OperationalStatus::Terminated {
        let path = if owner.key.customer.is_some() { "input.customerId" } else { "input.organizationId" };
        return Err(Refusal::new(Code::OwnerInactive, "The owner is terminated: it cannot subscribe.").at(path).into());
    }
    let OwnerKey { tenant, customer } = owner.key;
    let kind = if customer.is_some() { TierKind::Customer } else { TierKind::Organization };
    let seller = Seller { unit, kind, path };
    let cost =
        Cost { billing_cycle: order.billing_cycle, currency: order.currency.as_deref().or(owner.currency.as_deref()) };
    let priced = match order.tier_id {
        Some(id) => seller.priced_tier(id, cost).await?,
        None => seller.default_tier(DEFAULT_TIER_KEY, cost).await?,
    };
    let tier = priced.0.clone();
    let has_tried = owner.tried.has(tier.id);
    let (offer, currency) = seller.offer(priced, cost).await?;
    let add_ons_path = format!("{path}.addOns");
    let charge = (offer.billing_cycle, currency.as_str());
    let add_ons = add_ons::ordered(unit, &tier, charge, &order.add_ons, &add_ons_path).await?;
    add_ons::check_amount(offer.amount_minor, &add_ons, &add_ons_path)?;
    let zone = match owner.zone {
        Some(zone) => zone,
        None => unit.organization().await?.zone(),
    };
    let mut terms = order.terms.clone().in_zone(zone);
    let of_tier = terms.trial_days.is_none() && terms.trial_ends_at.is_none();
    if order.tier_id.is_none() {
        if of_tier && terms.period_end.is_none() && !terms.requires_payment {
            if has_tried {
                let message = "The owner had the default trial already: name a tier, or say how long the trial is.";
                return Err(Refusal::new(Code::Conflict, message).at(&format!("{path}.tierId")).into());
            }
            let start = terms.starts_at.unwrap_or(unit.now());
            let month = Anchor::at(start, zone).end(start, BillingCycle::Monthly);
            if month <= unit.now() {
                let message = "The default trial that begins then is over: name a tier.";
                return Err(Refusal::new(Code::InvalidDate, message).at(&format!("{path}.startsAt")).into());
            }
            terms.trial_ends_at = Some(month);
        }
        if kind == TierKind::Organization && terms.user_limit.is_none() {
            terms.user_limit = Some(DEFAULT_USER_LIMIT);
            terms.trial_limits_users = true;
        }
    }
    let charged = Charged { customer, billing_cycle: offer.billing_cycle, currency: &currency };
    let ends = ends::agreed(unit, settings, &tier, charged).await?;
    let opening = Opening {
        subscriber: Subscriber { tenant, customer },
        offer,
        add_ons,
        currency,
        tier_trial_days: if has_tried { 0 } else { tier.trial_days },
        ends,
        terms,
        zone,
        pending_for: settings.pending_for,
    };
    let mut row = opening::open(opening, unit.now(), path)?;
    row.purchaser = Some(unit.scope().caller()?.known_as().to_owned());
    row.tried_tiers = owner.tried;
    if of_tier && row.trial_ends_at.is_some() {
        row.tried_tiers.add(row.tier_id);
    }
    Ok(row)
}

/// The owner's live subscription, or else its latest.
async fn current(unit: &UnitOfWork<'_>, owner: OwnerKey) -> Result<Option<subscription::Model>> {
    if let Some(live) = live(unit, owner).await? {
        return Ok(Some(live));
    }
    // The same order as that of the relation: `relation::current_of_customer`.
    let latest = subscription::Entity::find()
        .filter(subscription::Entity::of_owner(owner))
        .order_by_desc(subscription::Column::EndedAt)
        .order_by_desc(subscription::Column::CreatedAt)
        .order_by_desc(subscription::Column::Id);
    unit.one(latest).await
}
