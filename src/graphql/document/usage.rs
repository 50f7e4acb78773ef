//! Whether variables fit the places where they are used.
//!
//! Specification: GraphQL, section 5.8.5, "All Variable Usages Are Allowed". apollo-compiler sees to variables that are
//! arguments by themselves; within lists and objects it compares no more than the names of the types, and it takes null
//! for a default that makes up for a missing value. Within JSON it does not look for variables at all.

use std::collections::HashSet;

use apollo_compiler::ast::{self, Type, VariableDefinition};
use apollo_compiler::executable::{ExecutableDocument, Operation, Selection, SelectionSet};
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::{Name, Node, Schema};

/// A variable that does not fit a place.
pub struct Misfit<'a> {
    /// The value that stands there.
    pub at: &'a Node<ast::Value>,
    /// What is wrong.
    pub message: String,
}

/// The variables of an operation that do not fit.
pub fn misfits<'a>(schema: &Schema, document: &'a ExecutableDocument, operation: &'a Operation) -> Vec<Misfit<'a>> {
    let mut usage = Usage { schema, document, declared: &operation.variables, seen: HashSet::new(), found: Vec::new() };
    usage.selection_set(&operation.selection_set);
    usage.found
}

struct Usage<'a, 's> {
    schema: &'s Schema,
    document: &'a ExecutableDocument,
    declared: &'a [Node<VariableDefinition>],
    /// Fragments that were looked at.
    seen: HashSet<&'a Name>,
    found: Vec<Misfit<'a>>,
}

impl<'a> Usage<'a, '_> {
    fn selection_set(&mut self, set: &'a SelectionSet) {
        for selection in &set.selections {
            for argument in selection.directives().iter().flat_map(|directive| &directive.arguments) {
                // `@skip` and `@include` have no other.
                self.value(&argument.value, &Type::NonNullNamed(apollo_compiler::name!("Boolean")), false);
            }
            match selection {
                Selection::Field(field) => {
                    for argument in &field.arguments {
                        if let Some(place) = field.definition.argument_by_name(&argument.name) {
                            self.value(&argument.value, &place.ty, place.default_value.is_some());
                        }
                    }
                    self.selection_set(&field.selection_set);
                }
                Selection::InlineFragment(fragment) => self.selection_set(&fragment.selection_set),
                Selection::FragmentSpread(spread) => {
                    if self.seen.insert(&spread.fragment_name)
                        && let Some(fragment) = self.document.fragments.get(&spread.fragment_name)
                    {
                        self.selection_set(&fragment.selection_set);
                    }
                }
            }
        }
    }

    /// A value at a place of this type; whether the schema has a default there.
    fn value(&mut self, value: &'a Node<ast::Value>, place: &Type, has_default: bool) {
        self.value_in(value, place, has_default, false);
    }

    /// The same, within a document of the scalar `JSON` or not: there anything fits.
    fn value_in(&mut self, value: &'a Node<ast::Value>, place: &Type, has_default: bool, is_json: bool) {
        match &**value {
            ast::Value::Variable(name) => {
                let message = match self.declared.iter().find(|declared| declared.name == *name) {
                    Some(declared) if is_json || fits(declared, place, has_default) => return,
                    Some(declared) => {
                        format!("The variable ${name} of the type {} does not fit {place} here.", declared.ty)
                    }
                    None => format!("The variable ${name} is not defined."),
                };
                self.found.push(Misfit { at: value, message });
            }
            ast::Value::List(items) => {
                items.iter().for_each(|item| self.value_in(item, place.item_type(), false, is_json));
            }
            ast::Value::Object(fields) => {
                let Some(ExtendedType::InputObject(of)) = self.schema.types.get(place.inner_named_type()) else {
                    return fields.iter().for_each(|(_, value)| self.value_in(value, place, false, true));
                };
                for (name, value) in fields {
                    if let Some(field) = of.fields.get(name) {
                        self.value(value, &field.ty, field.default_value.is_some());
                    }
                }
            }
            _ => {}
        }
    }
}

fn fits(declared: &VariableDefinition, place: &Type, has_default: bool) -> bool {
    let own_default = declared.default_value.as_ref().is_some_and(|default| !default.is_null());
    if place.is_non_null() && !declared.ty.is_non_null() && (own_default || has_default) {
        return declared.ty.is_assignable_to(&place.clone().nullable());
    }
    declared.ty.is_assignable_to(place)
}
