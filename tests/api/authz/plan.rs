//! How each mutation is called: with which input, on what, and after what.

use serde_json::{Value, json};
use tessera::entity::{OrganizationId, TypedId};

use crate::support::{Tenant, World};

/// One call of a mutation that would succeed for somebody.
pub struct Case {
    /// Where it happens.
    pub tenant: Tenant,
    /// The customer that it concerns, or any one.
    pub customer: String,
    pub input: Value,
}

/// What a mutation acts on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Subject {
    /// Nothing that exists.
    None,
    /// A new organization below the reseller.
    Organization,
    Member,
    Customer,
    Tier,
    Feature,
    AddOn,
    GatewayAccount,
    /// The subscription of a new customer.
    Subscription,
    /// What is due to the subscription of a new customer.
    Transition,
    /// A new customer, named as an owner.
    Owner,
    /// A new customer, whose use is counted.
    User,
    /// A reservation of a new customer.
    Reservation,
}

struct Plan {
    subject: Subject,
    /// Its subscription's terms.
    terms: Value,
    /// Mutations of the subject before the call, with their input besides the id.
    before: Vec<(&'static str, Value)>,
    /// The input besides the id.
    input: Value,
}

impl Plan {
    fn of(subject: Subject, input: Value) -> Self {
        Self { subject, terms: json!({}), before: Vec::new(), input }
    }

    fn after(mut self, mutation: &'static str, input: Value) -> Self {
        self.before.push((mutation, input));
        self
    }

