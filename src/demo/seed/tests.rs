use std::collections::{HashMap, HashSet};
use std::time::Duration;

use chrono::TimeDelta;
use sea_orm::Iterable;

use super::*;
use crate::clock::Clock;
use crate::config::DatabaseConfig;
use crate::entity::{
    BillingCycle, Gateway, ManagementMode, MemberRole, OperationalStatus, PaymentMethodKind, PaymentStatus,
    SubscriptionStatus, TierKind, tier, tier_feature,
};
use crate::store::Invariant;
use crate::subscription::status::{Kind, Policy, Reason, effective};

/// 2026-03-31T10:20:30.000004Z: a day that most months do not have.
const NOW: Timestamp = Timestamp::from_micros(1_774_952_430_000_004);

const SMALL: Size = Size { acme: 30, globex: 30, others: 2 };

async fn store(dir: &tempfile::TempDir) -> Store {
    let url = format!("sqlite://{}?mode=rwc", dir.path().join("seed.db").display());
    let config = DatabaseConfig {
        max_connections: 1,
        acquire_timeout: Duration::from_secs(5),
        ..DatabaseConfig::of(url.into())
    };
    let store = Store::open(&config, Clock::manual(NOW)).await.expect("an open database");
    store.migrate_up().await.expect("migrations");
    store
}

fn values<T: Iterable + PartialEq + std::fmt::Debug>(found: impl Iterator<Item = T>) {
    let found: Vec<T> = found.collect();
    let missing: Vec<T> = T::iter().filter(|value| !found.contains(value)).collect();
    assert!(missing.is_empty(), "the demo lacks {missing:?}");
}

#[tokio::test]
async fn the_data_fits_the_schema_and_is_told_whole() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = store(&dir).await;
    assert_eq!(progress(&store).await.expect("counted"), Progress::None);
    seed(&store, NOW).await.expect("seeded");
    assert_eq!(progress(&store).await.expect("counted"), Progress::Whole);
    let found = store.system().count::<customers::Entity>().await.expect("counted");
    assert_eq!(found, 300);
    let first = store.system().all::<customers::Entity>().await.expect("read");
    assert!(first.iter().any(|row| row.id == first_customer()));
    let invariants = store.system().invariants().await;
    assert!(invariants.iter().all(Invariant::holds), "{invariants:#?}");
}

#[test]
fn every_status_mode_and_kind_occurs() {
    for size in [Size::default(), SMALL] {
        let rows = Rows::make(NOW, &size).expect("made");
        values::<SubscriptionStatus>(rows.subscriptions.iter().map(|row| row.status));
        values::<ManagementMode>(rows.subscriptions.iter().map(|row| row.mode));
        // What waits for a bank or is disputed, the simulator brings while the demo runs.
        let brought = [PaymentStatus::RequiresAction, PaymentStatus::Disputed];
        values::<PaymentStatus>(rows.payments.iter().map(|row| row.status).chain(brought));
        // What the simulator takes, it takes while the demo runs.
        values::<Gateway>(rows.payments.iter().map(|row| row.gateway).chain([Gateway::Simulator]));
        values::<PaymentMethodKind>(rows.payment_methods.iter().map(|row| row.kind));
        values::<OperationalStatus>(rows.organizations.iter().map(|row| row.status));
        values::<OperationalStatus>(rows.customers.iter().map(|row| row.status));
        values::<MemberRole>(rows.members.iter().map(|row| row.role));
        values::<TierKind>(rows.tiers.iter().map(|row| row.kind));
    }
}

