//! Payments and payment methods: lists, filters, lists below their owners, money, who sees them.

#[cfg(test)]
mod instructions;
#[cfg(test)]
mod received;
#[cfg(test)]
mod status;

use serde_json::{Value, json};
use tessera::auth::{Permission, Role};
use tessera::entity::{Gateway, PaymentMethodKind, PaymentStatus, payment, payment_method};

use crate::support::{Client, Payer, World, at, card, each, on_both, payment};

const LIST: &str = "query($first: Int, $after: String, $where: PaymentFilter, $orderBy: [PaymentOrder!]) {
    payments(first: $first, after: $after, where: $where, orderBy: $orderBy) {
        nodes { id failureCode } pageInfo { hasNextPage endCursor } totalCount { value exact } } }";

/// The ids of the payments that a caller finds, oldest first.
async fn found(client: &Client, filter: Value) -> Vec<Value> {
    let order = json!([{"field": "CREATED_AT"}]);
    each(&client.ok(LIST, json!({"where": filter, "orderBy": order})).await["payments"]["nodes"], "id")
}

async fn methods(client: &Client, filter: Value) -> Vec<Value> {
    let document = "query($where: PaymentMethodFilter) { paymentMethods(where: $where, orderBy: [{field: CREATED_AT}]) { nodes { id } } }";
    each(&client.ok(document, json!({"where": filter})).await["paymentMethods"]["nodes"], "id")
}

fn failed(row: payment::Model, code: &str, message: &str) -> payment::Model {
    payment::Model {
        status: PaymentStatus::Failed,
        paid_at: None,
        failure_code: Some(code.to_owned()),
        failure_message: Some(message.to_owned()),
        ..row
    }
}

#[on_both]
async fn a_payment_tells_what_was_paid(world: &World) {
    let (customer, subscription) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let payer = Payer { tenant: world.alpha, customer: Some(&customer) };
    let row = payment::Model {
        amount_minor: 123_456,
        currency: "EUR".to_owned(),
        status: PaymentStatus::PartiallyRefunded,
        refunded_minor: 56,
        gateway: Gateway::Stripe,
        gateway_payment_id: Some("pi_1".to_owned()),
        gateway_status: Some("succeeded".to_owned()),
        attempt: 2,
        return_url: Some("https://example.com/back".to_owned()),
        period_start: Some(at("2026-03-01T00:00:00Z")),
        ..payment(payer, &subscription, at("2026-03-02T00:00:00.000001Z"))
    };
    let id = row.id.to_string();
    world.put_payments(vec![row]).await;
    let document = "query($id: ID!) { payment(id: $id) { id status gateway gatewayPaymentId gatewayStatus failureCode failureMessage
            attempt returnUrl periodStart paidAt statusChangedAt createdAt updatedAt version
            amount { amountMinor currency formatted german: formatted(locale: \"de\") } refunded { amountMinor currency }
            subscription { id } owner { __typename ... on Customer { name } } } }";
    let data = world.admin(world.alpha).ok(document, json!({"id": id})).await;
    let time = "2026-03-02T00:00:00.000001Z";
    assert_eq!(
        data["payment"],
        json!({
            "id": id, "status": "PARTIALLY_REFUNDED", "gateway": "STRIPE", "gatewayPaymentId": "pi_1", "gatewayStatus": "succeeded",
            "failureCode": null, "failureMessage": null, "attempt": 2, "returnUrl": "https://example.com/back",
            "periodStart": "2026-03-01T00:00:00Z", "paidAt": time, "statusChangedAt": time, "createdAt": time, "updatedAt": time, "version": 1,
            "amount": {"amountMinor": 123456, "currency": "EUR", "formatted": "EUR\u{a0}1,234.56", "german": "EUR\u{a0}1.234,56"},
            "refunded": {"amountMinor": 56, "currency": "EUR"},
            "subscription": {"id": subscription}, "owner": {"__typename": "Customer", "name": "Ada"},
        })
    );
    let answer = world
        .admin(world.alpha)
        .send(
            "query($id: ID!) { payment(id: $id) { amount { formatted(locale: \"no language\") } } }",
            json!({"id": id}),
        )
        .await;
    assert_eq!((answer.code(), answer.path()), ("BAD_USER_INPUT", &json!(["payment", "amount", "formatted"])));
    assert_eq!(
        answer.0["errors"][0]["extensions"]["problems"],
        json!([{"code": "INVALID_FORMAT", "path": ["locale"]}])
    );
}

