//! Who may do what: every role against every root field, as one table to review when it changes.
//!
//! The fields come from the introspection, so that a new one fails here until somebody has said how it is called.

mod plan;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Value, json};
use tessera::auth::{Permission, Role};
use tessera::entity::subscription;
use tessera::store::DueSubscription;
use tokio::task::JoinSet;

use self::plan::{Case, prepare};
use crate::support::estate::Estate;
use crate::support::introspection::Schema;
use crate::support::{Answer, Backend, Client, Tenant, World};

/// The callers: each role with what it may do by itself, which for SERVICE is nothing; and nobody.
const COLUMNS: [&str; 8] = ["ROOT", "SUPPORT", "ADMIN", "RESELLER", "WORKER", "CUSTOMER", "SERVICE", "nobody"];

/// A row of the table: a root field and how each caller fares with it.
type Row = (String, Vec<String>);

/// The caller of a column, in an organization; RESELLER is always above it.
fn caller(world: &World, column: &str, tenant: Tenant, customer: &str) -> Client {
    match column {
        "RESELLER" => world.caller(Role::Reseller, world.gamma),
        "CUSTOMER" => world.customer(tenant, customer),
        "SERVICE" => world.service(tenant, &[]),
        "nobody" => world.nobody(),
        role => world.caller(role.parse().expect("a role"), tenant),
    }
}

/// The organization whose objects the caller of a column asks for.
fn tenant(world: &World, column: &str) -> Tenant {
    if column == "RESELLER" { world.delta } else { world.alpha }
}

/// What kind of answer it is.
fn outcome(answer: &Answer, field: &str) -> String {
    if !answer.0["errors"].is_null() {
        let permission = answer.0["errors"][0]["extensions"]["permission"].as_str();
        return permission.map_or_else(|| answer.code().to_owned(), |permission| format!("needs {permission}"));
    }
    let data = &answer.0["data"][field];
    let none = |list: &Value| list.as_array().is_some_and(|list| list.iter().all(Value::is_null));
    match data["userErrors"].as_array() {
        Some(refusals) if !refusals.is_empty() => refusals[0]["code"].as_str().expect("a code").to_owned(),
        _ if data.is_null() => "null".to_owned(),
        _ if none(data) || none(&data["nodes"]) => "empty".to_owned(),
        _ => "ok".to_owned(),
    }
}

/// How a query is called: its arguments for an object of the caller's own organization, and for one of a customer.
/// A second row shows what belongs to the organization itself.
fn arguments(query: &str, estate: &Estate) -> Option<Vec<(&'static str, String)>> {
    let id = |id: &str| format!("(id: \"{id}\")");
    let (customer, own) = (&estate.customer, &estate.organization);
    let (of_customer, of_organization) = ("", " of the organization");
    Some(match query {
        "addOns" | "auditEvents" | "checkoutTiers" | "customers" | "features" | "gatewayAccounts" | "members"
        | "organizations" | "parkedTransitions" | "paymentMethods" | "payments" | "subscriptions"
        | "tierStatistics" | "tiers" | "viewer" => {
            vec![("", String::new())]
        }
        "customer" | "node" => vec![("", id(&customer.id))],
        "nodes" => vec![("", format!("(ids: [\"{}\"])", customer.id))],
        "member" => vec![("", id(&estate.member))],
        "organization" => vec![("", id(&own.id))],
        "feature" => vec![("", id(&estate.feature))],
        "addOn" => vec![("", id(&estate.add_on))],
        "gatewayAccount" => vec![("", id(&estate.gateway_account))],
        "accountPrices" => vec![("", format!("(gatewayAccountId: \"{}\")", estate.gateway_account))],
        "paymentInstructions" => vec![
            (of_customer, format!("(ownerId: \"{}\")", customer.id)),
            (of_organization, format!("(ownerId: \"{}\")", own.id)),
        ],
        "tier" => vec![("", id(&estate.tier))],
        "payment" => vec![(of_customer, id(&customer.payment)), (of_organization, id(&own.payment))],
        "paymentMethod" => {
            vec![(of_customer, id(&customer.payment_method)), (of_organization, id(&own.payment_method))]
        }
        "subscription" => vec![(of_customer, id(&customer.subscription)), (of_organization, id(&own.subscription))],
        "dashboard" => vec![("", format!("(organizationId: \"{}\")", own.id))],
        "accesses" => vec![("", format!("(ownerIds: [\"{}\"])", customer.id))],
        "previewCancel" => vec![("", format!("(input: {{id: \"{}\"}})", customer.subscription))],
        "previewTierChange" => {
            let input = format!("(input: {{id: \"{}\", tierId: \"{}\"}})", customer.subscription, estate.tier);
            vec![("", input)]
        }
        "previewAddOnChange" => {
            let line = format!("{{addOnId: \"{}\", quantity: 2}}", estate.add_on);
            vec![("", format!("(input: {{id: \"{}\", addOns: [{line}]}})", customer.subscription))]
        }
        "access" => vec![
            (of_customer, format!("(ownerId: \"{}\")", customer.id)),
            (of_organization, format!("(ownerId: \"{}\")", own.id)),
        ],
        "usage" => vec![
            (of_customer, format!("(ownerId: \"{}\")", customer.id)),
            (of_organization, format!("(ownerId: \"{}\", features: [\"users\"])", own.id)),
        ],
        "currentSubscription" | "subscriptionStatus" => vec![
            (of_customer, format!("(customerId: \"{}\")", customer.id)),
            (of_organization, format!("(organizationId: \"{}\")", own.id)),
        ],
        _ => return None,
    })
}

