//! Calls that name an object: one for each argument and input field that can.

use serde_json::{Value, json};

use super::classify::{Means, Path, values};
use super::document::{Selection, everything, text};
use super::walk::Ids;
use crate::support::introspection::{Field, Schema, Type};

/// A call with one value left open.
pub struct Probe {
    /// Its name in messages: `Customer.payments(where.subscriptionId)`.
    pub name: String,
    pub means: Means,
    pub path: Path,
    call: Call,
}

enum Call {
    /// A field of the root, or of an object of the caller's own.
    Query {
        field: String,
        of: String,
        parent: Option<String>,
    },
    Mutation {
        field: String,
        input_type: String,
        input: Value,
    },
}

/// How the open value is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// In the document.
    Literal,
    /// As a variable.
    Variable,
    /// As a variable of a field that is selected twice: what is merged is asked for once.
    Merged,
}

impl Form {
    /// All, one after the other.
    pub fn of(number: usize) -> Self {
        [Self::Literal, Self::Variable, Self::Merged][number % 3]
    }
}

/// What stands for the value of the variable until the document is written.
const OPEN: &str = "$open";

/// The object with one value at a path.
fn at(path: &[(String, bool)], value: Value) -> Value {
    let Some(((name, list), rest)) = path.split_first() else { return value };
    let below = at(rest, value);
    json!({ name: if *list { json!([below]) } else { below } })
}

/// Lays one object over another one.
fn merge(mut base: Value, over: Value) -> Value {
    match (&mut base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                let merged = merge(base.remove(&key).unwrap_or(Value::Null), value);
                base.insert(key, merged);
            }
        }
        (base, over) => *base = over,
    }
    base
}

/// A value as it is written in a document.
fn literal(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{name}: {}", literal(value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(literal).collect::<Vec<_>>().join(", ")),
        Value::String(text) if text == OPEN => OPEN.to_owned(),
        other => other.to_string(),
    }
}