#[on_both]
async fn amounts_are_exact_to_the_last_safe_integer(world: &World) {
    let (customer, subscription) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let payer = Payer { tenant: world.alpha, customer: Some(&customer) };
    let most = 9_007_199_254_740_991_i64;
    let amounts = [0, 1, most - 1, most];
    let rows =
        amounts.map(|amount_minor| payment::Model { amount_minor, ..payment(payer, &subscription, world.clock.now()) });
    world.put_payments(rows.to_vec()).await;
    let admin = world.admin(world.alpha);
    let document = "query($where: PaymentFilter) { payments(where: $where, orderBy: [{field: AMOUNT}]) { nodes { amount { amountMinor } } } }";
    for (range, expected) in [
        (json!({}), amounts.to_vec()),
        (json!({"amount": {"min": most}}), vec![most]),
        (json!({"amount": {"max": most - 1}}), vec![0, 1, most - 1]),
        (json!({"amount": {"min": 1, "max": 1}}), vec![1]),
        (json!({"amount": {"min": 2, "max": 1}}), vec![]),
    ] {
        let data = admin.ok(document, json!({"where": range})).await;
        let found: Vec<_> =
            each(&data["payments"]["nodes"], "amount").iter().map(|amount| amount["amountMinor"].as_i64()).collect();
        assert_eq!(found, expected.into_iter().map(Some).collect::<Vec<_>>(), "{range}");
    }
    for beyond in [json!(most + 1), json!(-most - 1), json!(1.5), json!("1"), json!(1e300)] {
        let answer = admin.send(document, json!({"where": {"amount": {"min": beyond}}})).await;
        assert!(["BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"].contains(&answer.code()), "{beyond}: {:#}", answer.0);
    }
    assert_eq!(found(&admin, json!({"amount": {"min": -most}})).await.len(), 4);
}

#[on_both]
async fn lists_are_filtered(world: &World) {
    let (ada, ada_sub) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let (bob, bob_sub) = world.subscribed(world.alpha, "Bob", world.alpha.basic, json!({})).await;
    let input = json!({"organizationId": world.alpha.id.to_string()});
    let own = world.root().mutate("ensureSubscription", input, "subscription { id }").await;
    let own_sub = own["subscription"]["id"].as_str().expect("an id");
    let of = |customer| Payer { tenant: world.alpha, customer };
    let rows = vec![
        payment(of(Some(&ada)), &ada_sub, at("2026-03-01T00:00:00Z")),
        failed(payment(of(Some(&ada)), &ada_sub, at("2026-03-02T00:00:00Z")), "insufficient_funds", "Not 100% covered"),
        payment::Model {
            gateway: Gateway::Stripe,
            gateway_payment_id: Some("PI_x1".to_owned()),
            amount_minor: 100,
            ..payment(of(Some(&bob)), &bob_sub, at("2026-03-03T00:00:00Z"))
        },
        payment::Model { currency: "EUR".to_owned(), ..payment(of(None), own_sub, at("2026-03-04T00:00:00Z")) },
    ];
    let ids: Vec<_> = rows.iter().map(|row| json!(row.id.to_string())).collect();
    world.put_payments(rows).await;
    let admin = world.admin(world.alpha);
    let pick = |indexes: &[usize]| indexes.iter().map(|index| ids[*index].clone()).collect::<Vec<_>>();
    for (filter, expected) in [
        (json!({}), pick(&[0, 1, 2, 3])),
        (json!({"customerId": ada}), pick(&[0, 1])),
        (json!({"subscriptionId": own_sub}), pick(&[3])),
        (json!({"organizationId": world.alpha.id.to_string()}), pick(&[0, 1, 2, 3])),
        (json!({"organizationId": world.beta.id.to_string()}), vec![]),
        (json!({"status": {"eq": "FAILED"}}), pick(&[1])),
        (json!({"status": {"in": ["FAILED", "REFUNDED"]}}), pick(&[1])),
        (json!({"status": {"in": []}}), vec![]),
        (json!({"gateway": {"eq": "STRIPE"}}), pick(&[2])),
        (json!({"gatewayPaymentId": "PI_x1"}), pick(&[2])),
        (json!({"currency": "EUR"}), pick(&[3])),
        (json!({"amount": {"max": 100}}), pick(&[2])),
        (json!({"createdAt": {"from": "2026-03-02T00:00:00Z", "to": "2026-03-04T00:00:00Z"}}), pick(&[1, 2])),
        (json!({"createdAt": {"from": "2026-03-02T02:00:00+02:00", "to": "2026-03-02T00:00:00.000001Z"}}), pick(&[1])),
        (json!({"paidAt": {"from": "2026-03-02T00:00:00Z"}}), pick(&[2, 3])),
        (json!({"search": "FUNDS"}), pick(&[1])),
        (json!({"search": "100%"}), pick(&[1])),
        (json!({"search": "pi_X"}), pick(&[2])),
        (json!({"search": "covered", "customerId": bob}), vec![]),
    ] {
        assert_eq!(found(&admin, filter.clone()).await, expected, "{filter}");
    }
    for (filter, path) in [("customerId", "org_x"), ("organizationId", "cus_x"), ("subscriptionId", "pay_x")] {
        let answer = admin.send(LIST, json!({"where": {filter: path}})).await;
        assert_eq!((answer.code(), answer.path()), ("BAD_USER_INPUT", &json!(["payments"])));
        assert_eq!(
            answer.0["errors"][0]["extensions"]["problems"],
            json!([{"code": "INVALID_ID", "path": ["where", filter]}])
        );
    }
}