#[test]
fn more_is_granted_by_each_of_the_platform_s_tiers() {
    let rows = Rows::make(NOW, &SMALL).expect("made");
    let sold = |tier: &&tier::Model| tier.tenant_id.is_none() && tier.kind == TierKind::Organization;
    let tiers: Vec<_> = rows.tiers.iter().filter(sold).collect();
    let keys: Vec<_> = tiers.iter().map(|tier| tier.key.as_str()).collect();
    assert_eq!(keys, ["starter", "pro", "enterprise", "developer_test"]);
    let features = |tier: &tier::Model| {
        let own = rows.tier_features.iter().filter(|feature| feature.tier_id == tier.id);
        own.map(|feature| (feature.key.as_str(), feature)).collect::<HashMap<_, _>>()
    };
    let features: Vec<_> = tiers.iter().map(|tier| features(tier)).collect();
    let with_ai: Vec<_> = features.iter().map(|tier| tier["ai.enabled"].enabled).collect();
    assert_eq!(with_ai, [false, false, true, true]);
    // Nothing is more than no ceiling.
    let ceiling = |tier: &HashMap<_, &tier_feature::Model>, key: &str| tier[key].ceiling.unwrap_or(i64::MAX);
    for pair in features.windows(2) {
        assert!(pair[0].keys().all(|key| ceiling(&pair[0], key) <= ceiling(&pair[1], key)));
    }
    assert!(features[3].values().all(|feature| feature.ceiling.is_none()));
    for price in rows.tier_prices.iter().filter(|price| price.billing_cycle == BillingCycle::Monthly) {
        let yearly = rows.tier_prices.iter().find(|other| {
            let same = (other.tier_id, &other.currency) == (price.tier_id, &price.currency);
            same && other.billing_cycle == BillingCycle::Yearly
        });
        assert_eq!(yearly.map(|yearly| yearly.amount_minor), Some(price.amount_minor * 10));
    }
}

#[test]
fn the_clock_is_ahead_of_some_records() {
    let policy = Policy { expiring_soon: TimeDelta::days(7), renewal_tolerance: TimeDelta::hours(24) };
    let rows = Rows::make(NOW, &Size::default()).expect("made");
    let found: Vec<_> = rows.subscriptions.iter().map(|row| (row, effective(Some(row), false, NOW, &policy))).collect();
    for reason in
        [Reason::TrialEnded, Reason::PeriodEnded, Reason::GraceEnded, Reason::Cancellation, Reason::AsRecorded]
    {
        assert!(found.iter().any(|(_, effective)| effective.reason == reason), "nothing is {reason:?}");
    }
    assert!(found.iter().any(|(_, effective)| effective.expiring_soon));
    let recorded_active = |row: &subscription::Model| row.status == SubscriptionStatus::Active;
    assert!(found.iter().any(|(row, effective)| effective.kind == Kind::Canceled && recorded_active(row)));
    assert!(found.iter().any(|(row, effective)| effective.kind == Kind::Active && row.access_ends_at < Some(NOW)));
    assert!(rows.subscriptions.iter().any(|row| row.scheduled_at > Some(NOW)));
}

#[test]
fn seeding_again_makes_the_same_rows() {
    let once = Rows::make(NOW, &SMALL).expect("made");
    assert_eq!(Rows::make(NOW, &SMALL).expect("made"), once);
    let later = Rows::make(NOW.plus_days(45), &SMALL).expect("made");
    let ids = |rows: &Rows| rows.subscriptions.iter().map(|row| row.id).collect::<Vec<_>>();
    assert_eq!(ids(&later), ids(&once));
}

#[test]
fn an_owner_with_payment_methods_has_one_default() {
    let rows = Rows::make(NOW, &Size::default()).expect("made");
    let mut defaults: HashMap<_, usize> = HashMap::new();
    for method in &rows.payment_methods {
        *defaults.entry((method.tenant_id, method.customer_id)).or_default() += usize::from(method.is_default);
    }
    assert!(defaults.values().all(|count| *count == 1));
}

#[test]
fn nothing_lies_ahead_that_was_done() {
    // Month ends are where calendar arithmetic goes wrong.
    for days in 0..366 {
        let now = NOW.plus_days(days);
        let rows = Rows::make(now, &SMALL).expect("made");
        assert!(rows.audit_events.iter().all(|event| event.created_at <= now));
        assert!(rows.payments.iter().all(|payment| payment.status_changed_at <= now.plus_days(1)));
        let live: Vec<_> = rows.subscriptions.iter().filter(|row| row.ended_at.is_none()).collect();
        let owners: HashSet<_> = live.iter().map(|row| (row.tenant_id, row.customer_id)).collect();
        assert_eq!(owners.len(), live.len());
        assert!(rows.subscriptions.iter().all(|row| row.current_period_end >= row.current_period_start));
    }
}
