//! The audit trail: what every mutation leaves behind, and who reads it.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Value, json};
use tessera::auth::{Grant, Role};
use tessera::entity::{audit_event, outbox_event};

use crate::support::{Client, World, each, on_both};

const ENTRIES: &str = "query($first: Int, $after: String, $where: AuditEventFilter, $orderBy: [AuditEventOrder!]) {
    auditEvents(first: $first, after: $after, where: $where, orderBy: $orderBy) {
        nodes { id actor actorRole impersonator action entityType entityId changes reason requestId address createdAt organization { slug } }
        pageInfo { hasNextPage endCursor } totalCount { value } } }";

/// What a caller finds in the trail, oldest first.
async fn entries(client: &Client, filter: Value) -> Vec<Value> {
    let variables = json!({"first": 100, "where": filter, "orderBy": [{"field": "CREATED_AT", "direction": "ASC"}]});
    client.ok(ENTRIES, variables).await["auditEvents"]["nodes"].as_array().expect("a list").clone()
}

fn without_organization(entry: &Value) -> Value {
    let mut entry = entry.clone();
    entry["organization"] = Value::Null;
    entry
}

/// Carries out mutations one by one and looks at what each left behind.
struct Inspector<'a> {
    world: &'a World,
    client: Client,
    seen: Vec<Value>,
    tried: BTreeSet<String>,
}

impl Inspector<'_> {
    /// The object of a mutation that must leave exactly these actions behind, in this order.
    async fn leaves(&mut self, mutation: &str, mut input: Value, field: &str, actions: &[&str]) -> Value {
        self.world.pass(TimeDelta::seconds(1));
        let reason = input.get("id").is_some().then(|| format!("why {mutation}"));
        if let Some(reason) = &reason {
            input["reason"] = json!(reason);
        }
        let selection = if field == "deletedId" { field.to_owned() } else { format!("{field} {{ id }}") };
        let payload = self.client.mutate(mutation, input, &selection).await;
        let id = if field == "deletedId" { payload[field].clone() } else { payload[field]["id"].clone() };
        let all = entries(&self.client, json!({})).await;
        // The organization of an entry is looked up anew, and may be gone by now.
        let same = |(before, after): (&Value, &Value)| without_organization(before) == without_organization(after);
        assert!(self.seen.iter().zip(&all).all(same), "{mutation} leaves earlier entries as they are");
        let new = &all[self.seen.len()..];
        assert_eq!(each(&json!(new), "action"), actions, "{mutation}");
        for entry in new {
            let context = ["actor", "actorRole", "impersonator", "requestId", "address", "createdAt"]
                .map(|name| entry[name].clone());
            let now = self.world.clock.now().to_string();
            let expected = json!(["root@example.com", "ROOT", null, "test-request", "192.0.2.1", now]);
            assert_eq!(json!(context), expected, "{mutation}");
            assert_eq!(entry["reason"], json!(reason), "{mutation}");
            let noun = entry["action"].as_str().and_then(|action| action.split_once('.')).expect("noun and verb").0;
            assert_eq!(entry["entityType"], noun);
        }
        let own = new.iter().filter(|entry| entry["entityId"] == id).count();
        assert_eq!(own, 1, "{mutation} tells of {id}");
        self.tried.insert(mutation.to_owned());
        self.seen = all;
        id
    }

    /// What the latest entry says that changed.
    fn changes(&self) -> &Value {
        &self.seen.last().expect("an entry")["changes"]
    }
}