#[on_both]
async fn unpaid_comes_last_and_pages_do_not_lose_it(world: &World) {
    let (ada, subscription) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let payer = Payer { tenant: world.alpha, customer: Some(&ada) };
    let code = |row: payment::Model, code: &str| payment::Model { failure_code: Some(code.to_owned()), ..row };
    let rows = vec![
        failed(payment(payer, &subscription, at("2026-03-01T00:00:00Z")), "f1", "x"),
        code(payment(payer, &subscription, at("2026-03-03T00:00:00Z")), "p3"),
        failed(payment(payer, &subscription, at("2026-03-04T00:00:00Z")), "f4", "x"),
        code(payment(payer, &subscription, at("2026-03-02T00:00:00Z")), "p2"),
    ];
    world.put_payments(rows).await;
    let admin = world.admin(world.alpha);
    for (direction, expected) in [("ASC", ["p2", "p3", "f1", "f4"]), ("DESC", ["f4", "f1", "p3", "p2"])] {
        let (mut after, mut seen) = (Value::Null, Vec::new());
        for more in [true, true, true, false] {
            let order = json!([{"field": "PAID_AT", "direction": direction}]);
            let page = admin.ok(LIST, json!({"first": 1, "after": after, "orderBy": order})).await;
            assert_eq!(page["payments"]["pageInfo"]["hasNextPage"], json!(more));
            seen.extend(each(&page["payments"]["nodes"], "failureCode"));
            after = page["payments"]["pageInfo"]["endCursor"].clone();
        }
        assert_eq!(seen, expected, "{direction}");
    }
}

