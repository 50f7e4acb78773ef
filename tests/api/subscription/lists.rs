//! Lists say in SQL what `effectiveStatus` says of each row, whatever happened to it and whoever recorded it.

use chrono::TimeDelta;
use serde_json::{Value, json};
use tessera::clock::Timestamp;
use tessera::entity::subscription::AddOns;
use tessera::entity::{
    BillingCycle, CustomerId, Gateway, ManagementMode, PeriodEndPolicy, Proration, SubscriptionStatus, SuspensionCause,
    TrialEndPolicy, customer, subscription,
};
use tessera::subscription::ends::{Ends, Fallback};
use tessera::subscription::lifecycle::{CancelAt, Charging, Offer, Step, apply, fold, settled};
use tessera::subscription::opening::{Opening, Subscriber, Terms, open};

use crate::support::{Dice, World, at, each, on_both};

fn opened(dice: &mut Dice, world: &World, customer: Option<CustomerId>, now: Timestamp) -> subscription::Model {
    let mut terms = Terms {
        trial_days: None,
        trial_ends_at: None,
        starts_at: None,
        period_end: None,
        expires_at: dice.below(5).eq(&0).then(|| now.plus_days(60 + dice.days())),
        requires_payment: false,
        user_limit: None,
        trial_limits_users: false,
        feature_overrides: json!({}),
        external_id: None,
        metadata: json!({}),
        private_metadata: None,
    };
    match dice.below(6) {
        0 => terms.trial_days = Some(dice.days()),
        1 => terms.requires_payment = true,
        2 => terms.starts_at = Some(now.plus_days(dice.days())),
        3 => (terms.starts_at, terms.trial_days) = (Some(now.plus_days(dice.days())), Some(dice.days())),
        _ => {}
    }
    let opening = Opening {
        subscriber: Subscriber { tenant: world.alpha.id, customer },
        offer: offer(dice, world),
        add_ons: AddOns::default(),
        currency: "USD".to_owned(),
        tier_trial_days: 0,
        ends: ends(dice, world),
        terms,
        zone: chrono_tz::Tz::UTC,
        pending_for: TimeDelta::days(9),
    };
    open(opening, now, "input").expect("the terms fit")
}

fn ends(dice: &mut Dice, world: &World) -> Ends {
    let policies =
        [PeriodEndPolicy::Expire, PeriodEndPolicy::Suspend, PeriodEndPolicy::Downgrade, PeriodEndPolicy::Renew];
    let fallback = Fallback { tier_id: world.alpha.basic, amount_minor: if dice.is() { 0 } else { 500 } };
    Ends {
        period: policies[dice.below(4) as usize],
        trial: if dice.is() { TrialEndPolicy::Fallback } else { TrialEndPolicy::Expire },
        fallback: dice.is().then_some(fallback),
        ..Ends::EXPIRE
    }
}

fn offer(dice: &mut Dice, world: &World) -> Offer {
    let billing_cycle = if dice.below(4) == 0 { BillingCycle::Yearly } else { BillingCycle::Monthly };
    Offer { tier_id: if dice.is() { world.alpha.basic } else { world.alpha.plus }, amount_minor: 900, billing_cycle }
}

fn step(dice: &mut Dice, world: &World, now: Timestamp) -> Step {
    let until = now.plus_days(dice.days());
    match dice.below(15) {
        0 => Step::Activate,
        1 => Step::Extend { days: dice.days() },
        2 => Step::ChangeTier {
            offer: offer(dice, world),
            add_ons: AddOns::default(),
            at_period_end: dice.is(),
            charging: Charging { rule: Proration::None, at: now },
        },
        3 | 4 => {
            let ends_at = (dice.below(4) > 0).then_some(until);
            Step::OverrideTier { tier_id: world.alpha.plus, reason: "because".to_owned(), ends_at }
        }
        5 => Step::EndOverride,
        6 => Step::Suspend(SuspensionCause::Operator),
        7 | 8 => Step::Pause(dice.is().then_some(until)),
        9 => Step::Resume,
        10 => Step::Cancel(if dice.is() { CancelAt::PeriodEnd } else { CancelAt::Date(until) }),
        11 => Step::Renew,
        12 => Step::MarkPastDue,
        13 => Step::MarkPaid,
        _ => Step::Reactivate,
    }
}

/// A row after a life of some steps, the last of which nobody records the consequences of.
fn lived(dice: &mut Dice, world: &World, customer: Option<CustomerId>) -> subscription::Model {
    let mut now = at("2026-03-01T12:00:00Z");
    let mut row = opened(dice, world, customer, now);
    if row.status == SubscriptionStatus::Active && dice.below(4) == 0 {
        row.mode = ManagementMode::Gateway;
        row.gateway = Some(Gateway::Stripe);
        row.gateway_subscription_id = Some(row.id.to_string());
    } else if row.status == SubscriptionStatus::Active && dice.below(5) == 0 {
        row.status = SubscriptionStatus::PastDue;
        row.past_due_since = Some(now);
        row.grace_ends_at = Some(now.plus_days(dice.days()));
    }
    row = settled(row);
    for _ in 0..dice.below(5) {
        now = now.plus_days(dice.days() / 4);
        row = fold(&row, now, None).pop().map_or(row, |(_, row)| row);
        if let Ok(next) = apply(&row, &step(dice, world, now), now) {
            row = next;
        }
    }
    row
}

