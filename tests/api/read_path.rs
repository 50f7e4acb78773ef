//! The read path answers what the resolvers answer, byte for byte.
//!
//! Every test of the API compares the two where the read path answers; here is what makes it answer.

mod generator;
mod pages;
mod payload;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};
use tessera::auth::{Grant, Permission, Role};
use tessera::entity::{OrganizationId, TypedId};

use crate::support::estate::Estate;
use crate::support::introspection::Schema;
use crate::support::{Client, Payer, World, ask, card, on_both, payment, reference};
use generator::{Generated, Generator};

/// How many documents are generated for each caller.
const DOCUMENTS: usize = 400;

/// Fields that only the resolvers answer.
const UNPLANNED: [&str; 13] = [
    "Query.access",
    "Query.accesses",
    "Query.accountPrices",
    "Query.checkoutTiers",
    "Query.parkedTransitions",
    "Query.paymentInstructions",
    "Query.previewAddOnChange",
    "Query.previewCancel",
    "Query.previewTierChange",
    "Query.tierStatistics",
    "Query.usage",
    "SubscriptionContract.features",
    "Tier.statistics",
];

/// Asks both and compares. Whether the read path answered.
async fn same(client: &Client, document: &str, variables: &Value) -> bool {
    let (told, expected) = (ask(client, document, variables).await, reference(client, document, variables).await);
    assert_eq!(told.text, expected.text, "\n{document}\n{variables}");
    assert!(!told.text.contains("INTERNAL_SERVER_ERROR"), "{document} {variables}: {}", told.text);
    // What is made at random selects `ID` and `ID!` under one key now and then, which cannot be merged.
    let is_invalid = told.text.contains("VALIDATION_FAILED") && !told.text.contains("select different types");
    assert!(!is_invalid, "{document} {variables}: {}", told.text);
    told.is_written
}

/// Four tenants with one of everything, and customers whose subscriptions stand at different points of their lives.
async fn populate(world: &World) -> Vec<Estate> {
    let mut estates = Vec::new();
    for (tenant, mark) in
        [(world.alpha, "zqalpha"), (world.beta, "zqbeta"), (world.gamma, "zqgamma"), (world.delta, "zqdelta")]
    {
        estates.push(Estate::fill(world, tenant, mark).await);
    }
    let (tenant, now) = (world.alpha, world.clock.now());
    let admin = world.admin(tenant);
    let (mut payments, mut cards) = (Vec::new(), Vec::new());
    for number in 0..9 {
        let tier = if number % 2 == 0 { tenant.basic } else { tenant.plus };
        let (customer, subscription) = world
            .subscribed(tenant, &format!("Änne \"{number}\" \\ Doe"), tier, json!({"trialDays": number * 3}))
            .await;
        let payer = Payer { tenant, customer: Some(&customer) };
        payments.extend((0..number).map(|day| payment(payer, &subscription, now.plus_days(day))));
        if number % 3 > 0 {
            cards.push(card(payer, now));
        }
        let input = json!({"id": subscription, "reason": "a reason"});
        match number {
            1 => drop(admin.mutate("suspendSubscription", input, "").await),
            2 => drop(admin.mutate("cancelSubscription", json!({"id": subscription, "timing": "NOW"}), "").await),
            3 => drop(admin.mutate("expireSubscription", input, "").await),
            4 => {
                let input = json!({"id": subscription, "tierId": tenant.plus.to_string(), "reason": "a gift"});
                world.root().mutate("overrideTier", input, "").await;
            }
            5 => drop(admin.mutate("deleteCustomer", json!({"id": customer}), "").await),
            6 => drop(admin.mutate("cancelSubscription", json!({"id": subscription}), "").await),
            _ => {}
        }
    }
    world.put_payments(payments).await;
    world.put_methods(cards).await;
    estates
}

fn callers(world: &World, estates: &[Estate]) -> Vec<(&'static str, Client)> {
    vec![
        ("ROOT", world.root()),
        ("ADMIN", world.admin(world.alpha)),
        ("RESELLER", world.caller(Role::Reseller, world.gamma)),
        ("WORKER", world.caller(Role::Worker, world.alpha)),
        ("CUSTOMER", world.customer(world.alpha, &estates[0].customer.id)),
        ("nobody", world.nobody()),
    ]
}

