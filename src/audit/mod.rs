//! The audit trail, as callers read it. Entries are written by [`crate::store::UnitOfWork`] alone.

pub mod graphql;
mod sight;

use uuid::Uuid;

use crate::entity::*;
use crate::nouns::nouns;
use crate::store::Noun;

macro_rules! ids {
    ($($noun:ident: $object:ident $id:ident $tenant:ident, $($module:ident)::+ $query:ident;)*) => {
        /// The id of a row as the API shows it; the bare UUID for a noun that has no ids of its own.
        pub fn show_id(entity_type: &str, id: Uuid) -> String {
            match entity_type {
                $(<$noun::Entity as Noun>::NAME => $id::from(id).to_string(),)*
                <revocation::Entity as Noun>::NAME => RevocationId::from(id).to_string(),
                <gateway_price::Entity as Noun>::NAME => GatewayPriceId::from(id).to_string(),
                <checkout::Entity as Noun>::NAME => CheckoutId::from(id).to_string(),
                <usage_grant::Entity as Noun>::NAME => UsageGrantId::from(id).to_string(),
                <usage_adjustment::Entity as Noun>::NAME => UsageAdjustmentId::from(id).to_string(),
                <usage_threshold::Entity as Noun>::NAME => UsageThresholdId::from(id).to_string(),
                _ => id.to_string(),
            }
        }

        /// The noun and the stored id that a typed id stands for; none if it is not the id of a noun.
        pub fn read_id(text: &str) -> Option<(&'static str, Uuid)> {
            let (prefix, _) = text.split_once('_')?;
            let found = match prefix {
                $($id::PREFIX => $id::parse(text).map(|id| (<$noun::Entity as Noun>::NAME, id.into())),)*
                RevocationId::PREFIX => {
                    RevocationId::parse(text).map(|id| (<revocation::Entity as Noun>::NAME, id.into()))
                }
                GatewayPriceId::PREFIX => {
                    GatewayPriceId::parse(text).map(|id| (<gateway_price::Entity as Noun>::NAME, id.into()))
                }
                CheckoutId::PREFIX => {
                    CheckoutId::parse(text).map(|id| (<checkout::Entity as Noun>::NAME, id.into()))
                }
                UsageGrantId::PREFIX => {
                    UsageGrantId::parse(text).map(|id| (<usage_grant::Entity as Noun>::NAME, id.into()))
                }
                UsageAdjustmentId::PREFIX => {
                    UsageAdjustmentId::parse(text).map(|id| (<usage_adjustment::Entity as Noun>::NAME, id.into()))
                }
                UsageThresholdId::PREFIX => {
                    UsageThresholdId::parse(text).map(|id| (<usage_threshold::Entity as Noun>::NAME, id.into()))
                }
                _ => None,
            };
            // The trail is not about itself.
            found.filter(|(noun, _)| *noun != <audit_event::Entity as Noun>::NAME)
        }
    };
}
nouns!(ids);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::{
        AuditEventId, Mutable, add_on, customer, feature, gateway_account, member, organization, revocation,
        subscription, tier,
    };

    #[test]
    fn every_noun_that_is_written_has_typed_ids() {
        let written = [
            organization::Model::NOUN,
            member::Model::NOUN,
            customer::Model::NOUN,
            tier::Model::NOUN,
            feature::Model::NOUN,
            gateway_account::Model::NOUN,
            add_on::Model::NOUN,
            subscription::Model::NOUN,
            revocation::Model::NOUN,
        ];
        for noun in written {
            let shown = show_id(noun, CustomerId::generate().into());
            assert!(shown.contains('_'), "{noun} is shown as {shown}");
        }
    }

    #[test]
    fn what_is_shown_can_be_read() {
        let id = SubscriptionId::generate();
        assert_eq!(read_id(&show_id("subscription", id.into())), Some(("subscription", id.into())));
    }

    #[test]
    fn other_ids_are_not_read() {
        assert_eq!(read_id(&AuditEventId::generate().to_string()), None);
        assert_eq!(read_id("sub_nonsense"), None);
        assert_eq!(read_id("nonsense"), None);
    }
}
