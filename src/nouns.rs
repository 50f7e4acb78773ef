//! The table of nouns: every kind of object that has an id at the API.
//!
//! What must know all of them is made from this table: `node`, the queries, the ids in the audit trail, the keys of
//! tables. A new noun is a line here; the compiler and the tests that go through the table then say what is missing.

/// Hands the table to a macro: for each noun the module of its rows, the GraphQL object that shows them, the type of its
/// ids, the column of its tenant, and its queries.
macro_rules! nouns {
    ($expand:ident) => {
        $expand! {
            organization: Organization OrganizationId Id, organization::graphql OrganizationQuery;
            member: Member MemberId TenantId, member::graphql MemberQuery;
            customer: Customer CustomerId TenantId, customer::graphql CustomerQuery;
            tier: Tier TierId TenantId, tier::graphql TierQuery;
            feature: Feature FeatureId TenantId, feature::graphql FeatureQuery;
            add_on: AddOn AddOnId TenantId, add_on::graphql AddOnQuery;
            gateway_account: GatewayAccount GatewayAccountId TenantId, gateway_account::graphql GatewayAccountQuery;
            subscription: SubscriptionContract SubscriptionId TenantId, subscription::query SubscriptionQuery;
            payment: Payment PaymentId TenantId, payment::graphql PaymentQuery;
            payment_method: PaymentMethod PaymentMethodId TenantId, payment_method::graphql PaymentMethodQuery;
            audit_event: AuditEvent AuditEventId TenantId, audit::graphql AuditQuery;
        }
    };
}
pub(crate) use nouns;
