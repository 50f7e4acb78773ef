//! Sends events to whoever asked for them.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::Value;

use super::Shared;
use super::fault::take;
use crate::object::Seconds;
use crate::stripe::signature;

/// Tries of one event. Stripe goes on for three days; what is lost here is found by asking.
const TRIES: u32 = 5;

/// One event for one endpoint.
struct Letter {
    url: String,
    secret: SecretString,
    event: Value,
    tries: u32,
}

/// Sends what there is, whenever there is something.
pub async fn run(shared: Arc<Shared>, client: reqwest::Client) {
    let mut again: Vec<Letter> = Vec::new();
    loop {
        let mut letters = std::mem::take(&mut again);
        letters.extend(collect(&shared));
        if letters.is_empty() {
            shared.idle.notify_waiters();
            shared.news.notified().await;
            continue;
        }
        for letter in letters {
            if !send(&shared, &client, &letter).await && letter.tries + 1 < TRIES {
                again.push(Letter { tries: letter.tries + 1, ..letter });
            }
            shared.under_way(|count| count.saturating_sub(1));
        }
        if !again.is_empty() {
            shared.under_way(|count| count + again.len());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn collect(shared: &Shared) -> Vec<Letter> {
    let mut inner = shared.lock();
    let mut letters = Vec::new();
    let faults = inner.faults.clone();
    let mut lost = faults.lost_events;
    for account in inner.state.accounts.values_mut() {
        let mut events: Vec<Value> = account.outbox.drain(..).collect();
        events.retain(|_| !take(&mut lost));
        if faults.shuffled_events {
            events.reverse();
        }
        for event in events {
            for endpoint in &account.endpoints {
                let sort = event["type"].as_str().unwrap_or_default();
                if !endpoint.events.iter().any(|wanted| wanted == sort || wanted == "*") {
                    continue;
                }
                for _ in 0..if faults.duplicate_events { 2 } else { 1 } {
                    let (url, secret) = (endpoint.url.clone(), endpoint.secret.clone().into());
                    letters.push(Letter { url, secret, event: event.clone(), tries: 0 });
                }
            }
        }
    }
    inner.faults.lost_events = lost;
    inner.under_way += letters.len();
    letters
}

async fn send(shared: &Shared, client: &reqwest::Client, letter: &Letter) -> bool {
    let body = letter.event.to_string();
    let signature = signature::sign(body.as_bytes(), &letter.secret, Seconds((shared.now)()));
    let request = client.post(&letter.url).header("content-type", "application/json");
    let answer = request.header("stripe-signature", signature).body(body).send().await;
    answer.is_ok_and(|answer| answer.status().is_success())
}
