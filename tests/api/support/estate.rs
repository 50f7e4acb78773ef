//! One of everything that a tenant can have, each marked with a text that is found nowhere else.

use serde_json::{Value, json};
use tessera::auth::Role;
use tessera::entity::{
    BillingCycle, CustomerId, Gateway, GatewayAccountId, GatewayPriceId, PaymentId, PaymentMethodId, PaymentMethodKind,
    PaymentStatus, SubscriptionId, TypedId, gateway_price, payment, payment_method,
};

use super::{Client, Tenant, World};

/// Who a subscription belongs to, with what belongs to it besides.
#[derive(Clone, Debug)]
pub struct Holder {
    /// The customer or organization.
    pub id: String,
    pub subscription: String,
    pub payment: String,
    pub payment_method: String,
}

/// What the tests know of a tenant.
#[derive(Clone, Debug)]
pub struct Estate {
    pub tenant: Tenant,
    pub organization: Holder,
    pub customer: Holder,
    pub member: String,
    /// A tier of its catalogue that is not public; its customer has it.
    pub tier: String,
    /// A feature of its catalogue.
    pub feature: String,
    /// An add-on of its catalogue that is not public; its customer has it.
    pub add_on: String,
    /// Its account for payments by hand.
    pub gateway_account: String,
    /// The creation of its customer.
    pub audit_event: String,
    /// A customer without a subscription.
    pub idle_customer: String,
}

impl Estate {
    /// Fills a tenant with things that carry this mark, through the API; payments and payment methods come from gateways
    /// and are put in by hand.
    pub async fn fill(world: &World, tenant: Tenant, mark: &str) -> Self {
        let slug = json!({"id": tenant.id.to_string(), "slug": mark});
        world.root().mutate("updateOrganization", slug, "").await;
        let tier = private_tier(world, tenant, mark).await;
        let feature = feature(world, tenant, mark).await;
        let add_on = add_on(world, tenant, mark).await;
        let gateway_account = gateway_account(world, tenant, mark).await;
        let customer = customer(world, tenant, mark, &tier).await;
        let more = json!({"id": customer.subscription, "addOns": [{"addOnId": add_on}]});
        world.admin(tenant).mutate("changeAddOns", more, "").await;
        let organization = organization(world, tenant, mark).await;
        let member = member(world, tenant, mark).await;
        let document = "query($id: ID!) { auditEvents(where: {entityId: $id}) { nodes { id } } }";
        let data = world.admin(tenant).ok(document, json!({"id": customer.id})).await;
        let audit_event = text(&data["auditEvents"]["nodes"][0]["id"]);
        let (idle_customer, ended) = world.subscribed(tenant, &format!("{mark} idle"), tenant.basic, json!({})).await;
        world.admin(tenant).mutate("deleteSubscription", json!({"id": ended}), "").await;
        Self {
            tenant,
            organization,
            customer,
            member,
            tier,
            feature,
            add_on,
            gateway_account,
            audit_event,
            idle_customer,
        }
    }

    /// The id of its object of this type; the customer's where the organization has one as well.
    pub fn id_of(&self, object: &str) -> &str {
        match object {
            "Organization" => &self.organization.id,
            "Member" => &self.member,
            "Customer" => &self.customer.id,
            "SubscriptionContract" => &self.customer.subscription,
            "Tier" => &self.tier,
            "Feature" => &self.feature,
            "AddOn" => &self.add_on,
            "GatewayAccount" => &self.gateway_account,
            "Payment" => &self.customer.payment,
            "PaymentMethod" => &self.customer.payment_method,
            "AuditEvent" => &self.audit_event,
            other => panic!("an estate has no {other}: add one to `Estate`"),
        }
    }
}

