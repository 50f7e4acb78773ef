//! A year of many subscriptions in every kind of state, on time, late and by several at once. `make prove-time` runs it.

use std::process::{Child, Command};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use futures_util::future::join_all;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tessera::clock::{Clock, Timestamp};
use tessera::scheduler::{Retention, Scheduler};

use super::tier;
use super::together::{outcome, scheduler};
use crate::support::{Backend, Dice, PROGRAM, World, at};

const ZONES: [&str; 4] = ["Europe/Berlin", "America/Santiago", "Pacific/Auckland", "UTC"];

/// Subscriptions of an organization for each zone, with every policy, cycle, status and anchor.
async fn populate(world: &World, count: u64) {
    let mut dice = Dice(7);
    let admin = world.admin(world.alpha);
    let seats = world.seats("CUSTOMER", json!({"organizationId": world.alpha.id.to_string()})).await;
    let free = tier(world, "free", 0, json!({})).await;
    let yearly = |amount: i64| {
        json!([{"billingCycle": "MONTHLY", "currency": "USD", "amountMinor": amount},
            {"billingCycle": "YEARLY", "currency": "USD", "amountMinor": amount * 10}])
    };
    admin.mutate("updateTier", json!({"id": free, "prices": yearly(0)}), "").await;
    let mut tiers = vec![free.clone()];
    for (key, policies) in [
        ("renews", json!({"periodEndPolicy": "RENEW"})),
        ("suspends", json!({"periodEndPolicy": "SUSPEND"})),
        ("falls", json!({"periodEndPolicy": "DOWNGRADE", "trialEndPolicy": "FALLBACK", "fallbackTierId": free})),
        ("expires", json!({})),
    ] {
        let id = tier(world, key, 700, policies).await;
        admin.mutate("updateTier", json!({"id": id, "prices": yearly(700)}), "").await;
        tiers.push(id);
    }
    for number in 0..count {
        if number % (count / 4) == 0 {
            let zone = ZONES[(number / (count / 4)) as usize % 4];
            let id = world.alpha.id.to_string();
            admin
                .mutate("updateOrganization", json!({"id": id, "timeZone": zone, "graceDays": dice.below(9)}), "")
                .await;
        }
        let mut terms = json!({"tierId": tiers[dice.below(5) as usize]});
        if dice.below(3) == 0 {
            terms["billingCycle"] = json!("YEARLY");
        }
        let day = |dice: &mut Dice, most: u64| {
            let hours = i64::try_from(dice.below(most * 24)).expect("small") + 1;
            json!(world.clock.now().plus(TimeDelta::hours(hours)).to_string())
        };
        match dice.below(6) {
            0 => terms["trialDays"] = json!(1 + dice.below(60)),
            1 => terms["startsAt"] = day(&mut dice, 90),
            2 => terms["startsAt"] = json!(format!("2026-01-{}T0{}:30:00Z", 28 + dice.below(4), dice.below(10))),
            3 => terms["requiresPayment"] = json!(true),
            _ => terms["trialDays"] = json!(0),
        }
        if dice.below(4) == 0 {
            terms["addOns"] = json!([{"addOnId": seats, "quantity": 1 + dice.below(3)}]);
        }
        if dice.below(9) == 0 {
            terms["expiresAt"] = day(&mut dice, 300);
        }
        let input = json!({"name": format!("customer {number}"), "subscription": terms});
        // An end before the start is refused, and that is as good.
        let made = admin.attempt("createCustomer", input, "customer { subscription { id status } }").await;
        let made = &made["customer"]["subscription"];
        if made.is_null() {
            continue;
        }
        let with = |mut more: Value| {
            more["id"] = made["id"].clone();
            more
        };
        let (mutation, input) = match (dice.below(8), made["status"].as_str()) {
            (0, Some("ACTIVE")) => ("pauseSubscription", json!({"resumesAt": day(&mut dice, 60)})),
            (1, Some("ACTIVE")) => ("renewSubscription", json!({})),
            (2, Some("ACTIVE" | "TRIALING")) => ("suspendSubscription", json!({})),
            (3, Some("ACTIVE" | "TRIALING")) => ("cancelSubscription", json!({})),
            (4, Some("ACTIVE" | "TRIALING")) => {
                ("changeTier", json!({"tierId": tiers[1 + dice.below(4) as usize], "timing": "PERIOD_END"}))
            }
            (5, Some("ACTIVE")) => ("changeAddOns", json!({"addOns": [{"addOnId": seats, "quantity": dice.below(5)}]})),
            (6, _) => {
                let gift =
                    json!({"tierId": world.alpha.plus.to_string(), "reason": "gift", "endsAt": day(&mut dice, 120)});
                ("overrideTier", gift)
            }
            _ => continue,
        };
        let by = if mutation == "overrideTier" { world.root() } else { admin.clone() };
        // A change to what it has is refused, and that is as good.
        by.attempt(mutation, with(input), "").await;
    }
}

