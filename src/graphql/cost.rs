//! What an operation costs at most, counted before it runs: docs/adr/0030.
//!
//! One for each field of each object that may be answered: a list multiplies what is selected from it by its size. What
//! reads or writes more than a field costs more. Counted from the [flattened](super::document) operation and its
//! variables alone, so that the cost is known before anything else is done. How many fields there are, and how deep, is
//! bounded there.

use async_graphql::parser::types::{Field, OperationDefinition, Selection, SelectionSet};
use async_graphql::{Value as ConstValue, Variables};
use async_graphql_value::Value;

use super::connection::COUNT_CAP;
use super::list::DEFAULT_PAGE;

/// How much an operation may cost.
pub const MAX_COST: u64 = 250_000;

/// How many bytes an answer may have.
pub const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// How many bytes of a document's text cost one when it is judged, which takes a microsecond for some of them.
const BYTES: u64 = 16;
/// What a JSON document costs, which may have a hundred times the bytes of another field.
const DOCUMENT: u64 = 20;
/// The fields that are such documents.
const DOCUMENTS: [&str; 4] = ["metadata", "privateMetadata", "changes", "gatewayMetadata"];
/// How many rows that are only counted or looked through cost one.
const ROWS: u64 = 100;
/// What the length of a list costs: it is counted no further.
const COUNT: u64 = COUNT_CAP / ROWS;
/// What a search costs. It may look through many rows of an organization, or find many.
const SEARCH: u64 = 5 * COUNT;

/// Queries that do the work of a command, and what they cost: as much as a hundred objects.
const PREVIEWS: [&str; 3] = ["previewAddOnChange", "previewCancel", "previewTierChange"];
const PREVIEW: u64 = 100;

/// Lists of the introspection schema, which can be nested into each other without end, and what they multiply by. The
/// standard introspection query passes, which asks for the fields of all types. The fields of the types of these fields
/// take eight milliseconds in fifty bytes.
const INTROSPECTION_LISTS: [(&str, u64); 5] =
    [("fields", 80), ("inputFields", 20), ("interfaces", 10), ("possibleTypes", 10), ("types", 25)];

/// Lists of objects without pages, and how many they have at most: as inputs declare it, where they do.
const LISTS: [(&str, u64); 26] = [
    ("accesses", 100),
    ("accountPrices", 1_000),
    ("addOns", 20),
    ("availableActions", 20),
    ("buckets", 750),
    ("checkoutTiers", 100),
    ("estimatedMonthlyRevenue", 10),
    ("featureOverrides", 100),
    ("features", 100),
    ("gained", 100),
    ("gatewayPrices", 10),
    ("lines", 42),
    ("lost", 100),
    ("monthlyRevenue", 10),
    ("overQuota", 100),
    ("parkedTransitions", 50),
    ("paymentInstructions", 100),
    ("prices", 20),
    ("records", 1_000),
    ("revenueByTier", 100),
    ("subscriptionsByStatus", 10),
    ("tiersThatUnlock", 10),
    ("transitions", 100),
    ("upcomingChanges", 10),
    ("usage", 20),
    ("userErrors", 10),
];

/// The cost of an operation.
pub fn cost(operation: &OperationDefinition, variables: &Variables) -> u64 {
    of_set(&operation.selection_set.node, variables)
}

/// The cost of judging a document of so many bytes.
pub fn of_text(bytes: usize) -> u64 {
    1 + bytes as u64 / BYTES
}

fn of_set(set: &SelectionSet, variables: &Variables) -> u64 {
    let one = |item: &Selection| match item {
        Selection::Field(field) => of_field(&field.node, variables),
        Selection::InlineFragment(fragment) => of_set(&fragment.node.selection_set.node, variables),
        Selection::FragmentSpread(_) => 0,
    };
    set.items.iter().fold(0, |sum: u64, item| sum.saturating_add(one(&item.node)))
}

fn of_field(field: &Field, variables: &Variables) -> u64 {
    let own = match field.name.node.as_str() {
        name if DOCUMENTS.contains(&name) => DOCUMENT,
        name if PREVIEWS.contains(&name) => PREVIEW,
        "totalCount" => COUNT,
        _ if searches(field, variables) => SEARCH,
        _ => 1,
    };
    let each = of_set(&field.selection_set.node, variables);
    // Empty pages cost as much as one object: their selections have to be looked at all the same.
    each.saturating_mul(size(field, variables).max(1)).saturating_add(own)
}

/// How many objects the field answers with at most: as many as it is asked for, or a page if it is a list.
fn size(field: &Field, variables: &Variables) -> u64 {
    let name = field.name.node.as_str();
    let asked = ["first", "last"].into_iter().find_map(|name| number(&field.get_argument(name)?.node, variables));
    let ids = ids(field, variables);
    let declared = LISTS.iter().chain(&INTROSPECTION_LISTS).find(|(list, _)| *list == name).map(|(_, most)| *most);
    match asked.map(i64::unsigned_abs).or(declared) {
        Some(objects) => objects,
        None if ids > 0 => ids,
        None if is_page(&field.selection_set.node) => u64::from(DEFAULT_PAGE.unsigned_abs()),
        None => 1,
    }
}

/// Whether the field is a list in which a text is looked for.
fn searches(field: &Field, variables: &Variables) -> bool {
    match field.get_argument("where").map(|filter| &filter.node) {
        Some(Value::Object(filter)) => match filter.get("search") {
            Some(Value::Variable(name)) => matches!(variables.get(name), Some(ConstValue::String(_))),
            search => search.is_some(),
        },
        Some(Value::Variable(name)) => match variables.get(name) {
            Some(ConstValue::Object(filter)) => filter.contains_key("search"),
            _ => false,
        },
        _ => false,
    }
}