#[on_both]
async fn generated_documents_are_answered_alike(world: &World) {
    let estates = populate(world).await;
    let schema = Schema::load(&world.root()).await;
    let mut written = BTreeMap::new();
    let mut covered = BTreeSet::new();
    for (place, (name, client)) in callers(world, &estates).into_iter().enumerate() {
        let mut generator = Generator::new(&schema, &estates, place as u64);
        for number in 0..DOCUMENTS {
            let Generated { document, variables, fields } = generator.document();
            let document = format!("{document} # {name} {number}");
            if same(&client, &document, &variables).await {
                *written.entry(name).or_insert(0) += 1;
                covered.extend(fields);
            }
        }
    }
    let often = |name: &str| written.get(name).copied().unwrap_or(0);
    assert!(often("ROOT") > DOCUMENTS / 2 && often("ADMIN") > DOCUMENTS / 2, "{written:?}");
    assert!(often("RESELLER") > DOCUMENTS / 2 && often("CUSTOMER") > DOCUMENTS / 10, "{written:?}");
    for query in schema.queries() {
        let field = format!("Query.{}", query.name);
        assert_ne!(covered.contains(&field), UNPLANNED.contains(&field.as_str()), "{field}");
    }
    let nouns = [
        "Organization",
        "Member",
        "Customer",
        "SubscriptionContract",
        "Tier",
        "Feature",
        "Payment",
        "PaymentMethod",
        "AuditEvent",
    ];
    for object in nouns.into_iter().chain(["Dashboard", "StatusCount", "TierRevenue", "Money", "Viewer"]) {
        for field in schema.get(object).fields() {
            let field = format!("{object}.{}", field.name);
            assert_ne!(covered.contains(&field), UNPLANNED.contains(&field.as_str()), "{field}");
        }
    }
}

#[on_both]
async fn variables_are_checked_whatever_is_known_of_the_document(world: &World) {
    let estates = populate(world).await;
    let client = world.admin(world.alpha);
    let list = "query($w: CustomerFilter, $f: Int, $a: String, $o: [CustomerOrder!], $l: String! = \"en\", $s: Boolean = false) {
            customers(where: $w, first: $f, after: $a, orderBy: $o) {
                nodes { id @skip(if: $s) subscription { price { formatted(locale: $l) } } } } }";
    let one = "query($id: ID!) { customer(id: $id) { name } }";
    let nodes = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    // No payment is of this amount, so that nothing is formatted.
    let none = "query($l: String!) { payments(where: {amount: {min: 123456789}}) { nodes { amount { formatted(locale: $l) } } } }";
    let customer = &estates[0].customer.id;
    let bad = [
        (list, json!({}), json!({"w": {"nothing": 1}})),
        (list, json!({}), json!({"w": {"status": {"eq": "NOTHING"}}})),
        (list, json!({}), json!({"w": {"status": {"eq": "ACTIVE", "not": "ACTIVE"}}})),
        (list, json!({}), json!({"w": {"createdAt": {"from": "yesterday"}}})),
        (list, json!({}), json!({"w": {"ids": [customer, "sub_1"]}})),
        (list, json!({}), json!({"w": "name"})),
        (list, json!({}), json!({"f": 101})),
        (list, json!({}), json!({"f": "one"})),
        (list, json!({}), json!({"a": "no cursor"})),
        (list, json!({}), json!({"o": [{"field": "NOTHING"}]})),
        (list, json!({}), json!({"o": vec![json!({"field": "NAME"}); 5]})),
        (list, json!({}), json!({"l": null})),
        (list, json!({}), json!({"l": "no language"})),
        (list, json!({}), json!({"s": "yes"})),
        (none, json!({"l": "en"}), json!({"l": 5})),
        (one, json!({"id": customer}), json!({})),
        (one, json!({"id": customer}), json!({"id": null})),
        (one, json!({"id": customer}), json!({"id": estates[0].member})),
        (nodes, json!({"ids": [customer]}), json!({"ids": [customer, "sub_1"]})),
        (nodes, json!({"ids": vec![customer; 100]}), json!({"ids": vec![customer; 101]})),
    ];
    for (number, (document, good, bad)) in bad.iter().enumerate() {
        let document = format!("{document} # {number}");
        assert!(same(&client, &document, good).await, "{document}");
        let told = ask(&client, &document, bad).await;
        assert!(!told.is_written && !told.is_ok(), "{bad} is not refused");
        assert_eq!(told.text, reference(&client, &document, bad).await.text, "{bad}");
    }
}

#[on_both]
async fn a_dashboard_is_written_whole(world: &World) {
    populate(world).await;
    let money = "{ __typename amountMinor currency formatted de: formatted(locale: \"de\") }";
    let tier = "tier { __typename id prices { id } features { key } fallbackTier { id } }";
    let document = format!(
        "{{ dashboard {{ __typename subscriptions monthlyRevenue {money} subscriptionsByStatus {{ __typename status count }}
                revenueByTier {{ __typename again: {tier} {tier} subscriptions monthlyRevenue {money} }} }} }}"
    );
    assert!(same(&world.admin(world.alpha), &document, &json!({})).await);
}

