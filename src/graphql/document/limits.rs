//! What a valid document still may not ask for.

use apollo_compiler::ast;
use async_graphql::parser::types as flat;
use async_graphql::{ServerError, Value, Variables};

use super::bind::kind;
use super::coerce::Problem;
use super::{Documents, Operation, Refused, problem_error};
use crate::error::Code;
use crate::read::arguments::fill;

/// The longest text that any input of a query takes, in bytes, with room to spare.
const MAX_TEXT: usize = 20_000;

impl Documents {
    /// Refuses introspection where it is switched off.
    pub(super) fn check_introspection(&self, operation: &flat::OperationDefinition) -> Result<(), Refused> {
        for field in fields(&operation.selection_set.node) {
            let name = field.node.name.node.as_str();
            if matches!(name, "__schema" | "__type") && !self.introspection {
                let message = format!("Introspection is switched off: `{name}` cannot be asked for.");
                return Err(Refused::invalid(vec![ServerError::new(message, Some(field.pos))]));
            }
        }
        Ok(())
    }

    /// Refuses values that no query can mean. The inputs of mutations are checked field by field.
    pub(super) fn check_values(&self, operation: &Operation) -> Result<(), Refused> {
        let definition = operation.definition();
        if definition.ty != flat::OperationType::Query {
            return Ok(());
        }
        let root = self.schema.root_operation(kind(definition.ty));
        for field in fields(&definition.selection_set.node) {
            let of = root.and_then(|root| self.schema.type_field(root, &field.node.name.node).ok());
            for argument in of.iter().flat_map(|of| &of.arguments) {
                let given = field.node.get_argument(&argument.name).map(|value| &value.node);
                // Without an organization's id, the caller's own is meant, and many documents say null for that.
                let is_id = matches!(&*argument.ty, ast::Type::Named(name) if name == "ID")
                    && argument.name != "organizationId";
                if is_id && given.and_then(|value| fill(value, &operation.variables)) == Some(Value::Null) {
                    // Who lost the id of one thing must not be told of another.
                    let message = format!("Give `{}` a value, or leave it out.", argument.name);
                    let problem = Problem { code: Code::Required, message, path: vec![argument.name.to_string()] };
                    return Err(Refused::input(problem_error(vec![problem], Some(field.pos))));
                }
            }
        }
        unusable_in(&definition.selection_set.node, &operation.variables)
            .map_or(Ok(()), |problem| Err(Refused::input(problem_error(vec![problem], None))))
    }
}

fn fields(set: &flat::SelectionSet) -> impl Iterator<Item = &async_graphql::Positioned<flat::Field>> {
    set.items.iter().filter_map(|item| match &item.node {
        flat::Selection::Field(field) => Some(field),
        flat::Selection::InlineFragment(_) | flat::Selection::FragmentSpread(_) => None,
    })
}

/// The first text of a query that finds nothing: with U+0000, which PostgreSQL cannot store, or longer than any stored
/// one.
fn unusable_in(set: &flat::SelectionSet, variables: &Variables) -> Option<Problem> {
    set.items.iter().find_map(|item| match &item.node {
        flat::Selection::Field(field) => {
            let argument = |(name, value): &(async_graphql::Positioned<async_graphql::Name>, _)| {
                let value: &async_graphql::Positioned<async_graphql_value::Value> = value;
                let mut path = vec![name.node.to_string()];
                unusable(&fill(&value.node, variables)?, &mut path).then(|| {
                    let message = format!("A text must not contain U+0000 or be longer than {MAX_TEXT} bytes.");
                    Problem { code: Code::InvalidFormat, message, path }
                })
            };
            field
                .node
                .arguments
                .iter()
                .find_map(argument)
                .or_else(|| unusable_in(&field.node.selection_set.node, variables))
        }
        flat::Selection::InlineFragment(fragment) => unusable_in(&fragment.node.selection_set.node, variables),
        flat::Selection::FragmentSpread(_) => None,
    })
}

/// Whether a value holds such a text, to which the path then leads.
fn unusable(value: &Value, path: &mut Vec<String>) -> bool {
    let is_unusable = |text: &str| text.contains('\0') || text.len() > MAX_TEXT;
    let mut below = |step: String, value: &Value| {
        path.push(step);
        let found = unusable(value, path);
        if !found {
            path.pop();
        }
        found
    };
    match value {
        Value::String(text) => is_unusable(text),
        Value::List(values) => values.iter().enumerate().any(|(index, value)| below(index.to_string(), value)),
        Value::Object(fields) => fields.iter().any(|(name, value)| below(name.to_string(), value)),
        _ => false,
    }
}
