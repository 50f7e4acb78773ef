//! How the databases carry out what lists ask for: every sort and every filter finds its rows through an index.
//!
//! The statements are those that requests send, on rows in the numbers of production; the planners say what they would
//! do with them. Nothing is timed.

mod plan;
mod rows;
mod shapes;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use sea_orm::{DatabaseConnection, Statement};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tessera::auth::{Permission, Role};
use tessera::entity::OrganizationId;

use self::plan::Plan;
use self::shapes::{Known, List, Shape};
use crate::support::introspection::Schema;
use crate::support::{Backend, Client, World, ask, connect_once, reference};

/// How much a caller sees, and so what its lists may cost.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sees {
    /// Everything, or most of it: a sort is the order of an index.
    Most,
    /// One organization among many: a sort is the order of an index that has its rows next to each other.
    Organization,
    /// Several organizations, each in an order of its own, or some rows of one.
    Some,
}

/// Who asks.
struct Caller {
    name: &'static str,
    client: Client,
    known: Known,
    sees: Sees,
    /// Whether it narrows every list to the organization that it knows of.
    narrows: bool,
}

impl Caller {
    fn knows_the_large(&self) -> bool {
        self.known.customer == rows::OF_LARGE
    }
}

fn callers(world: &World) -> Vec<Caller> {
    let known = |organization: OrganizationId, customer| Known { organization: organization.to_string(), customer };
    let large = || known(world.alpha.id, rows::OF_LARGE);
    let middling = || known(world.beta.id, rows::OF_MIDDLING);
    let family = known(world.gamma.id, rows::OF_RESELLER);
    let customer = world.customer(world.alpha, &rows::customer(rows::OF_LARGE).to_string());
    let own = world.service(world.alpha, &[Permission::OrganizationsRead, Permission::PaymentsRead]);
    let caller = |name, client, known, sees| Caller { name, client, known, sees, narrows: false };
    let narrowed = caller("the platform, of one organization", world.root(), middling(), Sees::Organization);
    vec![
        caller("the platform", world.root(), large(), Sees::Most),
        Caller { narrows: true, ..narrowed },
        caller("a large organization", world.admin(world.alpha), large(), Sees::Most),
        caller("an organization", world.admin(world.beta), middling(), Sees::Organization),
        caller("a worker", world.caller(Role::Worker, world.beta), middling(), Sees::Organization),
        caller("a program that sees no customers", own, large(), Sees::Some),
        caller("a reseller", world.caller(Role::Reseller, world.gamma), family, Sees::Some),
        caller("a customer", customer, large(), Sees::Some),
    ]
}

/// Everything that is sent to the database.
#[derive(Clone, Default)]
struct Sent(Arc<Mutex<Vec<Statement>>>);

impl Sent {
    fn take(&self) -> Vec<Statement> {
        std::mem::take(&mut *self.0.lock().expect("nobody panics with it"))
    }
}

/// Reads plans, each once.
struct Reader<'a> {
    backend: Backend,
    database: &'a DatabaseConnection,
    seen: BTreeSet<String>,
    sent: Sent,
    problems: Vec<String>,
    read: usize,
}

impl Reader<'_> {
    /// Reads the plans of what was sent. `plain` is whether that was for a list with nothing but a sort.
    async fn read(&mut self, asked: &str, caller: &Caller, plain: bool) {
        for statement in self.sent.take() {
            if !self.seen.insert(statement.to_string()) {
                continue;
            }
            self.read += 1;
            let plan = Plan::of(self.database, self.backend, &statement).await;
            let mut wrong: Vec<_> = plan.scans.iter().map(|scan| format!("reads a whole table: {scan}")).collect();
            if plain && caller.sees != Sees::Some && plan.sorts {
                wrong.push("sorts what it found".to_owned());
            }
            if plain && caller.sees == Sees::Organization {
                wrong.extend(plan.strays.iter().map(|stray| format!("reads rows of other organizations: {stray}")));
            }
            if !wrong.is_empty() {
                let text = format!("{asked}\n{}\n{statement}\n{}", wrong.join("\n"), plan.text);
                self.problems.push(text);
            }
        }
    }
}

/// The tiers of a dashboard.
const DASHBOARD: &str =
    "query($of: ID) { dashboard(organizationId: $of) { revenueByTier { tier { key catalogue { id } } } } }";