#[on_both]
async fn every_mutation_leaves_one_entry_for_each_row(world: &World) {
    let mut it = Inspector { world, client: world.root(), seen: Vec::new(), tried: BTreeSet::new() };
    let pro = world.platform_tiers["pro"].to_string();

    let both = ["organization.create", "subscription.create"];
    let input = json!({"name": "Acme", "slug": "acme", "subscription": {"tierId": pro}});
    let acme = it.leaves("createOrganization", input, "organization", &both).await;
    assert_eq!(it.seen[0]["changes"]["name"], json!({"from": null, "to": "Acme"}));
    assert!(it.seen.iter().all(|entry| entry["organization"]["slug"] == "acme"));
    it.leaves(
        "updateOrganization",
        json!({"id": acme, "name": "Acme 2", "billingEmail": "a@example.com"}),
        "organization",
        &["organization.update"],
    )
    .await;
    assert_eq!(
        it.changes(),
        &json!({"name": {"from": "Acme", "to": "Acme 2"}, "billing_email": {"from": null, "to": "a@example.com"}})
    );
    it.leaves("suspendOrganization", json!({"id": acme}), "organization", &["organization.suspend"]).await;
    it.leaves("resumeOrganization", json!({"id": acme}), "organization", &["organization.resume"]).await;

    let member = |name: &str| json!({"organizationId": acme, "email": format!("{name}@example.com"), "name": name, "role": "ADMIN"});
    it.leaves("createMember", member("ada"), "member", &["member.create"]).await;
    let bob = it.leaves("createMember", member("bob"), "member", &["member.create"]).await;
    it.leaves("updateMember", json!({"id": bob, "role": "WORKER"}), "member", &["member.update"]).await;
    assert_eq!(it.changes(), &json!({"role": {"from": "ADMIN", "to": "WORKER"}}));
    it.leaves("deactivateMember", json!({"id": bob}), "member", &["member.deactivate"]).await;
    it.leaves("reactivateMember", json!({"id": bob}), "member", &["member.reactivate"]).await;
    assert_eq!(it.changes(), &json!({"active": {"from": false, "to": true}}));

    let price = |amount: i64| json!([{"billingCycle": "MONTHLY", "currency": "USD", "amountMinor": amount}]);
    let tier = |key: &str, rank: i64| json!({"organizationId": acme, "key": key, "name": key, "kind": "CUSTOMER", "rank": rank, "prices": price(900)});
    let gold = it.leaves("createTier", tier("gold", 2), "tier", &["tier.create"]).await;
    let lead = it.leaves("createTier", tier("lead", 1), "tier", &["tier.create"]).await;
    it.leaves("updateTier", json!({"id": gold, "prices": price(1000)}), "tier", &["tier.update"]).await;
    let amounts = [&it.changes()["prices"]["from"], &it.changes()["prices"]["to"]]
        .map(|prices| prices[0]["amount_minor"].clone());
    assert_eq!(amounts, [json!(900), json!(1000)]);
    assert_eq!(it.changes().as_object().map(serde_json::Map::len), Some(1), "nothing but the prices");
    it.leaves("archiveTier", json!({"id": lead}), "tier", &["tier.archive"]).await;
    it.leaves("unarchiveTier", json!({"id": lead}), "tier", &["tier.unarchive"]).await;

    let storage = json!({"organizationId": acme, "key": "storage", "name": "Storage", "kind": "LIMIT", "unit": "GB"});
    let storage = it.leaves("createFeature", storage, "feature", &["feature.create"]).await;
    it.leaves("updateFeature", json!({"id": storage, "unit": "TB"}), "feature", &["feature.update"]).await;
    assert_eq!(it.changes(), &json!({"unit": {"from": "GB", "to": "TB"}}));
    // What a tier grants is declared in its catalogue.
    let granted = json!([{"key": "storage", "kind": "LIMIT", "ceiling": 5}, {"key": "export", "kind": "SWITCH"}]);
    let granting = json!({"id": lead, "features": granted});
    it.leaves("updateTier", granting, "tier", &["feature.create", "tier.update"]).await;

    let seats =
        json!({"organizationId": acme, "key": "seats", "name": "Seats", "kind": "CUSTOMER", "prices": price(200)});
    let seats = it.leaves("createAddOn", seats, "addOn", &["add_on.create"]).await;
    it.leaves("updateAddOn", json!({"id": seats, "maxQuantity": 5}), "addOn", &["add_on.update"]).await;
    assert_eq!(it.changes(), &json!({"max_quantity": {"from": 1, "to": 5}}));
    it.leaves("archiveAddOn", json!({"id": seats}), "addOn", &["add_on.archive"]).await;
    let bank = json!({"organizationId": acme, "kind": "MANUAL", "mode": "LIVE", "name": "Bank"});
    let bank = it.leaves("createGatewayAccount", bank, "gatewayAccount", &["gateway_account.create"]).await;
    let told = json!({"id": bank, "instructions": "Account 1"});
    it.leaves("updateGatewayAccount", told, "gatewayAccount", &["gateway_account.update"]).await;
    assert_eq!(it.changes(), &json!({"instructions": {"from": null, "to": "Account 1"}}));
    it.leaves("disableGatewayAccount", json!({"id": bank}), "gatewayAccount", &["gateway_account.disable"]).await;
    it.leaves("enableGatewayAccount", json!({"id": bank}), "gatewayAccount", &["gateway_account.enable"]).await;
    let key = |number: u8| format!("sk_test_audited_{number}");
    let simulated =
        json!({"organizationId": acme, "kind": "SIMULATOR", "mode": "TEST", "name": "Cards", "apiKey": key(1)});
    let simulated = it.leaves("createGatewayAccount", simulated, "gatewayAccount", &["gateway_account.create"]).await;
    let another = json!({"id": simulated, "apiKey": key(2)});
    it.leaves("rotateGatewayKey", another, "gatewayAccount", &["gateway_account.rotate"]).await;
    it.leaves("unarchiveAddOn", json!({"id": seats}), "addOn", &["add_on.unarchive"]).await;

    let both = ["customer.create", "subscription.create"];
    let input = json!({"organizationId": acme, "name": "Ada", "subscription": {"tierId": gold}});
    let ada = it.leaves("createCustomer", input, "customer", &both).await;
    let sub = it.seen.last().expect("an entry")["entityId"].clone();
    it.leaves("updateCustomer", json!({"id": ada, "name": "Ada L."}), "customer", &["customer.update"]).await;
    assert_eq!(it.changes(), &json!({"name": {"from": "Ada", "to": "Ada L."}}));
    it.leaves("suspendCustomer", json!({"id": ada}), "customer", &["customer.suspend"]).await;
    assert_eq!(it.changes(), &json!({"status": {"from": "ACTIVE", "to": "SUSPENDED"}}));
    it.leaves("resumeCustomer", json!({"id": ada}), "customer", &["customer.resume"]).await;

    for (mutation, more, action) in [
        ("updateSubscription", json!({"externalId": "x"}), "update"),
        ("extendSubscription", json!({"days": 3}), "extend"),
        ("changeTier", json!({"tierId": lead, "timing": "PERIOD_END"}), "schedule_tier_change"),
        ("changeTier", json!({"tierId": lead, "timing": "NOW"}), "change_tier"),
        ("changeAddOns", json!({"addOns": [{"addOnId": seats, "quantity": 2}], "proration": "NONE"}), "change_add_ons"),
        ("changeAddOns", json!({"addOns": [{"addOnId": seats, "quantity": 0}]}), "schedule_add_on_change"),
        ("suspendSubscription", json!({}), "suspend"),
        ("resumeSubscription", json!({}), "resume"),
        ("pauseSubscription", json!({}), "pause"),
        ("resumeSubscription", json!({}), "resume"),
        ("cancelSubscription", json!({}), "schedule_cancel"),
        ("undoCancel", json!({}), "undo_cancel"),
        ("renewSubscription", json!({}), "renew"),
        ("overrideTier", json!({"tierId": gold}), "override_tier"),
        ("endOverride", json!({}), "end_override"),
        ("cancelSubscription", json!({"timing": "NOW"}), "cancel"),
        ("reactivateSubscription", json!({}), "reactivate"),
        ("expireSubscription", json!({}), "expire"),
    ] {
        let mut input = json!({"id": sub});
        for (field, value) in more.as_object().expect("more input") {
            input[field] = value.clone();
        }
        it.leaves(mutation, input, "subscription", &[&format!("subscription.{action}")]).await;
        assert_ne!(it.changes(), &json!({}), "{mutation} tells what changed");
    }
    assert_eq!(it.changes()["status"], json!({"from": "ACTIVE", "to": "EXPIRED"}));
    it.leaves("reactivateSubscription", json!({"id": sub}), "subscription", &["subscription.reactivate"]).await;
    let owed = ["subscription.mark_past_due", "payment.create"];
    it.leaves("markPastDue", json!({"id": sub}), "subscription", &owed).await;
    let paid = ["subscription.mark_paid", "payment.succeed"];
    it.leaves("markPaid", json!({"id": sub}), "subscription", &paid).await;
    it.leaves("markPastDue", json!({"id": sub}), "subscription", &["subscription.mark_past_due", "payment.create"])
        .await;
    let received = json!({"id": sub, "receivedAs": "CASH", "reference": "a receipt"});
    let told = ["subscription.mark_paid", "payment.succeed"];
    it.leaves("recordManualPayment", received, "payment", &told).await;
    it.leaves("expireSubscription", json!({"id": sub}), "subscription", &["subscription.expire"]).await;
    it.leaves("deleteSubscription", json!({"id": sub}), "deletedId", &["subscription.delete"]).await;
    let input = json!({"customerId": ada, "terms": {"tierId": gold, "requiresPayment": true}});
    let sub = it.leaves("createSubscription", input, "subscription", &["subscription.create"]).await;
    it.leaves("startTrial", json!({"id": sub, "days": 3}), "subscription", &["subscription.start_trial"]).await;
    it.leaves("activateSubscription", json!({"id": sub}), "subscription", &["subscription.activate"]).await;
    it.leaves("terminateCustomer", json!({"id": ada}), "customer", &["subscription.cancel", "customer.terminate"])
        .await;
    it.leaves("deleteCustomer", json!({"id": ada}), "deletedId", &["customer.delete"]).await;
    let alpha = json!({"organizationId": world.alpha.id.to_string()});
    it.leaves("ensureSubscription", alpha, "subscription", &["subscription.create"]).await;
    it.leaves(
        "terminateOrganization",
        json!({"id": acme}),
        "organization",
        &["subscription.cancel", "organization.terminate"],
    )
    .await;
    it.leaves("deleteOrganization", json!({"id": acme}), "deletedId", &["organization.delete"]).await;

    let revoked = json!({"organizationId": world.alpha.id.to_string(), "subject": "x", "reason": "lost"});
    world.root().mutate("revokeTokens", revoked, "").await;
    let told = entries(&world.root(), json!({"entityType": "revocation"})).await;
    assert_eq!((told.len(), &told[0]["action"], &told[0]["reason"]), (1, &json!("revocation.create"), &json!("lost")));
    it.tried.insert("revokeTokens".to_owned());
    // What the scheduler does is told as its own (`scheduler.rs`).
    it.tried.insert("retryTransition".to_owned());
    // What is counted is its own trail; corrections and allowances are looked at beside their tests.
    let counting =
        "adjustUsage consume grantAllowance recordUsage release renewReservation reserve setGauge settle".split(' ');
    it.tried.extend(counting.map(str::to_owned));
    // Nothing of ours changes.
    it.tried.insert("ensureGatewayCustomer".to_owned());
    // What a gateway has to be asked for is looked at beside its tests.
    it.tried.extend("confirmCheckout retryCheckout startCheckout".split(' ').map(str::to_owned));
    // Told of beside its tests.
    it.tried.insert("setGatewayPrice".to_owned());

    let schema = world.root().ok("{ __schema { mutationType { fields { name } } } }", json!({})).await;
    let all: BTreeSet<_> = each(&schema["__schema"]["mutationType"]["fields"], "name")
        .iter()
        .map(|name| name.as_str().expect("a name").to_owned())
        .collect();
    assert_eq!(it.tried, all, "every mutation is looked at here");
}

