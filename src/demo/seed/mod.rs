//! The demo's data: the same rows with the same ids at every seeding, at times that are relative to the seeding's.

mod add_on;
mod catalogue;
mod customer;
mod id;
mod name;
mod organization;
mod payment;
mod story;
mod teller;
mod trail;

use crate::clock::Timestamp;
use crate::entity::{
    CustomerId, add_on as add_ons, audit_event, customer as customers, feature, member, organization as organizations,
    payment as payments, payment_method, subscription, tier, tier_feature, tier_price,
};
use crate::error::Result;
use crate::store::Store;
use id::Ids;

/// How many customers organizations have.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Of `acme`.
    pub acme: usize,
    /// Of `globex`.
    pub globex: usize,
    /// Of each of the others.
    pub others: usize,
}

impl Default for Size {
    fn default() -> Self {
        Self { acme: 150, globex: 60, others: 15 }
    }
}

/// Puts the demo's data into an empty database.
pub async fn seed(store: &Store, now: Timestamp) -> Result<()> {
    seed_of(store, now, Size::default()).await
}

/// Puts data of the demo's kind, but of this size, into an empty database.
pub async fn seed_of(store: &Store, now: Timestamp, size: Size) -> Result<()> {
    let rows = Rows::make(now, &size)?;
    let system = store.system();
    system.insert::<_, organizations::Entity>(rows.organizations).await?;
    system.insert::<_, member::Entity>(rows.members).await?;
    system.insert::<_, tier::Entity>(rows.tiers).await?;
    system.insert::<_, tier_price::Entity>(rows.tier_prices).await?;
    system.insert::<_, tier_feature::Entity>(rows.tier_features).await?;
    system.insert::<_, feature::Entity>(rows.features).await?;
    system.insert::<_, add_ons::Entity>(rows.add_ons).await?;
    system.insert::<_, customers::Entity>(rows.customers).await?;
    system.insert::<_, subscription::Entity>(rows.subscriptions).await?;
    system.insert::<_, payments::Entity>(rows.payments).await?;
    system.insert::<_, payment_method::Entity>(rows.payment_methods).await?;
    // Last: its presence tells that everything else is there.
    system.insert::<_, audit_event::Entity>(rows.audit_events).await?;
    Ok(())
}

/// How far a database is seeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It is empty.
    None,
    /// The seeding was interrupted.
    Part,
    /// The data is there.
    Whole,
}

/// How far the database is seeded.
pub async fn progress(store: &Store) -> Result<Progress> {
    let organizations = store.system().count::<organizations::Entity>().await?;
    let events = store.system().count::<audit_event::Entity>().await?;
    Ok(match (organizations, events) {
        (0, _) => Progress::None,
        (_, 0) => Progress::Part,
        _ => Progress::Whole,
    })
}

/// The first customer of `acme`: a gateway bills its subscription.
pub fn first_customer() -> CustomerId {
    Ids::default().next()
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Rows {
    organizations: Vec<organizations::Model>,
    members: Vec<member::Model>,
    tiers: Vec<tier::Model>,
    tier_prices: Vec<tier_price::Model>,
    tier_features: Vec<tier_feature::Model>,
    features: Vec<feature::Model>,
    add_ons: Vec<add_ons::Model>,
    customers: Vec<customers::Model>,
    subscriptions: Vec<subscription::Model>,
    payments: Vec<payments::Model>,
    payment_methods: Vec<payment_method::Model>,
    audit_events: Vec<audit_event::Model>,
}

impl Rows {
    fn make(now: Timestamp, size: &Size) -> Result<Self> {
        let mut seeder =
            Seeder { now, ids: Ids::default(), rows: Self::default(), companies: 0, people: 0, payments: 0 };
        let platform = seeder.platform_catalogue()?;
        seeder.organizations(&platform, size)?;
        seeder.number_trail();
        Ok(seeder.rows)
    }
}

/// Collects the rows.
struct Seeder {
    now: Timestamp,
    ids: Ids,
    rows: Rows,
    /// How many companies were named.
    companies: usize,
    /// How many people were named.
    people: usize,
    /// How many payments were numbered for gateways.
    payments: usize,
}

impl Seeder {
    /// So many days from now.
    fn days(&self, days: i64) -> Timestamp {
        self.now.plus_days(days)
    }
}

#[cfg(test)]
mod tests;
