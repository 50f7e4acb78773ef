//! What access depends on, whoever may read it: who may ask for an owner's access is told what it comes to.

use std::collections::{BTreeSet, HashMap};

use sea_orm::sea_query::{Expr, ExprTrait as _, Query};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter};

use super::executor::Executor as _;
use super::{Counted, Scope};
use crate::auth::Standing;
use crate::clock::Timestamp;
use crate::entity::{
    CustomerId, OperationalStatus, OrganizationId, ReservationState, SubscriptionId, TierId, customer, member,
    organization, subscription, tier, usage_counter, usage_grant, usage_reservation,
};
use crate::error::Result;
use crate::usage::OwnerId;
use crate::usage::window::Window;

/// An owner, and what it is subscribed to.
#[derive(Clone, Debug)]
pub struct OwnerFound {
    /// Its operational status, or its organization's if that is worse.
    pub status: OperationalStatus,
    /// Whether it is an exempt organization.
    pub exempt: bool,
    /// The version of its row.
    pub version: i32,
    /// Its live subscription, or else its latest.
    pub subscription: Option<subscription::Model>,
    /// The tier of that.
    pub tier: Option<tier::Model>,
}

impl Scope {
    /// Those of these owners that the caller may ask for: of the organizations that it reaches, and a customer itself alone.
    pub(crate) async fn owners(&self, ids: &[OwnerId]) -> Result<HashMap<OwnerId, OwnerFound>> {
        let (mut organizations, mut customers) = (BTreeSet::new(), BTreeSet::new());
        for id in ids {
            match id {
                OwnerId::Organization(id) => drop(organizations.insert(*id)),
                OwnerId::Customer(id) => drop(customers.insert(*id)),
            }
        }
        let asked = organizations.clone();
        let customers = self.customers_within_reach(customers).await?;
        organizations.extend(customers.iter().map(|row| row.tenant_id));
        let organizations = self.organizations_of(organizations, !asked.is_empty()).await?;
        // Nothing is asked for who is not there.
        let asked: BTreeSet<_> = organizations.iter().map(|row| row.id).filter(|id| asked.contains(id)).collect();
        if asked.is_empty() && customers.is_empty() {
            return Ok(HashMap::new());
        }
        let subscriptions = self.subscriptions_of(&asked, &customers).await?;
        let tiers: BTreeSet<TierId> = subscriptions.values().map(|row| row.tier_id).collect();
        let tiers = self.all_unseen(tier::Entity::find().filter(tier::Column::Id.is_in(tiers))).await?;
        let found = |owner: OwnerId, status, exempt, version| {
            let subscription = subscriptions.get(&owner).cloned();
            let tier = subscription.as_ref().and_then(|row| tiers.iter().find(|tier| tier.id == row.tier_id)).cloned();
            (owner, OwnerFound { status, exempt, version, subscription, tier })
        };
        let of_organizations = organizations
            .iter()
            .filter(|row| asked.contains(&row.id))
            .map(|row| found(OwnerId::Organization(row.id), row.status, row.exempt, row.version));
        let of_customers = customers.iter().filter_map(|row| {
            let organization = organizations.iter().find(|organization| organization.id == row.tenant_id)?;
            let status = worse(row.status, organization.status);
            Some(found(OwnerId::Customer(row.id), status, false, row.version))
        });
        Ok(of_organizations.chain(of_customers).collect())
    }

    async fn customers_within_reach(&self, ids: BTreeSet<CustomerId>) -> Result<Vec<customer::Model>> {
        use customer::Column::{DeletedAt, Id, TenantId};
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let own = self.caller()?.customer().map(|own| Id.eq(own));
        let found = customer::Entity::find()
            .filter(Id.is_in(ids))
            .filter(DeletedAt.is_null())
            .filter(self.reach().tenants(TenantId)?)
            .filter(Condition::all().add_option(own));
        self.all_unseen(found).await
    }

    /// These organizations, if the caller reaches them; but a customer asks for none of them.
    async fn organizations_of(&self, ids: BTreeSet<OrganizationId>, asked: bool) -> Result<Vec<organization::Model>> {
        use organization::Column::{DeletedAt, Id};
        let is_customer = matches!(self.caller()?.standing(), Standing::Customer(..));
        if ids.is_empty() || (is_customer && asked) {
            return Ok(Vec::new());
        }
        let reached = self.reach().tenants(Id)?;
        self.all_unseen(organization::Entity::find().filter(Id.is_in(ids)).filter(DeletedAt.is_null()).filter(reached))
            .await
    }

    /// The live subscription of each owner, or else its latest.
    async fn subscriptions_of(
        &self,
        organizations: &BTreeSet<OrganizationId>,
        customers: &[customer::Model],
    ) -> Result<HashMap<OwnerId, subscription::Model>> {
        use subscription::Column::{CustomerId, DeletedAt, TenantId};
        let tenants: BTreeSet<_> = customers.iter().map(|row| row.tenant_id).collect();
        let own = Condition::all().add(CustomerId.is_null()).add(TenantId.is_in(organizations.iter().copied()));
        let of_customers =
            Condition::all().add(TenantId.is_in(tenants)).add(CustomerId.is_in(customers.iter().map(|row| row.id)));
        let found = subscription::Entity::find()
            .filter(Condition::any().add(own).add(of_customers))
            .filter(DeletedAt.is_null());
        let mut current: HashMap<OwnerId, subscription::Model> = HashMap::new();
        let rank = |row: &subscription::Model| (row.ended_at.is_none(), row.ended_at, row.created_at, row.id);
        for row in self.all_unseen(found).await? {
            let owner = row.customer_id.map_or(OwnerId::Organization(row.tenant_id), OwnerId::Customer);
            if current.get(&owner).is_none_or(|other| rank(&row) > rank(other)) {
                current.insert(owner, row);
            }
        }
        Ok(current)
    }

