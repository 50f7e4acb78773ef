//! Tables whose rows have an id and a tenant, and those of them that change.

use super::Visible;
use super::reading::Lock;
use crate::entity::{
    CustomerId, Mutable, OrganizationId, audit_event, customer, member, organization, payment, payment_method,
    revocation, subscription, tier,
};

/// A table whose rows are nodes of the API: each has an id and a tenant.
pub trait Noun: Visible {
    /// The id.
    fn id() -> Self::Column;
    /// The tenant.
    fn tenant() -> Self::Column;
}

/// A table that requests may write.
pub trait Record: Noun
where
    Self::Model: Mutable,
{
    /// The version that every change counts up.
    fn version() -> Self::Column;

    /// How the organization of a row is locked before the row is.
    fn organization_lock(row: &Self::Model) -> Lock;

    /// The customer that owns a row, which is locked before it.
    fn owner(row: &Self::Model) -> Option<CustomerId>;
}

macro_rules! nouns {
    ($($noun:ident $tenant:ident),*) => {$(
        impl Noun for $noun::Entity {
            fn id() -> $noun::Column {
                $noun::Column::Id
            }

            fn tenant() -> $noun::Column {
                $noun::Column::$tenant
            }
        }
    )*};
}
nouns!(
    organization Id, member TenantId, customer TenantId, tier TenantId, subscription TenantId, payment TenantId,
    payment_method TenantId, audit_event TenantId, revocation TenantId
);

macro_rules! records {
    ($($noun:ident $row:pat => $lock:expr, $owner:expr;)*) => {$(
        impl Record for $noun::Entity {
            fn version() -> $noun::Column {
                $noun::Column::Version
            }

            fn organization_lock($row: &$noun::Model) -> Lock {
                $lock
            }

            fn owner($row: &$noun::Model) -> Option<CustomerId> {
                $owner
            }
        }
    )*};
}
records! {
    organization _ => Lock::Update, None;
    // They are counted, and one of them manages.
    member _ => Lock::NoKeyUpdate, None;
    customer _ => Lock::KeyShare, None;
    tier _ => Lock::KeyShare, None;
    revocation _ => Lock::KeyShare, None;
    subscription row => if row.customer_id.is_none() { Lock::NoKeyUpdate } else { Lock::KeyShare }, row.customer_id;
}

macro_rules! mutable {
    ($($noun:ident $name:literal $id:ident $tenant:ident => $set:expr;)*) => {$(
        impl Mutable for $noun::Model {
            const NOUN: &'static str = $name;

            fn uuid(&self) -> uuid::Uuid {
                self.id.into()
            }

            fn api_id(&self) -> String {
                self.id.to_string()
            }

            fn tenant(&self) -> Option<OrganizationId> {
                self.$tenant.into()
            }

            fn set_tenant(&mut self, tenant: Option<OrganizationId>) {
                let set: fn(&mut Self, Option<OrganizationId>) = $set;
                set(self, tenant);
            }

            fn version(&self) -> i32 {
                self.version
            }

            fn touch(&mut self, version: i32, now: crate::clock::Timestamp) {
                self.version = version;
                self.updated_at = now;
            }
        }
    )*};
}

fn put(column: &mut OrganizationId, tenant: Option<OrganizationId>) {
    if let Some(tenant) = tenant {
        *column = tenant;
    }
}

mutable! {
    organization "organization" id id => |_, _| {};
    member "member" id tenant_id => |row, tenant| put(&mut row.tenant_id, tenant);
    customer "customer" id tenant_id => |row, tenant| put(&mut row.tenant_id, tenant);
    subscription "subscription" id tenant_id => |row, tenant| put(&mut row.tenant_id, tenant);
    tier "tier" id tenant_id => |row, tenant| row.tenant_id = tenant;
    revocation "revocation" id tenant_id => |row, tenant| row.tenant_id = tenant;
}
