//! One file for each table. Which rows of a table a caller may see is said by [`Visible`](crate::store::Visible).

pub mod add_on;
pub mod audit_event;
pub mod audited;
pub mod checkout;
pub mod customer;
pub mod derived;
pub mod enums;
pub mod feature;
pub mod gateway_account;
pub mod gateway_intent;
pub mod gateway_object;
pub mod gateway_price;
pub mod id;
pub mod idempotency_key;
pub mod json;
pub mod member;
pub mod organization;
pub mod outbox_event;
pub mod parked_transition;
pub mod payment;
pub mod payment_method;
pub mod revocation;
pub mod subscription;
pub mod subscription_total;
pub mod test_clock;
pub mod tier;
pub mod tier_feature;
pub mod tier_price;
pub mod usage_adjustment;
pub mod usage_counter;
pub mod usage_day;
pub mod usage_grant;
pub mod usage_record;
pub mod usage_reservation;
pub mod usage_threshold;
pub mod webhook_event;

pub use audited::Audited;
pub use derived::Derived;
pub use enums::*;
pub use id::*;
pub use json::StoredJson;

use crate::clock::Timestamp;

/// A row that can be changed: it has an id, a tenant, a version and the times of its making and last change.
pub trait Mutable: Audited + Clone + Derived + Send + Sync {
    /// The noun, as the audit trail names it.
    const NOUN: &'static str;
    /// The untyped id.
    fn uuid(&self) -> uuid::Uuid;
    /// The id as the API shows it.
    fn api_id(&self) -> String;
    /// The tenant the row belongs to; none for the platform's own.
    fn tenant(&self) -> Option<OrganizationId>;
    /// Puts a new row into its tenant.
    fn set_tenant(&mut self, tenant: Option<OrganizationId>);
    /// Counts the row's changes, from 1.
    fn version(&self) -> i32;
    /// Records that the row was changed now.
    fn touch(&mut self, version: i32, now: Timestamp);
}
