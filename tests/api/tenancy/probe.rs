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
        other => other.to_string(),
    }
}

fn name(place: &str, path: &[(String, bool)]) -> String {
    let steps: Vec<_> = path.iter().map(|(name, _)| name.as_str()).collect();
    format!("{place}({})", steps.join("."))
}

/// Every way to ask for something by id, text or cursor: at the root and in the lists of objects.
pub fn queries(schema: &Schema) -> Vec<Probe> {
    let nodes: Vec<&Type> = schema.get("Node").possible().into_iter().map(|object| schema.get(object)).collect();
    let root = schema.queries().iter().map(|field| (None, field));
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
        (_, "ID", _) => match values(schema, place, std::slice::from_ref(schema.get(place).input(name)?)).pop()?.1 {
            Means::Ids(objects) => own.get(&objects[0]).map(|id| json!(id)),
            _ => None,
        },
        (_, "Int", "days" | "rank") => Some(json!(1)),
        (_, "String", "email") => Some(json!("probe@example.com")),
        (_, "String", "key" | "name" | "slug") => Some(json!("probe")),
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
        "createSubscription(terms.tierId)" => json!({"customerId": own.get("idle")}),
        _ => json!({}),
    }
}

impl Probe {
    /// The document and variables of the call with this value; `object` is the type of the object that an id names.
    pub fn with(&self, schema: &Schema, own: &Ids, object: Option<&str>, value: &str) -> (String, Value) {
        let given = at(&self.path, json!(value));
        match &self.call {
            Call::Query { field, of, parent } => {
                let of = schema.get(of);
                let below = match (of.kind.as_str(), object) {
                    ("INTERFACE", Some(object)) => {
                        vec![Selection::On { object: object.to_owned(), below: everything(schema, object, 0) }]
                    }
                    _ => everything(schema, &of.name, usize::from(of.is_connection())),
                };
                let arguments = literal(&given);
                let arguments = &arguments[1..arguments.len() - 1];
                (inside(parent.as_deref(), own, &format!("{field}({arguments}){}", text(&below))), json!({}))
            }
            Call::Mutation { field, input_type, input } => {
                let document = format!(
                    "mutation($input: {input_type}!) {{ {field}(input: $input) {{ __typename userErrors {{ {} }} }} }}",
                    crate::support::USER_ERROR
                );
                (document, json!({"input": merge(input.clone(), given)}))
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
