//! Required variables, which async-graphql does not insist on.
//!
//! Specification: GraphQL, section 6.1.2, "Coercing Variable Values".

use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{Request, ServerError, Value};

/// The error about the first required variable of the operation that is missing or null.
pub fn missing(document: &ExecutableDocument, request: &Request) -> Option<ServerError> {
    let selected = request.operation_name.as_deref();
    let (_, operation) = document
        .operations
        .iter()
        .find(|(name, _)| selected.is_none() || name.map(|name| name.as_str()) == selected)?;
    operation.node.variable_definitions.iter().find_map(|definition| {
        let variable = &definition.node;
        let given = request.variables.get(&variable.name.node);
        let filled = match given {
            Some(value) => *value != Value::Null,
            None => variable.default_value.is_some(),
        };
        if variable.var_type.node.nullable || filled {
            return None;
        }
        let message = format!(
            "The variable ${} of type {} is required: give it a value.",
            variable.name.node, variable.var_type.node
        );
        Some(ServerError::new(message, Some(definition.pos)))
    })
}
