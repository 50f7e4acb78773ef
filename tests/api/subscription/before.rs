//! Rows that were written before the program knew what an override lies on.

use migration::{Migrator, MigratorTrait};
use secrecy::ExposeSecret;
use serde_json::json;

use super::{act, state};
use crate::support::{World, connect, on_both};

/// The last migration that such rows know.
const LAST: &str = "m20261120_000012_must_hold";

/// As overrides were: the state beneath is that of the row.
const OVERRIDE: &str =
    "UPDATE subscriptions SET mode = 'OVERRIDE', override_reason = 'gift', overridden_tier_id = tier_id,
    overridden_amount_minor = amount_minor, overridden_billing_cycle = billing_cycle, amount_minor = 0,
    tier_id = (SELECT id FROM tiers WHERE key = 'plus' AND tiers.tenant_id = subscriptions.tenant_id)";

#[on_both]
async fn their_overrides_return_to_where_they_were(world: &World) {
    let basic = world.alpha.basic;
    let subscribed = async |name, terms| world.subscribed(world.alpha, name, basic, terms).await.1;
    let rows = [
        ("ACTIVE", subscribed("a", json!({})).await),
        ("TRIALING", subscribed("b", json!({"trialDays": 9})).await),
        ("PENDING", subscribed("c", json!({"requiresPayment": true})).await),
        ("PAUSED", subscribed("d", json!({})).await),
        ("SUSPENDED", subscribed("e", json!({})).await),
        ("CANCELED", subscribed("f", json!({})).await),
    ];
    act(world, "pauseSubscription", json!({"id": rows[3].1, "resumesAt": "2026-03-11T12:00:00Z"})).await;
    act(world, "suspendSubscription", json!({"id": rows[4].1})).await;
    act(world, "cancelSubscription", json!({"id": rows[5].1, "timing": "NOW"})).await;
    let database = connect(world.config.database.url.expose_secret()).await;
    let newer = Migrator::migrations().iter().rev().take_while(|step| step.name() != LAST).count();
    Migrator::down(&database, Some(newer.try_into().expect("few"))).await.expect("back");
    world.sql(OVERRIDE).await;
    world.store.migrate_up().await.expect("forth");
    for (status, id) in &rows {
        let now = state(world, id).await;
        let live = *status != "CANCELED";
        assert_eq!(now["mode"], if live { "OVERRIDE" } else { "MANUAL" });
        assert_eq!(now["effectiveStatus"]["entitled"], json!(live && *status != "SUSPENDED"), "{status}");
        if live {
            world.root().mutate("endOverride", json!({"id": id}), "").await;
        }
        let back = state(world, id).await;
        assert_eq!((&back["status"], &back["tierId"]), (&json!(status), &json!(basic.to_string())));
    }
    world.pass(chrono::TimeDelta::days(15));
    assert_eq!(state(world, &rows[3].1).await["effectiveStatus"]["status"], "ACTIVE", "it resumes by itself");
}
