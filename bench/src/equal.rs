//! Whether all contestants say the same: their answers in one common form.
//!
//! The common form has ids as UUIDs, times as microseconds, money beside the thing it belongs to, and lists in the
//! order of the answer where the question asks for one.

use serde_json::{Map, Value, json};
use tessera_harness::{Context, Failure, Result};

use crate::keys::{parse_typed, uuid};
use crate::operation::Operation;
use crate::options::Contestant;
use crate::time::micros;

/// The common form of an answer over HTTP.
pub fn common(contestant: Contestant, operation: Operation, body: &[u8]) -> Result<Value> {
    let answer: Value = serde_json::from_slice(body)?;
    if answer.get("errors").is_some() {
        return Err(Failure::new(format_args!("{} answers {}: {answer}", contestant.name(), operation.name())));
    }
    let data = answer.get("data").context("an answer has no data")?;
    let data = if contestant == Contestant::Postgraphile { from_postgraphile(data) } else { from_tessera(data) };
    if matches!(operation, Operation::Q4 | Operation::Q4Large) {
        return dashboard(contestant, &data).context("a dashboard of another shape");
    }
    let root = data.as_object().and_then(|data| data.values().next()).cloned().unwrap_or_default();
    match operation {
        Operation::A2 => features(&root).context("access of another shape"),
        Operation::A1 => worth(contestant, &root).context("a status of another shape"),
        Operation::M1 => {
            let made = root.get("customer").or(root.get("result")).cloned().unwrap_or_default();
            if made["name"].is_null() {
                return Err(Failure::new(format_args!("{} refuses M1: {root}", contestant.name())));
            }
            Ok(without_ids_of_new_rows(made))
        }
        _ => Ok(root),
    }
}

fn from_tessera(value: &Value) -> Value {
    match value {
        Value::String(text) => {
            let id = parse_typed(text).map(|id| uuid(id).into());
            id.or_else(|| micros(text).map(Value::from)).unwrap_or_else(|| text.as_str().into())
        }
        Value::Array(items) => items.iter().map(from_tessera).collect(),
        Value::Object(fields) if fields.len() == 1 && fields.contains_key("nodes") => from_tessera(&fields["nodes"]),
        Value::Object(fields) => {
            let mut common = Map::new();
            for (name, value) in fields {
                match (name.as_str(), value) {
                    ("endCursor", _) => {}
                    ("price" | "amount", Value::Object(money)) => common.extend(money.clone()),
                    _ => {
                        common.insert(name.clone(), from_tessera(value));
                    }
                }
            }
            common.into()
        }
        other => other.clone(),
    }
}

fn from_postgraphile(value: &Value) -> Value {
    const NUMBERS: [&str; 5] = ["amountMinor", "count", "subscriptions", "monthlyRevenue", "currentPeriodEnd"];
    match value {
        Value::Array(items) => items.iter().map(from_postgraphile).collect(),
        Value::Object(fields) => {
            let mut common = Map::new();
            for (name, value) in fields {
                let is_number = NUMBERS.contains(&name.as_str()) || name.ends_with("At");
                let number = value.as_str().filter(|_| is_number).and_then(|text| text.parse::<i64>().ok());
                let name = match name.as_str() {
                    "endCursor" => continue,
                    "rowId" => "id",
                    "paymentsByTenantIdAndCustomerIdList" => "payments",
                    other => other,
                };
                common.insert(name.to_owned(), number.map_or_else(|| from_postgraphile(value), Value::from));
            }
            common.into()
        }
        other => other.clone(),
    }
}

/// The common form of the floor's rows.
pub fn from_rows(operation: Operation, rows: &Value) -> Result<Value> {
    let rows = rows.as_array().context("no rows")?;
    match operation {
        Operation::Q1 => rows.first().map(customer).context("no row"),
        Operation::Q2 | Operation::Q3 => Ok(page(rows)),
        Operation::Q4 | Operation::Q4Large => groups(rows).context("groups of another shape"),
        Operation::A2 => {
            Ok(json!(rows.iter().map(|row| limit(&row["key"], &row["ceiling"], &row["used"])).collect::<Vec<_>>()))
        }
        Operation::A1 => {
            let row = rows.first().context("no row")?;
            raw_worth(&row["status"], &row["mode"], &row["cancel_at"], &row["access_ends_at"]).context("no status")
        }
        _ => Err(Failure::new("not compared")),
    }
}

