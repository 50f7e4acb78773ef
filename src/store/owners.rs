//! What access depends on, whoever may read it: who may ask for an owner's access is told what it comes to.

use std::collections::{BTreeSet, HashMap};

use futures_util::future::try_join;
use sea_orm::sea_query::{Expr, ExprTrait as _, Query};
use sea_orm::{ColumnTrait, Condition, EntityTrait};

use super::bundle::Bundle;
use super::executor::Executor as _;
use super::granted::{Asked, Granted};
use super::{Counted, Scope};
use crate::auth::Standing;
use crate::entitlement::{CUSTOMERS, USERS};
use crate::entity::{
    CustomerId, OperationalStatus, OrganizationId, ReservationState, SubscriptionId, customer, member, organization,
    subscription, usage_counter, usage_reservation,
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
    /// The organization above its own, which sells to it as well.
    pub above: Option<OrganizationId>,
    /// Its live subscription, or else its latest.
    pub subscription: Option<subscription::Model>,
}

impl Scope {
    /// Those of these owners that the caller may ask for: of the organizations that it reaches, and a customer itself
    /// alone.
    pub(crate) async fn owners(&self, ids: &[OwnerId]) -> Result<HashMap<OwnerId, OwnerFound>> {
        let (mut asked, mut customers) = (BTreeSet::new(), BTreeSet::new());
        for id in ids {
            match id {
                OwnerId::Organization(id) => drop(asked.insert(*id)),
                OwnerId::Customer(id) => drop(customers.insert(*id)),
            }
        }
        // A customer asks for none of them.
        if matches!(self.caller()?.standing(), Standing::Customer(..)) {
            asked.clear();
        }
        if asked.is_empty() && customers.is_empty() {
            return Ok(HashMap::new());
        }
        let mut bundle = Bundle::new(self.backend());
        let places = (
            bundle.add::<organization::Entity>(self.organizations_of(&asked, &customers)?),
            bundle.add::<customer::Entity>(self.customers_within_reach(&customers)?),
            bundle.add::<subscription::Entity>(self.subscriptions_of(&asked, &customers)?),
        );
        let found = self.ask(bundle.send(&self.store.0.database)).await?;
        let organizations = found.of(places.0)?;
        let mut subscriptions: HashMap<OwnerId, subscription::Model> = HashMap::new();
        let rank = |row: &subscription::Model| (row.ended_at.is_none(), row.ended_at, row.created_at, row.id);
        for row in found.of(places.2)? {
            let owner = row.customer_id.map_or(OwnerId::Organization(row.tenant_id), OwnerId::Customer);
            if subscriptions.get(&owner).is_none_or(|other| rank(&row) > rank(other)) {
                subscriptions.insert(owner, row);
            }
        }
        let mut owners = HashMap::new();
        for row in organizations.iter().filter(|row| asked.contains(&row.id)) {
            let owner = OwnerId::Organization(row.id);
            let subscription = subscriptions.remove(&owner);
            let (status, exempt, version, above) = (row.status, row.exempt, row.version, row.parent_id);
            owners.insert(owner, OwnerFound { status, exempt, version, above, subscription });
        }
        for row in found.of(places.1)? {
            let Some(organization) = organizations.iter().find(|found| found.id == row.tenant_id) else { continue };
            let owner = OwnerId::Customer(row.id);
            let subscription = subscriptions.remove(&owner);
            let (status, above) = (worse(row.status, organization.status), organization.parent_id);
            owners.insert(owner, OwnerFound { status, exempt: false, version: row.version, above, subscription });
        }
        Ok(owners)
    }

    fn customers_within_reach(&self, ids: &BTreeSet<CustomerId>) -> Result<Condition> {
        use customer::Column::{DeletedAt, Id, TenantId};
        let own = self.caller()?.customer().map(|own| Id.eq(own));
        Ok(Condition::all()
            .add(Id.is_in(ids.iter().copied()))
            .add(DeletedAt.is_null())
            .add(self.reach().tenants(TenantId)?)
            .add_option(own))
    }

    /// These organizations and those of these customers, if the caller reaches them.
    fn organizations_of(
        &self,
        asked: &BTreeSet<OrganizationId>,
        customers: &BTreeSet<CustomerId>,
    ) -> Result<Condition> {
        use organization::Column::{DeletedAt, Id};
        let of_customers = Query::select()
            .column(customer::Column::TenantId)
            .from(customer::Entity)
            .and_where(customer::Column::Id.is_in(customers.iter().copied()))
            .take();
        let named = (!asked.is_empty()).then(|| Id.is_in(asked.iter().copied()));
        let of_customers = (!customers.is_empty()).then(|| Id.in_subquery(of_customers));
        Ok(Condition::all()
            .add(Condition::any().add_option(named).add_option(of_customers))
            .add(DeletedAt.is_null())
            .add(self.reach().tenants(Id)?))
    }