/// An administrator whose name is marked as well.
fn steward(world: &World, tenant: Tenant, mark: &str) -> Client {
    world.acting(Role::Admin, tenant, &format!("{mark}@example.com"))
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// A tier that is not public, with another one to fall back to.
pub async fn private_tier(world: &World, tenant: Tenant, mark: &str) -> String {
    let tier = async |name: &str, more: Value| {
        let mut input = json!({
            "key": format!("{mark}-{name}"), "name": format!("{mark} {name}"), "description": format!("{mark} text"),
            "kind": "CUSTOMER", "rank": 30, "idempotencyKey": format!("{mark}-{name}"),
            "prices": [{"billingCycle": "MONTHLY", "currency": "USD", "amountMinor": 700,
                "gatewayPrices": [{"gateway": "STRIPE", "priceId": format!("{mark}-{name}-price")}]}],
            "features": [{"key": format!("{mark}.feature"), "kind": "LIMIT", "ceiling": 3}],
        });
        merge(&mut input, more);
        text(&steward(world, tenant, mark).mutate("createTier", input, "tier { id }").await["tier"]["id"])
    };
    let fallback = tier("below", json!({})).await;
    tier("special", json!({"periodEndPolicy": "DOWNGRADE", "fallbackTierId": fallback})).await
}

/// A feature that no tier grants.
async fn feature(world: &World, tenant: Tenant, mark: &str) -> String {
    let input = json!({
        "key": format!("{mark}.declared"), "name": format!("{mark} feature"), "description": format!("{mark} text"),
        "kind": "METER", "unit": mark,
    });
    text(&steward(world, tenant, mark).mutate("createFeature", input, "feature { id }").await["feature"]["id"])
}

/// An account for payments by hand.
async fn gateway_account(world: &World, tenant: Tenant, mark: &str) -> String {
    let input = json!({
        "kind": "MANUAL", "mode": "LIVE", "name": format!("{mark} bank"), "instructions": format!("{mark} instructions"),
        "idempotencyKey": format!("{mark}-bank"),
    });
    let made = steward(world, tenant, mark).mutate("createGatewayAccount", input, "gatewayAccount { id }").await;
    let id = text(&made["gatewayAccount"]["id"]);
    let now = world.clock.now();
    // A gateway would have been asked for it.
    let price = gateway_price::Model {
        id: GatewayPriceId::generate(),
        tenant_id: Some(tenant.id),
        account_id: GatewayAccountId::parse(&id).expect("an id"),
        tier_id: Some(tenant.basic),
        add_on_id: None,
        billing_cycle: BillingCycle::Monthly,
        currency: "USD".to_owned(),
        amount_minor: 900,
        price_id: format!("{mark}-price"),
        created_at: now,
        updated_at: now,
        version: 1,
    };
    world.store.system().insert::<_, gateway_price::Entity>(vec![price]).await.expect("a price");
    id
}

/// An add-on that is not public.
async fn add_on(world: &World, tenant: Tenant, mark: &str) -> String {
    let input = json!({
        "key": format!("{mark}-seats"), "name": format!("{mark} seats"), "description": format!("{mark} text"),
        "kind": "CUSTOMER", "idempotencyKey": format!("{mark}-seats"),
        "prices": [{"billingCycle": "MONTHLY", "currency": "USD", "amountMinor": 200}],
        "features": [{"key": format!("{mark}.seats"), "kind": "LIMIT", "ceiling": 1}],
    });
    text(&steward(world, tenant, mark).mutate("createAddOn", input, "addOn { id }").await["addOn"]["id"])
}

/// A customer of a tier, with a scheduled change, a payment and a payment method.
pub async fn customer(world: &World, tenant: Tenant, mark: &str, tier: &str) -> Holder {
    let admin = steward(world, tenant, mark);
    let input = json!({
        "name": format!("{mark} customer"), "email": format!("{mark}-customer@example.com"),
        "externalRef": format!("{mark}-ref"), "metadata": {"note": format!("{mark} metadata")},
        "idempotencyKey": format!("{mark}-key"),
        "subscription": {
            "tierId": tier, "externalId": format!("{mark}-external"), "metadata": {"note": format!("{mark} metadata")},
            "featureOverrides": [{"key": format!("{mark}.override"), "ceiling": 9}],
        },
    });
    let made = admin.mutate("createCustomer", input, "customer { id subscription { id } }").await;
    let (id, subscription) = (text(&made["customer"]["id"]), text(&made["customer"]["subscription"]["id"]));
    let change = json!({
        "id": subscription, "tierId": tenant.basic.to_string(), "timing": "PERIOD_END", "reason": format!("{mark} reason"),
    });
    admin.mutate("changeTier", change, "").await;
    paying(world, tenant, id, subscription, &format!("{mark}-customer")).await
}

/// The organization's own subscription, with a payment and a payment method, and marks on its profile.
pub async fn organization(world: &World, tenant: Tenant, mark: &str) -> Holder {
    let (id, admin) = (tenant.id.to_string(), steward(world, tenant, mark));
    let profile = json!({
        "id": id, "name": format!("{mark} organization"), "billingEmail": format!("{mark}-billing@example.com"),
        "metadata": {"note": format!("{mark} metadata")}, "reason": format!("{mark} reason"),
    });
    admin.mutate("updateOrganization", profile, "").await;
    let made = admin.mutate("ensureSubscription", json!({"organizationId": id}), "subscription { id }").await;
    let subscription = text(&made["subscription"]["id"]);
    let note =
        json!({"id": subscription, "externalId": format!("{mark}-own"), "metadata": {"note": format!("{mark} own")}});
    admin.mutate("updateSubscription", note, "").await;
    paying(world, tenant, id, subscription, &format!("{mark}-own")).await
}

/// A member of the organization, which must have a subscription.
pub async fn member(world: &World, tenant: Tenant, mark: &str) -> String {
    let input =
        json!({"name": format!("{mark} member"), "email": format!("{mark}-member@example.com"), "role": "WORKER"});
    text(&steward(world, tenant, mark).mutate("createMember", input, "member { id }").await["member"]["id"])
}

/// A failed payment and a default payment method of an owner.
async fn paying(world: &World, tenant: Tenant, id: String, subscription: String, mark: &str) -> Holder {
    let (now, customer_id) = (world.clock.now(), CustomerId::parse(&id));
    let payment = payment::Model {
        tenant_id: tenant.id,
        id: PaymentId::generate(),
        subscription_id: SubscriptionId::parse(&subscription).expect("an id"),
        customer_id,
        amount_minor: 700,
        currency: "USD".to_owned(),
        status: PaymentStatus::Failed,
        gateway: Gateway::Stripe,
        gateway_account_id: None,
        gateway_payment_id: Some(format!("{mark}-payment")),
        gateway_metadata: None,
        gateway_status: Some(format!("{mark}-status")),
        failure_code: Some(format!("{mark}-code")),
        failure_message: Some(format!("{mark} message")),
        search_text: None,
        attempt: 1,
        return_url: Some(format!("https://{mark}.example.com/")),
        refunded_minor: 0,
        received_as: None,
        reference: None,
        purpose: tessera::entity::PaymentPurpose::Period,
        period_start: Some(now),
        paid_at: None,
        status_changed_at: now,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    let payment_method = payment_method::Model {
        tenant_id: tenant.id,
        id: PaymentMethodId::generate(),
        customer_id,
        gateway: Gateway::Stripe,
        gateway_account_id: None,
        gateway_method_id: format!("{mark}-method"),
        kind: PaymentMethodKind::Card,
        brand: Some(format!("{mark} brand")),
        last4: Some("4242".to_owned()),
        exp_month: Some(7),
        exp_year: Some(2031),
        holder_name: Some(format!("{mark} holder")),
        postal_code: Some(format!("{mark} code")),
        is_default: true,
        created_at: now,
        updated_at: now,
        version: 1,
        deleted_at: None,
    };
    let (payment_id, method_id) = (payment.id.to_string(), payment_method.id.to_string());
    let system = world.store.system();
    system.insert::<_, payment::Entity>(vec![payment]).await.expect("a payment");
    system.insert::<_, payment_method::Entity>(vec![payment_method]).await.expect("a payment method");
    Holder { id, subscription, payment: payment_id, payment_method: method_id }
}

fn merge(into: &mut Value, more: Value) {
    for (key, value) in more.as_object().expect("an object") {
        into[key] = value.clone();
    }
}
