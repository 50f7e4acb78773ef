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
mod usage;
mod uses;
mod validate;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use apollo_compiler::ast;
use apollo_compiler::collections::HashMap as SchemaMap;
use apollo_compiler::executable::{self, ExecutableDocument};
use apollo_compiler::schema::{Component, ExtendedType, Implementers};
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name as SchemaName, Node, Schema};
use async_graphql::parser::types as flat;
use async_graphql::{ErrorExtensionValues, Name, Pos, Positioned, ServerError, Value, Variables};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use self::coerce::{Coercion, Notation, Problem, literal};
use self::flatten::Flatten;
use self::uses::Uses;
use super::error::TOO_COMPLEX;
use crate::error::Code;

/// How many errors and problems are told at once.
pub const MAX_ERRORS: usize = 20;
/// How many bytes of query text are kept parsed. A parsed document takes about ten times its text.
const KEPT: u64 = 1024 * 1024;
/// How many documents there are about; the cache adapts to more.
const EXPECTED: usize = 256;
/// How many combinations of its conditions' values a document is kept flattened for.
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

/// A valid document.
pub struct Document {
    operations: Vec<Prepared>,
}

/// An operation of a document.
struct Prepared {
    name: Option<SchemaName>,
    variables: Vec<Variable>,
    selected: Selected,
}

impl Prepared {
    /// The variables that decide what is selected.
    fn conditions(&self) -> &[SchemaName] {
        match &self.selected {
            Selected::Always(_) => &[],
            Selected::Sometimes { conditions, .. } => conditions,
        }
    }
}

/// What an operation selects.
enum Selected {
    /// Always the same. The document it was made of is gone: it would take several times the memory.
    Always(Arc<flat::ExecutableDocument>),
    /// What variables decide, or what nobody has asked for yet.
    Sometimes {
        source: Arc<Valid<ExecutableDocument>>,
        operation: Node<executable::Operation>,
        /// The variables that decide.
        conditions: Vec<SchemaName>,
        /// What is selected for these values of them.
        forms: Mutex<HashMap<Vec<bool>, Arc<flat::ExecutableDocument>>>,
    },
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
    known: Cache<String, Arc<Document>, TextLength>,
}

/// Weighs a document by the bytes of its text.
#[derive(Clone)]
struct TextLength;

impl Weighter<String, Arc<Document>> for TextLength {
    fn weight(&self, query: &String, _: &Arc<Document>) -> u64 {
        query.len() as u64
    }
}

impl Documents {
    /// No documents yet. `sdl` is the schema, or it is told what is wrong with it.
    pub fn new(sdl: &str, introspection: bool) -> Result<Self, String> {
        let schema = Schema::parse_and_validate(sdl, "schema.graphql").map_err(|error| error.to_string())?;
        let schema = with_one_of(schema);
        let implementers = schema.implementers_map();
        Ok(Self { schema, implementers, introspection, known: Cache::with_weighter(EXPECTED, KEPT, TextLength) })
    }

    /// The operation that a request asks for, with the values of its variables.
    pub fn operation(&self, query: &str, name: Option<&str>, given: Variables) -> Result<Operation, Refused> {
        let document = self.document(query)?;
        let prepared = document.prepared(name)?;
        let variables = self.variables(prepared, given)?;
        let operation = Operation { document: self.form(prepared, &variables)?, variables };
        self.check_values(&operation)?;
        Ok(operation)
    }

    fn document(&self, query: &str) -> Result<Arc<Document>, Refused> {
        if let Some(known) = self.known.get(query) {
            return Ok(known);
        }
        let source = validate::validate(query, &self.schema, &self.implementers);
        let source = Arc::new(source.map_err(|refused| if self.introspection { refused } else { refused.discreet() })?);
        let operations = source.operations.iter().map(|operation| self.prepare(&source, operation));
        let document = Arc::new(Document { operations: operations.collect::<Result<_, _>>()? });
        self.known.insert(query.to_owned(), Arc::clone(&document));
        Ok(document)
    }

    fn prepare(
        &self,
        source: &Arc<Valid<ExecutableDocument>>,
        operation: &Node<executable::Operation>,
    ) -> Result<Prepared, Refused> {
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
        let conditions: Vec<_> = uses.conditions.iter().filter(|name| own.contains(name)).cloned().collect();
        let selected = if conditions.is_empty() && source.operations.len() == 1 {
            Selected::Always(self.flattened(source, operation, &|_| false)?)
        } else {
            let (source, operation) = (Arc::clone(source), operation.clone());
            Selected::Sometimes { source, operation, conditions, forms: Mutex::default() }
        };
        let variables = operation.variables.iter().map(variable).collect();
        Ok(Prepared { name: operation.name.clone(), variables, selected })
    }

    /// Specification: section 6.1.2. All that is wrong is told at once.
    fn variables(&self, prepared: &Prepared, mut given: Variables) -> Result<Variables, Refused> {
        let mut coerced = Variables::default();
        let mut problems = Vec::new();
        for Variable { name, ty, default, path } in &prepared.variables {
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
        for name in prepared.conditions() {
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

    fn form(&self, prepared: &Prepared, variables: &Variables) -> Result<Arc<flat::ExecutableDocument>, Refused> {
        let (source, operation, conditions, forms) = match &prepared.selected {
            Selected::Always(form) => return Ok(Arc::clone(form)),
            Selected::Sometimes { source, operation, conditions, forms } => (source, operation, conditions, forms),
        };
        let holds = |name: &str| matches!(variables.get(name), Some(Value::Boolean(true)));
        let conditions: Vec<bool> = conditions.iter().map(|name| holds(name)).collect();
        let forms = || forms.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = forms().get(&conditions) {
            return Ok(Arc::clone(known));
        }
        let form = self.flattened(source, operation, &holds)?;
        let mut forms = forms();
        if forms.len() < KEPT_FORMS {
            forms.insert(conditions, Arc::clone(&form));
        }
        Ok(form)
    }

    fn flattened(
        &self,
        source: &ExecutableDocument,
        operation: &executable::Operation,
        holds: &dyn Fn(&str) -> bool,
    ) -> Result<Arc<flat::ExecutableDocument>, Refused> {
        let document = Flatten::new(&self.schema, &self.implementers, source, Some(holds)).operation(operation)?;
        self.check_introspection(definition(&document))?;
        Ok(Arc::new(document))
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
        let wrong = |message: String| Refused::invalid(vec![ServerError::new(message, None)]);
        match (name, self.operations.as_slice()) {
            (None, [only]) => Ok(only),
            (None, []) => Err(wrong("The document has no operation.".to_owned())),
            (None, _) => Err(wrong("The document has several operations: name one as `operationName`.".to_owned())),
            (Some(name), operations) => {
                let found = operations.iter().find(|it| it.name.as_ref().is_some_and(|own| own == name));
                found.ok_or_else(|| wrong(format!("The document has no operation named `{name}`.")))
            }
        }
    }
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
