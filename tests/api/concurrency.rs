//! Many clients at once: one of them wins, and the others learn why they did not.

mod overtaken;
mod stop;
mod together;

pub use stop::Stop;

use serde_json::{Value, json};
use tessera::entity::idempotency_key;

use crate::support::{World, on_both, race};

/// How many clients there are in each race.
const CLIENTS: usize = 16;
/// How often each race for a new subscription is run.
const ROUNDS: usize = 200;

/// How often the other races are run.
const SHORT_ROUNDS: usize = 10;

/// The same input for everyone.
fn all(input: &Value) -> Vec<Value> {
    vec![input.clone(); CLIENTS]
}

/// The one payload without refusals; the others' only refusals.
fn winner(payloads: Vec<Value>) -> (Value, Vec<Value>) {
    let (won, lost): (Vec<_>, Vec<_>) = payloads.into_iter().partition(|payload| payload["userErrors"] == json!([]));
    assert_eq!(won.len(), 1, "exactly one client wins: {won:#?}");
    let refusal = |payload: Value| {
        assert_eq!(payload["userErrors"].as_array().map(Vec::len), Some(1), "one refusal each: {payload:#}");
        payload["userErrors"][0].clone()
    };
    (won[0].clone(), lost.into_iter().map(refusal).collect())
}

/// How many of the owner's subscriptions are live.
async fn live(world: &World, customer: &str) -> usize {
    let document = "query($id: ID!) { customer(id: $id) { subscriptions(first: 100, orderBy: [{field: CREATED_AT, direction: DESC}]) {
        nodes { endedAt } } } }";
    let data = world.admin(world.alpha).ok(document, json!({"id": customer})).await;
    let nodes = data["customer"]["subscriptions"]["nodes"].as_array().expect("a list").clone();
    nodes.iter().filter(|node| node["endedAt"].is_null()).count()
}

/// A customer whose subscription was deleted as if it never had one.
async fn without_subscription(world: &World, name: &str) -> String {
    let (customer, subscription) = world.subscribed(world.alpha, name, world.alpha.basic, json!({})).await;
    world.admin(world.alpha).mutate("deleteSubscription", json!({"id": subscription}), "").await;
    customer
}

fn refused_as_stale(refusals: &[Value], current: usize) {
    for refusal in refusals {
        assert_eq!((&refusal["__typename"], &refusal["current"]), (&json!("StaleVersion"), &json!(current)));
        assert_eq!(
            (&refusal["code"], &refusal["path"]),
            (&json!("STALE_VERSION"), &json!(["input", "expectedVersion"]))
        );
    }
}

#[on_both]
async fn one_owner_gets_one_subscription_however_many_ask(world: &World) {
    let clients = world.admins(world.alpha, CLIENTS);
    let (customer, first) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let admin = world.admin(world.alpha);
    admin.mutate("cancelSubscription", json!({"id": first, "timing": "NOW"}), "").await;
    let input = json!({"customerId": customer, "terms": {"tierId": world.alpha.basic.to_string()}});
    for round in 0..ROUNDS {
        let before = world.writes().await;
        let (won, lost) = winner(race(&clients, "createSubscription", all(&input), "subscription { id status }").await);
        let id = &won["subscription"]["id"];
        for refusal in lost {
            assert_eq!(
                (&refusal["__typename"], &refusal["code"]),
                (&json!("AlreadySubscribed"), &json!("ALREADY_SUBSCRIBED"))
            );
            assert_eq!(refusal["path"], json!(["input", "customerId"]));
            assert_eq!(&refusal["subscription"]["id"], id, "round {round}: the refusal names the winner");
        }
        assert_eq!(world.writes().await, before + 1, "round {round}: one write");
        assert_eq!(live(world, &customer).await, 1, "round {round}");
        admin.mutate("cancelSubscription", json!({"id": id, "timing": "NOW"}), "").await;
    }
}

#[on_both]
async fn every_visitor_is_told_of_the_same_first_subscription(world: &World) {
    let clients = world.admins(world.alpha, CLIENTS);
    let owners = [
        json!({"organizationId": world.alpha.id.to_string()}),
        json!({"customerId": without_subscription(world, "Ada").await}),
        json!({"customerId": without_subscription(world, "Bob").await}),
    ];
    for owner in owners {
        let before = world.writes().await;
        let payloads =
            race(&clients, "ensureSubscription", all(&owner), "subscription { id status tier { key } }").await;
        for payload in &payloads {
            assert_eq!(payload, &payloads[0], "everyone gets the same answer");
        }
        assert_eq!(
            (&payloads[0]["userErrors"], &payloads[0]["subscription"]["status"]),
            (&json!([]), &json!("TRIALING"))
        );
        assert_eq!(world.writes().await, before + 1, "one subscription is made for {owner}");
    }
}

