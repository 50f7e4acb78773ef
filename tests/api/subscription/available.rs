//! `availableActions` says exactly what the mutations do: every state, action, caller and obstacle, by trying.

use chrono::TimeDelta;
use sea_orm::{IdenStatic as _, Iterable as _};
use serde_json::{Value, json};
use tessera::auth::{Permission, Role};
use tessera::clock::Timestamp;
use tessera::entity::subscription::AddOns;
use tessera::entity::{
    BillingCycle, CustomerId, Gateway, ManagementMode, OrganizationId, PeriodEndPolicy, SubscriptionStatus, TierId,
    TypedId, subscription,
};
use tessera::subscription::ends::Ends;
use tessera::subscription::lifecycle::{Offer, settled};
use tessera::subscription::opening::{Opening, Subscriber, Terms, open};

use crate::support::{Client, Tenant, World, on_both};

const FIELD: &str = "query($id: ID!) { subscription(id: $id) { availableActions { action allowed reason requires } } }";

/// What every obstacle stands for: the code of the refusal.
const CODES: [(&str, &str); 11] = [
    ("PERMISSION", "FORBIDDEN"),
    ("STATE", "ILLEGAL_TRANSITION"),
    ("CONFLICT", "CONFLICT"),
    ("INVALID_DATE", "INVALID_DATE"),
    ("OWNER_INACTIVE", "OWNER_INACTIVE"),
    ("OWN_ACCOUNT", "OWN_ACCOUNT"),
    ("SUSPENDED_FROM_ABOVE", "SUSPENDED_FROM_ABOVE"),
    ("TIER_ARCHIVED", "TIER_ARCHIVED"),
    ("ALREADY_SUBSCRIBED", "ALREADY_SUBSCRIBED"),
    ("GATEWAY_BILLED", "GATEWAY_BILLED"),
    ("NOT_GATEWAY_BILLED", "NOT_GATEWAY_BILLED"),
];

/// What a subscription can have besides, or instead.
struct Other {
    tier: String,
    add_on: String,
}

/// The mutation of an action, and what it is told besides the subscription.
fn mutation(action: &str, Other { tier: other, add_on }: &Other) -> (&'static str, Value) {
    match action {
        "UPDATE" => ("updateSubscription", json!({"externalId": "x"})),
        "ACTIVATE" => ("activateSubscription", json!({})),
        "START_TRIAL" => ("startTrial", json!({})),
        "EXTEND" => ("extendSubscription", json!({"days": 1})),
        "RENEW" => ("renewSubscription", json!({})),
        "MARK_PAST_DUE" => ("markPastDue", json!({})),
        "MARK_PAID" => ("markPaid", json!({})),
        "CHANGE_TIER" => ("changeTier", json!({"tierId": other})),
        "CHANGE_ADD_ONS" => ("changeAddOns", json!({"addOns": [{"addOnId": add_on}]})),
        "OVERRIDE_TIER" => ("overrideTier", json!({"tierId": other, "reason": "another gift"})),
        "END_OVERRIDE" => ("endOverride", json!({})),
        "SUSPEND" => ("suspendSubscription", json!({})),
        "PAUSE" => ("pauseSubscription", json!({})),
        "RESUME" => ("resumeSubscription", json!({})),
        "CANCEL" => ("cancelSubscription", json!({})),
        "UNDO_CANCEL" => ("undoCancel", json!({})),
        "REACTIVATE" => ("reactivateSubscription", json!({})),
        "EXPIRE" => ("expireSubscription", json!({})),
        "DELETE" => ("deleteSubscription", json!({})),
        other => panic!("say here which mutation {other} is"),
    }
}

