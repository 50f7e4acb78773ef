//! What callers are shown when they ask for everything.

use serde_json::json;
use tessera::auth::{Permission, Role};

use super::walk::{Call, Ids, every_call, ids_of, nowhere};
use crate::support::estate::{self, Estate};
use crate::support::introspection::Schema;
use crate::support::{Client, World, on_both};

/// A caller with its calls and what it was shown last.
struct Walker {
    name: &'static str,
    client: Client,
    calls: Vec<Call>,
    shown: Vec<Vec<String>>,
}

impl Walker {
    fn new(schema: &Schema, name: &'static str, client: Client, own: &Ids) -> Self {
        Self { name, client, calls: every_call(schema, own), shown: Vec::new() }
    }

    async fn walk(&mut self) -> Vec<Vec<String>> {
        let mut shown = Vec::new();
        for call in &mut self.calls {
            shown.push(call.show(&self.client).await);
        }
        shown
    }
}

struct Walkers(Vec<Walker>);

impl Walkers {
    /// Walks as these callers and remembers what they are shown.
    async fn look(&mut self, names: &[&str]) {
        for walker in self.0.iter_mut().filter(|walker| names.contains(&walker.name)) {
            walker.shown = walker.walk().await;
        }
    }

    /// These callers are shown byte for byte what they were shown before: what was added meanwhile does not exist for
    /// them, nor is it counted anywhere.
    async fn see_nothing_of(&mut self, what: &str, names: &[&str]) {
        self.see_nothing_but(&[], what, names).await;
    }

    /// The same but for calls of these fields of the root.
    async fn see_nothing_but(&mut self, told: &[&str], what: &str, names: &[&str]) {
        for walker in self.0.iter_mut().filter(|walker| names.contains(&walker.name)) {
            let now = walker.walk().await;
            for (before, after) in walker.shown.iter().zip(&now) {
                // Which of several refusals comes first is a race; the last answers have none.
                let is_told = after.last().is_some_and(|answer| told.iter().any(|field| answer.starts_with(field)));
                if before.last() != after.last() && !is_told {
                    panic!("{} is shown something of {what}:\n{}", walker.name, difference(before, after));
                }
            }
        }
    }

    /// What a caller was shown contains these marks and none of those.
    fn shown(&self, name: &str, marks: &[&str], hidden: &[&str]) {
        let walker = self.0.iter().find(|walker| walker.name == name).expect("a caller");
        for mark in marks {
            assert!(
                walker.shown.iter().flatten().any(|answer| answer.contains(mark)),
                "{name} is not shown its own {mark}"
            );
        }
        for mark in hidden {
            let leak = walker.shown.iter().flatten().find(|answer| answer.contains(mark));
            assert!(
                leak.is_none(),
                "{name} is shown {mark}: {}",
                leak.map_or(String::new(), |leak| around(leak, mark))
            );
        }
    }
}

/// Where two answers begin to differ.
fn difference(before: &[String], after: &[String]) -> String {
    let (before, after) = (before.last().expect("an answer"), after.last().expect("an answer"));
    let at = before.bytes().zip(after.bytes()).position(|(before, after)| before != after);
    let at = at.unwrap_or(before.len().min(after.len()));
    let part = |text: &str| {
        let from = (0..=at.saturating_sub(200)).rev().find(|from| text.is_char_boundary(*from)).unwrap_or(0);
        text[from..].chars().take(400).collect::<String>()
    };
    let call = before.split(" answers ").next().unwrap_or_default();
    format!("{call}\n  before: …{}…\n  after:  …{}…", part(before), part(after))
}

/// An answer around a text in it.
fn around(answer: &str, text: &str) -> String {
    let call = answer.split(" answers ").next().unwrap_or_default();
    let before: String = answer.split(text).next().unwrap_or_default().chars().rev().take(200).collect();
    format!("{call} …{}{text}…", before.chars().rev().collect::<String>())
}

/// What the world's people are called by in the marks.
const OF_ALPHA: [&str; 5] = ["zqada", "zqbob", "zqown", "zqspecial", "zqother"];
const ELSEWHERE: [&str; 4] = ["zqbeta", "zqgamma", "zqhers", "zqdelta"];