#[on_both]
async fn the_outbox_tells_the_same(world: &World) {
    let (customer, subscription) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let admin = world.admin(world.alpha);
    admin.mutate("extendSubscription", json!({"id": subscription, "days": 3}), "").await;
    admin.mutate("deleteCustomer", json!({"id": customer}), "").await;
    world.root().mutate("updateTier", json!({"id": world.platform_tiers["pro"].to_string(), "name": "x"}), "").await;
    let system = world.store.system();
    let mut audits = system.all::<audit_event::Entity>().await.expect("the database answers");
    let mut events = system.all::<outbox_event::Entity>().await.expect("the database answers");
    audits.sort_by_key(|row| row.id);
    events.sort_by_key(|row| row.id);
    let told = |events: &[outbox_event::Model]| {
        events.iter().map(|row| (row.topic.clone(), row.entity_version)).collect::<Vec<_>>()
    };
    let expected = [
        ("customer.create", 1),
        ("subscription.create", 1),
        ("subscription.extend", 2),
        ("subscription.cancel", 3),
        ("customer.delete", 2),
        ("tier.update", 2),
    ];
    assert_eq!(told(&events), expected.map(|(topic, version)| (topic.to_owned(), version)));
    for (audit, event) in audits.iter().zip(&events) {
        assert_eq!(
            (audit.tenant_id, &audit.action, &audit.entity_type, audit.entity_id, &audit.changes, audit.created_at),
            (event.tenant_id, &event.topic, &event.entity_type, event.entity_id, &event.payload, event.created_at),
        );
    }
    assert_eq!(
        events.last().map(|event| event.tenant_id.organization()),
        Some(None),
        "the platform's own have no tenant"
    );
}