/// The same of an input object, whose enums are names in a document.
fn typed_literal(schema: &Schema, of: &Type, value: &Value) -> String {
    match (of.kind.as_str(), value) {
        ("INPUT_OBJECT", Value::Object(fields)) => {
            let field = |(name, value): (&String, &Value)| {
                let input = of.input(name).unwrap_or_else(|| panic!("{} has no {name}", of.name));
                format!("{name}: {}", typed_literal(schema, schema.get(input.of.named()), value))
            };
            format!("{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join(", "))
        }
        (_, Value::Array(items)) => {
            let items: Vec<_> = items.iter().map(|item| typed_literal(schema, of, item)).collect();
            format!("[{}]", items.join(", "))
        }
        ("ENUM", Value::String(name)) => name.clone(),
        _ => literal(value),
    }
}

/// The type of one value at a path.
fn type_at(schema: &Schema, inputs: &[crate::support::introspection::Input], path: &[(String, bool)]) -> String {
    let (name, _) = &path[0];
    let input = inputs.iter().find(|input| input.name == *name).expect("an input of the schema");
    match &path[1..] {
        // One that is given fits where it may be missing, and where it may not.
        [] => format!("{}!", input.of.named()),
        below => type_at(schema, schema.get(input.of.named()).inputs(), below),
    }
}

fn name(place: &str, path: &[(String, bool)]) -> String {
    let steps: Vec<_> = path.iter().map(|(name, _)| name.as_str()).collect();
    format!("{place}({})", steps.join("."))
}

/// Every way to ask for something by id, text or cursor: at the root and in the lists of objects.
pub fn queries(schema: &Schema) -> Vec<Probe> {
    let nodes: Vec<&Type> = schema.get("Node").possible().into_iter().map(|object| schema.get(object)).collect();
    // A preview takes the input of its mutation and asks for the same: it is tried with the mutation.
    let is_preview = |field: &&Field| field.args.iter().any(|arg| arg.name == "input");
    let root = schema.queries().iter().filter(|field| !is_preview(field)).map(|field| (None, field));
    let nested = nodes.iter().flat_map(|object| object.fields().iter().map(|field| (Some(object.name.clone()), field)));
    let probe = |(parent, field): (Option<String>, &Field)| {
        let place = format!("{}.{}", parent.as_deref().unwrap_or("Query"), field.name);
        let of = field.of.named().to_owned();
        let call =
            move |field: &Field| Call::Query { field: field.name.clone(), of: of.clone(), parent: parent.clone() };
        let open = values(schema, &place, &field.args).into_iter().filter(|(_, means)| *means != Means::Nothing);
        open.map(|(path, means)| Probe { name: name(&place, &path), means, path, call: call(field) })
            .collect::<Vec<_>>()
    };
    root.chain(nested).flat_map(probe).collect()
}

/// Every id that a mutation takes, with whatever else it needs.
pub fn mutations(schema: &Schema, own: &Ids) -> Vec<Probe> {
    let probe = |field: &Field| {
        let input = schema.get(field.args[0].of.named());
        let ids = values(schema, &input.name, input.inputs()).into_iter();
        let ids = ids.filter(|(_, means)| matches!(means, Means::Ids(_)));
        let probe = |(path, means): (Path, Means)| {
            let name = name(&field.name, &path);
            let filled = merge(required(schema, input, own), besides(&name, own));
            let call = Call::Mutation { field: field.name.clone(), input_type: input.name.clone(), input: filled };
            Probe { name, means, path, call }
        };
        ids.map(probe).collect::<Vec<_>>()
    };
    schema.mutations().iter().flat_map(probe).collect()
}

/// The least that an input object must have.
fn required(schema: &Schema, of: &Type, own: &Ids) -> Value {
    let needed = of.inputs().iter().filter(|input| input.of.is_required() && input.default_value.is_none());
    let value = |place: &str, name: &str, of: &Type| match (of.kind.as_str(), of.name.as_str(), name) {
        ("INPUT_OBJECT", ..) => Some(required(schema, of, own)),
        ("ENUM", ..) => Some(json!(of.values()[0].name)),
        (_, "ID", "checkoutId") => Some(json!(tessera::entity::CheckoutId::generate().to_string())),
        (_, "String", "returnUrl") => Some(json!("https://shop.example.com/done")),
        (_, "ID", "reservationId") => Some(json!(tessera::entity::UsageReservationId::generate().to_string())),
        (_, "ID", _) => match values(schema, place, std::slice::from_ref(schema.get(place).input(name)?)).pop()?.1 {
            Means::Ids(objects) => own.get(&objects[0]).map(|id| json!(id)),
            _ => None,
        },
        (_, "Int", "days" | "rank") | (_, "SafeInt", "actual" | "amount" | "value") => Some(json!(1)),
        (_, "String", "feature") => Some(json!("ai.queries")),
        (_, "CurrencyCode", _) => Some(json!("USD")),
        (_, "String", "priceId") => Some(json!("price_900_usd_month")),
        (_, "String", "apiKey") => Some(json!("sk_test_probe_1")),
        (_, "String", "email") => Some(json!("probe@example.com")),
        (_, "String", "key" | "name" | "reason" | "slug") => Some(json!("probe")),
        _ => None,
    };
    let field = |input: &crate::support::introspection::Input| {
        let filled = value(&of.name, &input.name, schema.get(input.of.named()));
        let filled = filled.unwrap_or_else(|| panic!("say here what `{}` of {} is filled with", input.name, of.name));
        (input.name.clone(), filled)
    };
    Value::Object(needed.map(field).collect())
}

/// What a call needs besides, so that the open value is looked at.
fn besides(name: &str, own: &Ids) -> Value {
    match name {
        "createSubscription(terms.addOns.addOnId)" => {
            json!({"customerId": own.get("idle"), "terms": {"tierId": own.get("Tier")}})
        }
        "createCustomer(subscription.addOns.addOnId)" => json!({"subscription": {"tierId": own.get("Tier")}}),
        "createOrganization(subscription.addOns.addOnId)" => {
            json!({"subscription": {"tierId": own.get("on offer to organizations")}})
        }
        "createSubscription(terms.tierId)" => json!({"customerId": own.get("idle")}),
        // No gateway is asked about payments by hand.
        "createGatewayAccount(organizationId)" => json!({"kind": "MANUAL"}),
        // An organization's own seller is the platform.
        "ensureGatewayCustomer(gatewayAccountId)"
        | "startCheckout(gatewayAccountId)"
        | "startCheckout(addOns.addOnId)"
        | "startCheckout(tierId)" => json!({"ownerId": own.get("Customer")}),
        "setGatewayPrice(gatewayAccountId)" => json!({"tierId": own.get("Tier")}),
        "release(ownerId)" => json!({"feature": "products"}),
        "revokeTokens(organizationId)" => json!({"tokenId": "probe"}),
        _ => json!({}),
    }
}

impl Probe {
    /// The document and variables of the call with this value; `object` is the type of the object that an id names.
    pub fn with(&self, schema: &Schema, own: &Ids, object: Option<&str>, value: &str, form: Form) -> (String, Value) {
        let given = |value: &str| at(&self.path, json!(value));
        let (written, variables) = match form {
            Form::Literal => (given(value), json!({})),
            Form::Variable | Form::Merged => (given(OPEN), json!({ "open": value })),
        };
        let declared = |inputs| match form {
            Form::Literal => String::new(),
            Form::Variable | Form::Merged => format!("($open: {})", type_at(schema, inputs, &self.path)),
        };
        match &self.call {
            Call::Query { field, of, parent } => {
                let of = schema.get(of);
                let below = match (of.kind.as_str(), object) {
                    ("INTERFACE", Some(object)) => {
                        vec![Selection::On { object: object.to_owned(), below: everything(schema, object, 0) }]
                    }
                    _ => everything(schema, &of.name, usize::from(of.is_connection())),
                };
                let arguments = literal(&written);
                let arguments = &arguments[1..arguments.len() - 1];
                let call = |below: &[Selection]| format!("{field}({arguments}){}", text(below));
                let calls = match form {
                    Form::Merged if below.len() > 1 => {
                        let (some, others) = below.split_at(below.len() / 2);
                        format!("{} ... {{ {} }}", call(some), call(others))
                    }
                    _ => call(&below),
                };
                let holder = parent.as_deref().unwrap_or("Query");
                let inputs = &schema.get(holder).field(field).expect("a field of the schema").args;
                (format!("query{} {}", declared(inputs), inside(parent.as_deref(), own, &calls)), variables)
            }
            Call::Mutation { field, input_type, input } => {
                let of = schema.get(input_type);
                let (declared, written) = match form {
                    Form::Literal => (String::new(), typed_literal(schema, of, &merge(input.clone(), written))),
                    Form::Variable => (format!("($input: {input_type}!)"), "$input".to_owned()),
                    Form::Merged => (declared(of.inputs()), typed_literal(schema, of, &merge(input.clone(), written))),
                };
                let variables = match form {
                    Form::Variable => json!({ "input": merge(input.clone(), given(value)) }),
                    Form::Literal | Form::Merged => variables,
                };
                let call = |below: &str| format!("{field}(input: {written}) {{ {below} }}");
                let errors = format!("userErrors {{ {} }}", crate::support::USER_ERROR);
                let calls = match form {
                    Form::Merged => format!("{} {}", call("__typename"), call(&errors)),
                    Form::Literal | Form::Variable => call(&format!("__typename {errors}")),
                };
                (format!("mutation{declared} {{ {calls} }}"), variables)
            }
        }
    }

    /// The document that asks for the cursors of the list that the probe asks for a part of.
    pub fn cursors(&self, own: &Ids) -> Option<String> {
        match &self.call {
            Call::Query { field, parent, .. } => {
                Some(inside(parent.as_deref(), own, &format!("list: {field} {{ pageInfo {{ endCursor }} }}")))
            }
            Call::Mutation { .. } => None,
        }
    }

    /// The field of the mutation, if it is one.
    pub fn mutation(&self) -> Option<&str> {
        match &self.call {
            Call::Mutation { field, .. } => Some(field),
            Call::Query { .. } => None,
        }
    }
}

/// A selection at the root or in an object of the caller's own.
fn inside(parent: Option<&str>, own: &Ids, selection: &str) -> String {
    match parent {
        Some(object) => format!("{{ node(id: \"{}\") {{ ... on {object} {{ {selection} }} }} }}", own[object]),
        None => format!("{{ {selection} }}"),
    }
}