    /// The subscriptions of these owners. Whether the caller is there is asked with the owners.
    fn subscriptions_of(
        &self,
        asked: &BTreeSet<OrganizationId>,
        customers: &BTreeSet<CustomerId>,
    ) -> Result<Condition> {
        use subscription::Column::{CustomerId, DeletedAt, TenantId};
        let own = || Condition::all().add(CustomerId.is_null()).add(TenantId.is_in(asked.iter().copied()));
        let own = (!asked.is_empty()).then(own);
        let of_customers = (!customers.is_empty()).then(|| CustomerId.is_in(customers.iter().copied()));
        Ok(Condition::all()
            .add(Condition::any().add_option(own).add_option(of_customers))
            .add(DeletedAt.is_null())
            .add(self.reach().beside(true).tenants(TenantId)?))
    }

    /// What these subscriptions, for which the caller may ask, grant of these features or else of all, and what is
    /// counted for them.
    pub(crate) async fn granted_and_counted(
        &self,
        rows: &[&subscription::Model],
        keys: Option<&[String]>,
    ) -> Result<(Granted, Counters)> {
        if rows.is_empty() {
            return Ok((Granted::default(), Counters::default()));
        }
        let now = self.now();
        let tenants: BTreeSet<_> = rows.iter().map(|row| row.tenant_id).collect();
        let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        let epochs: BTreeSet<_> = rows.iter().map(|row| row.usage_epoch).chain([0]).collect();
        let mut bundle = Bundle::new(self.backend());
        let granted = Asked::of(&mut bundle, rows, keys, now);
        let used = bundle.add::<usage_counter::Entity>(
            Condition::all()
                .add(usage_counter::Column::TenantId.is_in(tenants.iter().copied()))
                .add(usage_counter::Column::SubscriptionId.is_in(ids.iter().copied()))
                .add(usage_counter::Column::Epoch.is_in(epochs))
                .add_option(keys.map(|keys| usage_counter::Column::FeatureKey.is_in(keys))),
        );
        let held = bundle.add::<usage_reservation::Entity>(
            Condition::all()
                .add(usage_reservation::Column::TenantId.is_in(tenants.iter().copied()))
                .add(usage_reservation::Column::SubscriptionId.is_in(ids))
                .add(usage_reservation::Column::State.eq(ReservationState::Held))
                .add(usage_reservation::Column::ExpiresAt.gt(now)),
        );
        let own: BTreeSet<_> = rows.iter().filter(|row| row.customer_id.is_none()).map(|row| row.tenant_id).collect();
        let found = self.ask(bundle.send(&self.store.0.database));
        let (found, counters) = try_join(found, self.counted_here(&own)).await?;
        let mut counters = counters;
        for row in found.of(used)? {
            counters.used.insert((row.subscription_id, row.feature_key, row.epoch, row.number), row.used);
        }
        for row in found.of(held)? {
            let counter = (row.subscription_id, row.feature_key, row.epoch, row.number);
            *counters.held.entry(counter).or_default() += row.amount;
        }
        Ok((granted.answer(&found)?, counters))
    }

    /// How many members and customers these organizations have.
    async fn counted_here(&self, organizations: &BTreeSet<OrganizationId>) -> Result<Counters> {
        if organizations.is_empty() {
            return Ok(Counters::default());
        }
        let active = Condition::all().add(member::Column::Active.eq(true));
        let open = Condition::all()
            .add(customer::Column::Status.ne(OperationalStatus::Terminated))
            .add(customer::Column::DeletedAt.is_null());
        let (users, customers) = try_join(
            self.count_by_tenant(member::Entity, member::Column::TenantId, organizations, active),
            self.count_by_tenant(customer::Entity, customer::Column::TenantId, organizations, open),
        )
        .await?;
        Ok(Counters { users, customers, ..Counters::default() })
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
}

impl Counters {
    /// What a feature's counter says in a window.
    fn of(&self, subscription: SubscriptionId, feature: &str, window: &Window) -> Counted {
        let key = (subscription, feature.to_owned(), window.epoch, window.number);
        let of = |counters: &HashMap<Key, i64>| counters.get(&key).copied().unwrap_or(0);
        Counted { used: of(&self.used), held: of(&self.held) }
    }

    /// What is counted of a subscription's feature, in a window or, of members and customers, here.
    pub fn counted(&self, row: &subscription::Model, feature: &str, window: &Window) -> Counted {
        match feature {
            USERS if row.customer_id.is_none() => self.users(row.tenant_id),
            CUSTOMERS if row.customer_id.is_none() => self.customers(row.tenant_id),
            feature => self.of(row.id, feature, window),
        }
    }

    /// How many active members an organization has.
    fn users(&self, organization: OrganizationId) -> Counted {
        Counted { used: self.users.get(&organization).copied().unwrap_or(0), held: 0 }
    }

    /// How many customers that are not terminated an organization has.
    fn customers(&self, organization: OrganizationId) -> Counted {
        Counted { used: self.customers.get(&organization).copied().unwrap_or(0), held: 0 }
    }
}
