//! What is selected from an object.
//!
//! The document comes [flattened](crate::graphql::document): one field for each key of the answer, and inline fragments
//! only where an object is of one of several types.

use async_graphql::Positioned;
use async_graphql::parser::types::{Field, Selection, SelectionSet};

/// A field of the answer.
pub struct Collected<'a> {
    /// The key in the answer.
    pub key: &'a str,
    /// Its selection.
    pub field: &'a Positioned<Field>,
}

impl<'a> Collected<'a> {
    /// The field of this selection.
    pub fn of(field: &'a Positioned<Field>) -> Self {
        Self { key: field.node.response_key().node.as_str(), field }
    }

    /// The name of the field.
    pub fn name(&self) -> &'a str {
        self.field.node.name.node.as_str()
    }

    /// What is selected from its value.
    pub fn selections(&self) -> &'a SelectionSet {
        &self.field.node.selection_set.node
    }
}

/// The fields that are selected from an object of this type, in the order of the answer.
pub fn fields<'a>(object: &str, set: &'a SelectionSet) -> Vec<Collected<'a>> {
    let mut fields = Vec::with_capacity(set.items.len());
    for item in &set.items {
        match &item.node {
            Selection::Field(field) => fields.push(Collected::of(field)),
            Selection::InlineFragment(fragment) => {
                let on = fragment.node.type_condition.as_ref().map(|condition| condition.node.on.node.as_str());
                if on == Some(object) {
                    fields.extend(self::fields(object, &fragment.node.selection_set.node));
                }
            }
            // There are none.
            Selection::FragmentSpread(_) => {}
        }
    }
    fields
}