async fn year(backend: Backend) {
    #[expect(clippy::disallowed_methods, reason = "`make prove-time` says how many")]
    let count = std::env::var("SUBSCRIPTIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(2_000);
    let worlds = [World::new(backend).await, World::new(backend).await, World::new(backend).await];
    for world in &worlds {
        populate(world, count).await;
    }
    let [punctual, four, monthly] = &worlds;
    let started = Instant::now();
    let clock = Scheduler::new(punctual.store.clone(), Retention::new(30), true);
    let (end, mut steps) = (at("2027-03-01T12:00:00Z"), 0);
    loop {
        let moved = clock.advance(end).await.expect("the database answers");
        assert_eq!(moved.report.parked, 0);
        steps += moved.report.transitions.len();
        if moved.is_complete {
            break;
        }
    }
    let took = started.elapsed();
    println!("{backend:?}: {steps} transitions, each at its moment, in {took:?}");
    let several: Vec<_> = (0..4).map(|_| scheduler(four)).collect();
    let (mut dice, mut left) = (Dice(3), 365 * 24);
    while left > 0 {
        let hours = i64::try_from(1 + dice.below(240)).expect("small").min(left);
        left -= hours;
        four.pass(TimeDelta::hours(hours));
        for report in join_all(several.iter().map(Scheduler::pass)).await {
            assert_eq!(report.expect("the database answers").parked, 0);
        }
    }
    several[0].pass().await.expect("the database answers");
    let late = scheduler(monthly);
    let started = Instant::now();
    let mut transitions = 0;
    for days in [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        monthly.pass(TimeDelta::days(days));
        transitions += late.pass().await.expect("the database answers").transitions.len();
    }
    let took = started.elapsed();
    println!(
        "{backend:?}: {transitions} transitions, late, in {took:?}: {:.0}/s",
        transitions as f64 / took.as_secs_f64()
    );
    let expected = outcome(punctual).await;
    assert!(expected.1.len() as u64 > 2 * count, "{} transitions", expected.1.len());
    for (name, world) in [("four at once", four), ("a month late", monthly)] {
        let found = outcome(world).await;
        assert!(expected.1 == found.1, "{name}: another trail");
        assert!(expected.2 == found.2, "{name}: other payments");
        assert!(expected.0 == found.0, "{name}: other subscriptions");
        world.check_invariants().await;
    }
}

/// How often the scheduler is killed.
const KILLS: usize = 20;

/// How many subscriptions wait for the scheduler.
async fn waiting(world: &World, now: Timestamp) -> usize {
    world.store.system().due(now, None, 100_000).await.unwrap_or_else(|error| panic!("{}", error.told_inside())).len()
}

/// Runs `tessera scheduler` by itself on the world's database.
fn start(world: &World) -> Child {
    let mut command = Command::new(PROGRAM);
    command.arg("scheduler").env("TESSERA_DATABASE_URL", world.config.database.url.expose_secret());
    command.env("TESSERA_LOG", "off").spawn().expect("it starts")
}

/// By the clock of the system all of the world's March is long over. Each program is killed when it has carried some of it
/// out, in the middle of the rest.
async fn killed(backend: Backend) {
    let [world, other] = [World::new(backend).await, World::new(backend).await];
    for here in [&world, &other] {
        populate(here, 2_000).await;
    }
    let now = Clock::system().now();
    let (mut left, mut kills) = (waiting(&world, now).await, 0);
    let step = left / (KILLS * 4);
    while kills < KILLS {
        let mut program = start(&world);
        let before = left;
        while left + step > before {
            tokio::time::sleep(Duration::from_millis(2)).await;
            left = waiting(&world, now).await;
        }
        assert!(left > 0, "killed {kills} times, and nothing is left to do");
        program.kill().expect("it can be killed");
        program.wait().expect("it ends");
        kills += 1;
        left = waiting(&world, now).await;
    }
    println!("{backend:?}: killed {kills} times, and {left} subscriptions were left to do");
    for here in [&world, &other] {
        here.pass(now.since(here.clock.now()) + TimeDelta::days(30));
        while waiting(here, here.clock.now()).await > 0 {
            assert_eq!(scheduler(here).pass().await.expect("the database answers").parked, 0);
        }
        here.check_invariants().await;
    }
    let (expected, found) = (outcome(&other).await, outcome(&world).await);
    assert!(expected.1 == found.1, "another trail");
    assert!(expected.2 == found.2, "other payments");
    assert!(expected.0 == found.0, "other subscriptions");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it takes minutes: make prove-time"]
async fn a_scheduler_that_is_killed_changes_nothing_on_sqlite() {
    killed(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it takes minutes: make prove-time"]
async fn a_scheduler_that_is_killed_changes_nothing_on_postgres() {
    killed(Backend::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it takes minutes: make prove-time"]
async fn a_year_is_the_same_however_it_is_run_on_sqlite() {
    year(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it takes minutes: make prove-time"]
async fn a_year_is_the_same_however_it_is_run_on_postgres() {
    year(Backend::Postgres).await;
}