    fn on(mut self, terms: Value) -> Self {
        self.terms = terms;
        self
    }
}

/// A key of the simulator that opens an account of this name; there may be several.
fn simulated(name: &str, number: u8) -> String {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("sk_test_{}_{number}", &name[..name.len().min(40)])
}

/// The table: one line for each mutation. `cell` is a name that no other call uses.
fn plan(world: &World, mutation: &str, tenant: Tenant, cell: &str) -> Option<Plan> {
    let (organization, plus) = (tenant.id.to_string(), tenant.plus.to_string());
    let (nothing, renamed) = (json!({}), json!({"name": "Renamed"}));
    let gift = json!({"tierId": plus, "reason": "a gift"});
    Some(match mutation {
        "createOrganization" => {
            let parent = world.gamma.id.to_string();
            Plan::of(Subject::None, json!({"name": "New", "slug": cell, "parentId": parent}))
        }
        "updateOrganization" => Plan::of(Subject::Organization, renamed),
        "deleteOrganization" | "suspendOrganization" | "terminateOrganization" => {
            Plan::of(Subject::Organization, nothing)
        }
        "resumeOrganization" => Plan::of(Subject::Organization, nothing).after("suspendOrganization", json!({})),

        "createMember" => {
            let email = format!("new-{cell}@example.com");
            let input = json!({"name": "New", "email": email, "role": "WORKER", "organizationId": organization});
            Plan::of(Subject::None, input)
        }
        "updateMember" => Plan::of(Subject::Member, renamed),
        "deactivateMember" => Plan::of(Subject::Member, nothing),
        "reactivateMember" => Plan::of(Subject::Member, nothing).after("deactivateMember", json!({})),

        "createCustomer" => Plan::of(Subject::None, json!({"name": "New", "organizationId": organization})),
        "updateCustomer" => Plan::of(Subject::Customer, renamed),
        "deleteCustomer" | "suspendCustomer" | "terminateCustomer" => Plan::of(Subject::Customer, nothing),
        "resumeCustomer" => Plan::of(Subject::Customer, nothing).after("suspendCustomer", json!({})),

        "createTier" => {
            let input =
                json!({"key": cell, "name": "New", "kind": "CUSTOMER", "rank": 1, "organizationId": organization});
            Plan::of(Subject::None, input)
        }
        "updateTier" => Plan::of(Subject::Tier, renamed),
        "archiveTier" => Plan::of(Subject::Tier, nothing),
        "unarchiveTier" => Plan::of(Subject::Tier, nothing).after("archiveTier", json!({})),

        "createFeature" => Plan::of(
            Subject::None,
            json!({"key": cell, "name": "New", "kind": "METER", "organizationId": organization}),
        ),
        "updateFeature" => Plan::of(Subject::Feature, renamed),

        "createAddOn" => Plan::of(
            Subject::None,
            json!({"key": cell, "name": "New", "kind": "CUSTOMER", "organizationId": organization}),
        ),
        "createGatewayAccount" => Plan::of(
            Subject::None,
            json!({"kind": "MANUAL", "mode": "LIVE", "name": "New", "organizationId": organization}),
        ),
        "updateGatewayAccount" => Plan::of(Subject::GatewayAccount, renamed),
        "rotateGatewayKey" => Plan::of(Subject::GatewayAccount, json!({"apiKey": simulated(cell, 2)})),
        "disableGatewayAccount" => Plan::of(Subject::GatewayAccount, nothing),
        "enableGatewayAccount" => Plan::of(Subject::GatewayAccount, nothing).after("disableGatewayAccount", json!({})),

        "updateAddOn" => Plan::of(Subject::AddOn, renamed),
        "archiveAddOn" => Plan::of(Subject::AddOn, nothing),
        "unarchiveAddOn" => Plan::of(Subject::AddOn, nothing).after("archiveAddOn", json!({})),

        "revokeTokens" => Plan::of(Subject::None, json!({"tokenId": cell, "organizationId": organization})),

        "createSubscription" => Plan::of(Subject::Owner, json!({"terms": {"tierId": plus}})),
        "ensureSubscription" => Plan::of(Subject::Owner, nothing),
        "updateSubscription" => Plan::of(Subject::Subscription, json!({"externalId": cell})),
        "changeTier" => Plan::of(Subject::Subscription, json!({"tierId": plus})),
        "recordManualPayment" => {
            let received = json!({"receivedAs": "BANK_TRANSFER"});
            Plan::of(Subject::Subscription, received).after("markPastDue", json!({}))
        }
        "changeAddOns" => Plan::of(Subject::Subscription, json!({"addOns": [{}]})),
        "extendSubscription" => Plan::of(Subject::Subscription, json!({"days": 5})),
        "activateSubscription" => Plan::of(Subject::Subscription, nothing).on(json!({"trialDays": 5})),
        "startTrial" => Plan::of(Subject::Subscription, json!({"days": 5})).on(json!({"requiresPayment": true})),
        "cancelSubscription"
        | "deleteSubscription"
        | "expireSubscription"
        | "pauseSubscription"
        | "suspendSubscription" => Plan::of(Subject::Subscription, nothing),
        "renewSubscription" | "markPastDue" => Plan::of(Subject::Subscription, nothing),
        "markPaid" => Plan::of(Subject::Subscription, nothing).after("markPastDue", json!({})),
        "retryTransition" => Plan::of(Subject::Transition, nothing),
        "resumeSubscription" => Plan::of(Subject::Subscription, nothing).after("pauseSubscription", json!({})),
        "undoCancel" => Plan::of(Subject::Subscription, nothing).after("cancelSubscription", json!({})),
        "reactivateSubscription" => {
            Plan::of(Subject::Subscription, nothing).after("cancelSubscription", json!({"timing": "NOW"}))
        }
        "overrideTier" => Plan::of(Subject::Subscription, gift),

        "ensureGatewayCustomer" => Plan::of(Subject::User, nothing),
        "startCheckout" => Plan::of(
            Subject::User,
            json!({"tierId": plus, "billingCycle": "MONTHLY", "returnUrl": "https://shop.example.com/done"}),
        )
        .on(json!({"requiresPayment": true})),
        "confirmCheckout" | "retryCheckout" => Plan::of(Subject::None, nothing).on(json!({"requiresPayment": true})),
        "setGatewayPrice" => Plan::of(
            Subject::None,
            json!({"tierId": tenant.basic.to_string(), "billingCycle": "MONTHLY", "currency": "USD", "priceId": "price_900_usd_month"}),
        ),
        "consume" | "reserve" => Plan::of(Subject::User, json!({"feature": "ai.queries"})),
        "recordUsage" => Plan::of(Subject::User, json!({"records": [{"feature": "ai.queries", "key": cell}]})),
        "setGauge" => Plan::of(Subject::User, json!({"feature": "products", "value": 3})),
        "adjustUsage" | "grantAllowance" => {
            Plan::of(Subject::User, json!({"feature": "ai.queries", "amount": 5, "reason": "a reason"}))
        }
        "renewReservation" => Plan::of(Subject::Reservation, json!({})),
        "settle" => Plan::of(Subject::Reservation, json!({"actual": 1})),
        "release" => Plan::of(Subject::Reservation, nothing),
        "endOverride" => Plan::of(Subject::Subscription, nothing).after("overrideTier", gift),
        _ => return None,
    })
}

/// Makes what the call of a mutation needs; none if the table has no line for it.
pub async fn prepare(world: &World, mutation: &str, tenant: Tenant, cell: &str) -> Option<Case> {
    let Plan { subject, terms, before, mut input } = plan(world, mutation, tenant, cell)?;
    let root = world.root();
    let mut tenant = tenant;
    let (customer, subscription) = world.subscribed(tenant, cell, tenant.basic, terms).await;
    let in_tenant = |mut input: Value| {
        input["organizationId"] = json!(tenant.id.to_string());
        input
    };
    let id = match subject {
        Subject::None => None,
        Subject::Organization => {
            let new = json!({"name": cell, "slug": cell, "parentId": world.gamma.id.to_string()});
            let made = root.mutate("createOrganization", new, "organization { id }").await;
            Some(made["organization"]["id"].clone())
        }
        Subject::Member => {
            let new = json!({"name": cell, "email": format!("{cell}@example.com"), "role": "WORKER"});
            root.mutate("ensureSubscription", in_tenant(json!({})), "").await;
            Some(root.mutate("createMember", in_tenant(new), "member { id }").await["member"]["id"].clone())
        }
        Subject::Tier => {
            let new = in_tenant(json!({"key": cell, "name": cell, "kind": "CUSTOMER", "rank": 1}));
            Some(root.mutate("createTier", new, "tier { id }").await["tier"]["id"].clone())
        }
        Subject::Feature => {
            let new = in_tenant(json!({"key": cell, "name": cell, "kind": "LIMIT"}));
            Some(root.mutate("createFeature", new, "feature { id }").await["feature"]["id"].clone())
        }
        Subject::GatewayAccount => {
            let new =
                in_tenant(json!({"kind": "SIMULATOR", "mode": "TEST", "name": cell, "apiKey": simulated(cell, 1)}));
            let made = root.mutate("createGatewayAccount", new, "gatewayAccount { id }").await;
            Some(made["gatewayAccount"]["id"].clone())
        }
        Subject::AddOn => {
            let new = in_tenant(json!({"key": cell, "name": cell, "kind": "CUSTOMER"}));
            Some(root.mutate("createAddOn", new, "addOn { id }").await["addOn"]["id"].clone())
        }
        Subject::User => {
            match input.get_mut("records") {
                Some(records) => records[0]["ownerId"] = json!(customer),
                None => input["ownerId"] = json!(customer),
            }
            None
        }
        Subject::Reservation => {
            let wanted = json!({"ownerId": customer, "feature": "ai.queries"});
            let made = root.mutate("reserve", wanted, "reservation { reservationId }").await;
            input["reservationId"] = made["reservation"]["reservationId"].clone();
            None
        }
        Subject::Customer => Some(json!(customer)),
        Subject::Subscription => Some(json!(subscription)),
        Subject::Transition => {
            input["subscriptionId"] = json!(subscription);
            None
        }
        Subject::Owner => {
            root.mutate("deleteSubscription", json!({"id": subscription}), "").await;
            input["customerId"] = json!(customer);
            None
        }
    };
    if mutation == "changeAddOns" {
        let own = json!({"organizationId": tenant.id.to_string(), "key": cell});
        input["addOns"][0]["addOnId"] = json!(world.seats("CUSTOMER", own).await);
    }
    let checks_out = ["confirmCheckout", "retryCheckout", "startCheckout"].contains(&mutation);
    if ["ensureGatewayCustomer", "setGatewayPrice"].contains(&mutation) || checks_out {
        let account = json!({"kind": "SIMULATOR", "mode": "TEST", "name": cell, "apiKey": simulated(cell, 1)});
        let made = root.mutate("createGatewayAccount", in_tenant(account), "gatewayAccount { id }").await;
        input["gatewayAccountId"] = made["gatewayAccount"]["id"].clone();
        if checks_out {
            world.gateway_prices(made["gatewayAccount"]["id"].as_str().expect("an id"), tenant).await;
        }
    }
    if ["confirmCheckout", "retryCheckout"].contains(&mutation) {
        let wanted = json!({"ownerId": customer, "tierId": tenant.plus.to_string(), "billingCycle": "MONTHLY",
            "returnUrl": "https://shop.example.com/done", "gatewayAccountId": input["gatewayAccountId"]});
        let begun = root.mutate("startCheckout", wanted, "checkout { checkoutId }").await;
        input = json!({"checkoutId": begun["checkout"]["checkoutId"]});
    }
    if mutation == "createMember" {
        root.mutate("ensureSubscription", in_tenant(json!({})), "").await;
    }
    if let Some(id) = id {
        for (mutation, mut first) in before {
            first["id"] = id.clone();
            root.mutate(mutation, first, "").await;
        }
        input["id"] = id.clone();
        if subject == Subject::Organization {
            tenant.id = OrganizationId::parse(id.as_str().expect("an id")).expect("an organization's");
        }
    }
    Some(Case { tenant, customer, input })
}
