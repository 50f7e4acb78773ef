//! Days instead of moments, in the organization's time zone; and dates that no calendar has.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{STATE, act, state};
use crate::support::{World, on_both};

/// The world's day is 1 March 2026; Berlin sets its clock forward on the 29th.
async fn in_berlin(world: &World) {
    let input = json!({"id": world.alpha.id.to_string(), "timeZone": "Europe/Berlin"});
    world.admin(world.alpha).mutate("updateOrganization", input, "").await;
}

#[on_both]
async fn a_start_is_the_days_midnight_and_an_end_the_midnight_behind_it(world: &World) {
    in_berlin(world).await;
    let terms = json!({"startsAt": "2026-03-29", "trialEndsAt": "2026-04-05", "expiresAt": "2026-12-31"});
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, terms).await;
    let document = "query($id: ID!) { subscription(id: $id) { startsAt trialEndsAt expiresAt } }";
    let read = async |id: &str| world.admin(world.alpha).ok(document, json!({"id": id})).await["subscription"].clone();
    assert_eq!(
        read(&id).await,
        json!({
            "startsAt": "2026-03-28T23:00:00Z", "trialEndsAt": "2026-04-05T22:00:00Z", "expiresAt": "2026-12-31T23:00:00Z",
        })
    );
    // The day that begins now has begun, and the day that ends has not ended.
    let terms = json!({"startsAt": "2026-03-01", "currentPeriodEnd": "2026-03-01"});
    let (_, id) = world.subscribed(world.alpha, "Bob", world.alpha.basic, terms).await;
    let begun = state(world, &id).await;
    assert_eq!((&begun["status"], &begun["startsAt"]), (&json!("ACTIVE"), &json!("2026-02-28T23:00:00Z")));
    assert_eq!(begun["currentPeriodEnd"], "2026-03-01T23:00:00Z");
    let input = json!({"id": id, "currentPeriodStart": "2026-02-15", "currentPeriodEnd": "2026-03-31", "expiresAt": "2026-04-30"});
    act(world, "updateSubscription", input).await;
    let moved = state(world, &id).await;
    assert_eq!(
        (&moved["currentPeriodStart"], &moved["currentPeriodEnd"]),
        (&json!("2026-02-14T23:00:00Z"), &json!("2026-03-31T22:00:00Z"))
    );
    assert_eq!(read(&id).await["expiresAt"], "2026-04-30T22:00:00Z");
    let canceled = act(world, "cancelSubscription", json!({"id": id, "timing": "DATE", "at": "2026-03-10"})).await;
    assert_eq!(canceled["cancelAt"], "2026-03-10T23:00:00Z");
    act(world, "undoCancel", json!({"id": id})).await;
    let paused = world
        .admin(world.alpha)
        .mutate("pauseSubscription", json!({"id": id, "resumesAt": "2026-04-02"}), "subscription { resumesAt }")
        .await;
    assert_eq!(paused["subscription"]["resumesAt"], "2026-04-01T22:00:00Z");
}

#[on_both]
async fn steps_that_end_by_themselves_take_days(world: &World) {
    in_berlin(world).await;
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({})).await;
    let gift = json!({"id": id, "tierId": world.alpha.plus.to_string(), "reason": "goodwill", "endsAt": "2026-03-29"});
    let given = world.root().mutate("overrideTier", gift, STATE).await;
    assert_eq!(given["subscription"]["tierOverride"]["endsAt"], "2026-03-29T22:00:00Z");
    let (_, id) = world.subscribed(world.alpha, "Bob", world.alpha.basic, json!({"requiresPayment": true})).await;
    let tried = world.root().mutate("startTrial", json!({"id": id, "endsAt": "2026-03-01"}), STATE).await;
    assert_eq!(tried["subscription"]["trialEndsAt"], "2026-03-01T23:00:00Z");
    // An organization that begins has its own days from the first.
    let input = json!({"name": "Kiwi", "slug": "kiwi", "timeZone": "Pacific/Auckland",
        "subscription": {"tierId": world.platform_tiers["pro"].to_string(), "expiresAt": "2026-06-30"}});
    let made = world.root().mutate("createOrganization", input, "organization { subscription { expiresAt } }").await;
    assert_eq!(made["organization"]["subscription"]["expiresAt"], "2026-06-30T12:00:00Z");
}