#[on_both]
async fn every_customer_has_its_own_latest_payments(world: &World) {
    let mut expected = Vec::new();
    for (name, count) in [("ada", 5), ("bob", 3), ("cid", 1), ("dan", 0)] {
        let (customer, subscription) = world.subscribed(world.alpha, name, world.alpha.basic, json!({})).await;
        let payer = Payer { tenant: world.alpha, customer: Some(&customer) };
        // Put in out of order, and two at the same moment.
        let rows: Vec<_> = (0..count)
            .rev()
            .map(|number| payment::Model {
                failure_code: Some(format!("{name}-{number}")),
                ..payment(payer, &subscription, world.clock.now().plus_days(number))
            })
            .collect();
        world.put_payments(rows).await;
        let latest: Vec<_> = (0..count).rev().take(3).map(|number| format!("{name}-{number}")).collect();
        expected.push(json!({"name": name, "codes": latest, "more": count > 3, "total": count}));
    }
    let document = "query($after: String) { customers(orderBy: [{field: NAME}]) { nodes { name
            payments(first: 3, after: $after) { nodes { failureCode } pageInfo { hasNextPage hasPreviousPage endCursor } totalCount { value } }
            oldest: payments(last: 1) { nodes { failureCode } pageInfo { hasPreviousPage } }
            none: payments(first: 0) { nodes { failureCode } pageInfo { hasNextPage } }
            failed: payments(first: 3, where: {status: {eq: FAILED}}) { nodes { id } } } } }";
    let data = world.admin(world.alpha).ok(document, json!({})).await;
    let nodes = data["customers"]["nodes"].as_array().expect("a list");
    let told: Vec<_> = nodes
        .iter()
        .map(|node| {
            json!({
                "name": node["name"], "codes": each(&node["payments"]["nodes"], "failureCode"),
                "more": node["payments"]["pageInfo"]["hasNextPage"], "total": node["payments"]["totalCount"]["value"],
            })
        })
        .collect();
    assert_eq!(told, expected);
    let oldest: Vec<_> = nodes.iter().flat_map(|node| each(&node["oldest"]["nodes"], "failureCode")).collect();
    assert_eq!(oldest, ["ada-0", "bob-0", "cid-0"]);
    assert_eq!(each(&json!([nodes[0]["none"]]), "pageInfo"), [json!({"hasNextPage": true})]);
    assert!(
        nodes.iter().all(|node| node["failed"]["nodes"] == json!([])
            && node["payments"]["pageInfo"]["hasPreviousPage"] == json!(false))
    );

    let second = "query($id: ID!, $after: String) { customer(id: $id) { payments(first: 3, after: $after) { nodes { failureCode } pageInfo { hasNextPage hasPreviousPage } } } }";
    let ada = world
        .admin(world.alpha)
        .ok(
            "{ customers(where: {search: \"ada\"}) { nodes { id payments(first: 3) { pageInfo { endCursor } } } } }",
            json!({}),
        )
        .await;
    let ada = &ada["customers"]["nodes"][0];
    let page = world
        .admin(world.alpha)
        .ok(second, json!({"id": ada["id"], "after": ada["payments"]["pageInfo"]["endCursor"]}))
        .await;
    assert_eq!(
        page["customer"]["payments"],
        json!({
            "nodes": [{"failureCode": "ada-1"}, {"failureCode": "ada-0"}], "pageInfo": {"hasNextPage": false, "hasPreviousPage": true},
        })
    );
}

#[on_both]
async fn payments_stand_below_their_subscription_and_their_organization(world: &World) {
    let (ada, first) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let admin = world.admin(world.alpha);
    admin.mutate("cancelSubscription", json!({"id": first, "timing": "NOW"}), "").await;
    let input = json!({"customerId": ada, "terms": {"tierId": world.alpha.plus.to_string()}});
    let second = admin.mutate("createSubscription", input, "subscription { id }").await["subscription"]["id"].clone();
    let own = admin
        .mutate("ensureSubscription", json!({"organizationId": world.alpha.id.to_string()}), "subscription { id }")
        .await;
    let own = own["subscription"]["id"].as_str().expect("an id");
    let of_ada = Payer { tenant: world.alpha, customer: Some(&ada) };
    let rows = vec![
        payment(of_ada, &first, at("2026-03-01T00:00:00Z")),
        payment(of_ada, second.as_str().expect("an id"), at("2026-03-02T00:00:00Z")),
        payment(Payer { tenant: world.alpha, customer: None }, own, at("2026-03-03T00:00:00Z")),
    ];
    let ids: Vec<_> = rows.iter().map(|row| json!({"id": row.id.to_string()})).collect();
    world.put_payments(rows).await;
    let data = admin.ok("{ subscriptions(orderBy: [{field: CREATED_AT}]) { nodes { payments { nodes { id } } } }
            organization { payments { nodes { id } totalCount { value } } } customers { nodes { payments { nodes { id } } } } }", json!({})).await;
    assert_eq!(
        data["subscriptions"]["nodes"],
        json!([
            {"payments": {"nodes": [ids[0]]}}, {"payments": {"nodes": [ids[1]]}}, {"payments": {"nodes": [ids[2]]}},
        ])
    );
    assert_eq!(data["organization"]["payments"], json!({"nodes": [ids[2]], "totalCount": {"value": 1}}));
    assert_eq!(data["customers"]["nodes"], json!([{"payments": {"nodes": [ids[1], ids[0]]}}]));
}

