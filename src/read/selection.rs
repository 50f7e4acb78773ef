//! What is selected from an object: fields in the order of the answer, fragments spread out, equal keys merged.
//!
//! Specification: GraphQL, section 6.3.2, "Field Collection".

use std::collections::HashMap;

use async_graphql::parser::types::{Directive, Field, FragmentDefinition, Selection, SelectionSet};
use async_graphql::{Name, Positioned, Value as ConstValue, Variables};

use super::arguments::fill;
use super::{Planned, Unplanned};

/// The fragments of a document, by name.
pub type Fragments = HashMap<Name, Positioned<FragmentDefinition>>;

/// A field of the answer, with every selection of it in the document.
pub struct Collected<'a> {
    /// The key in the answer.
    pub key: &'a str,
    /// Its first selection.
    pub field: &'a Positioned<Field>,
    /// The others. Validation has seen that all name one field with the same arguments.
    again: Vec<&'a Positioned<Field>>,
}

impl<'a> Collected<'a> {
    /// A field that is selected once.
    pub fn once(field: &'a Positioned<Field>) -> Self {
        Self { key: field.node.response_key().node.as_str(), field, again: Vec::new() }
    }

    /// The name of the field.
    pub fn name(&self) -> &'a str {
        self.field.node.name.node.as_str()
    }

    /// What is selected from its value.
    pub fn selections(&self) -> impl Iterator<Item = &'a SelectionSet> {
        let fields = std::iter::once(&self.field).chain(&self.again);
        fields.map(|field| &field.node.selection_set.node)
    }
}

/// Collects fields.
#[derive(Clone, Copy)]
pub struct Collector<'a> {
    /// The document's fragments.
    pub fragments: &'a Fragments,
    /// The variables, for `@skip` and `@include`.
    pub variables: &'a Variables,
}

impl<'a> Collector<'a> {
    /// The fields that are selected from an object with these type names: its own, those of its interfaces and unions.
    /// Without any, every fragment applies: validation has seen that those on a lone object type do.
    pub fn collect(
        &self,
        types: Option<&[&str]>,
        sets: impl Iterator<Item = &'a SelectionSet>,
    ) -> Planned<Vec<Collected<'a>>> {
        let mut collected: Vec<Collected<'a>> = Vec::new();
        for set in sets {
            self.add(types, set, &mut collected)?;
        }
        Ok(collected)
    }

    fn add(&self, types: Option<&[&str]>, set: &'a SelectionSet, collected: &mut Vec<Collected<'a>>) -> Planned<()> {
        for selection in &set.items {
            if !self.is_included(selection.node.directives())? {
                continue;
            }
            let (condition, set) = match &selection.node {
                Selection::Field(field) => {
                    let key = field.node.response_key().node.as_str();
                    match collected.iter_mut().find(|known| known.key == key) {
                        Some(known) => known.again.push(field),
                        None => collected.push(Collected::once(field)),
                    }
                    continue;
                }
                Selection::InlineFragment(fragment) => {
                    (fragment.node.type_condition.as_ref(), &fragment.node.selection_set.node)
                }
                Selection::FragmentSpread(spread) => {
                    let fragment = self.fragments.get(&spread.node.fragment_name.node).ok_or(Unplanned)?;
                    (Some(&fragment.node.type_condition), &fragment.node.selection_set.node)
                }
            };
            let applies = |name: &str| types.is_none_or(|types| types.contains(&name));
            if condition.is_none_or(|condition| applies(&condition.node.on.node)) {
                self.add(types, set, collected)?;
            }
        }
        Ok(())
    }

    fn is_included(&self, directives: &[Positioned<Directive>]) -> Planned<bool> {
        for directive in directives {
            let condition = directive.node.get_argument("if").and_then(|value| fill(&value.node, self.variables));
            let (Some(ConstValue::Boolean(condition)), name) = (condition, directive.node.name.node.as_str()) else {
                return Err(Unplanned);
            };
            match name {
                "include" if condition => {}
                "skip" if !condition => {}
                "include" | "skip" => return Ok(false),
                _ => return Err(Unplanned),
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_that_of_the_first_selection() {
        let text = "query($a: Boolean!, $b: Boolean!) { x { one @include(if: $a) ...F } x { one two } } \
                    fragment F on X { two two one @include(if: $b) }";
        let document = async_graphql::parser::parse_query(text).expect("a document");
        let variables = Variables::from_json(serde_json::json!({"a": false, "b": true}));
        let collector = Collector { fragments: &document.fragments, variables: &variables };
        let (_, operation) = document.operations.iter().next().expect("an operation");
        let fields = collector.collect(None, std::iter::once(&operation.node.selection_set.node)).expect("fields");
        assert_eq!(fields.len(), 1);
        let below = collector.collect(None, fields[0].selections()).expect("fields");
        let keys: Vec<_> = below.iter().map(|field| field.key).collect();
        assert_eq!(keys, ["two", "one"]);
    }
}
