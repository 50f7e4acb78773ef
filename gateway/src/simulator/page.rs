//! The pages that a payer sees: plain HTML, with the test numbers to choose from.

use std::fmt::Write as _;

use super::api::Params;
use super::card::{CARDS, Card};
use super::engine::Charged;
use super::state::{Account, Session};

/// What a page answers.
pub enum Shown {
    /// HTML, with a status.
    Page(u16, String),
    /// Another address.
    Redirect(String),
}

/// Answers a request for a page: its path behind the account.
pub fn show(account: &mut Account, post: bool, path: &[&str], params: &Params, now: i64) -> Shown {
    match path {
        ["pay", id] => match account.sessions.get(*id).cloned() {
            Some(session) if session.status == "open" && post => pay(account, &session, params, now),
            Some(session) => pay_page(&session, ""),
            None => gone(),
        },
        ["invoice", id] => invoice(account, id, post, params, now),
        ["portal", id] if account.customers.contains_key(*id) => portal(account, id, post, params, now),
        _ => gone(),
    }
}

fn gone() -> Shown {
    Shown::Page(404, document("Not found", "<p>There is no such page.</p>"))
}

fn pay(account: &mut Account, session: &Session, params: &Params, now: i64) -> Shown {
    let field = |name: &str| params.0.get(name).map_or("", String::as_str);
    if let Some(card) = session.asked {
        // The bank has been asked.
        if field("bank") == "approve" {
            account.complete(&session.id, card, now);
            return done(session);
        }
        forget(account, &session.id, None);
        let session = Session { asked: None, ..session.clone() };
        return pay_page(&session, "The bank did not confirm the payment.");
    }
    let Some(card) = Card::of_number(field("card")) else {
        return pay_page(session, "That is none of the test numbers.");
    };
    match account.try_card(&session.customer, card) {
        Charged::Paid => {
            account.complete(&session.id, card, now);
            done(session)
        }
        Charged::Declined(code) => pay_page(session, &format!("The card was declined: {code}.")),
        Charged::Waits => {
            forget(account, &session.id, Some(card));
            pay_page(&Session { asked: Some(card), ..session.clone() }, "")
        }
    }
}

fn forget(account: &mut Account, session: &str, asked: Option<Card>) {
    if let Some(session) = account.sessions.get_mut(session) {
        session.asked = asked;
    }
}

fn done(session: &Session) -> Shown {
    Shown::Redirect(session.success_url.replace("{CHECKOUT_SESSION_ID}", &session.id))
}

fn pay_page(session: &Session, message: &str) -> Shown {
    let mut body = String::new();
    let status = match session.status {
        "open" => 200,
        _ => 410,
    };
    match (session.status, session.asked) {
        ("open", Some(_)) => body.push_str(
            "<form method=\"post\"><p>Your bank asks: is this you?</p>\
             <button name=\"bank\" value=\"approve\">Approve</button> \
             <button name=\"bank\" value=\"refuse\">Refuse</button></form>",
        ),
        ("open", None) => {
            body.push_str("<ul>");
            for (price, quantity) in &session.lines {
                let _ = write!(body, "<li>{quantity} × {}</li>", escape(&price.id));
            }
            body.push_str("</ul>");
            body.push_str(&cards(message));
            let _ = write!(body, "<p><a href=\"{}\">Back</a></p>", escape(&session.cancel_url));
        }
        (other, _) => {
            let _ = write!(body, "<p>This page is closed: {other}.</p>");
        }
    }
    Shown::Page(status, document(if session.mode == "setup" { "Leave a card" } else { "Subscribe" }, &body))
}

fn invoice(account: &mut Account, id: &str, post: bool, params: &Params, now: i64) -> Shown {
    let Some(found) = account.invoices.get(id).cloned() else { return gone() };
    let mut message = String::new();
    if post && found.status == "open" {
        let number = params.0.get("card").map_or("", String::as_str);
        message = match Card::of_number(number).map(|card| account.pay(id, Some(card), now)) {
            None => "That is none of the test numbers.".to_owned(),
            Some(Charged::Paid) => String::new(),
            Some(Charged::Declined(code)) => format!("The card was declined: {code}."),
            Some(Charged::Waits) => "The bank has to be asked.".to_owned(),
        };
    }
    let status = account.invoices.get(id).map_or("", |invoice| invoice.status);
    let mut body = format!("<p>{} {} ({status})</p>", found.due, escape(&found.currency));
    if status == "open" {
        body.push_str(&cards(&message));
    }
    Shown::Page(200, document("Invoice", &body))
}

fn portal(account: &mut Account, customer: &str, post: bool, params: &Params, now: i64) -> Shown {
    let theirs = account.subscriptions.values().filter(|billed| billed.customer == customer && !billed.ended());
    let theirs: Vec<String> = theirs.map(|billed| billed.id.clone()).collect();
    let chosen = params.0.get("subscription").filter(|chosen| post && theirs.contains(chosen));
    if let Some(id) = chosen {
        if let Some(billed) = account.subscriptions.get_mut(id) {
            billed.cancel_at_period_end = !billed.cancel_at_period_end;
        }
        account.tell_subscription("customer.subscription.updated", id, now);
    }
    let mut body = String::new();
    for id in &theirs {
        let ends = account.subscriptions.get(id).is_some_and(|billed| billed.cancel_at_period_end);
        let label = if ends { "Keep" } else { "Cancel at the end of the period" };
        let _ = write!(
            body,
            "<form method=\"post\"><p>{id}</p><button name=\"subscription\" value=\"{id}\">{label}</button></form>"
        );
    }
    let back = params.0.get("back").filter(|back| back.starts_with("https://") || back.starts_with("http://"));
    if let Some(back) = back {
        let _ = write!(body, "<p><a href=\"{}\">Back</a></p>", escape(back));
    }
    Shown::Page(200, document("Your subscriptions", &body))
}

fn cards(message: &str) -> String {
    let mut form = String::new();
    if !message.is_empty() {
        let _ = write!(form, "<p role=\"alert\">{}</p>", escape(message));
    }
    form.push_str("<form method=\"post\">");
    for (index, card) in CARDS.iter().enumerate() {
        let checked = if index == 0 { " checked" } else { "" };
        let (number, says) = (card.number(), card.says);
        let _ = write!(
            form,
            "<p><label><input type=\"radio\" name=\"card\" value=\"{number}\"{checked}> {number} {says}</label></p>"
        );
    }
    form.push_str("<button>Pay</button></form>");
    form
}

fn document(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\
         <h1>{title}</h1><p>This is a simulation: no money moves.</p>{body}</html>"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
