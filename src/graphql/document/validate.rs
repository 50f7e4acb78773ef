//! Whether a document is valid: parsed and judged once, by a validator that knows every rule of the specification.
//!
//! Specification: GraphQL, section 5, "Validation". Of its rules apollo-compiler lacks "Input Object Field Uniqueness",
//! half of "All Variable Usages Are Allowed" (`usage.rs`) and what scalars of ours are; they are here, and so are the
//! limits on what a document may ask to be looked at.

use std::collections::HashSet;

use apollo_compiler::ast::{self, Definition, Document};
use apollo_compiler::collections::HashMap;
use apollo_compiler::diagnostic::Diagnostic;
use apollo_compiler::executable::{ExecutableDocument, Field, Selection, SelectionSet};
use apollo_compiler::parser::{Parser, SourceMap, SourceSpan};
use apollo_compiler::schema::Implementers;
use apollo_compiler::validation::{DiagnosticData, DiagnosticList, Valid};
use apollo_compiler::{Name, Node, Schema};
use async_graphql::{Pos, ServerError};

use super::coerce::{Coercion, Notation, literal};
use super::flatten::Flatten;
use super::usage::misfits;
use super::{MAX_ERRORS, Refused, problem_error, too_much};

/// How long a document's text may be, in bytes.
const MAX_TEXT: usize = 16 * 1024;
/// How many tokens a document may have, each with what separates it from the next, which the parser counts as well.
const MAX_TOKENS: usize = 2 * 2_000;
/// How deep selections and values may be nested.
const MAX_NESTING: usize = 48;
/// How many aliases a document may use.
const MAX_ALIASES: usize = 30;
/// How many directives a document may use.
const MAX_DIRECTIVES: usize = 50;

/// The valid document of this text, or what is wrong with it.
///
/// What asks for too much is found by counting, before anything else is made of it.
pub fn validate(
    text: &str,
    schema: &Valid<Schema>,
    implementers: &HashMap<Name, Implementers>,
) -> Result<Valid<ExecutableDocument>, Refused> {
    if text.len() > MAX_TEXT {
        return Err(too_much(format!("The document has {} bytes, and {MAX_TEXT} are allowed.", text.len())));
    }
    let mut parser = Parser::new().token_limit(MAX_TOKENS).recursion_limit(MAX_NESTING);
    let document = parser
        .parse_ast(text, "document")
        .map_err(|found| Refused { code: "GRAPHQL_PARSE_FAILED", errors: told(&found.errors) })?;
    let mut looked = Look { schema, sources: &document.sources, errors: Vec::new(), aliases: 0, directives: 0 };
    looked.document(&document)?;
    let valid = document.to_executable_validate(schema).map_err(|found| Refused::invalid(told(&found.errors)))?;
    for operation in valid.operations.iter() {
        for misfit in misfits(schema, &valid, operation) {
            let place = position(misfit.at.location(), looked.sources);
            looked.errors.push(ServerError::new(misfit.message, place));
        }
        looked.default_values(operation);
        looked.selection_set(&operation.selection_set);
    }
    for fragment in valid.fragments.values() {
        looked.selection_set(&fragment.selection_set);
    }
    for operation in valid.operations.iter().filter(|_| looked.errors.is_empty()) {
        Flatten::new(schema, implementers, &valid, None).operation(operation)?;
    }
    if looked.errors.is_empty() { Ok(valid) } else { Err(Refused::invalid(looked.errors)) }
}

fn told(errors: &DiagnosticList) -> Vec<ServerError> {
    let one = |error: Diagnostic<'_, DiagnosticData>| {
        let place = error.line_column_range().map(|range| Pos { line: range.start.line, column: range.start.column });
        ServerError::new(error.error.to_string(), place)
    };
    errors.iter().take(MAX_ERRORS).map(one).collect()
}

/// The place of a part of the document.
pub fn position(span: Option<SourceSpan>, sources: &SourceMap) -> Option<Pos> {
    let place = span?.line_column(sources)?;
    Some(Pos { line: place.line, column: place.column })
}

