//! One save of a form.

use serde_json::json;

use crate::support::{World, each, on_both};

#[on_both]
async fn one_save_does_all_of_it_or_nothing(world: &World) {
    let (_, id) = world.subscribed(world.alpha, "Ada", world.alpha.basic, json!({"trialDays": 10})).await;
    let admin = world.admin(world.alpha);
    let shown = "subscription { status tierId billingCycle externalId expiresAt version }";
    let plus = world.alpha.plus.to_string();
    let save = json!({"id": id, "status": "ACTIVE", "tierId": plus, "billingCycle": "YEARLY", "timing": "NOW",
        "externalId": "crm-1", "expiresAt": "2028-01-01"});
    let saved = admin.mutate("updateSubscription", save, shown).await["subscription"].clone();
    assert_eq!(
        (&saved["status"], &saved["tierId"], &saved["billingCycle"], &saved["externalId"]),
        (&json!("ACTIVE"), &json!(plus), &json!("YEARLY"), &json!("crm-1"))
    );
    let document = "query($id: ID!) { auditEvents(where: {entityId: $id}, orderBy: [{field: CREATED_AT}]) {
        nodes { action requestId } } }";
    let entries = world.root().ok(document, json!({"id": id})).await["auditEvents"]["nodes"].clone();
    let actions: Vec<_> = each(&entries, "action");
    assert_eq!(actions[1..], ["subscription.activate", "subscription.change_tier", "subscription.update"]);
    // The status fits, and the date does not: nothing is done.
    let wrong = json!({"id": id, "status": "PAUSED", "expiresAt": "2020-01-01"});
    let refusal = admin.refusal("updateSubscription", wrong).await;
    assert_eq!((&refusal["code"], &refusal["path"]), (&json!("DATES_REVERSED"), &json!(["input", "expiresAt"])));
    let same = admin.mutate("updateSubscription", json!({"id": id, "status": "ACTIVE"}), shown).await;
    assert_eq!(same["subscription"]["version"], saved["version"], "it has that status");
    let refusal = admin.refusal("updateSubscription", json!({"id": id, "status": "TRIALING"})).await;
    assert_eq!((&refusal["code"], &refusal["path"]), (&json!("ILLEGAL_TRANSITION"), &json!(["input", "status"])));
    for (status, expected) in [
        ("PAST_DUE", "PAST_DUE"),
        ("SUSPENDED", "SUSPENDED"),
        ("PAST_DUE", "PAST_DUE"),
        ("ACTIVE", "ACTIVE"),
        ("PAUSED", "PAUSED"),
        ("ACTIVE", "ACTIVE"),
        ("CANCELED", "CANCELED"),
        ("ACTIVE", "ACTIVE"),
        ("EXPIRED", "EXPIRED"),
    ] {
        let saved = admin.mutate("updateSubscription", json!({"id": id, "status": status}), shown).await;
        assert_eq!(saved["subscription"]["status"], expected);
    }
    // It takes what the single mutation takes.
    let unpaid = json!({"requiresPayment": true});
    let (_, waits) = world.subscribed(world.alpha, "Bob", world.alpha.basic, unpaid).await;
    let answer = admin.send_mutation("updateSubscription", json!({"id": waits, "status": "ACTIVE"}), "").await;
    assert_eq!(answer.code(), "FORBIDDEN");
}
