//! Documents: judged once, when they are first seen, and kept in a form that needs no further thought.
//!
//! `validate.rs` (with `usage.rs`) parses and validates, `flatten.rs` spreads fragments out and merges what is selected, `coerce.rs` makes
//! values fit their types. Whoever answers an [`Operation`], be it the read path or the resolvers, meets one field for
//! each key of the answer and values of the right types. Why async-graphql's own parser and validation are not used is
//! said in docs/adr/0020.

mod bind;
mod coerce;
mod flatten;
mod limits;
#[cfg(test)]
mod tests;
mod usage;
mod uses;
mod validate;
mod weight;

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use apollo_compiler::ast;
use apollo_compiler::collections::HashMap as SchemaMap;
use apollo_compiler::executable::{self, ExecutableDocument};
use apollo_compiler::schema::{Component, ExtendedType, Implementers};
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name as SchemaName, Node, Schema};
use async_graphql::parser::types as flat;
use async_graphql::{ErrorExtensionValues, Name, Pos, Positioned, ServerError, Value, Variables};
use quick_cache::sync::Cache;

use self::coerce::{Coercion, Notation, Problem, literal};
use self::flatten::Flatten;
use self::uses::Uses;
use self::weight::Bytes;
use super::error::TOO_COMPLEX;
use crate::error::Code;

/// How many errors and problems are told at once.
pub const MAX_ERRORS: usize = 20;
/// How many bytes the documents take that are kept. One of a front end takes about ten thousand.
const KEPT: u64 = 4 * 1024 * 1024;
/// How many documents there are about; the cache adapts to more.
const EXPECTED: usize = 256;
/// How many combinations of its conditions' values an operation is kept flattened for.
const KEPT_FORMS: usize = 16;

/// Why a request is not executed.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The code of errors that have none.
    pub code: &'static str,
    /// What is wrong.
    pub errors: Vec<ServerError>,
}

impl Refused {
    fn invalid(errors: Vec<ServerError>) -> Self {
        Self { code: "GRAPHQL_VALIDATION_FAILED", errors }
    }

    /// The same for those who are not told the schema: where something is wrong, but not what would be right.
    fn discreet(mut self) -> Self {
        if self.code == "GRAPHQL_VALIDATION_FAILED" {
            for error in &mut self.errors {
                "The document is not valid here.".clone_into(&mut error.message);
                error.extensions = None;
            }
        }
        self
    }

    fn input(error: ServerError) -> Self {
        Self { code: "BAD_USER_INPUT", errors: vec![error] }
    }
}

/// The refusal of a document that asks for too much.
fn too_much(message: String) -> Refused {
    Refused { code: TOO_COMPLEX, errors: vec![ServerError::new(message, None)] }
}

/// An operation that can be executed.
pub struct Operation {
    /// The document with this operation alone, without fragments, conditions and variable definitions.
    pub document: Arc<flat::ExecutableDocument>,
    /// The values of its variables; one that was omitted and has no default is missing.
    pub variables: Variables,
}

impl Operation {
    /// The operation itself.
    pub fn definition(&self) -> &flat::OperationDefinition {
        definition(&self.document)
    }
}

fn definition(document: &flat::ExecutableDocument) -> &flat::OperationDefinition {
    static NONE: OnceLock<flat::OperationDefinition> = OnceLock::new();
    let none = || flat::OperationDefinition {
        ty: flat::OperationType::Query,
        variable_definitions: Vec::new(),
        directives: Vec::new(),
        selection_set: Positioned::new(flat::SelectionSet::default(), Pos::default()),
    };
    // `flatten.rs` makes no other than single ones.
    match &document.operations {
        flat::DocumentOperations::Single(operation) => &operation.node,
        flat::DocumentOperations::Multiple(_) => NONE.get_or_init(none),
    }
}

/// What is kept of a valid document. The document it was made of is gone: it would take several times the memory.
#[derive(Clone)]
struct Document {
    operations: Vec<Prepared>,
}

/// An operation of a document.
#[derive(Clone)]
struct Prepared {
    name: Option<SchemaName>,
    variables: Arc<[Variable]>,
    /// The variables that decide what is selected.
    conditions: Arc<[SchemaName]>,
    /// What is selected for these values of them; those that were asked for lately.
    forms: Vec<(Conditions, Arc<flat::ExecutableDocument>)>,
}

/// The values of the variables that decide what is selected.
type Conditions = Vec<bool>;

