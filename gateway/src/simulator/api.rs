//! The part of Stripe's API that is spoken.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::card::{Behaviour, Card};
use super::state::{Account, Customer, Endpoint, Metadata, Method, Price, Refund, Session, list};

/// What is answered: a status, and an object.
pub type Reply = (u16, Value);
type Answer = Result<Value, Reply>;

/// The fields of a request.
pub struct Params(pub BTreeMap<String, String>);

impl Params {
    pub fn of(form: &str) -> Self {
        Self(form_urlencoded::parse(form.as_bytes()).into_owned().collect())
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn need(&self, key: &str) -> Result<&str, Reply> {
        self.get(key).ok_or_else(|| refuse(400, "parameter_missing", &format!("Missing required param: {key}."), key))
    }

    fn number(&self, key: &str) -> Result<Option<i64>, Reply> {
        let parse =
            |value: &str| value.parse().map_err(|_| refuse(400, "parameter_invalid_integer", "Invalid integer.", key));
        self.get(key).map(parse).transpose()
    }

    fn metadata(&self, within: &str) -> Metadata {
        let key = |name: &str| Some(name.strip_prefix(within)?.strip_prefix('[')?.strip_suffix(']')?.to_owned());
        self.0.iter().filter_map(|(name, value)| Some((key(name)?, value.clone()))).collect()
    }

    fn price(&self, key: &str) -> Result<Price, Reply> {
        let id = self.need(key)?;
        Price::of(id).ok_or_else(|| refuse(400, "resource_missing", &format!("No such price: '{id}'"), key))
    }
}

/// An error as Stripe words one.
pub fn refuse(status: u16, code: &str, message: &str, parameter: &str) -> Reply {
    let sort = match status {
        402 => "card_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    };
    let mut error = json!({ "type": sort, "code": code, "message": message });
    if !parameter.is_empty() {
        error["param"] = json!(parameter);
    }
    (status, json!({ "error": error }))
}

fn declined(code: &str) -> Reply {
    let error = json!({
        "type": "card_error", "code": "card_declined", "decline_code": code, "message": "Your card was declined.",
    });
    (402, json!({ "error": error }))
}

fn missing(sort: &str, id: &str) -> Reply {
    refuse(404, "resource_missing", &format!("No such {sort}: '{id}'"), "id")
}

/// Answers one request.
pub fn answer(account: &mut Account, method: &str, path: &[&str], params: &Params, now: i64) -> Reply {
    match route(account, method, path, params, now) {
        Ok(body) => (200, body),
        Err(reply) => reply,
    }
}

fn route(account: &mut Account, method: &str, path: &[&str], params: &Params, now: i64) -> Answer {
    let live = account.live;
    match (method, path) {
        ("GET", ["account"]) => Ok(json!({
            "id": account.id, "object": "account", "country": "US", "default_currency": "usd",
        })),
        ("GET", ["balance"]) => Ok(json!({ "object": "balance", "available": [], "livemode": live, "pending": [] })),
        ("GET", ["prices", id]) => Price::of(id).map(|price| price.show(live)).ok_or_else(|| missing("price", id)),
        ("GET", ["events"]) => {
            let since = params.number("created[gte]")?.unwrap_or(i64::MIN);
            let events = account.events.iter().filter(|event| event["created"].as_i64() >= Some(since));
            page("/v1/events", events.cloned().collect(), params)
        }
        ("POST", ["webhook_endpoints"]) => endpoint(account, params, now),
        ("POST", ["customers"]) => {
            let customer = Customer {
                id: account.new_id("cus"),
                created: now,
                email: params.get("email").map(str::to_owned),
                name: params.get("name").map(str::to_owned),
                default_method: None,
                metadata: params.metadata("metadata"),
                balance: 0,
                deleted: false,
            };
            let shown = customer.show(live);
            account.customers.insert(customer.id.clone(), customer);
            Ok(shown)
        }
        ("GET", ["customers"]) => {
            let since = params.number("created[gte]")?.unwrap_or(i64::MIN);
            let found = account.customers.values().filter(|customer| !customer.deleted && customer.created >= since);
            page("/v1/customers", found.map(|customer| customer.show(live)).collect(), params)
        }
        ("GET", ["customers", id]) => {
            account.customers.get(*id).map(|customer| customer.show(live)).ok_or_else(|| missing("customer", id))
        }
        ("GET", ["customers", id, "payment_methods"]) => {
            known(account, id)?;
            let found = account.methods.values().filter(|method| method.customer.as_deref() == Some(*id));
            page("/v1/payment_methods", found.map(|method| method.show(live)).collect(), params)
        }
        ("POST", ["customers", id]) => {
            known(account, id)?;
            if let Some(method) = params.get("invoice_settings[default_payment_method]") {
                own_method(account, id, method)?;
            }
            let customer = account.customers.get_mut(*id).ok_or_else(|| missing("customer", id))?;
            if let Some(method) = params.get("invoice_settings[default_payment_method]") {
                customer.default_method = Some(method.to_owned());
            }
            let shown = customer.show(live);
            account.tell("customer.updated", shown.clone(), now);
            Ok(shown)
        }
        ("DELETE", ["customers", id]) => {
            known(account, id)?;
            let customer = account.customers.get_mut(*id).ok_or_else(|| missing("customer", id))?;
            let shown = customer.show(live);
            customer.deleted = true;
            let gone = customer.show(live);
            let theirs = account.subscriptions.values().filter(|billed| billed.customer == *id && !billed.ended());
            for subscription in theirs.map(|billed| billed.id.clone()).collect::<Vec<_>>() {
                account.end(&subscription, now);
            }
            account.tell("customer.deleted", shown, now);
            Ok(gone)
        }
        ("POST", ["checkout", "sessions"]) => session(account, params, now),
        ("GET", ["checkout", "sessions"]) => {
            let customer = params.get("customer");
            let found = account.sessions.values();
            let found = found.filter(|session| customer.is_none_or(|customer| session.customer == customer));
            page("/v1/checkout/sessions", found.map(|session| session.show(live)).collect(), params)
        }
        ("GET", ["checkout", "sessions", id]) => {
            account.sessions.get(*id).map(|session| session.show(live)).ok_or_else(|| missing("checkout.session", id))
        }
        ("POST", ["checkout", "sessions", id, "expire"]) => {
            let session = account.sessions.get(*id).ok_or_else(|| missing("checkout.session", id))?;
            if session.status != "open" {
                let message = "Only Checkout Sessions with a status in [\"open\"] can be expired.";
                return Err(refuse(400, "", message, ""));
            }
            account.expire(id, now);
            account.sessions.get(*id).map(|session| session.show(live)).ok_or_else(|| missing("checkout.session", id))
        }
        ("POST", ["billing_portal", "sessions"]) => {
            let customer = params.need("customer")?;
            known(account, customer)?;
            let id = account.new_id("bps");
            let back: String =
                form_urlencoded::byte_serialize(params.get("return_url").unwrap_or("").as_bytes()).collect();
            let url = format!("{}/portal/{}/{customer}?back={back}", account.pages, account.id);
            Ok(json!({
                "id": id, "object": "billing_portal.session", "created": now, "customer": customer, "livemode": live,
                "return_url": params.get("return_url"), "url": url,
            }))
        }
        ("GET", ["subscriptions"]) => {
            let (customer, all) = (params.get("customer"), params.get("status") == Some("all"));
            let found = account.subscriptions.values().filter(|billed| {
                customer.is_none_or(|customer| billed.customer == customer) && (all || !billed.ended())
            });
            page("/v1/subscriptions", found.map(|billed| billed.show(live)).collect(), params)
        }
        ("GET", ["subscriptions", id]) => {
            account.subscriptions.get(*id).map(|billed| billed.show(live)).ok_or_else(|| missing("subscription", id))
        }
        ("POST", ["subscriptions", id]) => update(account, id, params, now),
        ("DELETE", ["subscriptions", id]) => {
            if account.subscriptions.get(*id).is_none_or(|billed| billed.ended()) {
                return Err(missing("subscription", id));
            }
            account.end(id, now);
            account.subscriptions.get(*id).map(|billed| billed.show(live)).ok_or_else(|| missing("subscription", id))
        }
        ("POST", ["invoices", "create_preview"]) => preview(account, params, now),
        ("GET", ["invoices", id]) if account.invoices.contains_key(*id) => Ok(account.show_invoice(id)),
        ("POST", ["invoices", id, "void"]) if account.invoices.contains_key(*id) => {
            if account.invoices.get(*id).is_some_and(|invoice| invoice.status != "open") {
                return Err(refuse(400, "invoice_not_editable", "This invoice can no longer be voided.", ""));
            }
            account.void(id, now);
            Ok(account.show_invoice(id))
        }
        (_, ["invoices", id, ..]) => Err(missing("invoice", id)),
        ("GET", ["invoice_payments"]) => {
            let payment = params.need("payment[payment_intent]")?;
            let invoice = account.payments.get(payment).map(|payment| account.show_invoice(&payment.invoice));
            let data = invoice.map(|invoice| invoice["payments"]["data"].as_array().cloned().unwrap_or_default());
            Ok(list("/v1/invoice_payments", data.unwrap_or_default(), false))
        }
        ("GET", ["payment_intents", id]) => {
            let mut shown = account.payment(id).ok_or_else(|| missing("payment_intent", id))?;
            let expanded = params.0.iter().any(|(key, value)| key.starts_with("expand[") && value == "latest_charge");
            if !expanded && shown["latest_charge"].is_object() {
                shown["latest_charge"] = shown["latest_charge"]["id"].clone();
            }
            Ok(shown)
        }
        ("POST", ["refunds"]) => refund(account, params, now),
        ("GET", ["refunds"]) => {
            let payment = params.get("payment_intent");
            let found =
                account.refunds.values().filter(|refund| payment.is_none_or(|payment| refund.payment == payment));
            page("/v1/refunds", found.map(Refund::show).collect(), params)
        }
        ("GET", ["refunds", id]) => account.refunds.get(*id).map(Refund::show).ok_or_else(|| missing("refund", id)),
        ("GET", ["disputes", id]) => {
            account.disputes.get(*id).map(|dispute| dispute.show(live)).ok_or_else(|| missing("dispute", id))
        }
        ("GET", ["payment_methods", id]) => {
            account.methods.get(*id).map(|method| method.show(live)).ok_or_else(|| missing("PaymentMethod", id))
        }
        ("POST", ["payment_methods", id, "attach"]) => attach(account, id, params.need("customer")?, now),
        ("POST", ["payment_methods", id, "detach"]) => {
            let method = account.methods.get_mut(*id).ok_or_else(|| missing("PaymentMethod", id))?;
            let owner = method.customer.take();
            if owner.is_none() {
                return Err(refuse(400, "", "The payment method you provided is not attached to a customer.", ""));
            }
            let shown = method.show(live);
            account.tell("payment_method.detached", shown.clone(), now);
            for customer in account.customers.values_mut() {
                customer.default_method.take_if(|method| method == id);
            }
            for billed in account.subscriptions.values_mut() {
                billed.default_method.take_if(|method| method == id);
            }
            Ok(shown)
        }
        _ => Err(refuse(404, "", "Unrecognized request URL.", "")),
    }
}

/// A page of a list, newest first.
fn page(url: &str, mut found: Vec<Value>, params: &Params) -> Answer {
    let limit = usize::try_from(params.number("limit")?.unwrap_or(10)).unwrap_or(10).clamp(1, 100);
    // Ids are counted up.
    found.sort_by(|one, other| other["id"].as_str().cmp(&one["id"].as_str()));
    let position = |key: &str| {
        let Some(id) = params.get(key) else { return Ok(None) };
        let place = found.iter().position(|object| object["id"] == id);
        place.map(Some).ok_or_else(|| refuse(400, "resource_missing", "No such object.", key))
    };
    let (after, before) = (position("starting_after")?, position("ending_before")?);
    let range = match (after, before) {
        (Some(after), _) => after + 1..(after + 1 + limit).min(found.len()),
        // Those nearest to the cursor, not the newest.
        (None, Some(before)) => before.saturating_sub(limit)..before,
        (None, None) => 0..limit.min(found.len()),
    };
    let more = if before.is_some() { range.start > 0 } else { range.end < found.len() };
    Ok(list(url, found.get(range).unwrap_or_default().to_vec(), more))
}

fn known(account: &Account, customer: &str) -> Result<(), Reply> {
    match account.customers.get(customer) {
        Some(found) if !found.deleted => Ok(()),
        _ => Err(refuse(404, "resource_missing", &format!("No such customer: '{customer}'"), "customer")),
    }
}

fn own_method(account: &Account, customer: &str, method: &str) -> Result<(), Reply> {
    match account.methods.get(method) {
        Some(found) if found.customer.as_deref() == Some(customer) => Ok(()),
        _ => Err(refuse(400, "resource_missing", "No such payment method.", "default_payment_method")),
    }
}

fn endpoint(account: &mut Account, params: &Params, now: i64) -> Answer {
    let id = account.new_id("we");
    let mut random = [0; 24];
    let filled = aws_lc_rs::rand::fill(&mut random);
    filled.map_err(|_| refuse(500, "", "No randomness.", ""))?;
    let secret: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let told = params.0.iter().filter(|(key, _)| key.starts_with("enabled_events["));
    let endpoint = Endpoint {
        url: params.need("url")?.to_owned(),
        secret: format!("whsec_{secret}"),
        events: told.map(|(_, sort)| sort.clone()).collect(),
    };
    let shown = json!({
        "id": id, "object": "webhook_endpoint", "api_version": params.get("api_version"), "created": now,
        "enabled_events": endpoint.events, "livemode": account.live, "secret": endpoint.secret, "status": "enabled",
        "url": endpoint.url,
    });
    account.endpoints.push(endpoint);
    Ok(shown)
}

fn session(account: &mut Account, params: &Params, now: i64) -> Answer {
    let customer = params.need("customer")?.to_owned();
    known(account, &customer)?;
    let mode = match params.need("mode")? {
        "subscription" => "subscription",
        "setup" => "setup",
        _ => return Err(refuse(400, "", "Only subscriptions and setup are simulated.", "mode")),
    };
    let mut lines = Vec::new();
    while params.get(&format!("line_items[{}][price]", lines.len())).is_some() {
        let index = lines.len();
        let price = params.price(&format!("line_items[{index}][price]"))?;
        let quantity = params.number(&format!("line_items[{index}][quantity]"))?.unwrap_or(1);
        lines.push((price, quantity));
    }
    if mode == "subscription" {
        let Some((first, _)) = lines.first() else { return Err(params.need("line_items").err().unwrap_or_default()) };
        let alike = |price: &Price| {
            price.currency == first.currency && (price.interval, price.count) == (first.interval, first.count)
        };
        if !lines.iter().all(|(price, _)| alike(price)) {
            return Err(refuse(400, "", "All prices need one currency and one interval.", "line_items"));
        }
    }
    let expires_at = params.number("expires_at")?.unwrap_or(now + 86_400);
    if !(now + 1_800..=now + 86_400).contains(&expires_at) {
        return Err(refuse(400, "", "It must be between 30 minutes and 24 hours from now.", "expires_at"));
    }
    let trial_end = params.number("subscription_data[trial_end]")?;
    if trial_end.is_some_and(|end| end < now + 2 * 86_400) {
        let message = "The `trial_end` date has to be at least 2 days in the future.";
        return Err(refuse(400, "", message, "subscription_data[trial_end]"));
    }
    let id = account.new_id("cs_test");
    let currency = lines.first().map(|(price, _)| price.currency.clone());
    let session = Session {
        id: id.clone(),
        mode,
        status: "open",
        customer,
        reference: params.get("client_reference_id").map(str::to_owned),
        currency: currency.or_else(|| params.get("currency").map(str::to_owned)).unwrap_or_default(),
        lines,
        trial_end,
        success_url: params.need("success_url")?.to_owned(),
        cancel_url: params.get("cancel_url").unwrap_or_default().to_owned(),
        metadata: params.metadata("metadata"),
        subscription_metadata: params.metadata("subscription_data[metadata]"),
        subscription: None,
        invoice: None,
        setup: None,
        asked: None,
        url: format!("{}/pay/{}/{id}", account.pages, account.id),
        expires_at,
        created: now,
    };
    let shown = session.show(account.live);
    account.sessions.insert(id, session);
    Ok(shown)
}

fn update(account: &mut Account, id: &str, params: &Params, now: i64) -> Answer {
    let before = account.subscriptions.get(id).ok_or_else(|| missing("subscription", id))?.clone();
    if before.ended() {
        return Err(refuse(400, "", "A canceled subscription can only update its cancellation_details.", ""));
    }
    if let Some(method) = params.get("default_payment_method") {
        own_method(account, &before.customer, method)?;
    }
    if let Some(item) = params.get("items[0][id]") {
        let price = params.price("items[0][price]")?;
        let quantity = params.number("items[0][quantity]")?.unwrap_or(1);
        let at = params.number("proration_date")?.unwrap_or(now);
        let changed = account.change(id, item, &price, quantity, at, now);
        changed.ok_or_else(|| refuse(400, "resource_missing", "No such subscription item.", "items[0][id]"))?;
    }
    let Some(subscription) = account.subscriptions.get_mut(id) else { return Err(missing("subscription", id)) };
    if let Some(value) = params.get("cancel_at_period_end") {
        subscription.cancel_at_period_end = value == "true";
    }
    if params.get("pause_collection[behavior]").is_some() {
        subscription.paused = true;
    } else if params.0.get("pause_collection").is_some_and(String::is_empty) {
        subscription.paused = false;
    }
    if let Some(method) = params.get("default_payment_method") {
        subscription.default_method = Some(method.to_owned());
    }
    let shown = subscription.show(account.live);
    if params.get("items[0][id]").is_none() {
        account.tell("customer.subscription.updated", shown.clone(), now);
    }
    Ok(shown)
}

fn preview(account: &Account, params: &Params, now: i64) -> Answer {
    let id = params.need("subscription")?;
    let subscription = account.subscriptions.get(id).ok_or_else(|| missing("subscription", id))?;
    let price = params.price("subscription_details[items][0][price]")?;
    let item = params.need("subscription_details[items][0][id]")?;
    let quantity = params.number("subscription_details[items][0][quantity]")?.unwrap_or(1);
    let at = params.number("subscription_details[proration_date]")?.unwrap_or(now);
    let difference = account.difference(id, item, &price, quantity, at);
    let (due, _) = difference.ok_or_else(|| refuse(400, "resource_missing", "No such subscription item.", ""))?;
    let balance = account.customers.get(&subscription.customer).map_or(0, |customer| customer.balance);
    let line = json!({
        "id": "il_preview", "object": "line_item", "amount": due, "currency": price.currency,
        "period": { "start": subscription.period.0, "end": subscription.period.1 },
    });
    Ok(json!({
        "object": "invoice", "amount_due": if due > 0 { (due + balance).max(0) } else { due }, "amount_paid": 0,
        "attempt_count": 0, "attempted": false, "billing_reason": "upcoming", "created": now,
        "currency": price.currency, "customer": subscription.customer,
        "lines": list("/v1/invoices/lines", vec![line], false), "livemode": account.live,
        "next_payment_attempt": null, "parent": null, "status": "draft", "status_transitions": { "paid_at": null },
    }))
}

fn refund(account: &mut Account, params: &Params, now: i64) -> Answer {
    let id = params.need("payment_intent")?;
    let live = account.live;
    let payment = account.payments.get(id).ok_or_else(|| missing("payment_intent", id))?.clone();
    if payment.status != "succeeded" {
        return Err(refuse(400, "charge_not_refundable", "This payment has no successful charge to refund.", ""));
    }
    let left = payment.amount - payment.refunded;
    let amount = params.number("amount")?.unwrap_or(left);
    if left == 0 {
        return Err(refuse(400, "charge_already_refunded", "The charge has already been refunded.", ""));
    }
    if !(1..=left).contains(&amount) {
        return Err(refuse(
            400,
            "amount_too_large",
            "The amount is greater than what is left of the charge.",
            "amount",
        ));
    }
    let card = payment.method.as_ref().and_then(|method| account.methods.get(method)).map(|method| method.card);
    let fails = card.is_some_and(|card| card.behaviour == Behaviour::RefusesRefunds);
    let refund = Refund {
        id: account.new_id("re"),
        payment: id.to_owned(),
        status: if fails { "failed" } else { "succeeded" },
        amount,
        currency: payment.currency.clone(),
        metadata: params.metadata("metadata"),
        created: now,
    };
    let shown = refund.show();
    account.refunds.insert(refund.id.clone(), refund);
    account.tell("refund.created", shown.clone(), now);
    if fails {
        account.tell("refund.failed", shown.clone(), now);
    } else if let Some(payment) = account.payments.get_mut(id) {
        payment.refunded += amount;
        let charge = payment.charge(live);
        account.tell("charge.refunded", charge, now);
    }
    Ok(shown)
}

fn attach(account: &mut Account, id: &str, customer: &str, now: i64) -> Answer {
    known(account, customer)?;
    let live = account.live;
    let id = match Card::of_token(id) {
        Some(Card { behaviour: Behaviour::Declines(code), .. }) => return Err(declined(code)),
        // Each use of a word makes a method of its own.
        Some(card) => {
            let id = account.new_id("pm");
            account.methods.insert(id.clone(), Method { id: id.clone(), customer: None, card, created: now });
            id
        }
        None => id.to_owned(),
    };
    let method = account.methods.get_mut(&id).ok_or_else(|| missing("PaymentMethod", &id))?;
    if method.customer.as_deref().is_some_and(|owner| owner != customer) {
        return Err(refuse(400, "", "The payment method has already been attached to a customer.", ""));
    }
    method.customer = Some(customer.to_owned());
    let shown = method.show(live);
    account.tell("payment_method.attached", shown.clone(), now);
    Ok(shown)
}