#[on_both]
async fn the_impersonator_is_recorded(world: &World) {
    let client = world.client(Grant {
        subject: "ada@example.com".to_owned(),
        role: Role::Admin,
        organization: Some(world.alpha.id),
        customer: None,
        member: None,
        permissions: None,
        expires_in: Duration::from_secs(3600),
        impersonator: Some("support@example.com".to_owned()),
    });
    client.mutate("createCustomer", json!({"name": "Ada"}), "").await;
    for (reader, impersonator) in [(world.root(), "support@example.com"), (world.admin(world.alpha), "PLATFORM")] {
        for entry in entries(&reader, json!({})).await {
            let who = (&entry["actor"], &entry["actorRole"], &entry["impersonator"]);
            assert_eq!(who, (&json!("ada@example.com"), &json!("ADMIN"), &json!(impersonator)));
        }
    }
    assert_eq!(world.writes().await, 2);
}

#[on_both]
async fn the_trail_is_filtered_sorted_and_paged(world: &World) {
    let (ada, ada_sub) = world.subscribed(world.gamma, "Ada", world.gamma.basic, json!({})).await;
    world.pass(TimeDelta::hours(1));
    let (bob, _) = world.subscribed(world.delta, "Bob", world.delta.basic, json!({})).await;
    world.pass(TimeDelta::hours(1));
    let reseller = world.caller(Role::Reseller, world.gamma);
    reseller.mutate("suspendSubscription", json!({"id": ada_sub}), "").await;
    reseller.mutate("updateTier", json!({"id": world.gamma.basic.to_string(), "name": "x"}), "").await;
    let all = [
        "customer.create",
        "subscription.create",
        "customer.create",
        "subscription.create",
        "subscription.suspend",
        "tier.update",
    ];
    for (filter, expected) in [
        (json!({}), all.to_vec()),
        (json!({"organizationId": world.delta.id.to_string()}), vec!["customer.create", "subscription.create"]),
        (json!({"organizationId": world.alpha.id.to_string()}), vec![]),
        (json!({"entityId": ada_sub}), vec!["subscription.create", "subscription.suspend"]),
        (json!({"entityId": bob}), vec!["customer.create"]),
        (json!({"entityId": world.gamma.basic.to_string()}), vec!["tier.update"]),
        (json!({"entityId": ada, "entityType": "subscription"}), vec![]),
        (json!({"entityType": "customer"}), vec!["customer.create", "customer.create"]),
        (json!({"action": {"eq": "subscription.suspend"}}), vec!["subscription.suspend"]),
        (
            json!({"action": {"in": ["subscription.suspend", "tier.update", "x"]}}),
            vec!["subscription.suspend", "tier.update"],
        ),
        (json!({"action": {"in": []}}), vec![]),
        (json!({"actor": "reseller@example.com"}), vec!["subscription.suspend", "tier.update"]),
        (
            json!({"createdAt": {"from": "2026-03-01T13:00:00Z", "to": "2026-03-01T14:00:00Z"}}),
            vec!["customer.create", "subscription.create"],
        ),
    ] {
        assert_eq!(each(&json!(entries(&reseller, filter.clone()).await), "action"), expected, "{filter}");
    }
    let (mut after, mut seen) = (Value::Null, Vec::new());
    for more in [true, true, false] {
        let page = reseller.ok(ENTRIES, json!({"first": 2, "after": after})).await;
        assert_eq!(
            (&page["auditEvents"]["pageInfo"]["hasNextPage"], &page["auditEvents"]["totalCount"]["value"]),
            (&json!(more), &json!(6))
        );
        seen.extend(each(&page["auditEvents"]["nodes"], "action"));
        after = page["auditEvents"]["pageInfo"]["endCursor"].clone();
    }
    seen.reverse();
    assert_eq!(seen, all, "newest first");
    for (filter, path) in
        [(json!({"entityId": "nonsense"}), "entityId"), (json!({"organizationId": ada}), "organizationId")]
    {
        let answer = reseller.send(ENTRIES, json!({"where": filter})).await;
        assert_eq!((answer.code(), answer.path()), ("BAD_USER_INPUT", &json!(["auditEvents"])));
        assert_eq!(
            answer.0["errors"][0]["extensions"]["problems"],
            json!([{"code": "INVALID_ID", "path": ["where", path]}])
        );
    }
}

