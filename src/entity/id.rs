//! Typed ids: UUIDv7 in the database, TypeIDs (`cus_01h2…`) at the API.
//!
//! Follows the TypeID specification 0.3: a lower-case prefix, an underscore, and 26 characters of Crockford base32.

use std::fmt;
use std::str::FromStr;

use sea_orm::{DbErr, DeriveValueType, TryFromU64};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use type_safe_id::{DynamicType, TypeSafeId};
use uuid::Uuid;

/// What every typed id can do.
pub trait TypedId: Copy + fmt::Display + Into<Uuid> + From<Uuid> + Send + Sync + 'static {
    /// The prefix that names the noun, without the underscore.
    const PREFIX: &'static str;

    /// Reads the API form. Only the own prefix is accepted.
    fn parse(text: &str) -> Option<Self> {
        let id = TypeSafeId::<DynamicType>::from_str(text).ok()?;
        (id.type_prefix() == Self::PREFIX).then(|| id.uuid().into())
    }
}

fn write_type_id(f: &mut fmt::Formatter<'_>, prefix: &'static str, uuid: Uuid) -> fmt::Result {
    let prefix = DynamicType::new(prefix).map_err(|_| fmt::Error)?;
    write!(f, "{}", TypeSafeId::from_type_and_uuid(prefix, uuid))
}

macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, DeriveValueType)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id, later than every id this process made before (UUIDv7, RFC 9562 §5.7).
            #[expect(clippy::disallowed_methods, reason = "the one place that makes ids")]
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }
        }

        /// Ids are made here, never by the database.
        impl TryFromU64 for $name {
            fn try_from_u64(_: u64) -> Result<Self, DbErr> {
                Err(DbErr::ConvertFromU64(stringify!($name)))
            }
        }

        /// As the API shows it.
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| de::Error::custom(concat!("expected an id ", $prefix, "_…")))
            }
        }

        impl TypedId for $name {
            const PREFIX: &'static str = $prefix;
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_type_id(f, $prefix, self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_type_id(f, $prefix, self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )*};
}

typed_ids! {
    /// An organization: the tenant.
    OrganizationId = "org";
    /// A user of an organization.
    MemberId = "mem";
    /// A customer of an organization.
    CustomerId = "cus";
    /// A tier of a catalogue.
    TierId = "tier";
    /// A price of a tier.
    TierPriceId = "price";
    /// What a tier grants of a feature.
    TierFeatureId = "tierfeat";
    /// A feature of a catalogue.
    FeatureId = "feat";
    /// An add-on of a catalogue.
    AddOnId = "addon";
    /// A subscription of an organization or a customer.
    SubscriptionId = "sub";
    /// A payment for a subscription.
    PaymentId = "pay";
    /// An account at a payment gateway.
    GatewayAccountId = "gwa";
    /// What a gateway calls a price.
    GatewayPriceId = "gwp";
    /// An attempt to buy a subscription at a gateway.
    CheckoutId = "chk";
    /// A lease of an object at a gateway: of whoever fetches it.
    LeaseId = "lease";
    /// Something that was asked of a gateway.
    GatewayIntentId = "gwi";
    /// Something that a gateway told us.
    WebhookEventId = "webhook";
    /// A stored payment method.
    PaymentMethodId = "pm";
    /// A record of use.
    UsageRecordId = "use";
    /// An amount that is reserved.
    UsageReservationId = "hold";
    /// A one-off allowance.
    UsageGrantId = "grant";
    /// A correction of what was counted.
    UsageAdjustmentId = "adj";
    /// A share of a limit that was reached.
    UsageThresholdId = "reach";
    /// A revocation of tokens.
    RevocationId = "rev";
    /// An entry of the audit trail.
    AuditEventId = "aud";
    /// An event waiting in the outbox.
    OutboxEventId = "evt";
}

/// Whose a row of the trail or the outbox is, as a part of its key: an organization's, or the platform's, which is kept as
/// the nil UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, DeriveValueType)]
pub struct TenantKey(Uuid);

impl TenantKey {
    /// The organization; none for the platform.
    pub fn organization(self) -> Option<OrganizationId> {
        (!self.0.is_nil()).then_some(OrganizationId(self.0))
    }
}

impl From<Option<OrganizationId>> for TenantKey {
    fn from(organization: Option<OrganizationId>) -> Self {
        Self(organization.map(Uuid::from).unwrap_or_default())
    }
}

impl TryFromU64 for TenantKey {
    fn try_from_u64(_: u64) -> Result<Self, DbErr> {
        Err(DbErr::ConvertFromU64("TenantKey"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_form_round_trips() {
        let id = CustomerId::generate();
        assert_eq!(CustomerId::parse(&id.to_string()), Some(id));
    }

    #[test]
    fn another_prefix_is_not_this_id() {
        assert_eq!(CustomerId::parse(&SubscriptionId::generate().to_string()), None);
    }

    #[test]
    fn the_specification_s_example_is_read() {
        let id = TypeSafeId::<DynamicType>::from_str("prefix_01h2xcejqtf2nbrexx3vqjhp41").expect("valid");
        let uuid = Uuid::parse_str("0188bac7-4afa-78aa-bc3b-bd1eef28d881").expect("valid");
        assert_eq!(id.uuid(), uuid);
    }

    #[test]
    fn nobody_s_key_is_the_platform_s() {
        assert_eq!(TenantKey::from(None).organization(), None);
        let id = OrganizationId::generate();
        assert_eq!(TenantKey::from(Some(id)).organization(), Some(id));
    }

    #[test]
    fn later_ids_sort_later() {
        let ids: Vec<_> = (0..100).map(|_| OrganizationId::generate()).collect();
        assert!(ids.is_sorted());
    }
}