impl Prepared {
    fn values_of_conditions(&self, variables: &Variables) -> Conditions {
        self.conditions.iter().map(|name| holds(variables, name)).collect()
    }

    fn form(&self, conditions: &Conditions) -> Option<Arc<flat::ExecutableDocument>> {
        self.forms.iter().find(|(known, _)| known == conditions).map(|(_, form)| Arc::clone(form))
    }
}

/// Whether a variable is true.
fn holds(variables: &Variables, name: &str) -> bool {
    matches!(variables.get(name), Some(Value::Boolean(true)))
}

/// A variable of an operation.
struct Variable {
    name: Name,
    ty: ast::Type,
    default: Option<Value>,
    /// Where its value goes first, from the argument down: what is wrong with it is told of there.
    path: Vec<String>,
}

/// The schema, and the documents that were asked for lately, by their text.
pub struct Documents {
    schema: Valid<Schema>,
    implementers: SchemaMap<SchemaName, Implementers>,
    introspection: bool,
    known: Cache<String, Arc<Document>, Bytes>,
}

impl Documents {
    /// No documents yet. `sdl` is the schema, or it is told what is wrong with it.
    pub fn new(sdl: &str, introspection: bool) -> Result<Self, String> {
        let schema = Schema::parse_and_validate(sdl, "schema.graphql").map_err(|error| error.to_string())?;
        let schema = with_one_of(schema);
        let implementers = schema.implementers_map();
        Ok(Self { schema, implementers, introspection, known: Cache::with_weighter(EXPECTED, KEPT, Bytes) })
    }

    /// The operation that a request asks for, with the values of its variables. Before a text is judged, `charge` is
    /// asked whether it may be.
    pub fn operation<E: From<Refused>>(
        &self,
        query: &str,
        name: Option<&str>,
        given: Variables,
        mut charge: impl FnMut() -> Result<(), E>,
    ) -> Result<Operation, E> {
        let mut judged = || {
            charge()?;
            let source = validate::validate(query, &self.schema, &self.implementers);
            Ok::<_, E>(source.map_err(|refused| if self.introspection { refused } else { refused.discreet() })?)
        };
        let (document, source) = match self.known.get(query) {
            Some(document) => (document, None),
            None => {
                let source = judged()?;
                let operations = source.operations.iter().map(|operation| self.prepare(&source, operation));
                (Arc::new(Document { operations: operations.collect() }), Some(source))
            }
        };
        let prepared = document.prepared(name)?;
        let variables = self.variables(prepared, given)?;
        let conditions = prepared.values_of_conditions(&variables);
        let form = match prepared.form(&conditions) {
            Some(form) => form,
            None => {
                let form = self.flattened(&source.map_or_else(judged, Ok)?, prepared.name.as_deref(), &variables)?;
                self.known.insert(query.to_owned(), Arc::new(document.with(prepared, conditions, &form)));
                form
            }
        };
        let operation = Operation { document: form, variables };
        self.check_values(&operation)?;
        Ok(operation)
    }

    fn prepare(&self, source: &Valid<ExecutableDocument>, operation: &Node<executable::Operation>) -> Prepared {
        let mut uses = Uses::default();
        let fragments = source.fragments.values().map(|fragment| &fragment.selection_set);
        for set in std::iter::once(&operation.selection_set).chain(fragments) {
            uses.find(set);
        }
        let own: BTreeSet<&SchemaName> = operation.variables.iter().map(|variable| &variable.name).collect();
        let variable = |variable: &Node<ast::VariableDefinition>| Variable {
            name: Name::new(variable.name.as_str()),
            ty: (*variable.ty).clone(),
            default: variable.default_value.as_ref().and_then(|default| {
                let mut coercion = Coercion::new(&self.schema, Notation::Literal, Vec::new());
                coercion.value(literal(default), &variable.ty).into_const()
            }),
            path: uses.paths.get(&variable.name).cloned().unwrap_or_else(|| vec![variable.name.to_string()]),
        };
        Prepared {
            name: operation.name.clone(),
            variables: operation.variables.iter().map(variable).collect(),
            conditions: uses.conditions.iter().filter(|name| own.contains(name)).cloned().collect(),
            forms: Vec::new(),
        }
    }