#[on_both]
async fn the_trail_is_for_those_who_may(world: &World) {
    let (customer, _) = world.subscribed(world.delta, "Ada", world.delta.basic, json!({})).await;
    world.root().mutate("updateTier", json!({"id": world.platform_tiers["pro"].to_string(), "name": "x"}), "").await;
    for (client, sees) in [
        (world.root(), 3),
        (world.caller(Role::Support, world.alpha), 3),
        (world.caller(Role::Reseller, world.gamma), 2),
        (world.admin(world.delta), 2),
        (world.admin(world.gamma), 0),
        (world.admin(world.alpha), 0),
    ] {
        assert_eq!(entries(&client, json!({})).await.len(), sees);
    }
    for client in [
        world.caller(Role::Worker, world.delta),
        world.customer(world.delta, &customer),
        world.service(world.delta, &[]),
    ] {
        let answer = client.send(ENTRIES, json!({})).await;
        assert_eq!((answer.code(), answer.path()), ("FORBIDDEN", &json!(["auditEvents"])));
        assert_eq!(answer.0["errors"][0]["extensions"]["permission"], "audit.read");
    }
    world.root().mutate("deleteOrganization", json!({"id": world.delta.id.to_string()}), "deletedId").await;
    assert_eq!(
        entries(&world.root(), json!({"organizationId": world.delta.id.to_string()})).await.len(),
        3,
        "the trail outlives what it tells of"
    );
}

#[on_both]
async fn what_changes_nothing_or_fails_leaves_nothing(world: &World) {
    let (customer, subscription) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let admin = world.admin(world.alpha);
    let before = world.writes().await;
    admin.mutate("updateCustomer", json!({"id": customer, "name": "Ada", "reason": "no reason"}), "").await;
    admin.mutate("updateSubscription", json!({"id": subscription, "metadata": {}}), "").await;
    admin.mutate("updateTier", json!({"id": world.alpha.basic.to_string(), "name": "BASIC"}), "").await;
    admin.mutate("unarchiveTier", json!({"id": world.alpha.basic.to_string()}), "").await;
    admin.mutate("ensureSubscription", json!({"customerId": customer}), "").await;
    world
        .refused(&admin, "cancelSubscription", json!({"id": subscription, "timing": "DATE"}), "REQUIRED", "input.at")
        .await;
    assert_eq!(world.writes().await, before);
}
