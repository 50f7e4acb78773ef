//! What Stripe says of its API, as far as it is used: `contract/stripe.json`.

use std::sync::{Arc, LazyLock};

use serde_json::{Map, Value, json};
use tessera_gateway::simulator::{Check, Exchange};

/// The contract.
pub static STRIPE: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../contract/stripe.json")).unwrap());

/// Objects to requests that Stripe would not understand, and to answers that Stripe would not give.
pub fn check() -> Check {
    Arc::new(|exchange: &Exchange| {
        let operation = operation(&exchange.method, &exchange.path)
            .ok_or_else(|| format!("Stripe has no {} {}", exchange.method, exchange.path))?;
        let mut form = json!({});
        for (key, value) in &exchange.fields {
            put(&mut form, key, value)?;
        }
        fits(&json!({ "object": operation["form"] }), &form, true)
            .map_err(|why| format!("{}: {why}", exchange.path))?;
        if exchange.status >= 400 {
            return Ok(());
        }
        fits(&answer(operation), &exchange.body, false).map_err(|why| format!("answer of {}: {why}", exchange.path))
    })
}

/// The operation of a request. Ids in paths have capitals, digits or underscores, words have none.
pub fn operation(method: &str, path: &str) -> Option<&'static Value> {
    let operations = STRIPE["operations"].as_object()?;
    let parts: Vec<&str> = path.split('/').collect();
    let fits = |pattern: &str| {
        let theirs: Vec<&str> = pattern.split('/').collect();
        theirs.len() == parts.len() && theirs.iter().zip(&parts).all(|(theirs, part)| *theirs == "{}" || theirs == part)
    };
    let mut found: Vec<_> = operations
        .iter()
        .filter(|(name, _)| name.split_once(' ').is_some_and(|(verb, pattern)| verb == method && fits(pattern)))
        .collect();
    // `/v1/invoices/create_preview` is no id.
    found.sort_by_key(|(name, _)| name.matches("{}").count());
    found.first().map(|(_, operation)| *operation)
}

/// The schema of an answer.
pub fn answer(operation: &Value) -> Value {
    let name = operation["answer"].as_str().unwrap();
    if let Some(of) = name.strip_prefix("list ") {
        return json!({ "object": {
            "object": { "is": "list" }, "data": { "array": { "ref": of } }, "has_more": "boolean", "url": "string",
        }});
    }
    let kinds: Vec<Value> = name.split(" | ").map(|name| json!({ "ref": name })).collect();
    json!({ "any": kinds })
}

/// Puts a field such as `items[0][price]` into a tree.
fn put(tree: &mut Value, key: &str, value: &str) -> Result<(), String> {
    let mut at = tree;
    for part in key.replace(']', "").split('[') {
        let object = at.as_object_mut().ok_or_else(|| format!("{key} is within a value"))?;
        at = object.entry(part).or_insert_with(|| json!({}));
    }
    if *at != json!({}) {
        return Err(format!("{key} is there twice"));
    }
    *at = json!(value);
    Ok(())
}

/// Whether a value is of a schema. In forms, all values are text.
fn fits(schema: &Value, value: &Value, form: bool) -> Result<(), String> {
    let wrong = || Err(format!("{value} is not {schema}"));
    match schema.as_str() {
        Some("string") if value.is_string() => return Ok(()),
        Some("anything") => return Ok(()),
        Some("nothing") if value.is_null() => return Ok(()),
        Some("number") if value.is_i64() || form && value.as_str().is_some_and(|text| text.parse::<i64>().is_ok()) => {
            return Ok(());
        }
        Some("boolean") if value.is_boolean() || form && matches!(value.as_str(), Some("true" | "false")) => {
            return Ok(());
        }
        Some(_) => return wrong(),
        None => {}
    }
    let (kind, of) = schema.as_object().unwrap().iter().next().unwrap();
    match kind.as_str() {
        "is" if value == of || form && value.as_str() == Some(&of.to_string()) => Ok(()),
        "any" => {
            let kinds = of.as_array().unwrap();
            let whys: Vec<String> = kinds.iter().filter_map(|kind| fits(kind, value, form).err()).collect();
            if whys.len() < kinds.len() { Ok(()) } else { Err(whys.into_iter().max_by_key(String::len).unwrap()) }
        }
        "array" if form => {
            let items = value.as_object().ok_or_else(|| format!("{value} is no list"))?;
            (0..items.len()).try_for_each(|index| match items.get(&index.to_string()) {
                Some(item) => fits(of, item, form),
                None => Err(format!("{value} has no [{index}]")),
            })
        }
        "array" => value.as_array().ok_or("no list")?.iter().try_for_each(|item| fits(of, item, form)),
        "map" => value.as_object().ok_or("no map")?.values().try_for_each(|item| fits(of, item, form)),
        "ref" => fits(&json!({ "object": STRIPE["objects"][of.as_str().unwrap()] }), value, form),
        // Nothing more is known of it.
        "object" if of == &json!({}) && !form => Ok(()),
        "object" => {
            let values = value.as_object().ok_or_else(|| format!("{value} is no object"))?;
            let fields: &Map<String, Value> = of.as_object().unwrap();
            for (name, value) in values {
                let schema = fields.get(name).or_else(|| fields.get(&format!("{name}?")));
                let schema = schema.ok_or_else(|| format!("{name} is unknown"))?;
                fits(schema, value, form).map_err(|why| format!("{name}: {why}"))?;
            }
            match fields.keys().find(|name| !name.ends_with('?') && !values.contains_key(*name)) {
                Some(name) => Err(format!("{name} is missing")),
                None => Ok(()),
            }
        }
        _ => wrong(),
    }
}

