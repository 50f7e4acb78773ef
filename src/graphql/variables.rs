//! What async-graphql does not see to: that required variables are given, that defaults count everywhere, and that
//! texts can be stored.
//!
//! Specification: GraphQL, section 6.1.2, "Coercing Variable Values".

use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, OperationType};
use async_graphql::{Name, Request, ServerError, Value};

/// The error about the first required variable of the operation that is missing or null.
pub fn missing(document: &ExecutableDocument, request: &Request) -> Option<ServerError> {
    operation(document, request)?.variable_definitions.iter().find_map(|definition| {
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

/// Gives the operation's variables that are missing their default values, so that nothing behind has to.
pub fn fill_defaults(document: &ExecutableDocument, request: &mut Request) {
    let Some(operation) = operation(document, request) else { return };
    for definition in &operation.variable_definitions {
        let variable = &definition.node;
        if let Some(default) = &variable.default_value
            && !request.variables.contains_key(&variable.name.node)
        {
            request.variables.insert(variable.name.node.clone(), default.node.clone());
        }
    }
}

/// The operation that would run.
fn operation<'a>(document: &'a ExecutableDocument, request: &Request) -> Option<&'a OperationDefinition> {
    let selected = request.operation_name.as_deref();
    let runs = |name: Option<&Name>| selected.is_none() || name.map(Name::as_str) == selected;
    document.operations.iter().find(|(name, _)| runs(*name)).map(|(_, operation)| &operation.node)
}

/// The longest text that any input takes, in bytes, with room to spare.
const MAX_TEXT: usize = 20_000;

/// The error about a text of a query that finds nothing: with U+0000, which PostgreSQL cannot store, or longer than any
/// stored one. The inputs of mutations are checked field by field.
pub fn unusable_text(document: &ExecutableDocument, request: &Request) -> Option<ServerError> {
    if operation(document, request)?.ty != OperationType::Query {
        return None;
    }
    // A document that is no longer than a text may be holds none that is.
    let escapes = ["\\u0000", "\\u{0"];
    let in_document = is_unusable(&request.query) || escapes.iter().any(|escape| request.query.contains(escape));
    let in_variables = request.variables.iter().any(|(name, value)| is_unusable(name) || has_unusable_text(value));
    (in_document || in_variables).then(|| {
        ServerError::new(
            format!("A query and its texts must not contain U+0000 or be longer than {MAX_TEXT} bytes."),
            None,
        )
    })
}

fn has_unusable_text(value: &Value) -> bool {
    match value {
        Value::String(text) => is_unusable(text),
        Value::List(values) => values.iter().any(has_unusable_text),
        Value::Object(fields) => fields.iter().any(|(name, value)| is_unusable(name) || has_unusable_text(value)),
        _ => false,
    }
}

fn is_unusable(text: &str) -> bool {
    text.contains('\0') || text.len() > MAX_TEXT
}