#[on_both]
async fn one_of_two_ended_subscriptions_comes_back(world: &World) {
    let clients = world.admins(world.alpha, CLIENTS);
    let admin = world.admin(world.alpha);
    let (customer, first) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    admin.mutate("cancelSubscription", json!({"id": first, "timing": "NOW"}), "").await;
    let input = json!({"customerId": customer, "terms": {"tierId": world.alpha.plus.to_string()}});
    let second = admin.mutate("createSubscription", input, "subscription { id }").await["subscription"]["id"].clone();
    admin.mutate("expireSubscription", json!({"id": second}), "").await;
    for round in 0..SHORT_ROUNDS {
        let before = world.writes().await;
        let inputs = (0..CLIENTS)
            .map(|number| json!({"id": if number % 2 == 0 { json!(first) } else { second.clone() }}))
            .collect();
        let (won, lost) = winner(race(&clients, "reactivateSubscription", inputs, "subscription { id status }").await);
        let live_one = &won["subscription"]["id"];
        for refusal in lost {
            assert_eq!(refusal["path"], json!(["input", "id"]));
            // Who asked for the winner itself finds it live; who asked for the other finds its owner subscribed.
            match refusal["code"].as_str() {
                Some("ILLEGAL_TRANSITION") => assert_eq!(refusal["state"], "ACTIVE"),
                Some("ALREADY_SUBSCRIBED") => assert_eq!(&refusal["subscription"]["id"], live_one),
                _ => panic!("round {round}: {refusal:#}"),
            }
        }
        assert_eq!(world.writes().await, before + 1, "round {round}");
        assert_eq!(live(world, &customer).await, 1, "round {round}");
        admin.mutate("cancelSubscription", json!({"id": live_one, "timing": "NOW"}), "").await;
    }
}

#[on_both]
async fn a_version_is_good_for_one_change(world: &World) {
    let clients = world.admins(world.alpha, CLIENTS);
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    for round in 0..SHORT_ROUNDS {
        let version = 1 + 2 * round;
        let before = world.writes().await;
        let extend = json!({"id": id, "days": 1, "expectedVersion": version});
        let (won, lost) = winner(
            race(&clients, "extendSubscription", all(&extend), "subscription { version currentPeriodEnd }").await,
        );
        assert_eq!(won["subscription"]["version"], version + 1);
        let end = format!("2026-04-{:02}T12:00:00Z", 2 + round);
        assert_eq!(won["subscription"]["currentPeriodEnd"], json!(end), "the end moved once");
        refused_as_stale(&lost, version + 1);

        let tier = if round % 2 == 0 { world.alpha.plus } else { world.alpha.basic };
        let change = json!({"id": id, "tierId": tier.to_string(), "timing": "NOW", "expectedVersion": version + 1});
        let (won, lost) = winner(race(&clients, "changeTier", all(&change), "subscription { version tierId }").await);
        assert_eq!(won["subscription"], json!({"version": version + 2, "tierId": tier.to_string()}));
        refused_as_stale(&lost, version + 2);
        assert_eq!(world.writes().await, before + 2, "round {round}");
    }
}

#[on_both]
async fn changes_without_a_version_all_happen(world: &World) {
    let clients = world.admins(world.alpha, CLIENTS);
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let extend = json!({"id": id, "days": 1});
    let payloads = race(&clients, "extendSubscription", all(&extend), "subscription { version }").await;
    let mut versions: Vec<_> = payloads.iter().map(|payload| payload["subscription"]["version"].as_i64()).collect();
    versions.sort_unstable();
    assert_eq!(versions, (2..18).map(Some).collect::<Vec<_>>(), "no change is lost, and each saw the one before");
    let document = "query($id: ID!) { subscription(id: $id) { currentPeriodEnd } }";
    let data = world.admin(world.alpha).ok(document, json!({"id": id})).await;
    assert_eq!(data["subscription"]["currentPeriodEnd"], "2026-04-17T12:00:00Z");
}

