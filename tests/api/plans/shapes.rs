//! Every way to ask for every list, made from the schema.

use serde_json::{Value, json};

use super::rows;
use crate::support::introspection::{Field, Input, Schema, Type};

/// A list: a field of the root, or of an object that has it.
pub struct List<'a> {
    /// The type of the object; none for the root.
    pub parent: Option<&'a Type>,
    pub field: &'a Field,
}

/// One way to ask for a list.
#[derive(Clone, Debug)]
pub struct Shape {
    /// `where` and its value, or nothing.
    pub filter: Option<(String, Value)>,
    /// The keys of the sort; newest first if there are none.
    pub order: Vec<Value>,
    /// Whether the page behind the first is asked for as well.
    pub further: bool,
}

/// What a caller knows of: ids of rows that it can see.
#[derive(Clone)]
pub struct Known {
    pub organization: String,
    /// The number of a customer.
    pub customer: u64,
}

impl<'a> List<'a> {
    /// All lists of the schema.
    pub fn all(schema: &'a Schema) -> Vec<Self> {
        let is_list = |field: &&Field| schema.get(field.of.named()).is_connection();
        let root = schema.queries().iter().filter(is_list).map(|field| Self { parent: None, field });
        let objects = schema.get("Node").possible().into_iter().map(|object| schema.get(object));
        let nested = objects.flat_map(|object| {
            object.fields().iter().filter(is_list).map(move |field| Self { parent: Some(object), field })
        });
        root.chain(nested).collect()
    }

    pub fn name(&self) -> String {
        format!("{}.{}", self.parent.map_or("Query", |parent| parent.name.as_str()), self.field.name)
    }

    fn argument(&self, name: &str) -> &'a Input {
        let found = self.field.args.iter().find(|arg| arg.name == name);
        found.unwrap_or_else(|| panic!("{} has no argument `{name}`", self.name()))
    }

    /// The filter by the organization, if the list has one.
    pub fn by_organization(&self, schema: &Schema) -> bool {
        schema.get(self.argument("where").of.named()).input("organizationId").is_some()
    }

    /// The document and variables for a page, with the list's length if it is to be `counted`.
    pub fn document(&self, shape: &Shape, parents: &[String], after: Option<&Value>, counted: bool) -> (String, Value) {
        let declared = |name: &str| format!("${name}: {}", self.argument(name).of);
        let variables = format!("{}, {}, $after: String", declared("where"), declared("orderBy"));
        let length = if counted { "totalCount { value }" } else { "" };
        let list = format!(
            "{}(where: $where, orderBy: $orderBy, after: $after) {{ nodes {{ id }} pageInfo {{ endCursor }} {length} }}",
            self.field.name
        );
        let document = match self.parent {
            None => format!("query({variables}) {{ list: {list} }}"),
            Some(parent) => {
                let nodes = format!("nodes(ids: $ids) {{ ... on {} {{ list: {list} }} }}", parent.name);
                format!("query({variables}, $ids: [ID!]!) {{ {nodes} }}")
            }
        };
        let mut given = json!({"where": shape.filter.as_ref().map(|(_, value)| value), "after": after});
        if !shape.order.is_empty() {
            given["orderBy"] = json!(shape.order);
        }
        if self.parent.is_some() {
            given["ids"] = json!(parents);
        }
        (document, given)
    }

    /// The document for a page with all that its objects refer to, and what these refer to.
    pub fn whole(&self, schema: &Schema) -> String {
        let nodes = schema.get(self.field.of.named()).field("nodes").expect("a connection has nodes");
        let nodes = schema.get(nodes.of.named());
        format!("{{ list: {}(first: 30) {{ nodes {{ {} }} }} }}", self.field.name, related(schema, nodes, 2))
    }

    /// Every sort, and every value of every filter.
    pub fn shapes(&self, schema: &Schema, known: &Known) -> Vec<Shape> {
        let keys = schema.get(self.argument("orderBy").of.named());
        let key = |name: &str| keys.input(name).map(|input| schema.get(input.of.named()).values());
        let (fields, directions) = key("field").zip(key("direction")).expect("a sort has a field and a direction");
        let sort = |field: &str, direction: &str| json!({"field": field, "direction": direction});
        let orders = fields.iter().flat_map(|field| directions.iter().map(|way| vec![sort(&field.name, &way.name)]));
        let sorted = std::iter::once(Vec::new()).chain(orders);
        let sorted = sorted.map(|order| Shape { filter: None, order, further: true });
        let filter = schema.get(self.argument("where").of.named());
        let filtered = filter.inputs().iter().flat_map(|input| {
            let values = values(schema, filter, input, known).into_iter();
            values.map(|value| (input.name.clone(), json!({ input.name.clone(): value })))
        });
        let filtered = filtered.map(|found| Shape { filter: Some(found), order: Vec::new(), further: false });
        sorted.chain(filtered).collect()
    }
}