fn customer(row: &Value) -> Value {
    json!({
        "id": row["id"], "name": row["name"], "email": row["email"], "status": row["status"],
        "createdAt": row["created_at"],
        "subscription": {
            "id": row["subscription_id"], "status": row["subscription_status"],
            "currentPeriodEnd": row["current_period_end"],
            "amountMinor": row["amount_minor"], "currency": row["currency"],
            "tier": { "id": row["tier_id"], "key": row["tier_key"], "name": row["tier_name"] },
        },
    })
}

fn page(rows: &[Value]) -> Value {
    let mut nodes: Vec<Value> = Vec::new();
    for row in rows {
        if nodes.last().is_none_or(|last| last["id"] != row["id"]) {
            let mut node = customer(row);
            node["defaultPaymentMethod"] = json!({
                "id": row["method_id"], "kind": row["kind"], "brand": row["brand"], "last4": row["last4"],
                "expMonth": row["exp_month"], "expYear": row["exp_year"],
            });
            node["payments"] = json!([]);
            nodes.push(node);
        }
        let payment = json!({
            "id": row["payment_id"], "status": row["payment_status"], "amountMinor": row["payment_amount"],
            "currency": row["payment_currency"], "createdAt": row["payment_created_at"],
        });
        if let Some(payments) = nodes.last_mut().and_then(|last| last["payments"].as_array_mut()) {
            payments.push(payment);
        }
    }
    let more = nodes.len() > 50;
    nodes.truncate(50);
    json!({ "nodes": nodes, "pageInfo": { "hasNextPage": more } })
}

/// Sorted: the question asks for no order.
fn sums(statuses: Vec<(String, i64)>, tiers: Vec<(String, String, i64, i64, String)>) -> Value {
    let (mut statuses, mut tiers) = (statuses, tiers);
    statuses.retain(|(_, count)| *count > 0);
    tiers.retain(|tier| tier.2 > 0);
    statuses.sort();
    tiers.sort();
    json!({ "subscriptionsByStatus": statuses, "revenueByTier": tiers })
}

fn groups(rows: &[Value]) -> Option<Value> {
    let mut statuses: Vec<(String, i64)> = Vec::new();
    let mut tiers: Vec<(String, String, i64, i64, String)> = Vec::new();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    for row in rows {
        let (count, a_year) = (row["subscriptions"].as_i64()?, row["a_year"].as_i64()?);
        let status = text(&row["status"])?;
        match statuses.iter_mut().find(|(known, _)| *known == status) {
            Some((_, sum)) => *sum += count,
            None => statuses.push((status, count)),
        }
        let tier = text(&row["tier_id"])?;
        match tiers.iter_mut().find(|known| known.0 == tier) {
            Some(sum) => (sum.2, sum.3) = (sum.2 + count, sum.3 + a_year),
            None => tiers.push((tier, text(&row["tier_key"])?, count, a_year, text(&row["currency"])?)),
        }
    }
    // A twelfth of what comes in a year, rounded half up once, as the product does it.
    tiers.iter_mut().for_each(|tier| tier.3 = (tier.3 + 6) / 12);
    Some(sums(statuses, tiers))
}

fn dashboard(contestant: Contestant, data: &Value) -> Option<Value> {
    let (statuses, tiers) = if contestant == Contestant::Postgraphile {
        (data.get("allGraphSubscriptionsByStatusesList")?, data.get("allGraphRevenueByTiersList")?)
    } else {
        let root = data.get("dashboard")?;
        (root.get("subscriptionsByStatus")?, root.get("revenueByTier")?)
    };
    let statuses = statuses.as_array()?.iter();
    let statuses = statuses.map(|one| Some((one["status"].as_str()?.to_owned(), one["count"].as_i64()?)));
    let tiers = tiers.as_array()?.iter().map(|one| {
        // One amount, or a list with one for each currency, of which the data set has one.
        let revenue = one["monthlyRevenue"].get(0).unwrap_or(&one["monthlyRevenue"]);
        let amount = revenue.as_i64().or_else(|| revenue["amountMinor"].as_i64()).unwrap_or(0);
        let currency = one["currency"].as_str().or_else(|| revenue["currency"].as_str()).unwrap_or("EUR");
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let tier = &one["tier"];
        Some((text(&tier["id"])?, text(&tier["key"])?, one["subscriptions"].as_i64()?, amount, currency.to_owned()))
    });
    Some(sums(statuses.collect::<Option<_>>()?, tiers.collect::<Option<_>>()?))
}

