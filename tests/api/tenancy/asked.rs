//! What callers are answered when they name something that is not theirs: exactly what they are answered when they
//! name something that exists nowhere.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use sea_orm::{EntityTrait, TryIntoModel};
use serde_json::{Value, json};
use tessera::auth::{Permission, Role};
use tessera::entity::{
    add_on, audit_event, checkout, customer, feature, gateway_account, gateway_price, idempotency_key, member,
    organization, outbox_event, payment, payment_method, revocation, subscription, subscription_total, tier,
    tier_feature, tier_price, usage_adjustment, usage_counter, usage_day, usage_grant, usage_record, usage_reservation,
    usage_threshold,
};

use super::classify::Means;
use super::probe::{Form, Probe, mutations, queries};
use super::walk::{Ids, ids_of, nowhere};
use crate::support::estate::{self, Estate};
use crate::support::introspection::Schema;
use crate::support::{Client, World, on_both};

/// A mark that nothing has.
const UNUSED: &str = "zqnowhere";

/// Mutations that only the platform's own people may call: everybody else is refused before any id is looked at.
const PLATFORM_ONLY: [&str; 3] = ["endOverride", "overrideTier", "retryTransition"];

/// Filters that can find nothing, whoever asks: what belongs to the organization itself has no customer.
const ALWAYS_EMPTY: [&str; 3] = [
    "Organization.paymentMethods(where.customerId)",
    "Organization.payments(where.customerId)",
    "Organization.subscriptions(where.customerId)",
];

/// A caller, and what does not exist for it.
struct Outsider<'a> {
    name: &'static str,
    client: Client,
    own: &'a Ids,
    /// Its own mark.
    mark: &'a str,
    hidden: Ids,
    /// The mark of what is hidden, if it has one.
    hidden_mark: Option<&'a str>,
    /// Somebody who sees what is hidden, with the ids of its own objects: whose cursors are tried.
    stranger: Option<(Client, &'a Ids)>,
}

impl Outsider<'_> {
    async fn ask(&self, schema: &Schema, probe: &Probe, object: Option<&str>, value: &str, form: Form) -> String {
        let (document, variables) = probe.with(schema, self.own, object, value, form);
        let mut told = self.client.send(&document, variables.clone()).await.0.to_string();
        if probe.mutation().is_none() {
            // The document is known now, and its parsed form used.
            told += &self.client.send(&document, variables).await.0.to_string();
        }
        // The value itself may be repeated; everything else must be the same.
        told.replace(value, "?")
    }

    /// The values that a probe is tried with.
    async fn values(&self, probe: &Probe) -> Vec<Values> {
        match &probe.means {
            Means::Ids(objects) => {
                let one = |object: &String| {
                    let hidden = of_type(&self.hidden, object).into_iter();
                    let (unused, own) = (nowhere(object), of_type(self.own, object));
                    let object = Some(object.clone());
                    hidden
                        .map(|hidden| Values {
                            object: object.clone(),
                            hidden,
                            unused: unused.clone(),
                            own: own.clone(),
                        })
                        .collect::<Vec<_>>()
                };
                objects.iter().flat_map(one).collect()
            }
            Means::Texts(forms) => {
                let of = |mark: &str, form: &str| form.replace("{}", mark);
                let one = |form: &&str| {
                    let (unused, own) = (of(UNUSED, form), vec![of(self.mark, form)]);
                    Some(Values { object: None, hidden: of(self.hidden_mark?, form), unused, own })
                };
                forms.iter().filter_map(one).collect()
            }
            Means::Cursor => {
                let Some((stranger, ids)) = &self.stranger else { return Vec::new() };
                let hidden = cursor(stranger, probe, ids).await.expect("the stranger has something in each list");
                let own = cursor(&self.client, probe, self.own).await.into_iter().collect();
                vec![Values { object: None, unused: altered(&hidden), hidden, own }]
            }
            Means::Nothing => Vec::new(),
        }
    }
}

/// Values for one place: one that is hidden from the caller, one that exists nowhere, and some of its own; and the type
/// of object that it names, if it is an id.
struct Values {
    object: Option<String>,
    hidden: String,
    unused: String,
    own: Vec<String>,
}

