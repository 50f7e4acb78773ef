//! Use: what the features of a subscription are counted by.
//!
//! The rules are pure: [`window`] (what is counted together), and what is granted ([`crate::entitlement`]). What counts is
//! one statement in the unit of work that looks at the limit as well; it is its own trail.

pub mod adjust;
pub mod consume;
pub mod gauge;
pub mod graphql;
pub mod input;
pub mod mutation;
pub mod record;
pub mod release;
pub mod reserve;
pub mod series;
mod threshold;
pub mod together;
pub mod window;

use std::collections::{BTreeSet, HashMap};

use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};

use self::window::Window;
use crate::access::{self, OwnerState};
use crate::clock::{Timestamp, local};
use crate::entitlement::{Entitlement, Source, is_counted_here};
use crate::entity::{
    AccessMode, CustomerId, FeatureKind, OperationalStatus, OrganizationId, TypedId, customer, organization,
    subscription, usage_counter, usage_day,
};
use crate::error::{Code, Error, Refusal, Result, not_found};
use crate::graphql::nested::OwnerKey;
use crate::graphql::scalar::MAX_SAFE_INT;
use crate::store::{Counted, Scope, UnitOfWork};
use crate::subscription::lifecycle::as_of;
use crate::subscription::status::Policy;
use crate::tier::Unlock;

/// Where the owner stands in the input.
const OWNER: &str = "input.ownerId";
/// Where the feature stands in the input.
const FEATURE: &str = "input.feature";

/// Whose use it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OwnerId {
    /// The organization itself.
    Organization(OrganizationId),
    /// A customer.
    Customer(CustomerId),
}

impl OwnerId {
    /// Reads the id of an organization or a customer.
    pub fn parse(path: &str, id: &str) -> Result<Self> {
        let organization = OrganizationId::parse(id).map(Self::Organization);
        organization.or_else(|| CustomerId::parse(id).map(Self::Customer)).ok_or_else(|| {
            let message = "Expected the id of an organization or a customer: `org_…` or `cus_…`.";
            Refusal::new(Code::InvalidId, message).at(path).into()
        })
    }
}

/// An owner that the caller sees, and whether it may operate.
pub(crate) type Found = (OwnerKey, OperationalStatus);

/// Those of these owners that the caller sees.
async fn find_owners(scope: &Scope, ids: impl IntoIterator<Item = OwnerId>) -> Result<HashMap<OwnerId, Found>> {
    let (mut organizations, mut customers) = (BTreeSet::new(), BTreeSet::new());
    for id in ids {
        match id {
            OwnerId::Organization(id) => organizations.insert(id),
            OwnerId::Customer(id) => customers.insert(id),
        };
    }
    let mut found = HashMap::new();
    if !organizations.is_empty() {
        let named = organization::Entity::find().filter(organization::Column::Id.is_in(organizations));
        found.extend(
            scope
                .all(named)
                .await?
                .into_iter()
                .map(|row| (OwnerId::Organization(row.id), (OwnerKey { tenant: row.id, customer: None }, row.status))),
        );
    }
    if !customers.is_empty() {
        let named = customer::Entity::find().filter(customer::Column::Id.is_in(customers));
        found.extend(scope.all(named).await?.into_iter().map(|row| {
            (OwnerId::Customer(row.id), (OwnerKey { tenant: row.tenant_id, customer: Some(row.id) }, row.status))
        }));
    }
    Ok(found)
}

/// The owner with this id, if the caller sees it.
pub(crate) async fn find_owner(scope: &Scope, id: OwnerId) -> Result<Option<Found>> {
    Ok(find_owners(scope, [id]).await?.remove(&id))
}

/// The same; refused where there is none.
async fn owner(scope: &Scope, id: OwnerId) -> Result<Found> {
    find_owner(scope, id).await?.ok_or_else(|| not_found("organization or customer", OWNER))
}

/// A feature of an owner's subscription, with the window that use is counted in.
#[derive(Clone, Debug)]
pub struct Meter {
    /// The subscription as it is by now.
    pub subscription: subscription::Model,
    /// What it grants.
    pub entitlement: Entitlement,
    /// What is counted together.
    pub window: Window,
    /// Whether its organization is exempt from limits.
    exempt: bool,
    /// How much may be done with the subscription now.
    mode: AccessMode,
    /// The organization above its own.
    above: Option<OrganizationId>,
}

impl Meter {
    /// The meter of a feature of the owner's current subscription, at a moment.
    async fn find(
        unit: &UnitOfWork<'_>,
        policy: &Policy,
        owner: OwnerKey,
        feature: &str,
        moment: Timestamp,
    ) -> Result<Self> {
        let Some(row) = unit.current_subscription(owner).await? else {
            let message = "The owner has no subscription.";
            return Err(Refusal::new(Code::NotEntitled, message).at(OWNER).into());
        };
        Self::of(unit, policy, &row, feature, moment).await
    }

