//! What a document costs at most, counted before it runs.
//!
//! One for each field of each object that may be answered: a page multiplies what is selected from it by its size.
//! Counted from the document and its variables alone, so that the cost is known before anything else is done.
//! async-graphql's own count cannot be used: it refuses documents whose optional variables are omitted.

use std::collections::{HashMap, HashSet};

use async_graphql::parser::types::{ExecutableDocument, Field, Selection, SelectionSet};
use async_graphql::{Name, Value as ConstValue, Variables};
use async_graphql_value::Value;

use super::connection::DEFAULT_PAGE;

/// How much a document may cost.
pub const MAX_COST: u64 = 50_000;

/// How many fragments a document may define: following one into the next takes stack.
const MAX_FRAGMENTS: usize = 64;
/// Lists of the introspection schema, which can be nested into each other without end.
const INTROSPECTION_LISTS: [&str; 5] = ["fields", "inputFields", "interfaces", "possibleTypes", "types"];
/// What such a list multiplies by. The standard introspection query, which nests two of them, passes.
const INTROSPECTION_SIZE: u64 = 12;

/// Lists without pages from which other lists can be reached: counted as a page.
const UNPAGED_LISTS: [&str; 1] = ["revenueByTier"];

/// The cost of the dearest operation of the document.
pub fn cost(document: &ExecutableDocument, variables: &Variables) -> u64 {
    if document.fragments.len() > MAX_FRAGMENTS {
        return u64::MAX;
    }
    let mut counter = Counter { document, variables, fragments: HashMap::new() };
    let costs =
        document.operations.iter().map(|(_, operation)| counter.selection_set(&operation.node.selection_set.node));
    costs.max().unwrap_or(0)
}

struct Counter<'a> {
    document: &'a ExecutableDocument,
    variables: &'a Variables,
    /// Fragments that were counted already; one that is being counted costs nothing more, because a cycle is refused
    /// by validation.
    fragments: HashMap<&'a Name, u64>,
}

impl<'a> Counter<'a> {
    fn selection_set(&mut self, set: &'a SelectionSet) -> u64 {
        set.items.iter().fold(0, |sum: u64, item| sum.saturating_add(self.selection(&item.node)))
    }