#[on_both]
async fn an_owner_has_one_default_method(world: &World) {
    let (ada, _) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let (bob, _) = world.subscribed(world.alpha, "Bob", world.alpha.basic, json!({})).await;
    let now = world.clock.now();
    let of = |customer| Payer { tenant: world.alpha, customer };
    let wallet = payment_method::Model {
        kind: PaymentMethodKind::Wallet,
        brand: None,
        last4: None,
        exp_month: None,
        exp_year: None,
        is_default: false,
        gateway: Gateway::MercadoPago,
        ..card(of(Some(&ada)), now)
    };
    let removed = payment_method::Model { deleted_at: Some(now), ..card(of(Some(&ada)), now.plus_days(1)) };
    let removed_default = payment_method::Model { deleted_at: Some(now), ..card(of(Some(&bob)), now.plus_days(1)) };
    let expired = payment_method::Model {
        exp_month: Some(2),
        exp_year: Some(2026),
        last4: Some("1111".to_owned()),
        ..card(of(None), now.plus_days(2))
    };
    let rows = vec![card(of(Some(&ada)), now), wallet, removed, removed_default, expired];
    let ids: Vec<_> = rows.iter().map(|row| json!(row.id.to_string())).collect();
    world.put_methods(rows).await;
    let admin = world.admin(world.alpha);
    let data = admin.ok("{ customers(orderBy: [{field: NAME}]) { nodes { name defaultPaymentMethod { id brand last4 expMonth expYear holderName postalCode expired
            gatewayMethodId isDefault owner { ... on Customer { name } } } } }
            organization { defaultPaymentMethod { last4 expired owner { ... on Organization { slug } } } } }", json!({})).await;
    assert_eq!(
        data["customers"]["nodes"],
        json!([
            {"name": "Ada", "defaultPaymentMethod": {
                "id": ids[0], "brand": "visa", "last4": "4242", "expMonth": 12, "expYear": 2027, "holderName": "Ada Lovelace", "postalCode": "10115",
                "expired": false, "gatewayMethodId": format!("gateway-{}", ids[0].as_str().expect("an id")), "isDefault": true, "owner": {"name": "Ada"},
            }},
            {"name": "Bob", "defaultPaymentMethod": null},
        ])
    );
    assert_eq!(
        data["organization"]["defaultPaymentMethod"],
        json!({"last4": "1111", "expired": true, "owner": {"slug": "alpha"}})
    );

    for (filter, expected) in [
        (json!({}), vec![0, 1, 4]),
        (json!({"customerId": ada}), vec![0, 1]),
        (json!({"customerId": ada, "isDefault": true}), vec![0]),
        (json!({"kind": {"eq": "WALLET"}}), vec![1]),
        (json!({"kind": {"in": ["WALLET", "BANK_ACCOUNT"]}}), vec![1]),
        (json!({"gateway": {"eq": "STRIPE"}}), vec![0, 4]),
        (json!({"organizationId": world.alpha.id.to_string()}), vec![0, 1, 4]),
        (json!({"organizationId": world.beta.id.to_string()}), vec![]),
    ] {
        let mut expected: Vec<_> = expected.into_iter().map(|index: usize| ids[index].clone()).collect();
        let mut found = methods(&admin, filter.clone()).await;
        expected.sort_by_key(ToString::to_string);
        found.sort_by_key(ToString::to_string);
        assert_eq!(found, expected, "{filter}");
    }
    let document = "query($id: ID!) { paymentMethod(id: $id) { id gatewayMethodId } node(id: $id) { id } }";
    assert_eq!(
        admin.ok(document, json!({"id": ids[2]})).await,
        json!({"paymentMethod": null, "node": null}),
        "a removed method is invisible"
    );
    let ada_herself = world.customer(world.alpha, &ada).ok(document, json!({"id": ids[0]})).await;
    assert_eq!(
        ada_herself["paymentMethod"],
        json!({"id": ids[0], "gatewayMethodId": null}),
        "ids at the gateway are for who manages payments"
    );
}

