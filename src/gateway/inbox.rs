//! The inbox: keeps what gateways tell us, and answers at once. What it is about is found out afterwards.

use serde_json::{Map, Value};
use tessera_gateway::{Mode, Seconds, Subject, WebhookError};

use crate::clock::Timestamp;
use crate::entity::{GatewayKind, GatewayMode, WebhookEventId, WebhookEventState, gateway_account, webhook_event};
use crate::error::Result;
use crate::gateway_account::Gateways;
use crate::store::Store;

/// How many characters are kept of a text in what came.
const LONGEST_TEXT: usize = 200;

/// What became of something that came to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// It is kept, now or since earlier.
    Kept,
    /// Nobody has this address.
    NoAddress,
    /// It is no news.
    Refused(WebhookError),
}

/// Keeps what came to the address of an account, if the account's gateway sent it.
pub async fn receive(
    store: &Store,
    gateways: &Gateways,
    (gateway, slug): (&str, &str),
    header: &(dyn Fn(&str) -> Option<String> + Sync),
    body: &[u8],
) -> Result<Receipt> {
    let account = store.system().gateway_account_at(slug).await?;
    let named = |kind: GatewayKind| kind.as_str().eq_ignore_ascii_case(gateway) && kind != GatewayKind::Manual;
    let Some(account) = account.filter(|account| named(account.kind)) else { return Ok(Receipt::NoAddress) };
    let now = store.real_now();
    let seconds = Seconds(now.micros().div_euclid(1_000_000));
    let event = match gateways.verify(&account, header, body, seconds)? {
        Ok(event) => event,
        Err(error) => return Ok(Receipt::Refused(error)),
    };
    let (state, reason, object) = decided(&account, &event);
    let is_over = state != WebhookEventState::Received;
    let row = webhook_event::Model {
        id: WebhookEventId::generate(),
        tenant_id: account.tenant_id,
        account_id: account.id,
        gateway_event_id: event.id.0,
        kind: event.kind,
        object_kind: object.as_ref().map(|(kind, _)| (*kind).into()),
        object_id: object.map(|(_, id)| id),
        state,
        reason: reason.map(str::to_owned),
        seq: None,
        body: Some(redacted(body)),
        happened_at: Timestamp::from_micros(event.created.0.saturating_mul(1_000_000)),
        decided_at: is_over.then_some(now),
        created_at: now,
        updated_at: now,
        version: 1,
    };
    store.system().keep_event(&row).await?;
    Ok(Receipt::Kept)
}

/// What is known of news at once.
fn decided(
    account: &gateway_account::Model,
    event: &tessera_gateway::Event,
) -> (WebhookEventState, Option<&'static str>, Option<(tessera_gateway::Kind, String)>) {
    let is_live = account.mode == GatewayMode::Live;
    let skipped = |reason| (WebhookEventState::Skipped, Some(reason), None);
    if is_live != (event.mode == Mode::Live) {
        return skipped("OTHER_MODE");
    }
    match &event.subject {
        Subject::Object(kind, id) => (WebhookEventState::Received, None, Some((*kind, id.clone()))),
        Subject::Nothing => skipped("NOTHING_TO_DO"),
        Subject::Unknown => skipped("UNKNOWN_TYPE"),
    }
}

/// The keys whose values say what happened, and to what; all others may be secret, or tell of a person.
const SHOWN: &[&str] = &[
    "amount",
    "amount_due",
    "amount_paid",
    "amount_received",
    "amount_refunded",
    "amount_remaining",
    "amount_total",
    "api_version",
    "attempt_count",
    "billing_reason",
    "cancel_at",
    "cancel_at_period_end",
    "canceled_at",
    "charge",
    "created",
    "currency",
    "current_period_end",
    "current_period_start",
    "customer",
    "ended_at",
    "id",
    "invoice",
    "latest_invoice",
    "livemode",
    "mode",
    "next_payment_attempt",
    "object",
    "paid",
    "payment_intent",
    "payment_method",
    "payment_status",
    "period_end",
    "period_start",
    "price",
    "quantity",
    "reason",
    "setup_intent",
    "status",
    "subscription",
    "trial_end",
    "trial_start",
    "type",
];

/// What came, as JSON, without what is secret or personal.
fn redacted(body: &[u8]) -> String {
    fn shown(value: Value) -> Option<Value> {
        match value {
            Value::Object(fields) => {
                let kept = fields.into_iter().filter_map(|(key, value)| {
                    let is_inner = value.is_object() || value.is_array();
                    let is_shown = is_inner || SHOWN.contains(&key.as_str());
                    Some((key, shown(value).filter(|_| is_shown)?))
                });
                let kept: Map<_, _> = kept.collect();
                (!kept.is_empty()).then_some(Value::Object(kept))
            }
            Value::Array(items) => {
                // Texts of a list have no key that says what they are.
                let kept: Vec<_> = items.into_iter().filter(Value::is_object).filter_map(shown).collect();
                (!kept.is_empty()).then_some(Value::Array(kept))
            }
            Value::String(text) => (text.chars().count() <= LONGEST_TEXT).then_some(Value::String(text)),
            Value::Null => None,
            plain => Some(plain),
        }
    }
    let read: Value = serde_json::from_slice(body).unwrap_or_default();
    shown(read).unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_secret_or_personal_is_not_kept() {
        let body = br#"{"id": "evt_1", "type": "invoice.paid", "account": "acct_1", "data": {"object": {
            "id": "in_1", "customer": "cus_1", "customer_email": "a@example.com", "client_secret": "pi_1_secret_2",
            "hosted_invoice_url": "https://pay.example.com/x", "metadata": {"note": "private"},
            "billing_details": {"name": "Ada", "address": {"line1": "Street"}}, "lines": {"data": [{"id": "il_1",
            "description": "For Ada"}]}, "card": {"number": "4242424242424242"}}},
            "request": {"id": "req_1", "idempotency_key": "k"}}"#;
        let kept = redacted(body);
        let expected = serde_json::json!({"id": "evt_1", "type": "invoice.paid", "data": {"object": {
            "id": "in_1", "customer": "cus_1", "lines": {"data": [{"id": "il_1"}]}}}, "request": {"id": "req_1"}});
        assert_eq!(serde_json::from_str::<Value>(&kept).expect("JSON"), expected);
        assert_eq!(redacted(b"no JSON"), "null");
    }
}
