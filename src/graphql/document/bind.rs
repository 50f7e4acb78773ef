//! An operation with the values of its variables in their places.

use apollo_compiler::Schema;
use apollo_compiler::ast;
use async_graphql::parser::types as flat;
use async_graphql::{Positioned, ServerError, Variables};

use super::coerce::{Coercion, Notation};
use super::{Documents, Operation, Refused, problem_error};
use crate::read::arguments::fill;

impl Documents {
    /// The operation with the values of its variables in their places and all defaults written out, for who cannot do
    /// that: what is wrong with a value that both made up is told at its place.
    pub fn bound(&self, operation: &Operation) -> Result<flat::ExecutableDocument, Refused> {
        let mut document = (*operation.document).clone();
        let mut binding = Binding { schema: &self.schema, variables: &operation.variables, errors: Vec::new() };
        if let flat::DocumentOperations::Single(operation) = &mut document.operations
            && let Some(root) = self.schema.root_operation(kind(operation.node.ty))
        {
            binding.selection_set(root, &mut operation.node.selection_set.node);
        }
        if binding.errors.is_empty() {
            Ok(document)
        } else {
            Err(Refused { code: "BAD_USER_INPUT", errors: binding.errors })
        }
    }
}

/// The kind of an operation, as the schema knows it.
pub const fn kind(ty: flat::OperationType) -> ast::OperationType {
    match ty {
        flat::OperationType::Query => ast::OperationType::Query,
        flat::OperationType::Mutation => ast::OperationType::Mutation,
        flat::OperationType::Subscription => ast::OperationType::Subscription,
    }
}

/// Fills variables into arguments.
struct Binding<'a> {
    schema: &'a Schema,
    variables: &'a Variables,
    errors: Vec<ServerError>,
}

impl Binding<'_> {
    fn selection_set(&mut self, parent: &str, set: &mut flat::SelectionSet) {
        for item in &mut set.items {
            match &mut item.node {
                flat::Selection::Field(field) => self.field(parent, field),
                flat::Selection::InlineFragment(fragment) => {
                    let on = fragment.node.type_condition.as_ref().map(|condition| condition.node.on.node.clone());
                    self.selection_set(
                        on.as_ref().map_or(parent, |on| on.as_str()),
                        &mut fragment.node.selection_set.node,
                    );
                }
                flat::Selection::FragmentSpread(_) => {}
            }
        }
    }

    fn field(&mut self, parent: &str, field: &mut Positioned<flat::Field>) {
        let (pos, field) = (field.pos, &mut field.node);
        let Ok(definition) = self.schema.type_field(parent, &field.name.node) else { return };
        let mut problems = Vec::new();
        field.arguments.retain_mut(|(name, value)| {
            let Some(of) = definition.argument_by_name(&name.node) else { return false };
            let Some(filled) = fill(&value.node, self.variables) else { return false };
            let mut coercion = Coercion::new(self.schema, Notation::Json, vec![name.node.to_string()]);
            value.node = coercion.value(filled.into_value(), &of.ty);
            problems.extend(coercion.problems);
            true
        });
        if !problems.is_empty() {
            self.errors.push(problem_error(problems, Some(pos)));
        }
        if !field.selection_set.node.items.is_empty() {
            let below = definition.ty.inner_named_type().clone();
            self.selection_set(&below, &mut field.selection_set.node);
        }
    }
}