#[on_both]
async fn payments_are_for_those_who_may(world: &World) {
    let (ada, ada_sub) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let (bob, bob_sub) = world.subscribed(world.alpha, "Bob", world.alpha.basic, json!({})).await;
    let (eve, eve_sub) = world.subscribed(world.beta, "Eve", world.beta.basic, json!({})).await;
    let own = world
        .root()
        .mutate("ensureSubscription", json!({"organizationId": world.alpha.id.to_string()}), "subscription { id }")
        .await;
    let now = world.clock.now();
    let payers = [
        (Payer { tenant: world.alpha, customer: Some(&ada) }, ada_sub.as_str()),
        (Payer { tenant: world.alpha, customer: Some(&bob) }, bob_sub.as_str()),
        (Payer { tenant: world.beta, customer: Some(&eve) }, eve_sub.as_str()),
        (Payer { tenant: world.alpha, customer: None }, own["subscription"]["id"].as_str().expect("an id")),
    ];
    let payments = payers.map(|(payer, subscription)| payment(payer, subscription, now));
    let cards = payers.map(|(payer, _)| card(payer, now));
    let (payment_ids, card_ids) =
        (payments.clone().map(|row| row.id.to_string()), cards.clone().map(|row| row.id.to_string()));
    world.put_payments(payments.to_vec()).await;
    world.put_methods(cards.to_vec()).await;
    let reader = world.service(world.alpha, &[Permission::PaymentsRead, Permission::CustomersRead]);
    for (client, sees) in [
        (world.root(), vec![0, 1, 2, 3]),
        (world.caller(Role::Support, world.alpha), vec![0, 1, 2, 3]),
        (world.admin(world.alpha), vec![0, 1, 3]),
        (world.admin(world.beta), vec![2]),
        (world.admin(world.gamma), vec![]),
        (world.customer(world.alpha, &ada), vec![0]),
        (reader, vec![0, 1]),
    ] {
        let sorted = |mut list: Vec<Value>| {
            list.sort_by_key(ToString::to_string);
            list
        };
        let expect = |ids: &[String]| sorted(sees.iter().map(|index: &usize| json!(ids[*index])).collect());
        assert_eq!(sorted(found(&client, json!({})).await), expect(&payment_ids));
        assert_eq!(sorted(methods(&client, json!({})).await), expect(&card_ids));
        for (index, (pay, pm)) in payment_ids.iter().zip(&card_ids).enumerate() {
            let data = client.ok("query($p: ID!, $m: ID!) { payment(id: $p) { id } paymentMethod(id: $m) { id } nodes(ids: [$p, $m]) { id } }", json!({"p": pay, "m": pm})).await;
            let seen = sees.contains(&index);
            assert_eq!((data["payment"].is_object(), data["paymentMethod"].is_object()), (seen, seen));
            assert_eq!(data["nodes"].as_array().expect("a list").iter().all(Value::is_object), seen);
        }
    }
    let narrowed = world.service(world.alpha, &[Permission::CustomersRead]);
    for client in [world.caller(Role::Worker, world.alpha), narrowed] {
        for (document, path) in [
            ("{ payments { nodes { id } } }", json!(["payments"])),
            ("{ paymentMethods { nodes { id } } }", json!(["paymentMethods"])),
            ("query($p: ID) { payment(id: $p) { id } }", json!(["payment"])),
            ("query($p: ID) { node(id: $p) { id } }", json!(["node"])),
            ("{ customers { nodes { payments { nodes { id } } } } }", json!(["customers", "nodes", 0, "payments"])),
            (
                "{ customers { nodes { defaultPaymentMethod { id } } } }",
                json!(["customers", "nodes", 0, "defaultPaymentMethod"]),
            ),
            (
                "{ subscriptions { nodes { payments { nodes { id } } } } }",
                json!(["subscriptions", "nodes", 0, "payments"]),
            ),
        ] {
            let answer = client.send(&document.replace("$p: ID)", "$p: ID!)"), json!({"p": payment_ids[0]})).await;
            assert_eq!((answer.code(), answer.path()), ("FORBIDDEN", &path), "{document}");
            assert_eq!(answer.0["errors"][0]["extensions"]["permission"], "payments.read", "{document}");
            assert_eq!(answer.0["errors"].as_array().map(Vec::len), Some(1), "once, however many rows: {document}");
        }
    }
}
