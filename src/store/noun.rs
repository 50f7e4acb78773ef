//! Tables whose rows have an id and a tenant, and those of them that change.

use super::Visible;
use super::reading::Lock;
use crate::entity::*;
use crate::nouns::nouns;

/// A table whose rows are nodes of the API: each has an id and a tenant.
pub trait Noun: Visible {
    /// Its name in the audit trail and in errors.
    const NAME: &'static str;

    /// The type of its ids.
    type Id: TypedId + Into<sea_orm::Value>;

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

    /// The columns that triggers of the database keep: no change writes them.
    fn kept_by_triggers() -> &'static [Self::Column] {
        &[]
    }

    /// How the organization of a row is locked before the row is.
    fn organization_lock(row: &Self::Model) -> Lock;

    /// The customer that owns a row, which is locked before it.
    fn owner(row: &Self::Model) -> Option<CustomerId>;
}

macro_rules! columns {
    ($($noun:ident: $object:ident $id:ident $tenant:ident, $($module:ident)::+ $query:ident;)*) => {$(
        impl Noun for $noun::Entity {
            const NAME: &'static str = stringify!($noun);

            type Id = $id;

            fn id() -> $noun::Column {
                $noun::Column::Id
            }

            fn tenant() -> $noun::Column {
                $noun::Column::$tenant
            }
        }
    )*};
}
nouns!(columns);
// Written and audited, but no object of the API.
columns! {
    revocation: Revocation RevocationId TenantId, revocation Nothing;
    gateway_price: GatewayPrice GatewayPriceId TenantId, gateway_account Nothing;
    checkout: Checkout CheckoutId TenantId, checkout Nothing;
    usage_grant: UsageGrant UsageGrantId TenantId, usage Nothing;
    usage_adjustment: UsageAdjustment UsageAdjustmentId TenantId, usage Nothing;
    usage_threshold: UsageThreshold UsageThresholdId TenantId, usage Nothing;
}

macro_rules! records {
    ($($noun:ident $row:pat => $lock:expr, $owner:expr $(, $kept:expr)?;)*) => {$(
        impl Record for $noun::Entity {
            fn version() -> $noun::Column {
                $noun::Column::Version
            }
            $(
                fn kept_by_triggers() -> &'static [$noun::Column] {
                    $kept
                }
            )?

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
    feature _ => Lock::KeyShare, None;
    add_on _ => Lock::KeyShare, None;
    gateway_account _ => Lock::KeyShare, None;
    revocation _ => Lock::KeyShare, None;
    payment _ => Lock::KeyShare, None;
    gateway_price _ => Lock::KeyShare, None;
    // Changed with its subscription locked.
    checkout _ => Lock::KeyShare, None;
    usage_grant _ => Lock::KeyShare, None;
    usage_adjustment _ => Lock::KeyShare, None;
    usage_threshold _ => Lock::KeyShare, None;
    subscription row => if row.customer_id.is_none() { Lock::NoKeyUpdate } else { Lock::KeyShare }, row.customer_id,
        &[subscription::Column::PaymentStatus, subscription::Column::PaymentStatusAt];
}

macro_rules! mutable {
    ($($noun:ident $tenant:ident => $set:expr;)*) => {$(
        impl Mutable for $noun::Model {
            const NOUN: &'static str = <$noun::Entity as Noun>::NAME;

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
    organization id => |_, _| {};
    member tenant_id => |row, tenant| put(&mut row.tenant_id, tenant);
    customer tenant_id => |row, tenant| put(&mut row.tenant_id, tenant);
    subscription tenant_id => |row, tenant| put(&mut row.tenant_id, tenant);
    payment tenant_id => |row, tenant| put(&mut row.tenant_id, tenant);
    tier tenant_id => |row, tenant| row.tenant_id = tenant;
    feature tenant_id => |row, tenant| row.tenant_id = tenant;
    add_on tenant_id => |row, tenant| row.tenant_id = tenant;
    gateway_account tenant_id => |row, tenant| row.tenant_id = tenant;
    revocation tenant_id => |row, tenant| row.tenant_id = tenant;
    gateway_price tenant_id => |row, tenant| row.tenant_id = tenant;
    checkout tenant_id => |row, tenant| put(&mut row.tenant_id, tenant);
    usage_grant tenant_id => |row, tenant| put(&mut row.tenant_id, tenant);
    usage_adjustment tenant_id => |row, tenant| put(&mut row.tenant_id, tenant);
    usage_threshold tenant_id => |row, tenant| put(&mut row.tenant_id, tenant);
}