/// Of access, what needs no rules.
fn features(access: &Value) -> Option<Value> {
    let features = access["features"].as_array()?.iter();
    Some(features.map(|feature| limit(&feature["key"], &feature["limit"], &feature["used"])).collect())
}

fn limit(key: &Value, limit: &Value, used: &Value) -> Value {
    json!({ "key": key, "limit": limit, "used": used.as_i64().unwrap_or(0) })
}

fn worth(contestant: Contestant, root: &Value) -> Option<Value> {
    if contestant == Contestant::Postgraphile {
        return raw_worth(&root["status"], &root["mode"], &root["cancelAt"], &root["accessEndsAt"]);
    }
    Some(json!({ "status": root.get("status")?, "endsAt": root["endsAt"] }))
}

/// What the rules make of a row whose dates lie in the future: the recorded status, and a day of tolerance for a
/// gateway's renewal.
fn raw_worth(status: &Value, mode: &Value, cancel_at: &Value, access_ends_at: &Value) -> Option<Value> {
    const DAY: i64 = 86_400_000_000;
    let tolerated = mode.as_str()? == "GATEWAY" && status.as_str()? == "ACTIVE" && cancel_at.is_null();
    let ends_at = access_ends_at.as_i64().map(|end| end + if tolerated { DAY } else { 0 });
    Some(json!({ "status": status, "endsAt": ends_at }))
}

fn without_ids_of_new_rows(mut made: Value) -> Value {
    for path in ["", "/subscription"] {
        if let Some(object) = made.pointer_mut(path).and_then(Value::as_object_mut) {
            object.remove("id");
        }
    }
    made
}

/// Where two answers differ first, for people.
pub fn difference(path: &str, one: &Value, other: &Value) -> Option<String> {
    match (one, other) {
        (Value::Object(left), Value::Object(right)) => {
            let mut names: Vec<&String> = left.keys().chain(right.keys()).collect();
            names.sort();
            names.dedup();
            names.into_iter().find_map(|name| difference(&format!("{path}.{name}"), &one[name], &other[name]))
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            let pairs = left.iter().zip(right).enumerate();
            pairs.into_iter().find_map(|(index, (one, other))| difference(&format!("{path}[{index}]"), one, other))
        }
        _ if one == other => None,
        _ => Some(format!("{path}: {one} is not {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TESSERA: &str = r#"{"data":{"customers":{"nodes":[{"id":"cus_0000000000000000000000000a",
        "createdAt":"1970-01-01T00:00:00.000007Z","subscription":{"status":"ACTIVE",
        "price":{"amountMinor":900,"currency":"EUR"}},"payments":{"nodes":[{"amount":{"amountMinor":5,"currency":"EUR"}}]}}],
        "pageInfo":{"hasNextPage":true,"endCursor":"abc"}}}}"#;
    const POSTGRAPHILE: &str = r#"{"data":{"allCustomers":{"nodes":[{"rowId":"00000000-0000-0000-0000-00000000000a",
        "createdAt":"7","subscription":{"status":"ACTIVE","amountMinor":"900","currency":"EUR"},
        "paymentsByTenantIdAndCustomerIdList":[{"amountMinor":"5","currency":"EUR"}]}],
        "pageInfo":{"hasNextPage":true,"endCursor":"xyz"}}}}"#;

    fn compared(tessera: &str) -> Option<String> {
        let tessera = common(Contestant::Tessera, Operation::Q2, tessera.as_bytes()).expect("an answer");
        let other = common(Contestant::Postgraphile, Operation::Q2, POSTGRAPHILE.as_bytes()).expect("an answer");
        difference("", &tessera, &other)
    }

    #[test]
    fn the_same_content_is_equal() {
        assert_eq!(compared(TESSERA), None);
    }

    #[test]
    fn another_amount_is_a_difference() {
        let difference = compared(&TESSERA.replace(":5,", ":6,"));
        assert_eq!(difference.as_deref(), Some(".nodes[0].payments[0].amountMinor: 6 is not 5"));
    }
}