    /// What is counted for these subscriptions, which the caller may ask for.
    pub(crate) async fn counters_of(&self, rows: &[&subscription::Model], now: Timestamp) -> Result<Counters> {
        let mut counters = Counters::default();
        if rows.is_empty() {
            return Ok(counters);
        }
        let tenants: BTreeSet<_> = rows.iter().map(|row| row.tenant_id).collect();
        let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        let epochs: BTreeSet<_> = rows.iter().map(|row| row.usage_epoch).chain([0]).collect();
        let counted = usage_counter::Entity::find()
            .filter(usage_counter::Column::TenantId.is_in(tenants.iter().copied()))
            .filter(usage_counter::Column::SubscriptionId.is_in(ids.iter().copied()))
            .filter(usage_counter::Column::Epoch.is_in(epochs));
        for row in self.all_unseen(counted).await? {
            counters.used.insert((row.subscription_id, row.feature_key, row.epoch, row.number), row.used);
        }
        let held = usage_reservation::Entity::find()
            .filter(usage_reservation::Column::TenantId.is_in(tenants.iter().copied()))
            .filter(usage_reservation::Column::SubscriptionId.is_in(ids.iter().copied()))
            .filter(usage_reservation::Column::State.eq(ReservationState::Held))
            .filter(usage_reservation::Column::ExpiresAt.gt(now));
        for row in self.all_unseen(held).await? {
            *counters.held.entry((row.subscription_id, row.feature_key, row.epoch, row.number)).or_default() +=
                row.amount;
        }
        let grants = usage_grant::Entity::find()
            .filter(usage_grant::Column::TenantId.is_in(tenants.iter().copied()))
            .filter(usage_grant::Column::SubscriptionId.is_in(ids))
            .filter(usage_grant::Column::ExpiresAt.gt(now));
        for row in self.all_unseen(grants).await? {
            counters.allowance_ends.entry(row.subscription_id).or_default().extend(row.expires_at);
        }
        let own: BTreeSet<_> = rows.iter().filter(|row| row.customer_id.is_none()).map(|row| row.tenant_id).collect();
        if !own.is_empty() {
            let active = Condition::all().add(member::Column::Active.eq(true));
            counters.users = self.count_by_tenant(member::Entity, member::Column::TenantId, &own, active).await?;
            let open = Condition::all()
                .add(customer::Column::Status.ne(OperationalStatus::Terminated))
                .add(customer::Column::DeletedAt.is_null());
            counters.customers = self.count_by_tenant(customer::Entity, customer::Column::TenantId, &own, open).await?;
        }
        Ok(counters)
    }

    async fn count_by_tenant<E: EntityTrait>(
        &self,
        table: E,
        tenant: E::Column,
        tenants: &BTreeSet<OrganizationId>,
        condition: Condition,
    ) -> Result<HashMap<OrganizationId, i64>> {
        let counted = Query::select()
            .column(tenant)
            .expr(Expr::cust("count(*)"))
            .from(table)
            .and_where(Expr::col(tenant).is_in(tenants.iter().copied()))
            .cond_where(condition)
            .group_by_col(tenant)
            .take();
        let statement = self.backend().build(&counted);
        let rows = self.ask(self.store.0.database.rows(statement)).await?;
        let one = |row: super::Row<'_>| Ok((row.uuid(0)?.unwrap_or_default().into(), row.integer(1)?.unwrap_or(0)));
        rows.iter().map(one).collect()
    }
}

fn worse(one: OperationalStatus, other: OperationalStatus) -> OperationalStatus {
    match (one, other) {
        (OperationalStatus::Terminated, _) | (_, OperationalStatus::Terminated) => OperationalStatus::Terminated,
        (OperationalStatus::Suspended, _) | (_, OperationalStatus::Suspended) => OperationalStatus::Suspended,
        (OperationalStatus::Active, OperationalStatus::Active) => OperationalStatus::Active,
    }
}

type Key = (SubscriptionId, String, i32, i64);

/// What is counted for some subscriptions.
#[derive(Debug, Default)]
pub struct Counters {
    used: HashMap<Key, i64>,
    held: HashMap<Key, i64>,
    users: HashMap<OrganizationId, i64>,
    customers: HashMap<OrganizationId, i64>,
    allowance_ends: HashMap<SubscriptionId, Vec<Timestamp>>,
}

impl Counters {
    /// What a feature's counter says in a window.
    pub fn of(&self, subscription: SubscriptionId, feature: &str, window: &Window) -> Counted {
        let key = (subscription, feature.to_owned(), window.epoch, window.number);
        let of = |counters: &HashMap<Key, i64>| counters.get(&key).copied().unwrap_or(0);
        Counted { used: of(&self.used), held: of(&self.held) }
    }

    /// How many active members an organization has.
    pub fn users(&self, organization: OrganizationId) -> Counted {
        Counted { used: self.users.get(&organization).copied().unwrap_or(0), held: 0 }
    }

    /// How many customers that are not terminated an organization has.
    pub fn customers(&self, organization: OrganizationId) -> Counted {
        Counted { used: self.customers.get(&organization).copied().unwrap_or(0), held: 0 }
    }

    /// When the allowances of a subscription end.
    pub fn allowance_ends(&self, subscription: Option<SubscriptionId>) -> impl Iterator<Item = Option<Timestamp>> {
        let ends = subscription.and_then(|id| self.allowance_ends.get(&id));
        ends.into_iter().flatten().copied().map(Some)
    }
}