async fn queries(backend: Backend) -> Vec<Row> {
    let world = World::new(backend).await;
    let schema = Schema::load(&world.nobody()).await;
    let (alpha, delta) =
        (Estate::fill(&world, world.alpha, "alpha").await, Estate::fill(&world, world.delta, "delta").await);
    let by_hand = json!({"kind": "MANUAL", "mode": "LIVE", "name": "Bank", "instructions": "To the platform."});
    world.root().mutate("createGatewayAccount", by_hand, "").await;
    let system = world.store.system();
    let rows = system.all::<subscription::Entity>().await.expect("the database answers");
    let waiting =
        rows.iter().find_map(|row| Some(DueSubscription { tenant: row.tenant_id, id: row.id, since: row.due_at? }));
    system.park(waiting.expect("something is due"), "a fault".to_owned()).await.expect("the database answers");
    let estate = |column: &str| if column == "RESELLER" { &delta } else { &alpha };
    let mut rows = Vec::new();
    for field in schema.queries() {
        let name = &field.name;
        let calls = arguments(name, &alpha)
            .unwrap_or_else(|| panic!("the query `{name}` has no row: say in `arguments` how it is called"));
        let connection = schema.get(field.of.named()).is_connection();
        let selection = if connection { "nodes { __typename }" } else { "__typename" };
        for (call, (label, _)) in calls.iter().enumerate() {
            let mut cells = Vec::new();
            for column in COLUMNS {
                let estate = estate(column);
                let (_, arguments) = &arguments(name, estate).expect("known")[call];
                let client = caller(&world, column, estate.tenant, &estate.customer.id);
                let document = format!("{{ beside: checkoutTiers {{ key }} {name}{arguments} {{ {selection} }} }}");
                let answer = client.send(&document, json!({})).await;
                assert!(
                    answer.0["data"]["beside"].is_array(),
                    "{column}'s {name} takes what is beside it: {:#}",
                    answer.0
                );
                cells.push(outcome(&answer, name));
            }
            rows.push((format!("{name}{label}"), cells));
        }
    }
    rows
}

/// The row of a mutation, in a world of its own: every cell has fresh objects.
async fn mutation(name: String) -> Row {
    let world = World::new(Backend::Sqlite).await;
    let mut cells = Vec::new();
    for column in COLUMNS {
        let cell = format!("cell-{}", column.to_lowercase());
        let Case { tenant, customer, input } = prepare(&world, &name, tenant(&world, column), &cell)
            .await
            .unwrap_or_else(|| panic!("the mutation `{name}` has no row: say in `plan` how it is called"));
        let answer = caller(&world, column, tenant, &customer).send_mutation(&name, input, "").await;
        let is_told = answer.0["errors"].is_null() || answer.0["data"] == json!({ &name: null });
        assert!(is_told, "{column}'s {name} takes what is beside it: {:#}", answer.0);
        cells.push(outcome(&answer, &name));
    }
    world.check_invariants().await;
    (name, cells)
}

async fn mutations() -> Vec<Row> {
    let schema = Schema::load(&World::new(Backend::Sqlite).await.nobody()).await;
    let names: Vec<_> = schema.mutations().iter().map(|field| field.name.clone()).collect();
    let mut running: JoinSet<_> = names.iter().cloned().map(mutation).collect();
    let mut rows = Vec::new();
    while let Some(row) = running.join_next().await {
        rows.push(row.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic())));
    }
    rows.sort_by_key(|(name, _)| names.iter().position(|other| other == name));
    rows
}