    /// Specification: section 6.1.2. All that is wrong is told at once.
    fn variables(&self, prepared: &Prepared, mut given: Variables) -> Result<Variables, Refused> {
        let mut coerced = Variables::default();
        let mut problems = Vec::new();
        for Variable { name, ty, default, path } in prepared.variables.iter() {
            let value = match (given.remove(name), default) {
                (Some(value), _) => value,
                (None, Some(default)) => {
                    coerced.insert(name.clone(), default.clone());
                    continue;
                }
                (None, None) if ty.is_non_null() => Value::Null,
                (None, None) => continue,
            };
            let mut coercion = Coercion::new(&self.schema, Notation::Json, path.clone());
            let value = coercion.value(value.into_value(), ty);
            problems.extend(coercion.problems);
            coerced.insert(name.clone(), value.into_const().unwrap_or_default());
        }
        // A default lets a variable without `!` stand there, and then it is null all the same.
        for name in prepared.conditions.iter() {
            if coerced.get(name.as_str()) == Some(&Value::Null) {
                let message = "A condition must be true or false.".to_owned();
                problems.push(Problem { code: Code::Required, message, path: vec![name.to_string()] });
            }
        }
        problems.truncate(MAX_ERRORS);
        if !self.introspection {
            problems.iter_mut().for_each(Problem::hide_types);
        }
        if problems.is_empty() { Ok(coerced) } else { Err(Refused::input(problem_error(problems, None))) }
    }

    fn flattened(
        &self,
        source: &Valid<ExecutableDocument>,
        name: Option<&str>,
        variables: &Variables,
    ) -> Result<Arc<flat::ExecutableDocument>, Refused> {
        let operation = source.operations.get(name).map_err(|_| no_operation(name))?;
        let holds = |name: &str| holds(variables, name);
        let form = Flatten::new(&self.schema, &self.implementers, source, Some(&holds)).operation(operation)?;
        self.check_introspection(definition(&form))?;
        Ok(Arc::new(form))
    }
}

/// The schema with a field of introspection that tools ask for and apollo-compiler does not know yet.
fn with_one_of(schema: Valid<Schema>) -> Valid<Schema> {
    let mut schema = schema.into_inner();
    if let Some(ExtendedType::Object(of)) = schema.types.get_mut("__Type") {
        let (name, ty) = (apollo_compiler::name!("isOneOf"), ast::Type::Named(apollo_compiler::name!("Boolean")));
        let (arguments, directives) = (Vec::new(), ast::DirectiveList::default());
        let field = ast::FieldDefinition { description: None, name: name.clone(), arguments, ty, directives };
        of.make_mut().fields.insert(name, Component::new(field));
    }
    Valid::assume_valid(schema)
}

impl Document {
    fn prepared(&self, name: Option<&str>) -> Result<&Prepared, Refused> {
        match (name, self.operations.as_slice()) {
            (None, [only]) => Ok(only),
            (None, []) => Err(wrong("The document has no operation.".to_owned())),
            (None, _) => Err(wrong("The document has several operations: name one as `operationName`.".to_owned())),
            (Some(_), operations) => {
                operations.iter().find(|it| it.name.as_deref() == name).ok_or_else(|| no_operation(name))
            }
        }
    }

    /// The same with one more form of an operation, in the place of its oldest if there are many.
    fn with(&self, prepared: &Prepared, conditions: Conditions, form: &Arc<flat::ExecutableDocument>) -> Self {
        let mut document = self.clone();
        for it in document.operations.iter_mut().filter(|it| it.name == prepared.name) {
            it.forms.drain(..it.forms.len().saturating_sub(KEPT_FORMS - 1));
            it.forms.push((conditions.clone(), Arc::clone(form)));
        }
        document
    }
}

fn wrong(message: String) -> Refused {
    Refused::invalid(vec![ServerError::new(message, None)])
}

fn no_operation(name: Option<&str>) -> Refused {
    wrong(format!("The document has no operation named `{}`.", name.unwrap_or_default()))
}

/// The error that tells of problems with values.
fn problem_error(problems: Vec<Problem>, place: Option<Pos>) -> ServerError {
    let told: Vec<_> =
        problems.iter().map(|problem| format!("`{}`: {}", problem.path.join("."), problem.message)).collect();
    let mut error = ServerError::new(told.join(" "), place);
    let one = |problem: Problem| {
        let path = problem.path.into_iter().map(Value::String).collect();
        let fields = [
            ("code", async_graphql::resolver_utils::enum_value(problem.code)),
            ("message", Value::String(problem.message)),
            ("path", Value::List(path)),
        ];
        Value::Object(fields.into_iter().map(|(name, value)| (Name::new(name), value)).collect())
    };
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("problems", Value::List(problems.into_iter().map(one).collect()));
    error.extensions = Some(extensions);
    error
}