#[on_both]
async fn an_external_reference_goes_to_one_customer(world: &World) {
    let clients = world.admins(world.alpha, CLIENTS);
    for round in 0..SHORT_ROUNDS {
        let before = world.writes().await;
        let reference = format!("crm-{round}");
        let inputs =
            (0..CLIENTS).map(|number| json!({"name": format!("Ada {number}"), "externalRef": reference})).collect();
        let (won, lost) = winner(race(&clients, "createCustomer", inputs, "customer { id }").await);
        for refusal in lost {
            assert_eq!((&refusal["code"], &refusal["path"]), (&json!("DUPLICATE"), &json!(["input", "externalRef"])));
        }
        assert_eq!(world.writes().await, before + 2, "one customer and its subscription");
        let document = "query($ref: String!) { customers(where: {externalRef: $ref}) { nodes { id } } }";
        let data = world.admin(world.alpha).ok(document, json!({"ref": reference})).await;
        assert_eq!(data["customers"]["nodes"], json!([{"id": won["customer"]["id"]}]));
    }
}

#[on_both]
async fn an_external_reference_goes_to_one_customer_however_it_is_asked_for(world: &World) {
    let clients = world.admins(world.alpha, CLIENTS);
    let remembered =
        || async { world.store.system().count::<idempotency_key::Entity>().await.expect("the database answers") };
    let mut ids = Vec::new();
    for number in 0..CLIENTS {
        ids.push(world.subscribed(world.alpha, &format!("Ada {number}"), world.alpha.basic, json!({})).await.0);
    }
    for round in 0..SHORT_ROUNDS {
        let (writes, keys) = (world.writes().await, remembered().await);
        let new = |number: usize| json!({"name": "Bob", "externalRef": format!("new-{round}"), "idempotencyKey": format!("new-{round}-{number}")});
        let (_, lost) =
            winner(race(&clients, "createCustomer", (0..CLIENTS).map(new).collect(), "customer { id }").await);
        let old = |number: usize| json!({"id": ids[number], "externalRef": format!("old-{round}"), "idempotencyKey": format!("old-{round}-{number}")});
        let (_, lost_too) =
            winner(race(&clients, "updateCustomer", (0..CLIENTS).map(old).collect(), "customer { id }").await);
        for refusal in lost.iter().chain(&lost_too) {
            assert_eq!((&refusal["code"], &refusal["path"]), (&json!("DUPLICATE"), &json!(["input", "externalRef"])));
        }
        assert_eq!(world.writes().await, writes + 3, "round {round}: a customer, its subscription, and a change");
        assert_eq!(remembered().await, keys + 2, "round {round}: who is refused keeps the key");
    }
}

#[on_both]
async fn a_slug_goes_to_one_organization(world: &World) {
    let clients: Vec<_> = (0..CLIENTS).map(|_| world.root()).collect();
    for round in 0..SHORT_ROUNDS {
        let before = world.writes().await;
        let input = json!({"name": "Acme", "slug": format!("acme-{round}")});
        let (won, lost) = winner(race(&clients, "createOrganization", all(&input), "organization { id }").await);
        assert!(won["organization"]["id"].is_string());
        for refusal in lost {
            assert_eq!((&refusal["code"], &refusal["path"]), (&json!("DUPLICATE"), &json!(["input", "slug"])));
        }
        assert_eq!(world.writes().await, before + 2, "one organization and its subscription");
    }
}

#[on_both]
async fn an_owner_that_goes_leaves_nothing_live(world: &World) {
    let mut clients = world.admins(world.alpha, CLIENTS);
    let terminator = clients.pop().expect("a client");
    for round in 0..SHORT_ROUNDS {
        let customer = without_subscription(world, "Ada").await;
        let input = json!({"customerId": customer, "terms": {"tierId": world.alpha.basic.to_string()}});
        let termination = terminator.mutate("terminateCustomer", json!({"id": customer}), "customer { status }");
        let inputs = vec![input; CLIENTS - 1];
        let (_, payloads) =
            tokio::join!(termination, race(&clients, "createSubscription", inputs, "subscription { id }"));
        for refusal in payloads.iter().flat_map(|payload| payload["userErrors"].as_array().expect("a list")) {
            assert!(
                ["ALREADY_SUBSCRIBED", "OWNER_INACTIVE"].contains(&refusal["code"].as_str().expect("a code")),
                "{refusal}"
            );
        }
        assert_eq!(live(world, &customer).await, 0, "round {round}: a terminated customer has no live subscription");
    }
}
