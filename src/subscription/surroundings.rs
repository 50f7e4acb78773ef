//! What surrounds a subscription and decides what may be done with it: its owner, its tier, and what else its owner has.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use sea_orm::{ColumnTrait, Condition, IdenStatic, Iterable as _};

use super::lifecycle::as_of;
use super::recorded::{RECORDED, recorded};
use crate::clock::Timestamp;
use crate::entity::{
    OperationalStatus, OrganizationId, SubscriptionId, SubscriptionManagement, TierId, customer, organization,
    subscription, tier,
};
use crate::error::{Error, Result};
use crate::read::facts::{Cells, Needs, names};
use crate::read::relation::{Joined, One};
use crate::read::shape::Readable;
use crate::store::{First, Reading, Scope, Source};

/// What is known of it. It is not locked: a command that relies on it looks again.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// Whether the organization may operate.
    pub organization: OperationalStatus,
    /// Who manages the organization's own subscription.
    pub management: SubscriptionManagement,
    /// Whether the caller's own organization may operate.
    pub caller_operates: bool,
    /// Whether the customer that owns it may operate; none if it is the organization's own.
    pub customer: Option<OperationalStatus>,
    /// The tiers that it has, or that time may have brought by now.
    tiers: [Option<Tier>; 3],
    /// Another one of the owner whose end is not recorded.
    other: Option<Box<subscription::Model>>,
}

/// What is known of a tier.
#[derive(Clone, Copy, Debug)]
pub struct Tier {
    id: TierId,
    /// Whether it is no longer sold.
    pub archived: bool,
    /// How many days of trial it gives.
    pub trial_days: i32,
}

impl Surroundings {
    /// One of its tiers.
    pub fn tier(&self, id: TierId) -> Option<Tier> {
        self.tiers.into_iter().flatten().find(|tier| tier.id == id)
    }

    /// Whether the owner has another live subscription.
    pub fn another_is_live(&self, now: Timestamp) -> bool {
        self.other.as_ref().is_some_and(|other| as_of(other, now, None).0.ended_at.is_none())
    }

    /// Whether the owner may operate at all.
    pub fn owner(&self) -> OperationalStatus {
        self.customer.unwrap_or(self.organization)
    }
}

type Join = (&'static str, fn(&Scope) -> Source, (&'static str, &'static str), Vec<&'static str>);

/// The rows that surround one, by which columns they are joined, and what is needed of them.
fn joins() -> [Join; 8] {
    use subscription::Column::{CustomerId, Id, OverriddenTierId, ScheduledTierId, TenantId, TierId};
    let live = || [vec![Id.as_str()], names(&RECORDED)].concat();
    let organization = (organization::Column::Id.as_str(), TenantId.as_str());
    let management = organization::Column::SubscriptionManagement.as_str();
    let tier = |name, of: subscription::Column| -> Join {
        use tier::Column::{ArchivedAt, Id, TrialDays};
        (name, Scope::tiers_around, (Id.as_str(), of.as_str()), names(&[Id, ArchivedAt, TrialDays]))
    };
    [
        (
            "organization around",
            Scope::organizations_around,
            organization,
            vec![organization::Column::Status.as_str(), management, organization::Column::DeletedAt.as_str()],
        ),
        ("organization within reach", Scope::organizations_within_reach, organization, vec![organization.0]),
        (
            "customer around",
            Scope::customers_around,
            (customer::Column::Id.as_str(), CustomerId.as_str()),
            names(&[customer::Column::Status, customer::Column::DeletedAt]),
        ),
        tier("tier around", TierId),
        tier("overridden tier around", OverriddenTierId),
        tier("scheduled tier around", ScheduledTierId),
        ("customer's live", |scope| scope.live_around(false), (CustomerId.as_str(), CustomerId.as_str()), live()),
        ("organization's live", |scope| scope.live_around(true), (TenantId.as_str(), TenantId.as_str()), live()),
    ]
}