    /// The meter of a feature of a subscription of the tenant, at a moment.
    async fn of(
        unit: &UnitOfWork<'_>,
        policy: &Policy,
        row: &subscription::Model,
        feature: &str,
        moment: Timestamp,
    ) -> Result<Self> {
        let organization = unit.organization().await?;
        let (exempt, above) = (row.customer_id.is_none() && organization.exempt, organization.parent_id);
        let subscription = as_of(row, unit.now(), Some(policy.renewal_tolerance)).0.into_owned();
        let granted = unit.granted_by(&[&subscription], Some(&[feature.to_owned()])).await?;
        let entitlement = granted.terms(&subscription).of(feature);
        let subscribed = granted.tier(&subscription).map(|tier| (&subscription, tier));
        // Whether the owner may operate is looked at where that matters.
        let owner = OwnerState { status: OperationalStatus::Active, exempt, subscription: subscribed };
        let (mode, _) = access::mode_of(owner);
        let entitlement = entitlement.ok_or_else(|| unknown(feature))?;
        let window = window::window(&subscription, entitlement.kind, entitlement.resets, moment);
        Ok(Self { subscription, entitlement, window, exempt, mode, above })
    }

    /// How much may be used; none for no limit.
    pub fn limit(&self) -> Option<i64> {
        self.entitlement.limit.filter(|_| !self.exempt)
    }

    /// What a tier must be to allow so much in all; none where no change of tier helps.
    fn unlock(&self, needed: i64) -> Option<Unlock> {
        let by_tier = self.entitlement.source != Source::Override;
        by_tier.then(|| Unlock::of(&self.subscription, self.above, &self.entitlement.key, needed)).flatten()
    }

    /// Refuses what cannot be counted.
    fn check_countable(&self) -> Result<()> {
        let key = &self.entitlement.key;
        let refuse = |message| Err(Refusal::new(Code::Conflict, message).at(FEATURE).into());
        if self.entitlement.kind == FeatureKind::Switch {
            return refuse(format!("`{key}` is a switch: there is nothing to count."));
        }
        if is_counted_here(key) {
            return refuse(format!("`{key}` are counted here, as they are made."));
        }
        Ok(())
    }

    /// Refuses a feature that the subscription does not grant now.
    fn check_granted(&self) -> Result<()> {
        let allowed = access::is_allowed(self.mode);
        if allowed && self.entitlement.granted {
            return Ok(());
        }
        let message = match allowed {
            true => format!("The subscription does not grant `{}`.", self.entitlement.key),
            false => "The subscription gives no access now.".to_owned(),
        };
        Err(Refusal::new(Code::NotEntitled, message).at(FEATURE).into())
    }

    /// What its counter would be after these amounts were counted alone.
    fn counter(&self, used: i64, held: i64) -> usage_counter::Model {
        usage_counter::Model {
            tenant_id: self.subscription.tenant_id,
            subscription_id: self.subscription.id,
            feature_key: self.entitlement.key.clone(),
            epoch: self.window.epoch,
            number: self.window.number,
            used,
            held,
            observed_at: None,
        }
    }

    /// The sum of the day of a moment, after this amount was counted alone.
    fn day(&self, moment: Timestamp, used: i64) -> usage_day::Model {
        usage_day::Model {
            tenant_id: self.subscription.tenant_id,
            subscription_id: self.subscription.id,
            feature_key: self.entitlement.key.clone(),
            day: day(&self.subscription, moment),
            used,
            last: None,
            maximum: None,
        }
    }

    /// What the meter says, when its counter says this.
    fn reading(&self, Counted { used, held }: Counted) -> Reading {
        let limit = self.limit();
        Reading {
            used,
            held,
            limit,
            remaining: limit.map(|limit| (limit - used - held).max(0)),
            over: limit.map_or(0, |limit| (used - limit).max(0)),
            resets_at: self.window.end,
            feature: self.entitlement.key.clone(),
        }
    }

    /// What the meter says now.
    async fn read(&self, unit: &UnitOfWork<'_>) -> Result<Reading> {
        let counter = self.counter(0, 0);
        let used = unit.counted(&counter).await?.used;
        let held = unit.held(&counter).await?;
        Ok(self.reading(Counted { used, held }))
    }
}

/// What a meter says.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Key of the feature.
    pub feature: String,
    /// How much is used.
    pub used: i64,
    /// How much is reserved.
    pub held: i64,
    /// How much may be used; none for no limit.
    pub limit: Option<i64>,
    /// How much is left.
    pub remaining: Option<i64>,
    /// How much more is used than may be.
    pub over: i64,
    /// When the next window begins.
    pub resets_at: Option<Timestamp>,
}

/// The day of a moment in the subscription's time zone, counted from 1970.
pub fn day(subscription: &subscription::Model, moment: Timestamp) -> i32 {
    series::number_of(local(moment, subscription.zone()).date())
}

fn unknown(feature: &str) -> Error {
    let message =
        format!("Nothing is known of a feature `{feature}`: no tier grants it, and no catalogue declares it.");
    Refusal::new(Code::FeatureUnknown, message).at(FEATURE).into()
}

/// Refuses an amount that cannot be counted.
fn check_amount(amount: i64) -> Result<()> {
    if (1..=MAX_SAFE_INT).contains(&amount) {
        return Ok(());
    }
    let message = format!("Expected a number from 1 to {MAX_SAFE_INT}.");
    Err(Refusal::new(Code::OutOfRange, message).at("input.amount").into())
}

/// Refuses a key that was used for something else.
fn reused() -> Error {
    let message = "This key was used for something else. Use a new key for a new command.";
    Refusal::new(Code::IdempotencyKeyReused, message).at("input.idempotencyKey").into()
}