/// All that an object refers to, so many levels deep.
fn related(schema: &Schema, object: &Type, levels: usize) -> String {
    let selected = |field: &Field| {
        let of = schema.get(field.of.named());
        let below = match of.kind.as_str() {
            _ if field.args.iter().any(|argument| argument.of.is_required()) => return None,
            // The resolvers' alone: with it the read path would answer nothing.
            "OBJECT" if field.name == "statistics" => return None,
            "OBJECT" if object.name == "SubscriptionContract" && field.name == "features" => return None,
            "SCALAR" | "ENUM" => return (field.name == "id").then(|| field.name.clone()),
            _ if of.is_connection() => return Some(format!("{}(first: 3) {{ nodes {{ id }} }}", field.name)),
            _ if levels == 0 => return None,
            "OBJECT" => related(schema, of, levels - 1),
            _ => {
                let possible = of.possible().into_iter().map(|name| schema.get(name));
                let parts =
                    possible.map(|one| format!("... on {} {{ {} }}", one.name, related(schema, one, levels - 1)));
                parts.collect()
            }
        };
        Some(format!("{} {{ {below} }}", field.name))
    };
    let fields: Vec<_> = object.fields().iter().filter_map(selected).collect();
    format!("__typename {}", fields.join(" "))
}

/// Values that find something, frequent and rare ones. Fails for a filter that is not known here.
fn values(schema: &Schema, filter: &Type, input: &Input, known: &Known) -> Vec<Value> {
    let of = schema.get(input.of.named());
    let names = |of: &Type| of.values().iter().map(|value| json!(value.name)).collect::<Vec<_>>();
    match (of.kind.as_str(), of.name.as_str()) {
        ("ENUM", _) => names(of),
        (_, "Boolean") => vec![json!(true), json!(false)],
        (_, "CurrencyCode") => vec![json!("EUR"), json!("JPY")],
        (_, "DateTimeRange") => {
            let (from, to) = ("2024-01-10T00:00:00Z", "2024-01-11T00:00:00Z");
            vec![json!({"from": from}), json!({"to": to}), json!({"from": from, "to": to})]
        }
        (_, "AmountRange") => vec![json!({"min": 9_600}), json!({"max": 0}), json!({"min": 700, "max": 700})],
        ("INPUT_OBJECT", name) => {
            let one = of.input("eq").unwrap_or_else(|| panic!("say here what {name} can be"));
            let all = match schema.get(one.of.named()) {
                values if values.kind == "ENUM" => names(values),
                _ => vec![json!("customer.update"), json!("customer.terminate"), json!("nothing.of.this")],
            };
            let any = json!({"in": all.iter().take(2).collect::<Vec<_>>()});
            all.iter().map(|value| json!({"eq": value})).chain([any]).collect()
        }
        _ => text(filter, input, known),
    }
}

fn text(filter: &Type, input: &Input, known: &Known) -> Vec<Value> {
    let number = known.customer;
    let customer = json!(rows::customer(number).to_string());
    match (filter.name.as_str(), input.name.as_str()) {
        (_, "organizationId" | "catalogueOf" | "parentId") => vec![json!(known.organization)],
        (_, "customerId") => vec![customer],
        ("AuditEventFilter", "entityId") => vec![customer],
        (_, "subscriptionId") => vec![json!(rows::subscription(number).to_string())],
        ("CustomerFilter", "ids") => vec![json!([customer, rows::customer(number + 5).to_string()])],
        ("OrganizationFilter", "ids") => vec![json!([known.organization, rows::organization(1).to_string()])],
        (_, "tierIds") => {
            vec![json!([rows::tier(2).to_string()]), json!([rows::tier(1).to_string(), rows::tier(14).to_string()])]
        }
        ("CustomerFilter" | "MemberFilter", "email") => vec![json!(format!("{}@example.org", rows::letters(number)))],
        ("CustomerFilter", "externalRef") => vec![json!(format!("ref-{number}"))],
        ("SubscriptionFilter", "ids") => {
            vec![json!([rows::subscription(number).to_string(), rows::subscription(number + 5).to_string()])]
        }
        ("SubscriptionFilter", "purchaser") => vec![json!(format!("purchaser-{number}"))],
        ("SubscriptionFilter", "externalId") => vec![json!(format!("external-{number}"))],
        ("PaymentFilter", "gatewayPaymentId") => vec![json!(format!("pi_{}{number}", rows::letters(number)))],
        ("OrganizationFilter", "slug") => vec![json!("organization-20")],
        ("TierFilter", "key") => vec![json!("tier-20")],
        ("AddOnFilter", "key") => vec![json!("addon-20")],
        ("FeatureFilter", "key") => vec![json!("declared-1"), json!("declared-9")],
        ("AuditEventFilter", "actor") => vec![json!("worker"), json!("person-20@example.org"), json!("nobody")],
        ("AuditEventFilter", "entityType") => vec![json!("customer"), json!("payment")],
        // Texts of one or two letters have no trigram: names that begin with them are looked for.
        (_, "search") => {
            let texts = ["external-20", "bank 3f2a", "nothing like this", "cu", "z"];
            texts.into_iter().map(|text| json!(text)).chain([json!(rows::letters(number))]).collect()
        }
        (filter, input) => panic!("say here what `{input}` of {filter} is asked for"),
    }
}