/// Whether the objects of a page are selected.
fn is_page(set: &SelectionSet) -> bool {
    set.items.iter().any(|item| match &item.node {
        Selection::Field(field) => matches!(field.node.name.node.as_str(), "nodes" | "edges"),
        _ => false,
    })
}

fn number(value: &Value, variables: &Variables) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::Variable(name) => match variables.get(name)? {
            ConstValue::Number(number) => number.as_i64(),
            _ => None,
        },
        _ => None,
    }
}

fn ids(field: &Field, variables: &Variables) -> u64 {
    let length = match field.get_argument("ids").map(|ids| &ids.node) {
        Some(Value::List(ids)) => ids.len(),
        Some(Value::Variable(name)) => match variables.get(name) {
            Some(ConstValue::List(ids)) => ids.len(),
            _ => 0,
        },
        _ => 0,
    };
    length as u64
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use serde_json::json;

    use super::*;

    fn cost_of(document: &str, variables: serde_json::Value) -> u64 {
        let document = parse_query(document).expect("a document");
        let (_, operation) = document.operations.iter().next().expect("an operation");
        cost(&operation.node, &Variables::from_json(variables))
    }

    #[test]
    fn a_page_multiplies_what_is_selected_from_it() {
        assert_eq!(cost_of("{ viewer { role } }", json!({})), 2);
        assert_eq!(cost_of("{ customers(first: 10) { nodes { id name } } }", json!({})), 1 + 10 * 3);
        assert_eq!(cost_of("query($n: Int) { customers(first: $n) { nodes { id } } }", json!({"n": 4})), 1 + 4 * 2);
        assert_eq!(cost_of("query($n: Int) { customers(first: $n) { nodes { id } } }", json!({})), 1 + 25 * 2);
        assert_eq!(cost_of("{ dashboard { revenueByTier { subscriptions } } }", json!({})), 1 + 1 + 100);
        assert_eq!(cost_of("{ nodes(ids: [\"a\", \"b\"]) { id } }", json!({})), 1 + 2);
    }

    #[test]
    fn every_json_document_has_its_price() {
        let sdl = crate::graphql::sdl(true);
        let schema = apollo_compiler::Schema::parse(sdl, "schema.graphql").expect("a schema");
        let objects = schema.types.values().filter_map(|of| of.as_object());
        let fields = objects.flat_map(|of| of.fields.values());
        let documents: std::collections::BTreeSet<_> =
            fields.filter(|field| field.ty.inner_named_type() == "JSON").map(|field| field.name.to_string()).collect();
        assert_eq!(documents, DOCUMENTS.map(str::to_owned).into());
    }

    #[test]
    fn what_looks_through_rows_costs_more() {
        assert_eq!(cost_of("{ customers { totalCount { value } } }", json!({})), 1 + 100 + 1);
        let nested = "{ organizations(first: 10) { nodes { customers { totalCount { value } } } } }";
        assert_eq!(cost_of(nested, json!({})), 1 + 10 * (1 + 1 + 100 + 1));
        assert_eq!(cost_of("{ customers(first: 1, where: {search: \"a\"}) { nodes { id } } }", json!({})), 500 + 2);
        let filter = "query($w: CustomerFilter) { customers(first: 1, where: $w) { nodes { id } } }";
        assert_eq!(cost_of(filter, json!({"w": {"search": "a"}})), 500 + 2);
        assert_eq!(cost_of(filter, json!({"w": {"status": "ACTIVE"}})), 1 + 2);
        let text = "query($s: String) { customers(first: 1, where: {search: $s}) { nodes { id } } }";
        assert_eq!(cost_of(text, json!({"s": "a"})), 500 + 2);
        assert_eq!(cost_of(text, json!({})), 1 + 2);
    }

    /// Objects whose number no page bounds.
    #[test]
    fn every_list_has_its_size() {
        let sdl = crate::graphql::sdl(true);
        let schema = apollo_compiler::Schema::parse(sdl, "schema.graphql").expect("a schema");
        let is_object = |name: &str| schema.types.get(name).is_some_and(|of| of.is_object() || of.is_interface());
        let objects = schema.types.iter().filter(|(name, _)| !name.starts_with("__") && !name.ends_with("Connection"));
        let fields = objects.filter_map(|(_, of)| of.as_object()).flat_map(|of| of.fields.values());
        let lists = fields.filter(|field| field.ty.is_list() && is_object(field.ty.inner_named_type()));
        // `nodes(ids:)` counts its ids.
        let lists: std::collections::BTreeSet<_> =
            lists.map(|field| field.name.to_string()).filter(|name| name != "nodes").collect();
        assert_eq!(lists, LISTS.map(|(name, _)| name.to_owned()).into());
        let actions = schema.get_enum("SubscriptionAction").expect("an enum").values.len() as u64;
        assert!(LISTS.iter().any(|(name, most)| *name == "availableActions" && *most >= actions));
    }

    #[test]
    fn what_answers_nothing_is_not_free() {
        assert_eq!(cost_of("{ customers(first: 0) { nodes { id name } } }", json!({})), 1 + 3);
    }

    #[test]
    fn nested_introspection_is_dear() {
        let deep = "possibleTypes { interfaces { ".repeat(4) + "name" + &" } }".repeat(4);
        assert!(cost_of(&format!("{{ __type(name: \"Node\") {{ {deep} }} }}"), json!({})) > MAX_COST);
        let fields = |depth| format!("{}name{}", "fields { type { ".repeat(depth), " } }".repeat(depth));
        let nested = |depth| cost_of(&format!("{{ __schema {{ types {{ {} }} }} }}", fields(depth)), json!({}));
        assert!(nested(1) < MAX_COST && nested(2) > MAX_COST);
    }
}