    fn selection(&mut self, selection: &'a Selection) -> u64 {
        match selection {
            Selection::Field(field) => {
                let each = self.selection_set(&field.node.selection_set.node);
                // Empty pages cost as much as one object: their selections have to be looked at all the same.
                each.saturating_mul(self.size(&field.node).max(1)).saturating_add(1)
            }
            Selection::InlineFragment(fragment) => self.selection_set(&fragment.node.selection_set.node),
            // One for itself, so that the cost is never less than the number of selections that spreads expand to: what
            // expands them later is bounded by it.
            Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node).saturating_add(1),
        }
    }

    fn fragment(&mut self, name: &'a Name) -> u64 {
        if let Some(known) = self.fragments.get(name) {
            return *known;
        }
        let Some((name, fragment)) = self.document.fragments.get_key_value(name) else { return 0 };
        self.fragments.insert(name, 0);
        let cost = self.selection_set(&fragment.node.selection_set.node);
        self.fragments.insert(name, cost);
        cost
    }

    /// How many objects the field answers with at most: as many as it is asked for, or a page if it is a list.
    fn size(&self, field: &'a Field) -> u64 {
        let asked = ["first", "last"].into_iter().find_map(|name| self.number(&field.get_argument(name)?.node));
        if INTROSPECTION_LISTS.contains(&field.name.node.as_str()) {
            return INTROSPECTION_SIZE;
        }
        match asked {
            Some(asked) => asked.unsigned_abs(),
            None if self.lists_ids(field) > 0 => self.lists_ids(field),
            None if UNPAGED_LISTS.contains(&field.name.node.as_str()) || self.is_page(&field.selection_set.node) => {
                u64::from(DEFAULT_PAGE.unsigned_abs())
            }
            None => 1,
        }
    }

    /// Whether the objects of a page are selected, directly or through fragments.
    fn is_page(&self, set: &'a SelectionSet) -> bool {
        let mut left = vec![set];
        let mut seen: HashSet<&Name> = HashSet::new();
        while let Some(set) = left.pop() {
            for item in &set.items {
                match &item.node {
                    Selection::Field(field) if matches!(field.node.name.node.as_str(), "nodes" | "edges") => {
                        return true;
                    }
                    Selection::Field(_) => {}
                    Selection::InlineFragment(fragment) => left.push(&fragment.node.selection_set.node),
                    Selection::FragmentSpread(spread) => {
                        let name = &spread.node.fragment_name.node;
                        if let Some(fragment) = self.document.fragments.get(name).filter(|_| seen.insert(name)) {
                            left.push(&fragment.node.selection_set.node);
                        }
                    }
                }
            }
        }
        false
    }

    /// The value that a variable has: given, or its default.
    fn variable(&self, name: &Name) -> Option<&'a ConstValue> {
        self.variables.get(name).or_else(|| {
            let definitions =
                self.document.operations.iter().flat_map(|(_, operation)| &operation.node.variable_definitions);
            let mut named = definitions.filter(|definition| definition.node.name.node == *name);
            named.find_map(|definition| definition.node.default_value.as_ref().map(|value| &value.node))
        })
    }

    fn number(&self, value: &Value) -> Option<i64> {
        match value {
            Value::Number(number) => number.as_i64(),
            Value::Variable(name) => match self.variable(name)? {
                ConstValue::Number(number) => number.as_i64(),
                _ => None,
            },
            _ => None,
        }
    }

    fn lists_ids(&self, field: &Field) -> u64 {
        let length = match field.get_argument("ids").map(|ids| &ids.node) {
            Some(Value::List(ids)) => ids.len(),
            Some(Value::Variable(name)) => match self.variable(name) {
                Some(ConstValue::List(ids)) => ids.len(),
                _ => 0,
            },
            _ => 0,
        };
        length as u64
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use serde_json::json;

    use super::*;

    fn cost_of(document: &str, variables: serde_json::Value) -> u64 {
        cost(&parse_query(document).expect("a document"), &Variables::from_json(variables))
    }

    #[test]
    fn a_page_multiplies_what_is_selected_from_it() {
        assert_eq!(cost_of("{ viewer { role } }", json!({})), 2);
        assert_eq!(cost_of("{ customers(first: 10) { nodes { id name } } }", json!({})), 1 + 10 * 3);
        assert_eq!(cost_of("query($n: Int) { customers(first: $n) { nodes { id } } }", json!({"n": 4})), 1 + 4 * 2);
        assert_eq!(cost_of("query($n: Int) { customers(first: $n) { nodes { id } } }", json!({})), 1 + 25 * 2);
        assert_eq!(cost_of("{ dashboard { revenueByTier { subscriptions } } }", json!({})), 1 + 1 + 25);
        assert_eq!(cost_of("{ nodes(ids: [\"a\", \"b\"]) { id } }", json!({})), 1 + 2);
    }

    #[test]
    fn fragments_are_counted_where_they_are_spread_and_once() {
        let document = "{ a { ...F } b { ...F } } fragment F on T { x y }";
        assert_eq!(cost_of(document, json!({})), 8);
        let cycle = "{ a { ...F } } fragment F on T { x ...G } fragment G on T { ...F }";
        assert_eq!(cost_of(cycle, json!({})), 5);
    }

    #[test]
    fn defaults_and_fragments_hide_no_page() {
        assert_eq!(cost_of("query($n: Int = 4) { a(first: $n) { nodes { id } } }", json!({})), 1 + 4 * 2);
        let nested = "{ a { ...A } } fragment A on T { ...B } fragment B on T { ...C } fragment C on T { ...D }
            fragment D on T { nodes { id } }";
        assert!(cost_of(nested, json!({})) > 25 * 2);
    }

    #[test]
    fn what_answers_nothing_is_not_free() {
        let bomb = |leaf: &str, root: &str| {
            let mut document = format!("{{ {root} }}");
            for step in 0..40 {
                document += &format!(" fragment F{step} on T {{ ...F{0} ...F{0} }}", step + 1);
            }
            document + &format!(" fragment F40 on T {{ {leaf} }}")
        };
        for document in [bomb("...Missing", "...F0"), bomb("x", "a(first: 0) { ...F0 }"), bomb("...F40", "...F0")] {
            assert!(cost_of(&document, json!({})) > MAX_COST);
        }
    }

    #[test]
    fn many_fragments_are_refused_before_they_are_followed() {
        let mut document = "{ ...F0 }".to_owned();
        for step in 0..5_000 {
            document += &format!(" fragment F{step} on T {{ a {{ ...F{} }} }}", step + 1);
        }
        assert!(cost_of(&document, json!({})) > MAX_COST);
    }

    #[test]
    fn introspection_passes_and_nested_introspection_does_not() {
        let deep = "possibleTypes { interfaces { ".repeat(4) + "name" + &" } }".repeat(4);
        assert!(cost_of(&format!("{{ __type(name: \"Node\") {{ {deep} }} }}"), json!({})) > MAX_COST);
    }

    #[test]
    fn fragments_that_double_at_every_step_are_counted_fast_and_dear() {
        let mut document = "{ ...F0 }".to_owned();
        for step in 0..64 {
            document += &format!(" fragment F{step} on T {{ a {{ ...F{0} }} b {{ ...F{0} }} }}", step + 1);
        }
        document += " fragment F64 on T { x }";
        assert!(cost_of(&document, json!({})) > MAX_COST);
    }
}