/// A mutation on the way to a state, whether the platform has to send it, and its input.
type Sent = (&'static str, bool, Value);

/// How a subscription comes into a state: its terms, and mutations of ROOT (`above`) or of the administrator. Dates are
/// in days from now, and two of them pass before anything is asked.
fn states(gift: TierId, now: Timestamp) -> Vec<(&'static str, Value, Vec<Sent>)> {
    let day = |days: i64| json!(now.plus_days(days).to_utc().to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
    let now = json!({"timing": "NOW"});
    let gift = |more: Value| {
        let mut input = json!({"tierId": gift.to_string(), "reason": "a gift"});
        more.as_object().expect("an object").iter().for_each(|(name, value)| input[name] = value.clone());
        input
    };
    let none = json!({});
    vec![
        ("waits for its payment", json!({"requiresPayment": true}), vec![]),
        (
            "waited for its payment in vain",
            json!({"requiresPayment": true}),
            vec![("cancelSubscription", false, now.clone())],
        ),
        ("waits for its start", json!({"startsAt": day(9)}), vec![]),
        ("has started unnoticed", json!({"startsAt": day(1)}), vec![]),
        ("tries", json!({"trialDays": 10}), vec![]),
        ("has tried unnoticed", json!({"trialDays": 1}), vec![]),
        ("is paid for", none.clone(), vec![]),
        ("was paid for unnoticed", json!({"currentPeriodEnd": day(1)}), vec![]),
        ("is past its hard end", json!({"expiresAt": day(1)}), vec![]),
        ("is to be canceled", none.clone(), vec![("cancelSubscription", false, none.clone())]),
        (
            "was canceled unnoticed",
            none.clone(),
            vec![("cancelSubscription", false, json!({"timing": "DATE", "at": day(1)}))],
        ),
        (
            "changes later",
            none.clone(),
            vec![("changeTier", false, json!({"billingCycle": "YEARLY", "timing": "PERIOD_END"}))],
        ),
        ("is past due", none.clone(), vec![("markPastDue", false, none.clone())]),
        ("stands still", none.clone(), vec![("pauseSubscription", false, none.clone())]),
        ("has stood still", none.clone(), vec![("pauseSubscription", false, json!({"resumesAt": day(1)}))]),
        ("is shut off", none.clone(), vec![("suspendSubscription", false, none.clone())]),
        ("is shut off from above", none.clone(), vec![("suspendSubscription", true, none.clone())]),
        (
            "was shut off from above and canceled",
            none.clone(),
            vec![("suspendSubscription", true, none.clone()), ("cancelSubscription", true, now.clone())],
        ),
        ("was canceled", none.clone(), vec![("cancelSubscription", false, now.clone())]),
        ("has expired", none.clone(), vec![("expireSubscription", false, none.clone())]),
        ("is given", none.clone(), vec![("overrideTier", true, gift(none.clone()))]),
        ("was given", none.clone(), vec![("overrideTier", true, gift(json!({"endsAt": day(1)})))]),
        ("is given for a while", none.clone(), vec![("overrideTier", true, gift(json!({"endsAt": day(20)})))]),
        (
            "is given after its end",
            none.clone(),
            vec![("expireSubscription", false, none.clone()), ("overrideTier", true, gift(none.clone()))],
        ),
        (
            "is given before its payment",
            json!({"requiresPayment": true}),
            vec![("overrideTier", true, gift(none.clone()))],
        ),
    ]
}

/// A subscription that no mutation makes: its name, and what is different in it.
type Strange = (&'static str, fn(&mut subscription::Model));

const STRANGE: [Strange; 8] = [
    ("is unpaid", |row| {
        row.status = SubscriptionStatus::PastDue;
        row.past_due_since = Some(row.created_at);
        row.grace_ends_at = Some(row.created_at.plus_days(5));
    }),
    ("has been unpaid for long", |row| {
        row.status = SubscriptionStatus::PastDue;
        row.past_due_since = Some(row.created_at);
        row.grace_ends_at = Some(row.created_at.plus_days(1));
    }),
    ("has become unpaid unnoticed", |row| {
        row.period_end_policy = PeriodEndPolicy::Renew;
        row.current_period_end = Some(row.created_at.plus_days(1));
    }),
    ("has been shut off unpaid unnoticed", |row| {
        row.period_end_policy = PeriodEndPolicy::Suspend;
        row.current_period_end = Some(row.created_at.plus_days(1));
    }),
    ("costs nothing and has renewed unnoticed", |row| {
        row.amount_minor = 0;
        row.current_period_end = Some(row.created_at.plus_days(1));
    }),
    ("has been canceled unpaid unnoticed", |row| {
        row.period_end_policy = PeriodEndPolicy::Renew;
        (row.grace_days, row.unpaid_days) = (0, 1);
        row.current_period_end = Some(row.created_at.plus_days(1));
    }),
    ("is billed by a gateway", bill),
    ("was billed by a gateway", |row| {
        bill(row);
        row.status = SubscriptionStatus::Canceled;
        row.canceled_at = Some(row.created_at);
        row.cancel_at = row.canceled_at;
        row.ended_at = row.canceled_at;
    }),
];

fn bill(row: &mut subscription::Model) {
    row.mode = ManagementMode::Gateway;
    row.gateway = Some(Gateway::Stripe);
    row.gateway_subscription_id = Some(row.id.to_string());
}

/// Puts a subscription into the database that no mutation makes: its id.
async fn put(
    world: &World,
    (organization, customer): (OrganizationId, Option<CustomerId>),
    tier_id: TierId,
    strange: Strange,
) -> String {
    let terms = Terms {
        trial_days: Some(0),
        trial_ends_at: None,
        starts_at: None,
        period_end: None,
        expires_at: None,
        requires_payment: false,
        user_limit: None,
        trial_limits_users: false,
        feature_overrides: json!({}),
        external_id: None,
        metadata: json!({}),
        private_metadata: None,
    };
    let opening = Opening {
        subscriber: Subscriber { tenant: organization, customer },
        offer: Offer { tier_id, amount_minor: 900, billing_cycle: BillingCycle::Monthly },
        add_ons: AddOns::default(),
        currency: "USD".to_owned(),
        tier_trial_days: 0,
        ends: Ends::EXPIRE,
        terms,
        zone: chrono_tz::Tz::UTC,
        pending_for: TimeDelta::days(1),
    };
    let mut row = open(opening, world.clock.now(), "input").expect("the terms fit");
    strange.1(&mut row);
    let row = settled(row);
    let id = row.id.to_string();
    world.store.system().insert::<_, subscription::Entity>(vec![row]).await.expect("a subscription");
    id
}

/// A subscription in some state, with the customer that owns it, if it is one's.
struct Subject {
    state: &'static str,
    id: String,
    customer: Option<String>,
}

/// Who asks, by name, and may see nothing but customers where it is narrow.
async fn callers(world: &World, tenant: Tenant, subject: &Subject) -> Vec<(&'static str, Client)> {
    let narrow = [Permission::CustomersRead, Permission::SubscriptionsManage, Permission::SubscriptionsOverride];
    let mut callers = vec![
        ("ROOT", world.root()),
        ("SUPPORT", world.caller(Role::Support, tenant)),
        ("RESELLER", world.caller(Role::Reseller, world.gamma)),
        ("ADMIN", world.admin(tenant)),
    ];
    if let Some(customer) = &subject.customer {
        callers.push(("SERVICE", world.service(tenant, &narrow)));
        callers.push(("CUSTOMER", world.customer(tenant, customer)));
    }
    callers
}

/// Keeps all subscriptions as they are now.
async fn keep(world: &World) {
    world.sql("DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT * FROM subscriptions;").await;
}

/// Makes a subscription what it was when it was kept.
async fn restore(world: &World, id: &str) {
    use subscription::Column::{CustomerId, Id, PaymentStatus, PaymentStatusAt, TenantId};
    let columns = subscription::Column::iter().filter(|column| !matches!(column, TenantId | Id | CustomerId));
    // Its payments are no more.
    let set = columns.map(|column| match column {
        PaymentStatus | PaymentStatusAt => format!("{} = NULL", column.as_str()),
        _ => format!("{0} = kept.{0}", column.as_str()),
    });
    let set: Vec<_> = set.collect();
    let uuid = tessera::entity::SubscriptionId::parse(id).map(uuid::Uuid::from).expect("an id");
    let literal = match world.backend {
        crate::support::Backend::Postgres => format!("'{uuid}'"),
        crate::support::Backend::Sqlite => format!("x'{}'", uuid.simple()),
    };
    let set = set.join(", ");
    world
        .sql(&format!(
            "DELETE FROM payments WHERE subscription_id = {literal};
            UPDATE subscriptions SET {set} FROM kept WHERE kept.id = {literal} AND subscriptions.id = {literal}"
        ))
        .await;
}

/// Forgets what was kept, and the trail of what was done in between, which is no more.
async fn forget(world: &World) {
    world.sql("DROP TABLE kept; DELETE FROM audit_events; DELETE FROM outbox_events").await;
}

/// Compares what the field says of every action with what becomes of its mutation.
async fn compare(world: &World, (client, name): (&Client, &str), subject: &Subject, obstacle: &str, other: &Other) {
    let data = client.ok(FIELD, json!({"id": subject.id})).await;
    let said = data["subscription"]["availableActions"].as_array().expect("a list").clone();
    assert_eq!(said.len(), 19);
    let allowed: Vec<_> =
        said.iter().filter(|one| one["allowed"] == json!(true)).map(|one| one["action"].clone()).collect();
    for one in &said {
        let (mutation, mut input) = mutation(one["action"].as_str().expect("a name"), other);
        input["id"] = json!(subject.id);
        let told = format!("{mutation} by {name}, a subscription that {}, {obstacle}: {one}", subject.state);
        let answer = client.send_mutation(mutation, input, "").await;
        let refusal = &answer.0["data"][mutation]["userErrors"][0];
        let code = match answer.code() {
            "" if refusal.is_null() => "",
            "" => refusal["code"].as_str().expect("a code"),
            code => code,
        };
        if one["allowed"] == json!(true) {
            assert_eq!((code, &one["reason"]), ("", &Value::Null), "{told} {:#}", answer.0);
            restore(world, &subject.id).await;
            continue;
        }
        let expected = CODES.iter().find(|(reason, _)| one["reason"] == *reason).map_or("a reason", |(_, code)| code);
        assert_eq!(code, expected, "{told} {:#}", answer.0);
        if code == "FORBIDDEN" {
            assert_eq!(answer.0["errors"][0]["extensions"]["permission"], one["requires"], "{told}");
        } else {
            assert_ne!(refusal["path"], json!([]), "{told}");
        }
        if code == "ILLEGAL_TRANSITION" {
            assert_eq!(refusal["allowedActions"], json!(allowed), "{told}");
        }
    }
}

/// A customer of the organization in each state.
async fn customers(world: &World, tenant: Tenant, tier: TierId) -> Vec<Subject> {
    let (root, admin) = (world.root(), world.admin(tenant));
    let mut subjects = Vec::new();
    for (state, terms, steps) in states(tenant.plus, world.clock.now()) {
        let (customer, id) = world.subscribed(tenant, state, tier, terms).await;
        for (mutation, above, mut input) in steps {
            input["id"] = json!(id);
            if above { &root } else { &admin }.mutate(mutation, input, "").await;
        }
        subjects.push(Subject { state, id, customer: Some(customer) });
    }
    for strange in STRANGE {
        let (customer, gone) = world.subscribed(tenant, strange.0, tier, json!({})).await;
        root.mutate("deleteSubscription", json!({"id": gone}), "").await;
        let owner = (tenant.id, CustomerId::parse(&customer));
        subjects.push(Subject {
            state: strange.0,
            id: put(world, owner, tier, strange).await,
            customer: Some(customer),
        });
    }
    subjects
}

/// What stands in the way besides the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Free,
    CustomerSuspended,
    CustomerTerminated,
    AnotherLive,
    TierArchived,
    OrganizationSuspended,
    ResellerSuspended,
    OrganizationTerminated,
}

async fn tried(world: &World, ways: &[Way]) {
    let (tenant, root) = (world.delta, world.root());
    let own = json!({"organizationId": tenant.id.to_string()});
    let other = Other { tier: tenant.plus.to_string(), add_on: world.seats("CUSTOMER", own).await };
    for way in ways {
        let tier = json!({"key": format!("{way:?}").to_lowercase(), "name": "Own", "kind": "CUSTOMER", "rank": 10,
            "organizationId": tenant.id.to_string(),
            "prices": [{"billingCycle": "MONTHLY", "currency": "USD", "amountMinor": 900}, {"billingCycle": "YEARLY", "currency": "USD", "amountMinor": 9000}]});
        let tier =
            root.mutate("createTier", tier, "tier { id }").await["tier"]["id"].as_str().expect("an id").to_owned();
        let subjects = customers(world, tenant, TierId::parse(&tier).expect("a tier's id")).await;
        let organization = |tenant: Tenant| json!({"id": tenant.id.to_string()});
        for customer in subjects.iter().filter_map(|subject| subject.customer.as_ref()) {
            match way {
                Way::CustomerSuspended => drop(root.mutate("suspendCustomer", json!({"id": customer}), "").await),
                // What a gateway bills is not ended here.
                Way::CustomerTerminated => drop(root.attempt("terminateCustomer", json!({"id": customer}), "").await),
                Way::AnotherLive => {
                    let order = json!({"customerId": customer, "terms": {"tierId": tier}});
                    root.attempt("createSubscription", order, "").await;
                }
                _ => {}
            }
        }
        world.pass(TimeDelta::days(2));
        match way {
            Way::TierArchived => drop(root.mutate("archiveTier", json!({"id": tier}), "").await),
            Way::OrganizationSuspended => drop(root.mutate("suspendOrganization", organization(tenant), "").await),
            Way::ResellerSuspended => drop(root.mutate("suspendOrganization", organization(world.gamma), "").await),
            Way::OrganizationTerminated => drop(root.mutate("terminateOrganization", organization(tenant), "").await),
            _ => {}
        }
        keep(world).await;
        for subject in &subjects {
            for (name, client) in callers(world, tenant, subject).await {
                compare(world, (&client, name), subject, &format!("{way:?}"), &other).await;
            }
        }
        match way {
            Way::OrganizationSuspended => drop(root.mutate("resumeOrganization", organization(tenant), "").await),
            Way::ResellerSuspended => drop(root.mutate("resumeOrganization", organization(world.gamma), "").await),
            _ => {}
        }
    }
    forget(world).await;
}

#[on_both]
async fn of_customers(world: &World) {
    tried(world, &[Way::Free]).await;
}

#[on_both]
async fn of_customers_that_do_not_operate(world: &World) {
    tried(world, &[Way::CustomerSuspended, Way::CustomerTerminated]).await;
}

#[on_both]
async fn of_customers_that_cannot_have_it_back(world: &World) {
    tried(world, &[Way::AnotherLive, Way::TierArchived]).await;
}

#[on_both]
async fn in_organizations_that_do_not_operate(world: &World) {
    tried(world, &[Way::OrganizationSuspended, Way::ResellerSuspended, Way::OrganizationTerminated]).await;
}

#[on_both]
async fn of_organizations(world: &World) {
    let root = world.root();
    let pro = world.platform_tiers["pro"];
    // A downgrade that waits is all that an organization schedules for itself.
    let add_on = world.seats("ORGANIZATION", json!({})).await;
    let [below, above] = ["starter", "enterprise"]
        .map(|key| Other { tier: world.platform_tiers[key].to_string(), add_on: add_on.clone() });
    let mut subjects = Vec::new();
    for management in ["PLATFORM_MANAGED", "SELF_MANAGED"] {
        let organization = async |name: String| {
            let slug = name.replace(' ', "-").to_lowercase().replace('_', "-");
            let input = json!({"name": name, "slug": slug, "parentId": world.gamma.id.to_string(), "subscriptionManagement": management});
            let made = root.mutate("createOrganization", input, "organization { id subscription { id } }").await;
            root.mutate("deleteSubscription", json!({"id": made["organization"]["subscription"]["id"]}), "").await;
            OrganizationId::parse(made["organization"]["id"].as_str().expect("an id")).expect("an organization's")
        };
        for (state, mut terms, steps) in states(world.platform_tiers["enterprise"], world.clock.now()) {
            let tenant = Tenant { id: organization(format!("{management} {state}")).await, ..world.delta };
            terms["tierId"] = json!(pro.to_string());
            let order = json!({"organizationId": tenant.id.to_string(), "terms": terms});
            let id = root.mutate("createSubscription", order, "subscription { id }").await["subscription"]["id"]
                .as_str()
                .expect("an id")
                .to_owned();
            for (mutation, _, mut input) in steps {
                input["id"] = json!(id);
                root.mutate(mutation, input, "").await;
            }
            subjects.push((tenant, management, Subject { state, id, customer: None }));
        }
        for strange in STRANGE {
            let tenant = Tenant { id: organization(format!("{management} {}", strange.0)).await, ..world.delta };
            let id = put(world, (tenant.id, None), pro, strange).await;
            subjects.push((tenant, management, Subject { state: strange.0, id, customer: None }));
        }
    }
    world.pass(TimeDelta::days(2));
    keep(world).await;
    for (tenant, management, subject) in &subjects {
        for (name, client) in callers(world, *tenant, subject).await {
            let other = if name == "ADMIN" && *management == "PLATFORM_MANAGED" { &below } else { &above };
            compare(world, (&client, name), subject, management, other).await;
        }
    }
    forget(world).await;
}