/// The ids of this type: the customer's object, and the organization's own.
fn of_type(ids: &Ids, object: &str) -> Vec<String> {
    [object.to_owned(), format!("its {object}")].iter().filter_map(|object| ids.get(object).cloned()).collect()
}

/// The last cursor of the list that a probe is about, if the caller can see it.
async fn cursor(client: &Client, probe: &Probe, own: &Ids) -> Option<String> {
    let data = client.send(&probe.cursors(own)?, json!({})).await.0["data"].take();
    let list = if data["node"].is_null() { &data["list"] } else { &data["node"]["list"] };
    list["pageInfo"]["endCursor"].as_str().map(str::to_owned)
}

/// The same cursor with another first character.
fn altered(cursor: &str) -> String {
    format!("{}{}", if cursor.starts_with('A') { 'B' } else { 'A' }, &cursor[1..])
}

async fn table<E: EntityTrait<ActiveModel: TryIntoModel<E::Model>>>(world: &World) -> Vec<String>
where
    E::Model: std::fmt::Debug,
{
    let rows = world.store.system().all::<E>().await.expect("the database answers");
    let mut rows: Vec<_> = rows.iter().map(|row| format!("{row:?}")).collect();
    rows.sort();
    rows
}

/// Every row of every table.
async fn everything_stored(world: &World) -> Vec<Vec<String>> {
    vec![
        table::<organization::Entity>(world).await,
        table::<member::Entity>(world).await,
        table::<customer::Entity>(world).await,
        table::<tier::Entity>(world).await,
        table::<tier_price::Entity>(world).await,
        table::<tier_feature::Entity>(world).await,
        table::<feature::Entity>(world).await,
        table::<add_on::Entity>(world).await,
        table::<gateway_account::Entity>(world).await,
        table::<gateway_price::Entity>(world).await,
        table::<checkout::Entity>(world).await,
        table::<subscription::Entity>(world).await,
        table::<subscription_total::Entity>(world).await,
        table::<payment::Entity>(world).await,
        table::<payment_method::Entity>(world).await,
        table::<revocation::Entity>(world).await,
        table::<usage_counter::Entity>(world).await,
        table::<usage_day::Entity>(world).await,
        table::<usage_record::Entity>(world).await,
        table::<usage_reservation::Entity>(world).await,
        table::<usage_grant::Entity>(world).await,
        table::<usage_adjustment::Entity>(world).await,
        table::<usage_threshold::Entity>(world).await,
        table::<audit_event::Entity>(world).await,
        table::<outbox_event::Entity>(world).await,
        table::<idempotency_key::Entity>(world).await,
    ]
}

/// What the probes have shown, over all callers.
#[derive(Default)]
struct Findings {
    /// Every probe there is.
    tried: BTreeSet<String>,
    /// Those that found an object of the caller's own, or looked for the hidden one and did not find it.
    looked: BTreeSet<String>,
    /// Answers that tell hidden values from unused ones.
    leaks: Vec<String>,
}

impl Findings {
    fn looked(&mut self, probe: &Probe, looked: bool) {
        if looked {
            self.looked.insert(probe.name.clone());
        }
    }
}

/// The statements that were sent, without their values.
#[derive(Clone, Default)]
struct Sent(Arc<Mutex<Vec<String>>>);

impl Sent {
    fn of(world: &World) -> Self {
        let sent = Self::default();
        let kept = sent.clone();
        let text = move |statement: &sea_orm::Statement| kept.0.lock().expect("whole").push(statement.sql.clone());
        assert!(world.store.observe(text), "there is one observer");
        sent
    }

    /// Those since the last time. What is sent together comes in any order.
    fn take(&self) -> Vec<String> {
        let mut sent = std::mem::take(&mut *self.0.lock().expect("whole"));
        sent.sort();
        sent
    }
}