#[on_both]
async fn what_is_no_day_and_no_moment_is_refused_by_its_field(world: &World) {
    let admin = world.admin(world.alpha);
    let before = world.writes().await;
    for (date, code) in [
        ("2026-02-29", "INVALID_FORMAT"),
        ("2026-3-1", "INVALID_FORMAT"),
        ("tomorrow", "INVALID_FORMAT"),
        ("20260301", "INVALID_FORMAT"),
        ("2026-03-01T00:00", "INVALID_FORMAT"),
        ("0000-01-01", "INVALID_DATE"),
        ("9999-12-31T23:59:59-01:00", "INVALID_DATE"),
    ] {
        let input =
            json!({"name": "Ada", "subscription": {"tierId": world.alpha.basic.to_string(), "expiresAt": date}});
        let answer = admin.send_mutation("createCustomer", input, "").await;
        let problem = &answer.0["errors"][0]["extensions"]["problems"][0];
        assert_eq!(
            (&problem["code"], &problem["path"]),
            (&json!(code), &json!(["input", "subscription", "expiresAt"])),
            "{date}: {problem}"
        );
    }
    // Its last midnight lies behind the calendar.
    let input =
        json!({"name": "Ada", "subscription": {"tierId": world.alpha.basic.to_string(), "expiresAt": "9999-12-31"}});
    let refusal = admin.refusal("createCustomer", input).await;
    assert_eq!(
        (&refusal["code"], &refusal["path"]),
        (&json!("INVALID_DATE"), &json!(["input", "subscription", "expiresAt"]))
    );
    assert_eq!(world.writes().await, before);
}

#[on_both]
async fn nothing_is_moved_behind_the_calendar(world: &World) {
    let admin = world.admin(world.alpha);
    let (_, id) = world
        .subscribed(world.alpha, "Ada", world.alpha.basic, json!({"currentPeriodEnd": "9999-12-30T00:00:00Z"}))
        .await;
    let before = world.writes().await;
    for (mutation, input, code, path) in [
        ("extendSubscription", json!({"id": id, "days": 3}), "INVALID_DATE", "days"),
        ("updateSubscription", json!({"id": id, "currentPeriodEnd": "9999-12-31"}), "INVALID_DATE", "currentPeriodEnd"),
    ] {
        let refusal = admin.refusal(mutation, input).await;
        assert_eq!((&refusal["code"], &refusal["path"]), (&json!(code), &json!(["input", path])), "{mutation}");
    }
    for terms in [
        json!({"startsAt": "9999-12-25", "trialDays": 30}),
        json!({"startsAt": "9999-12-31T23:00:00Z", "requiresPayment": true}),
    ] {
        let mut subscription = terms;
        subscription["tierId"] = json!(world.alpha.basic.to_string());
        let payload = admin.attempt("createCustomer", json!({"name": "Bob", "subscription": subscription}), "").await;
        let refusals = payload["userErrors"].as_array().expect("refusals");
        assert!(!refusals.is_empty() && refusals.iter().all(|refusal| refusal["code"] == "INVALID_DATE"), "{payload}");
    }
    assert_eq!(world.writes().await, before);
    act(world, "extendSubscription", json!({"id": id, "days": 1})).await;
    // What was paid for is moved when it resumes, and then it is too late.
    act(world, "pauseSubscription", json!({"id": id})).await;
    world.pass(TimeDelta::days(2));
    let refusal = admin.refusal("resumeSubscription", json!({"id": id})).await;
    assert_eq!((&refusal["code"], &refusal["path"]), (&json!("INVALID_DATE"), &json!(["input", "id"])));
    let state = state(world, &id).await;
    assert_eq!(state["status"], Value::from("PAUSED"));
}

/// Periods begin on the same local day at the same local time, in the zone that the organization had when the subscription
/// was made.
#[on_both]
async fn periods_are_counted_in_the_organizations_time_zone(world: &World) {
    in_berlin(world).await;
    let terms = json!({"startsAt": "2026-03-01"});
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, terms).await;
    let document =
        "query($id: ID!) { subscription(id: $id) { timeZone anchorDay currentPeriodStart currentPeriodEnd } }";
    let read = async |id: &str| world.admin(world.alpha).ok(document, json!({"id": id})).await["subscription"].clone();
    let month = json!({
        "timeZone": "Europe/Berlin", "anchorDay": 1, "currentPeriodStart": "2026-02-28T23:00:00Z",
        "currentPeriodEnd": "2026-03-31T22:00:00Z",
    });
    assert_eq!(read(&id).await, month, "the clock is set forward between them");

    let input = json!({"id": world.alpha.id.to_string(), "timeZone": "Asia/Tokyo"});
    world.admin(world.alpha).mutate("updateOrganization", input, "").await;
    assert_eq!(read(&id).await, month, "another zone is for new subscriptions");
    let trial = json!({"startsAt": "2026-03-01", "trialEndsAt": "2026-04-30"});
    let (_, later) = world.subscribed(world.alpha, "Bob", world.alpha.basic, trial).await;
    // From 1 March, 21:00 in Tokyo: it is the day's first period, and 2 March would not be.
    world.root().mutate("activateSubscription", json!({"id": later}), "").await;
    assert_eq!(
        read(&later).await,
        json!({
            "timeZone": "Asia/Tokyo", "anchorDay": 1, "currentPeriodStart": "2026-03-01T12:00:00Z",
            "currentPeriodEnd": "2026-04-01T12:00:00Z",
        })
    );
    let moved = json!({"id": id, "currentPeriodStart": "2026-02-15"});
    act(world, "updateSubscription", moved).await;
    assert_eq!(read(&id).await["anchorDay"], 15);
}
