//! Ids that follow from numbers, so that a test knows those of the rows it asks for.

use tessera::entity::{CustomerId, OrganizationId, SubscriptionId, TierId};
use uuid::Uuid;

/// The first row of each table was made at the start of 2024, every other a minute after the one before.
pub const FIRST: u64 = 1_704_067_200_000_000;
pub const A_MINUTE: u64 = 60_000_000;

/// Kinds of rows: their ids differ even where their numbers are the same.
#[derive(Clone, Copy)]
pub enum Table {
    Organization = 1,
    Tier,
    Customer,
    Subscription,
    Payment,
    Method,
    Member,
    AuditEvent,
    Ended,
    Own,
    Further,
    OfOrganization,
    Price,
    Feature,
    Declared,
    AddOn,
}

fn uuid(table: Table, number: u64) -> Uuid {
    let millis = u128::from((FIRST + number * A_MINUTE) / 1000);
    Uuid::from_u128(millis << 80 | 7 << 76 | (table as u128) << 64 | 0x8000 << 48 | u128::from(number))
}

pub fn customer(number: u64) -> CustomerId {
    uuid(Table::Customer, number).into()
}

pub fn subscription(number: u64) -> SubscriptionId {
    uuid(Table::Subscription, number).into()
}

pub fn organization(number: u64) -> OrganizationId {
    uuid(Table::Organization, number).into()
}

pub fn tier(number: u64) -> TierId {
    uuid(Table::Tier, number).into()
}

/// The letters that are told from those of other rows.
pub fn letters(number: u64) -> String {
    format!("{:08x}", number * 2_654_435_761 % 4_294_967_296)
}