#[on_both]
async fn a_caller_that_is_gone_sees_nothing_through_what_everyone_sees(world: &World) {
    let root = world.root();
    let tier = async |key: &str, more: Value| {
        let mut input = json!({"key": key, "name": key, "kind": "ORGANIZATION", "rank": 5,
            "prices": [{"billingCycle": "MONTHLY", "currency": "EUR", "amountMinor": 100}]});
        for (name, value) in more.as_object().expect("an object") {
            input[name] = value.clone();
        }
        root.mutate("createTier", input, "tier { id }").await["tier"]["id"].clone()
    };
    let hidden = tier("hidden", json!({"public": false})).await;
    tier("shown", json!({"public": true, "periodEndPolicy": "DOWNGRADE", "fallbackTierId": hidden})).await;
    let input = json!({"name": "Gone", "slug": "gone", "defaultCurrency": "EUR", "subscription": {"tierId": hidden}});
    let made = root.mutate("createOrganization", input, "organization { id }").await;
    let id = made["organization"]["id"].as_str().expect("an id").to_owned();
    let caller = world.client(Grant {
        subject: "gone@example.com".to_owned(),
        role: Role::Admin,
        organization: OrganizationId::parse(&id),
        customer: None,
        member: None,
        permissions: None,
        expires_in: Duration::from_secs(3600),
        impersonator: None,
    });
    let document = "{ tiers(where: {platform: true}) { nodes { key fallbackTier { key } catalogue { name } } } }";
    let fallbacks = async |document: &str| {
        assert!(same(&caller, document, &json!({})).await);
        caller.ok(document, json!({})).await.to_string().contains(r#"{"key":"hidden"}"#)
    };
    assert!(fallbacks(document).await, "who is subscribed to a tier sees it");
    root.mutate("deleteOrganization", json!({"id": id, "reason": "a test"}), "").await;
    assert!(!fallbacks(&format!("{document} # gone")).await);
}

#[on_both]
async fn a_statement_that_fails_is_not_sent_twice(world: &World) {
    populate(world).await;
    let (client, document) =
        (world.admin(world.alpha), "query Named { __typename list: members(first: 2) { nodes { id } } }");
    assert!(same(&client, document, &json!({})).await);
    world.sql("ALTER TABLE members RENAME TO elsewhere").await;
    let before = world.store.statements();
    let told = ask(&client, document, &json!({})).await;
    assert_eq!(world.store.statements() - before, 1);
    let expected = reference(&client, document, &json!({})).await;
    world.sql("ALTER TABLE elsewhere RENAME TO members").await;
    assert!(told.is_written);
    assert_eq!(told.text, expected.text);
    assert!(told.text.contains(r#""list":null"#) && told.text.contains("INTERNAL_SERVER_ERROR"), "{}", told.text);
}

/// What a caller may see is rendered for the first caller of a kind, and then serves all of them.
#[on_both]
async fn callers_of_a_kind_see_each_their_own(world: &World) {
    let mut customers = Vec::new();
    for (tenant, name) in [(world.alpha, "Ada"), (world.alpha, "Bob"), (world.beta, "Cid"), (world.delta, "Dan")] {
        let (id, _) = world.subscribed(tenant, name, tenant.basic, json!({})).await;
        customers.push((world.customer(tenant, &id), name));
    }
    let document = "{ customers(first: 9) { nodes { name organization { id } subscription { id tier { id } } } }
            subscriptions(first: 9) { nodes { id owner { __typename } } } payments(first: 9) { nodes { id } } }";
    let tenants = [world.alpha, world.gamma, world.beta, world.delta];
    let staff = [Role::Admin, Role::Reseller, Role::Service]
        .into_iter()
        .flat_map(|role| tenants.map(|tenant| world.caller(role, tenant)));
    // The same permissions mean something else to each who stands elsewhere.
    let reads = [Permission::CustomersRead, Permission::OrganizationsRead, Permission::PaymentsRead];
    let elsewhere = [Role::Service, Role::Reseller, Role::Root].map(|role| world.limited(role, world.gamma, &reads));
    let staff = staff.chain(elsewhere).map(|client| (client, None));
    let clients = customers.iter().map(|(client, name)| (client.clone(), Some(*name))).chain(staff);
    let mut answers = BTreeSet::new();
    for (client, name) in clients {
        assert!(same(&client, document, &json!({})).await, "{name:?}");
        let text = ask(&client, document, &json!({})).await.text;
        if let Some(name) = name {
            assert!(text.contains(&format!(r#""customers":{{"nodes":[{{"name":"{name}","#)), "{name}: {text}");
            answers.insert(text);
        }
    }
    assert_eq!(answers.len(), customers.len());
    // A filter that presumes that the caller is there is not the filter of a table that is asked first.
    world.root().mutate("deleteOrganization", json!({"id": world.delta.id.to_string(), "reason": "a test"}), "").await;
    for client in [customers[3].0.clone(), world.admin(world.delta)] {
        assert!(same(&client, document, &json!({})).await);
        let text = ask(&client, document, &json!({})).await.text;
        assert!(!text.contains("\"id\""), "{text}");
    }
}