/// The same for the [read path](crate::read): what a value that is computed from it needs besides the row itself.
pub fn needs() -> Needs {
    let [organization, reached, customer, tier, overridden, scheduled, of_customer, of_organization] = joins();
    let organizations = |source, join| around::<organization::Entity>(source, join);
    vec![
        organizations(|scope, _, _| Ok(scope.organizations_around()), organization),
        organizations(|scope, _, _| Ok(scope.organizations_within_reach()), reached),
        around::<customer::Entity>(|scope, _, _| Ok(scope.customers_around()), customer),
        around::<tier::Entity>(|scope, _, _| Ok(scope.tiers_around()), tier),
        around::<tier::Entity>(|scope, _, _| Ok(scope.tiers_around()), overridden),
        around::<tier::Entity>(|scope, _, _| Ok(scope.tiers_around()), scheduled),
        around::<subscription::Entity>(|scope, _, _| Ok(scope.live_around(false)), of_customer),
        around::<subscription::Entity>(|scope, _, _| Ok(scope.live_around(true)), of_organization),
    ]
}

fn around<E: Readable>(
    source: fn(&Scope, &Reading, Condition) -> Result<Source>,
    (name, _, on, columns): Join,
) -> (Option<Joined>, Vec<&'static str>) {
    (Some(Joined { source, on, ..One::<E>::new(name, E::KEY, E::KEY).joined() }), columns)
}

/// What was found around a subscription, in the order of `joins`.
pub fn found(cells: Cells<'_>, subscription: &subscription::Model) -> Result<Surroundings> {
    // The columns of its organization, once more to see if the caller may operate, of its customer and its tier.
    const TIERS: usize = 6;
    const LIVE: usize = TIERS + 9;
    let live = cells.from(if subscription.customer_id.is_some() { LIVE } else { LIVE + 1 + RECORDED.len() });
    let other = live.get::<SubscriptionId>(0)?.filter(|id| *id != subscription.id);
    let other = if other.is_some() { recorded(live.from(1))?.map(Box::new) } else { None };
    // Who was deleted is as good as terminated.
    let status = |place: usize, deleted: usize| -> Result<Option<OperationalStatus>> {
        let kept = cells.get::<Timestamp>(deleted)?.is_none();
        Ok(cells.get(place)?.map(|status| if kept { status } else { OperationalStatus::Terminated }))
    };
    let tier = |place: usize| -> Result<Option<Tier>> {
        let cells = cells.from(TIERS + 3 * place);
        let Some(id) = cells.get(0)? else { return Ok(None) };
        Ok(Some(Tier { id, archived: cells.get::<Timestamp>(1)?.is_some(), trial_days: cells.filled(2)? }))
    };
    Ok(Surroundings {
        organization: status(0, 2)?.unwrap_or(OperationalStatus::Terminated),
        management: cells.filled(1)?,
        caller_operates: cells.get::<OrganizationId>(3)?.is_some(),
        customer: status(4, 5)?,
        tiers: [tier(0)?, tier(1)?, tier(2)?],
        other,
    })
}

/// What surrounds these subscriptions, in one statement.
pub async fn around_all(scope: &Scope, ids: &[SubscriptionId]) -> Result<HashMap<SubscriptionId, Surroundings>> {
    let these = subscription::Column::Id.is_in(ids.iter().copied());
    let base = scope.source::<subscription::Entity>(Condition::all().add(these))?;
    let mut reading = Reading::new(base, First { keys: Vec::new(), limit: None });
    let own: Vec<_> =
        subscription::Column::iter().map(|column| reading.column(Reading::BASE, column.as_str())).collect();
    let mut places = Vec::new();
    for (name, source, on, columns) in joins() {
        let table = reading.join(name, Reading::BASE, source(scope), on, Vec::new());
        places.extend(columns.into_iter().map(|column| Some(reading.column(table, column))));
    }
    let rows = scope.read(&reading).await?;
    let around = rows.iter().map(|row| {
        let subscription = row.model::<subscription::Entity>(own.iter().copied())?;
        Ok((subscription.id, found(Cells::Read { row, columns: &places }, &subscription)?))
    });
    around.collect()
}

/// What surrounds a subscription, in batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Around(pub SubscriptionId);

impl Loader<Around> for Scope {
    type Value = Surroundings;
    type Error = Error;

    async fn load(&self, keys: &[Around]) -> Result<HashMap<Around, Surroundings>> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        Ok(around_all(self, &ids).await?.into_iter().map(|(id, around)| (Around(id), around)).collect())
    }
}