fn table(head: &str, columns: &[&str], rows: &[Row]) -> String {
    let widths: Vec<usize> = (0..columns.len())
        .map(|column| rows.iter().map(|row| row.1[column].len()).chain([columns[column].len()]).max().unwrap_or(0))
        .collect();
    let first = rows.iter().map(|row| row.0.len()).chain([head.len()]).max().unwrap_or(0);
    let mut text = String::new();
    let mut line = |label: &str, cells: &mut dyn Iterator<Item = &str>| {
        let cells: Vec<_> = cells.zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        let _ = writeln!(text, "{}", format!("{label:first$} | {}", cells.join(" | ")).trim_end());
    };
    line(head, &mut columns.iter().copied());
    for (label, cells) in rows {
        line(label, &mut cells.iter().map(String::as_str));
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_role_at_every_root_field() {
    let (queries, mutations) = (queries(Backend::Sqlite).await, mutations().await);
    for (name, cells) in queries.iter().chain(&mutations) {
        // Otherwise the row would say nothing about permissions.
        assert!(cells.iter().any(|cell| cell == "ok"), "nobody can do what {name} is called with: {cells:?}");
    }
    let table = format!("{}\n{}", table("query", &COLUMNS, &queries), table("mutation", &COLUMNS, &mutations));
    insta::assert_snapshot!("roles_and_root_fields", table);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_databases_agree_on_who_may_read_what() {
    assert_eq!(queries(Backend::Postgres).await, queries(Backend::Sqlite).await);
}

#[test]
fn every_permission_of_every_role() {
    let roles: Vec<_> = Role::ALL.iter().map(|role| role.as_str()).collect();
    let may = |permission: Permission| {
        let cell = |role: &Role| if role.permissions().contains(permission) { "yes" } else { "" }.to_owned();
        (permission.to_string(), Role::ALL.iter().map(cell).collect())
    };
    let rows: Vec<Row> = Permission::ALL.iter().copied().map(may).collect();
    insta::assert_snapshot!("roles_and_permissions", table("permission", &roles, &rows));
}

/// What a token of the role that names these permissions may do, as the API tells it.
async fn permissions_of(world: &World, role: Role, customer: &str, named: &[Permission]) -> BTreeSet<String> {
    let client = world.narrowed(role, world.alpha, (role == Role::Customer).then_some(customer), named);
    let data = client.ok("{ viewer { permissions } }", json!({})).await;
    let permissions = data["viewer"]["permissions"].as_array().expect("a list");
    permissions.iter().map(|permission| permission.as_str().expect("a name").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_narrows_its_role_and_never_widens_it() {
    let world = World::new(Backend::Sqlite).await;
    let (customer, _) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    for role in Role::ALL.iter().copied() {
        let own: BTreeSet<_> = role.permissions().iter().map(|permission| permission.to_string()).collect();
        assert_eq!(permissions_of(&world, role, &customer, Permission::ALL).await, own, "{role:?} with everything");
        assert_eq!(permissions_of(&world, role, &customer, &[]).await, BTreeSet::new(), "{role:?} with nothing");
        for permission in Permission::ALL.iter().copied() {
            let expected: BTreeSet<_> = own.iter().filter(|name| **name == permission.to_string()).cloned().collect();
            let got = permissions_of(&world, role, &customer, &[permission]).await;
            assert_eq!(got, expected, "{role:?} with only {permission}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_narrowed_token_is_refused_what_its_role_could() {
    let world = World::new(Backend::Sqlite).await;
    let (customer, subscription) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let reader = world.narrowed(Role::Admin, world.alpha, None, &[Permission::CustomersRead]);
    let before = world.writes().await;
    let answer = reader.send_mutation("suspendSubscription", json!({"id": subscription}), "").await;
    assert_eq!(outcome(&answer, "suspendSubscription"), "needs subscriptions.manage");
    let answer = reader.send_mutation("updateCustomer", json!({"id": customer, "name": "Eve"}), "").await;
    assert_eq!(outcome(&answer, "updateCustomer"), "needs customers.update");
    assert_eq!(world.writes().await, before);
    let answer = reader.send("{ customers { nodes { __typename } } }", json!({})).await;
    assert_eq!(outcome(&answer, "customers"), "ok");
}
