//! How other nouns refer to subscriptions, and what an owner is shown of its own.

use sea_orm::{ColumnTrait, IdenStatic};
use uuid::Uuid;

use super::parts::EffectiveStatus;
use super::recorded::{RECORDED, recorded};
use super::status;
use crate::entity::subscription::Column::{CreatedAt, CustomerId, EndedAt, Id, TenantId, TierId};
use crate::entity::{self, organization, subscription};
use crate::error::Result;
use crate::organization::graphql as organizations;
use crate::read::facts::{Facts, Needs, names};
use crate::read::relation::{One, Pages};
use crate::store::{Order, SortKey};

/// The subscription that a column names.
pub fn of(id: impl IdenStatic) -> One<subscription::Entity> {
    One::new("subscription", Id, id)
}

/// The live subscription of a customer, or else its latest.
pub fn current_of_customer(customer: impl IdenStatic) -> One<subscription::Entity> {
    One::new("current subscription", CustomerId, customer).first_by(&current_first())
}

/// The live subscription of an organization itself, or else its latest.
pub fn current_of_organization(organization: impl IdenStatic) -> One<subscription::Entity> {
    One::new("current subscription", TenantId, organization).only(CustomerId.is_null()).first_by(&current_first())
}

/// The subscriptions of a customer.
pub fn of_customer(customer: impl IdenStatic) -> Pages<subscription::Entity> {
    Pages::new(OF_OWNER, CustomerId, customer)
}

/// An organization's own subscriptions.
pub fn of_organization(organization: impl IdenStatic) -> Pages<subscription::Entity> {
    Pages { only: Some(CustomerId.is_null()), ..Pages::new(OF_OWNER, TenantId, organization) }
}

/// An owner's subscriptions, its current one first. What never ended sorts last in ascending order and so first here.
fn current_first() -> Order<subscription::Entity> {
    let newest = |column| SortKey { column, descending: true };
    Order::new(vec![newest(EndedAt), newest(CreatedAt)], Id)
}

const OF_OWNER: &str = "owner.subscriptions";

/// What [`tier_id`] is computed from.
pub fn needs_tier_id(current: One<subscription::Entity>) -> Needs {
    vec![(Some(current.joined()), names(&[TierId]))]
}

/// The tier of an owner's subscription.
pub fn tier_id(facts: &Facts<'_>) -> Result<Option<entity::TierId>> {
    facts.get(0)
}

/// What [`owner_status`] is computed from; `exempt` is the owner's column that says so.
pub fn needs_owner_status(current: One<subscription::Entity>, exempt: Option<organization::Column>) -> Needs {
    vec![(Some(current.joined()), names(&RECORDED)), (None, names(exempt.as_slice()))]
}

/// What an owner's subscription is worth at this moment.
pub fn owner_status(facts: &Facts<'_>) -> Result<EffectiveStatus> {
    let exempt = if facts.has(RECORDED.len()) { facts.filled(RECORDED.len())? } else { false };
    effective(facts, exempt)
}

/// What [`effective_status`] is computed from. An organization can be exempt; who cannot see organizations sees no
/// subscriptions of theirs either.
pub fn needs_effective_status() -> Needs {
    let exempt = organizations::seen(TenantId).unless(CustomerId).joined();
    let own = [names(&RECORDED), names(&[CustomerId])].concat();
    vec![(None, own), (Some(exempt), names(&[organization::Column::Exempt]))]
}

/// What a subscription is worth at this moment.
pub fn effective_status(facts: &Facts<'_>) -> Result<EffectiveStatus> {
    let own = facts.get::<Uuid>(RECORDED.len())?.is_none();
    let exempt = own && facts.get::<bool>(RECORDED.len() + 1)?.unwrap_or(false);
    effective(facts, exempt)
}

fn effective(facts: &Facts<'_>, exempt: bool) -> Result<EffectiveStatus> {
    let (row, request) = (recorded(facts.cells)?, facts.request);
    Ok(status::effective(row.as_ref(), exempt, request.scope.now(), &request.settings.policy).into())
}