/// An object of a schema: with as little in it as Stripe may send, or with as much.
pub fn example(schema: &Value, full: bool, depth: u8) -> Value {
    match schema.as_str() {
        Some("string") => return json!("text1"),
        Some("number") => return json!(1),
        Some("boolean") => return json!(false),
        Some(_) => return Value::Null,
        None => {}
    }
    let (kind, of) = schema.as_object().unwrap().iter().next().unwrap();
    match kind.as_str() {
        "is" => of.clone(),
        "any" => {
            let kinds = of.as_array().unwrap();
            let nothing = kinds.iter().find(|kind| kind.as_str() == Some("nothing"));
            // Of some kinds nothing is used: an example of them would be empty.
            let rich = kinds.iter().filter(|kind| kind.as_str() != Some("nothing") && kind["object"] != json!({}));
            let chosen = if full { rich.clone().next_back() } else { nothing.or_else(|| rich.clone().next()) };
            // Objects within objects within objects are their ids.
            let chosen = if depth > 3 { nothing.or_else(|| rich.clone().next()) } else { chosen };
            chosen.or(nothing).map_or(json!({}), |kind| example(kind, full, depth))
        }
        "array" if full && depth <= 3 => json!([example(of, full, depth + 1)]),
        "array" => json!([]),
        "map" => json!({}),
        "ref" => example(&json!({ "object": STRIPE["objects"][of.as_str().unwrap()] }), full, depth + 1),
        _ => {
            let fields = of.as_object().unwrap().iter();
            let fields =
                fields.filter(|(name, _)| full || !name.ends_with('?') || matches!(name.as_str(), "id?" | "secret?"));
            fields
                .map(|(name, schema)| (name.trim_end_matches('?').to_owned(), example(schema, full, depth)))
                .collect::<Map<_, _>>()
                .into()
        }
    }
}

#[test]
fn what_stripe_does_not_know_is_refused() {
    let check = check();
    let exchange = |method: &str, path: &str, fields: &[(&str, &str)]| Exchange {
        method: method.to_owned(),
        path: path.to_owned(),
        fields: fields.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        status: 400,
        body: Value::Null,
    };
    assert_eq!(check(&exchange("POST", "/v1/subscriptions/sub_1", &[("items[0][price]", "price_1")])), Ok(()));
    for (method, path, fields) in [
        ("PUT", "/v1/customers/cus_1", vec![]),
        ("POST", "/v1/orders", vec![]),
        ("POST", "/v1/customers", vec![("e_mail", "a@example.com")]),
        ("POST", "/v1/subscriptions/sub_1", vec![("items[0][cost]", "1")]),
        ("POST", "/v1/subscriptions/sub_1", vec![("items[1][price]", "price_1")]),
        ("POST", "/v1/subscriptions/sub_1", vec![("cancel_at_period_end", "yes")]),
        ("POST", "/v1/subscriptions/sub_1", vec![("payment_behavior", "hope")]),
        ("POST", "/v1/refunds", vec![("amount", "1.5")]),
        ("POST", "/v1/payment_methods/pm_1/attach", vec![]),
    ] {
        assert!(check(&exchange(method, path, &fields)).is_err(), "{method} {path} {fields:?}");
    }
    let mut answer = exchange("GET", "/v1/balance", &[]);
    (answer.status, answer.body) = (200, json!({ "object": "balance", "livemode": 1, "available": [], "pending": [] }));
    assert!(check(&answer).is_err());
    answer.body = json!({ "object": "balance", "livemode": true, "available": [] });
    assert!(check(&answer).is_err());
}