/// A world in which more and more happens before the eyes of its callers.
struct Stage<'a> {
    world: &'a World,
    walkers: Walkers,
    /// A tier of alpha that is not public and that the customer which walks does not have.
    other: String,
}

impl<'a> Stage<'a> {
    /// One customer of alpha, and the organizations gamma and, below it, delta; all callers have looked at it.
    async fn set(world: &'a World) -> Self {
        let schema = Schema::load(&world.nobody()).await;
        let special = estate::private_tier(world, world.alpha, "zqspecial").await;
        let other = estate::private_tier(world, world.alpha, "zqother").await;
        let ada = estate::customer(world, world.alpha, "zqada", &special).await;
        let above = Estate::fill(world, world.gamma, "zqgamma").await;
        let below = Estate::fill(world, world.delta, "zqdelta").await;

        let objects = schema.get("Node").possible();
        let mut own: Ids = objects.iter().map(|object| (object.to_string(), nowhere(object))).collect();
        for (object, id) in [
            ("Organization", &world.alpha.id.to_string()),
            ("Customer", &ada.id),
            ("Tier", &special),
            ("SubscriptionContract", &ada.subscription),
            ("Payment", &ada.payment),
            ("PaymentMethod", &ada.payment_method),
        ] {
            own.insert(object.to_owned(), id.clone());
        }
        let mut walkers = Walkers(inside(world, &schema, &own, &ada.id));
        let reseller = world.caller(Role::Reseller, world.gamma);
        walkers.0.push(Walker::new(&schema, "RESELLER", reseller, &ids_of(&schema, &above)));
        walkers.0.push(Walker::new(&schema, "BELOW", world.admin(world.delta), &ids_of(&schema, &below)));
        let all: Vec<_> = walkers.0.iter().map(|walker| walker.name).collect();
        walkers.look(&all).await;
        Self { world, walkers, other }
    }

    /// Another tenant, and more in the organization above: new customers, tiers that are not public, payments.
    async fn another_tenant(&mut self) {
        Estate::fill(self.world, self.world.beta, "zqbeta").await;
        let hers = estate::private_tier(self.world, self.world.gamma, "zqhers").await;
        estate::customer(self.world, self.world.gamma, "zqhers", &hers).await;
        let blind = ["ADMIN", "SERVICE", "KEEPER", "CLERK", "WORKER", "CUSTOMER", "nobody", "BELOW"];
        self.walkers.see_nothing_of("another tenant", &blind).await;
        self.walkers.look(&["RESELLER"]).await;
    }

    /// A customer that is deleted while its subscription and payment are kept, a subscription that is deleted while its
    /// payment is kept, and a customer that is deleted with all it had.
    async fn deletions(&mut self) {
        let (world, admin) = (self.world, self.world.admin(self.world.alpha));
        let departed = estate::customer(world, world.alpha, "zqdeparted", &self.other).await.id;
        admin.mutate("deleteCustomer", json!({"id": departed}), "").await;
        let undone = estate::customer(world, world.alpha, "zqundone", &self.other).await.subscription;
        admin.mutate("deleteSubscription", json!({"id": undone}), "").await;
        self.walkers.look(&["SERVICE"]).await;
        let kept = ["zqdeparted-external", "zqdeparted-customer-payment", "zqundone-customer-payment"];
        let gone = ["zqdeparted customer", "zqdeparted-customer@", &departed, "zqundone-external", &undone];
        self.walkers.shown("SERVICE", &kept, &gone);

        let (ghost, gone) = world.subscribed(world.alpha, "zqghost", world.alpha.basic, json!({})).await;
        admin.mutate("deleteSubscription", json!({"id": gone}), "").await;
        admin.mutate("deleteCustomer", json!({"id": ghost}), "").await;
        self.walkers.see_nothing_of("what was deleted", &["SERVICE"]).await;
    }