/// The shape within the caller's organization.
fn within(shape: &Shape, organization: &str) -> Shape {
    let mut shape = shape.clone();
    let (_, filter) = shape.filter.get_or_insert(("organizationId".to_owned(), json!({})));
    filter["organizationId"] = json!(organization);
    shape
}

fn parents(list: &List<'_>, caller: &Caller) -> Vec<String> {
    let step = if caller.knows_the_large() { 5 } else { 1_000 };
    let numbers = (0..10).map(|place| caller.known.customer + place * step);
    match list.parent.map(|parent| parent.name.as_str()) {
        None => Vec::new(),
        Some("Organization") if caller.name == "the platform" => {
            (1..=10).map(|n| rows::organization(n).to_string()).collect()
        }
        Some("Organization") => vec![caller.known.organization.clone()],
        Some("Customer") => numbers.map(|number| rows::customer(number).to_string()).collect(),
        Some("SubscriptionContract") => numbers.map(|number| rows::subscription(number).to_string()).collect(),
        Some(other) => panic!("say here which {other} has lists"),
    }
}

/// Asks for every list in every way, and reads what the planner makes of it.
async fn every_list_is_found_through_indexes(backend: Backend) {
    let world = World::new(backend).await;
    let database = connect_once(world.config.database.url.expose_secret()).await;
    rows::fill(&world, &database, backend).await;
    let schema = Schema::load(&world.root()).await;
    let sent = Sent::default();
    let kept = sent.clone();
    assert!(
        world.store.observe(move |statement| kept.0.lock().expect("nobody panics with it").push(statement.clone()))
    );
    let mut reader =
        Reader { backend, database: &database, seen: BTreeSet::new(), sent, problems: Vec::new(), read: 0 };
    for caller in callers(&world) {
        for list in List::all(&schema) {
            if caller.narrows && (list.parent.is_some() || !list.by_organization(&schema)) {
                continue;
            }
            let parents = parents(&list, &caller);
            // To count most of a table is to read it.
            let counted = list.parent.is_some() && !caller.knows_the_large();
            for shape in list.shapes(&schema, &caller.known) {
                let plain = list.parent.is_none() && shape.filter.is_none();
                let shape = if caller.narrows { within(&shape, &caller.known.organization) } else { shape };
                let filter = shape.filter.as_ref().map_or(Value::Null, |(_, value)| value.clone());
                let asked = format!("{} for {}, where {filter}, by {}", list.name(), caller.name, json!(shape.order));
                let (document, variables) = list.document(&shape, &parents, None, counted);
                let document = format!("{document} # {}", caller.name);
                let answer = caller.client.send(&document, variables).await;
                assert!(["", "FORBIDDEN"].contains(&answer.code()), "{asked}: {:#}", answer.0);
                reader.read(&asked, &caller, plain).await;
                let after = answer.0["data"]["list"]["pageInfo"]["endCursor"].clone();
                if shape.further && after != Value::Null {
                    let (document, variables) = list.document(&shape, &parents, Some(&after), counted);
                    caller.client.send(&document, variables).await;
                    reader.read(&format!("{asked}, the page behind the first"), &caller, plain).await;
                }
            }
        }
    }
    let lists = List::all(&schema).into_iter().filter(|list| list.parent.is_none());
    let related: Vec<_> = lists.map(|list| list.whole(&schema)).chain([DASHBOARD.to_owned()]).collect();
    for caller in callers(&world) {
        for document in &related {
            let (asked, variables) =
                (format!("{document} # {}", caller.name), json!({"of": caller.known.organization}));
            let resolved = reference(&caller.client, &asked, &variables).await;
            reader.read(&format!("{asked}, by the resolvers"), &caller, false).await;
            if resolved.is_ok() {
                let told = ask(&caller.client, &asked, &variables).await;
                // Of an empty list the resolvers do not notice what the caller may not see.
                assert!(told.is_written || caller.sees == Sees::Some, "{asked}");
                reader.read(&format!("{asked}, by the read path"), &caller, false).await;
            } else {
                assert!(resolved.text.contains("FORBIDDEN"), "{asked}: {}", resolved.text);
            }
        }
    }
    let Reader { problems, read, .. } = reader;
    assert!(problems.is_empty(), "{} of {read} statements:\n\n{}", problems.len(), problems.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite() {
    every_list_is_found_through_indexes(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres() {
    every_list_is_found_through_indexes(Backend::Postgres).await;
}