async fn try_everything(world: &World, sent: &Sent, schema: &Schema, outsider: &Outsider<'_>, findings: &mut Findings) {
    for (number, probe) in queries(schema).into_iter().chain(mutations(schema, outsider.own)).enumerate() {
        findings.tried.insert(probe.name.clone());
        for (place, Values { object, hidden, unused, own }) in outsider.values(&probe).await.into_iter().enumerate() {
            // Every caller tries all of them, and every probe is tried in each.
            let form = Form::of(number + place + outsider.name.len());
            let before = world.writes().await;
            let (mut foreign, mut nothing, mut alike) = (String::new(), String::new(), false);
            // Where something is sent ahead, it can be overtaken by the news that it is for nothing.
            for _ in 0..5 {
                sent.take();
                foreign = outsider.ask(schema, &probe, object.as_deref(), &hidden, form).await;
                let for_foreign = sent.take();
                nothing = outsider.ask(schema, &probe, object.as_deref(), &unused, form).await;
                alike = for_foreign == sent.take();
                if alike {
                    break;
                }
            }
            if !alike {
                findings.leaks.push(format!("{} as {} with {hidden} asks something else", probe.name, outsider.name));
            }
            if foreign != nothing || world.writes().await != before {
                findings.leaks.push(format!(
                    "{} as {} with {hidden} ({form:?}):\n    hidden:  {foreign:.600}\n    nowhere: {nothing:.600}",
                    probe.name, outsider.name
                ));
            }
            if let Some(mutation) = probe.mutation() {
                findings.looked(&probe, is_not_found(&nothing, mutation, &probe));
                continue;
            }
            for own in own {
                // Otherwise the argument might just be ignored.
                findings.looked(&probe, outsider.ask(schema, &probe, object.as_deref(), &own, form).await != nothing);
            }
        }
    }
}

/// Whether a mutation was refused because of the value at the probe's path.
fn is_not_found(answer: &str, mutation: &str, probe: &Probe) -> bool {
    let answer: Value = serde_json::from_str(answer).expect("an answer");
    // The value is the first and only one of its list.
    let step = |(name, is_list): &(String, bool)| [Some(name.clone()), is_list.then(|| "0".to_owned())];
    let path = probe.path.iter().flat_map(step).flatten();
    let path: Vec<_> = std::iter::once("input".to_owned()).chain(path).collect();
    let refusals = answer["data"][mutation]["userErrors"].as_array();
    refusals.is_some_and(|list| list.iter().any(|one| one["code"] == "NOT_FOUND" && one["path"] == json!(path)))
}