/// A look at what apollo-compiler does not look at.
struct Look<'a> {
    schema: &'a Valid<Schema>,
    sources: &'a SourceMap,
    errors: Vec<ServerError>,
    aliases: usize,
    directives: usize,
}

impl Look<'_> {
    /// As it is written: before names mean anything.
    fn document(&mut self, document: &Document) -> Result<(), Refused> {
        for definition in &document.definitions {
            match definition {
                Definition::OperationDefinition(operation) => {
                    self.directives(&operation.directives);
                    for variable in &operation.variables {
                        self.directives(&variable.directives);
                        variable.default_value.iter().for_each(|value| self.unique_fields(value));
                    }
                    self.selections(&operation.selection_set);
                }
                Definition::FragmentDefinition(fragment) => {
                    self.directives(&fragment.directives);
                    self.selections(&fragment.selection_set);
                }
                _ => {}
            }
        }
        for (what, count, most) in
            [("aliases", self.aliases, MAX_ALIASES), ("directives", self.directives, MAX_DIRECTIVES)]
        {
            if count > most {
                return Err(too_much(format!("The document uses {count} {what}, and {most} are allowed.")));
            }
        }
        Ok(())
    }

    fn selections(&mut self, selections: &[ast::Selection]) {
        for selection in selections {
            match selection {
                ast::Selection::Field(field) => {
                    self.aliases += usize::from(field.alias.is_some());
                    self.directives(&field.directives);
                    field.arguments.iter().for_each(|argument| self.unique_fields(&argument.value));
                    self.selections(&field.selection_set);
                }
                ast::Selection::FragmentSpread(spread) => self.directives(&spread.directives),
                ast::Selection::InlineFragment(fragment) => {
                    self.directives(&fragment.directives);
                    self.selections(&fragment.selection_set);
                }
            }
        }
    }

    fn directives(&mut self, directives: &ast::DirectiveList) {
        self.directives += directives.len();
        directives.iter().flat_map(|it| &it.arguments).for_each(|argument| self.unique_fields(&argument.value));
    }

    /// Section 5.6.3, "Input Object Field Uniqueness".
    fn unique_fields(&mut self, value: &Node<ast::Value>) {
        match &**value {
            ast::Value::List(items) => items.iter().for_each(|item| self.unique_fields(item)),
            ast::Value::Object(fields) => {
                let mut seen = HashSet::with_capacity(fields.len());
                for (name, value) in fields {
                    if !seen.insert(name) {
                        let message = format!("There can be only one input field named \"{name}\".");
                        self.errors.push(ServerError::new(message, position(name.location(), self.sources)));
                    }
                    self.unique_fields(value);
                }
            }
            _ => {}
        }
    }

    fn default_values(&mut self, operation: &apollo_compiler::executable::Operation) {
        for variable in &operation.variables {
            if let Some(default) = &variable.default_value {
                self.literal(default, &variable.ty, vec![variable.name.to_string()]);
            }
        }
    }

    fn selection_set(&mut self, set: &SelectionSet) {
        for selection in &set.selections {
            match selection {
                Selection::Field(field) => {
                    self.arguments(field);
                    self.selection_set(&field.selection_set);
                }
                Selection::InlineFragment(fragment) => self.selection_set(&fragment.selection_set),
                Selection::FragmentSpread(_) => {}
            }
        }
    }

    fn arguments(&mut self, field: &Node<Field>) {
        for argument in &field.arguments {
            if let Some(of) = field.definition.argument_by_name(&argument.name) {
                self.literal(&argument.value, &of.ty, vec![argument.name.to_string()]);
            }
        }
    }

    fn literal(&mut self, value: &Node<ast::Value>, ty: &ast::Type, path: Vec<String>) {
        let mut coercion = Coercion::new(self.schema, Notation::Literal, path);
        coercion.value(literal(value), ty);
        let place = position(value.location(), self.sources);
        self.errors.extend(coercion.problems.into_iter().map(|problem| problem_error(vec![problem], place)));
    }
}