const KINDS: [&str; 9] =
    ["NONE", "PENDING", "TRIALING", "ACTIVE", "PAST_DUE", "PAUSED", "SUSPENDED", "CANCELED", "EXPIRED"];

/// The ids of a list, read page by page.
async fn found(world: &World, filter: &Value, selection: &str) -> Vec<Value> {
    let document = format!(
        "query($w: SubscriptionFilter, $after: String) {{ subscriptions(where: $w, first: 100, after: $after) {{
            nodes {{ id {selection} }} pageInfo {{ hasNextPage endCursor }} }} }}"
    );
    let (mut nodes, mut after) = (Vec::new(), Value::Null);
    loop {
        let data = world.root().ok(&document, json!({"w": filter, "after": after})).await;
        nodes.extend(data["subscriptions"]["nodes"].as_array().expect("nodes").clone());
        after = data["subscriptions"]["pageInfo"]["endCursor"].clone();
        if data["subscriptions"]["pageInfo"]["hasNextPage"] == json!(false) {
            return nodes;
        }
    }
}

#[on_both]
async fn filters_agree_with_the_effective_status(world: &World) {
    let mut dice = Dice(7);
    let mut rows = vec![lived(&mut dice, world, None)];
    world.sql("UPDATE organizations SET exempt = TRUE WHERE slug = 'alpha'").await;
    world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let system = world.store.system();
    let ada = system.all::<customer::Entity>().await.expect("customers").remove(0);
    let mut customers = Vec::new();
    for _ in 0..400 {
        let id = CustomerId::generate();
        customers.push(customer::Model { id, ..ada.clone() });
        rows.push(lived(&mut dice, world, Some(id)));
    }
    system.insert::<_, customer::Entity>(customers).await.expect("customers");
    system.insert::<_, subscription::Entity>(rows).await.expect("subscriptions");
    for _ in 0..10 {
        let all = found(world, &json!({}), "effectiveStatus { status expired expiringSoon }").await;
        let expected = |field: &str, wanted: &[Value]| -> Vec<Value> {
            let is = |node: &&Value| wanted.contains(&node["effectiveStatus"][field]);
            all.iter().filter(is).map(|node| node["id"].clone()).collect()
        };
        let mut filters = Vec::new();
        for field in ["expired", "expiringSoon"] {
            filters.extend([true, false].map(|wanted| (json!({field: wanted}), expected(field, &[json!(wanted)]))));
        }
        for kind in KINDS {
            filters.push((json!({"effectiveStatus": {"eq": kind}}), expected("status", &[json!(kind)])));
        }
        let any = json!({"effectiveStatus": {"in": ["PAUSED", "TRIALING", "NONE"]}});
        filters.push((any, expected("status", &[json!("PAUSED"), json!("TRIALING")])));
        let both = json!({"effectiveStatus": {"in": ["PAUSED", "ACTIVE"], "eq": "ACTIVE"}});
        filters.push((both, expected("status", &[json!("ACTIVE")])));
        for (filter, expected) in filters {
            assert_eq!(each(&json!(found(world, &filter, "").await), "id"), expected, "{filter}");
        }
        world.pass(TimeDelta::hours(131));
    }
}

#[on_both]
async fn subscriptions_are_found_by_their_ids(world: &World) {
    let (_, ada) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let (_, bob) = world.subscribed(world.alpha, "Bob", world.alpha.basic, json!({})).await;
    let (_, other) = world.subscribed(world.beta, "Eve", world.beta.basic, json!({})).await;
    let document = "query($w: SubscriptionFilter) { subscriptions(where: $w) { nodes { id } } }";
    let admin = world.admin(world.alpha);
    let data = admin.ok(document, json!({"w": {"ids": [ada, other]}})).await;
    assert_eq!(each(&data["subscriptions"]["nodes"], "id"), [json!(ada)]);
    let data = admin.ok(document, json!({"w": {"ids": []}})).await;
    assert_eq!(data["subscriptions"]["nodes"], json!([]));
    let answer = admin.send(document, json!({"w": {"ids": [bob, world.alpha.basic.to_string()]}})).await;
    assert_eq!(answer.0["errors"][0]["extensions"]["problems"][0]["code"], "INVALID_ID");
}

#[on_both]
async fn what_an_older_program_wrote_is_foreseen_by_the_migration(world: &World) {
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let (_, waits) =
        world.subscribed(world.alpha, "Bob", world.alpha.basic, json!({"startsAt": "2026-03-11T12:00:00Z"})).await;
    world
        .sql(
            "UPDATE subscriptions SET next_at = NULL, next_status = NULL, second_at = NULL, second_status = NULL,
            due_at = 0",
        )
        .await;
    world.sql("UPDATE subscriptions SET access_ends_at = NULL WHERE status = 'PENDING'").await;
    world.store.migrate_up().await.expect("nothing is missing");
    world.pass(TimeDelta::days(35));
    let document = "{ subscriptions(where: {effectiveStatus: {eq: ACTIVE}}) { nodes { id } } }";
    let data = world.admin(world.alpha).ok(document, json!({})).await;
    assert_eq!(each(&data["subscriptions"]["nodes"], "id"), [json!(waits)], "and not {id}");
}