#[on_both]
async fn what_is_hidden_is_answered_like_what_does_not_exist(world: &World) {
    let schema = Schema::load(&world.nobody()).await;
    let alpha = Estate::fill(world, world.alpha, "zqalpha").await;
    let beta = Estate::fill(world, world.beta, "zqbeta").await;
    let gamma = Estate::fill(world, world.gamma, "zqgamma").await;
    let delta = Estate::fill(world, world.delta, "zqdelta").await;
    // Another customer of alpha, of a tier of its own.
    let tier = estate::private_tier(world, world.alpha, "zqbob").await;
    let bob = estate::customer(world, world.alpha, "zqbob", &tier).await;

    let ids = |estate: &Estate| {
        let mut ids = ids_of(&schema, estate);
        let own = &estate.organization;
        ids.insert("idle".to_owned(), estate.idle_customer.clone());
        ids.insert("on offer to organizations".to_owned(), world.platform_tiers["starter"].to_string());
        ids.insert("its SubscriptionContract".to_owned(), own.subscription.clone());
        ids.insert("its Payment".to_owned(), own.payment.clone());
        ids.insert("its PaymentMethod".to_owned(), own.payment_method.clone());
        ids
    };
    let (mut of_alpha, of_beta, of_gamma, of_delta) = (ids(&alpha), ids(&beta), ids(&gamma), ids(&delta));
    // Of the platform, seen by everybody.
    of_alpha.insert("its Tier".to_owned(), world.platform_tiers["starter"].to_string());
    // What belongs to the organization itself.
    let own = &alpha.organization;
    let of_organization = [
        ("SubscriptionContract", &own.subscription),
        ("Payment", &own.payment),
        ("PaymentMethod", &own.payment_method),
        ("Member", &alpha.member),
        ("AuditEvent", &alpha.audit_event),
        ("Feature", &alpha.feature),
        ("AddOn", &alpha.add_on),
        ("GatewayAccount", &alpha.gateway_account),
    ]
    .map(|(object, id)| (object.to_owned(), id.clone()))
    .into();
    let of_bob = [
        ("Customer", &bob.id),
        ("SubscriptionContract", &bob.subscription),
        ("Payment", &bob.payment),
        ("PaymentMethod", &bob.payment_method),
        ("Tier", &tier),
    ]
    .map(|(object, id)| (object.to_owned(), id.clone()))
    .into();

    let stranger = |client| Some((client, &of_beta));
    let of_another = |name, client, own, mark| Outsider {
        name,
        client,
        own,
        mark,
        hidden: of_beta.clone(),
        hidden_mark: Some("zqbeta"),
        stranger: stranger(world.admin(world.beta)),
    };
    let inside = |name, client, hidden, hidden_mark| Outsider {
        name,
        client,
        own: &of_alpha,
        mark: "zqalpha",
        hidden,
        hidden_mark,
        stranger: None,
    };
    let outsiders = [
        of_another("ADMIN", world.admin(world.alpha), &of_alpha, "zqalpha"),
        of_another("SERVICE", world.service(world.alpha, Permission::ALL), &of_alpha, "zqalpha"),
        of_another("WORKER", world.caller(Role::Worker, world.alpha), &of_alpha, "zqalpha"),
        of_another("CUSTOMER", world.customer(world.alpha, &alpha.customer.id), &of_alpha, "zqalpha"),
        of_another("nobody", world.nobody(), &of_alpha, "zqalpha"),
        of_another("RESELLER", world.caller(Role::Reseller, world.gamma), &of_gamma, "zqgamma"),
        Outsider {
            name: "ADMIN below",
            client: world.admin(world.delta),
            own: &of_delta,
            mark: "zqdelta",
            hidden: of_gamma.clone(),
            hidden_mark: Some("zqgamma"),
            stranger: Some((world.admin(world.gamma), &of_gamma)),
        },
        inside("CUSTOMER among customers", world.customer(world.alpha, &alpha.customer.id), of_bob, Some("zqbob")),
        inside("WORKER in the organization", world.caller(Role::Worker, world.alpha), of_organization, None),
    ];

    let before = everything_stored(world).await;
    let (mut findings, sent) = (Findings::default(), Sent::of(world));
    for outsider in &outsiders {
        try_everything(world, &sent, &schema, outsider, &mut findings).await;
    }
    assert!(findings.leaks.is_empty(), "the answers tell what exists elsewhere:\n  {}", findings.leaks.join("\n  "));
    assert!(everything_stored(world).await == before, "a call with an id of somebody else has written something");
    let by_platform = |name: &&String| PLATFORM_ONLY.iter().any(|mutation| name.starts_with(mutation));
    let expected = |name: &&String| by_platform(name) || ALWAYS_EMPTY.contains(&name.as_str());
    let ignored: Vec<_> = findings.tried.difference(&findings.looked).filter(|name| !expected(name)).collect();
    assert!(ignored.is_empty(), "nobody's call of these looked at the value, so that they show nothing: {ignored:?}");
}

#[on_both]
async fn values_that_another_tenant_has_are_free(world: &World) {
    let beta = Estate::fill(world, world.beta, "zqbeta").await;
    estate::organization(world, world.alpha, "zqalpha").await;
    // Even the name of the caller is the same.
    let admin = world.acting(Role::Admin, world.alpha, "zqbeta@example.com");
    let customer = json!({"name": "Ada", "externalRef": "zqbeta-ref", "idempotencyKey": "zqbeta-key"});
    let made = admin.mutate("createCustomer", customer, "customer { id name }").await;
    assert_eq!(made["customer"]["name"], "Ada");
    assert_ne!(made["customer"]["id"], json!(beta.customer.id));
    let member = json!({"name": "Eve", "email": "zqbeta-member@example.com", "role": "WORKER"});
    admin.mutate("createMember", member, "").await;
    let tier = json!({"key": "zqbeta-special", "name": "Special", "kind": "CUSTOMER", "rank": 1, "idempotencyKey": "zqbeta-special"});
    let made = admin.mutate("createTier", tier, "tier { id name }").await;
    assert_eq!(made["tier"]["name"], "Special");
}
