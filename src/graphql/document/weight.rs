//! How much memory a document takes that is kept.

use std::mem::size_of;
use std::sync::Arc;

use async_graphql::Positioned;
use async_graphql::parser::types as flat;
use async_graphql_value::Value;
use quick_cache::Weighter;

use super::{Document, Prepared, Variable, definition};

/// What an allocation takes besides what it is for: counts of references, and room that is not used.
const ALLOCATION: usize = 24;
/// What an entry of a map takes besides its key and value.
const ENTRY: usize = 24;

/// Weighs documents by the bytes that they take.
#[derive(Clone)]
pub struct Bytes;

impl Weighter<String, Arc<Document>> for Bytes {
    fn weight(&self, query: &String, document: &Arc<Document>) -> u64 {
        (of_text(query) + ALLOCATION + document.operations.iter().map(of_operation).sum::<usize>()) as u64
    }
}

fn of_operation(operation: &Prepared) -> usize {
    let names = operation.conditions.iter().chain(&operation.name).map(|name| of_text(name) + size_of_val(name));
    let forms = operation.forms.iter().map(|(conditions, form)| {
        let document = size_of::<flat::ExecutableDocument>() + size_of::<flat::OperationDefinition>();
        2 * ALLOCATION + conditions.len() + document + of_set(&definition(form).selection_set.node)
    });
    let variables = operation.variables.iter().map(of_variable);
    size_of::<Prepared>() + names.chain(forms).chain(variables).sum::<usize>()
}

fn of_variable(variable: &Variable) -> usize {
    let Variable { name, ty, default, path } = variable;
    let path = path.iter().map(|step| of_text(step) + size_of::<String>()).sum::<usize>();
    let default = default.as_ref().map_or(0, |value| of_value(&value.clone().into_value()));
    size_of::<Variable>() + of_text(name) + of_text(ty.inner_named_type()) + 2 * ALLOCATION + path + default
}

fn of_set(set: &flat::SelectionSet) -> usize {
    let below = set.items.iter().map(|item| match &item.node {
        flat::Selection::Field(field) => {
            let field = &field.node;
            let name = |name: &Positioned<async_graphql::Name>| of_text(&name.node);
            let argument = |(key, value): &(_, Positioned<Value>)| {
                size_of::<(Positioned<async_graphql::Name>, Positioned<Value>)>() + name(key) + of_value(&value.node)
            };
            let arguments = field.arguments.iter().map(argument).sum::<usize>();
            field.alias.as_ref().map_or(0, name) + name(&field.name) + arguments + of_set(&field.selection_set.node)
        }
        flat::Selection::InlineFragment(fragment) => {
            let condition = fragment.node.type_condition.as_ref();
            condition.map_or(0, |on| of_text(&on.node.on.node)) + of_set(&fragment.node.selection_set.node)
        }
        flat::Selection::FragmentSpread(_) => 0,
    });
    below.sum::<usize>() + set.items.capacity() * size_of::<Positioned<flat::Selection>>() + ALLOCATION
}

fn of_value(value: &Value) -> usize {
    match value {
        Value::Variable(name) | Value::Enum(name) => of_text(name),
        Value::String(text) => of_text(text),
        Value::Binary(bytes) => bytes.len(),
        Value::List(items) => ALLOCATION + items.iter().map(|item| size_of::<Value>() + of_value(item)).sum::<usize>(),
        Value::Object(fields) => {
            let field = |(name, value): (&async_graphql::Name, &Value)| {
                size_of::<(async_graphql::Name, Value)>() + ENTRY + of_text(name) + of_value(value)
            };
            2 * ALLOCATION + fields.iter().map(field).sum::<usize>()
        }
        Value::Null | Value::Number(_) | Value::Boolean(_) => 0,
    }
}

/// The bytes of a text elsewhere.
fn of_text(text: &str) -> usize {
    text.len() + ALLOCATION
}