    /// Another customer of the same organization.
    async fn another_customer(&mut self) {
        estate::customer(self.world, self.world.alpha, "zqbob", &self.other).await;
        let blind = ["KEEPER", "CUSTOMER", "nobody", "RESELLER", "BELOW"];
        self.walkers.see_nothing_of("another customer", &blind).await;
        self.walkers.look(&["CLERK", "WORKER"]).await;
    }

    /// The organization's own subscription, payment, payment method and member.
    async fn the_organization_itself(&mut self) {
        estate::organization(self.world, self.world.alpha, "zqown").await;
        estate::member(self.world, self.world.alpha, "zqown").await;
        let what = "the organization itself";
        self.walkers.see_nothing_of(what, &["CLERK", "CUSTOMER", "nobody", "RESELLER", "BELOW"]).await;
        // Every member is told what its organization has access to.
        self.walkers.see_nothing_but(&["access(", "accesses("], what, &["WORKER"]).await;
        self.walkers.look(&["ADMIN", "KEEPER"]).await;
    }

    /// All of it once more by the marks, and with it that the walk goes everywhere.
    fn check_marks(&self) {
        let shown = |name, marks: &[&str], hidden: &[&[&str]]| self.walkers.shown(name, marks, &hidden.concat());
        shown("ADMIN", &OF_ALPHA, &[&ELSEWHERE]);
        shown("SERVICE", &["zqada", "zqspecial", "zqother"], &[&ELSEWHERE]);
        shown("KEEPER", &["zqspecial", "zqother", "zqown-own-payment"], &[&ELSEWHERE, &["zqada", "zqbob"]]);
        shown("CLERK", &["zqada-customer-payment", "zqbob", "zqspecial"], &[&ELSEWHERE, &["zqown"]]);
        shown("WORKER", &["zqada", "zqbob", "zqspecial"], &[&ELSEWHERE, &["zqown", "-payment", " holder"]]);
        // The tier that its own one falls back to is neither public nor its own.
        let others = ["zqbob", "zqother", "zqown", "zqspecial-below"];
        shown("CUSTOMER", &["zqada", "zqspecial-special"], &[&ELSEWHERE, &others]);
        shown("RESELLER", &["zqgamma", "zqhers", "zqdelta"], &[&OF_ALPHA, &["zqbeta"]]);
        shown("BELOW", &["zqdelta"], &[&OF_ALPHA, &["zqbeta", "zqgamma", "zqhers"]]);
        shown("nobody", &["starter"], &[&OF_ALPHA, &ELSEWHERE]);
    }
}

/// The callers of alpha, and nobody.
fn inside(world: &World, schema: &Schema, own: &Ids, customer: &str) -> Vec<Walker> {
    use Permission::{AuditRead, CustomersRead, OrganizationsRead, PaymentsRead, TiersManage};
    let service = |permissions: &[Permission]| world.service(world.alpha, permissions);
    let all_but_audit: Vec<_> = Permission::ALL.iter().copied().filter(|permission| *permission != AuditRead).collect();
    let callers = [
        ("ADMIN", world.admin(world.alpha)),
        // Everything but the trail, which tells of what is gone.
        ("SERVICE", service(&all_but_audit)),
        // The catalogue and the organization, but no customers.
        ("KEEPER", service(&[OrganizationsRead, TiersManage, PaymentsRead])),
        // Customers and their payments, but not the organization.
        ("CLERK", service(&[CustomersRead, PaymentsRead])),
        ("WORKER", world.caller(Role::Worker, world.alpha)),
        ("CUSTOMER", world.customer(world.alpha, customer)),
        ("nobody", world.nobody()),
    ];
    callers.map(|(name, client)| Walker::new(schema, name, client, own)).into()
}

#[on_both]
async fn nobody_is_shown_what_is_not_theirs(world: &World) {
    let mut stage = Box::pin(Stage::set(world)).await;
    Box::pin(stage.another_tenant()).await;
    Box::pin(stage.deletions()).await;
    Box::pin(stage.another_customer()).await;
    Box::pin(stage.the_organization_itself()).await;
    stage.check_marks();
}
