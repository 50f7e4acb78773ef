//! Documents: judged once, when they are first seen, and kept in a form that needs no further thought.
//!
//! `validate.rs` (with `usage.rs`) parses and validates, `flatten.rs` spreads fragments out and merges what is selected, `coerce.rs` makes
//! values fit their types. Whoever answers an [`Operation`], be it the read path or the resolvers, meets one field for
//! each key of the answer and values of the right types. Why async-graphql's own parser and validation are not used is
//! said in docs/adr/0020.

mod coerce;
mod flatten;
mod usage;
mod validate;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use apollo_compiler::ast;
use apollo_compiler::collections::HashMap as SchemaMap;
use apollo_compiler::executable::{self, ExecutableDocument, Selection};
use apollo_compiler::schema::{Component, ExtendedType, Implementers};
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name as SchemaName, Node, Schema};
use async_graphql::parser::types as flat;
use async_graphql::{ErrorExtensionValues, Name, Pos, Positioned, ServerError, Value, Variables};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use self::coerce::{Coercion, Notation, Problem, literal};
use self::flatten::Flatten;
use crate::read::arguments::fill;

/// How many bytes of query text are kept parsed. A parsed document takes about ten times its text.
const KEPT: u64 = 1024 * 1024;
/// How many documents there are about; the cache adapts to more.
const EXPECTED: usize = 256;
/// How many combinations of its conditions' values a document is kept flattened for.
const KEPT_FORMS: usize = 16;
/// The longest text that any input of a query takes, in bytes, with room to spare.
const MAX_TEXT: usize = 20_000;

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

    fn input(error: ServerError) -> Self {
        Self { code: "BAD_USER_INPUT", errors: vec![error] }
    }
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
    ty: ast::OperationType,
    variables: Vec<Variable>,
    selected: Selected,
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
        let flat = self.form(prepared, &variables)?;
        if prepared.ty == ast::OperationType::Query && variables.values().any(has_unusable_text) {
            return Err(unusable_text());
        }
        Ok(Operation { document: flat, variables })
    }

    fn document(&self, query: &str) -> Result<Arc<Document>, Refused> {
        if let Some(known) = self.known.get(query) {
            return Ok(known);
        }
        let source = Arc::new(validate::validate(query, &self.schema)?);
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
        Ok(Prepared { name: operation.name.clone(), ty: operation.operation_type, variables, selected })
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
        let document = Flatten::new(&self.schema, &self.implementers, source, holds).operation(operation)?;
        self.check_flat(definition(&document))?;
        Ok(Arc::new(document))
    }

    /// What validation does not know: whether introspection is allowed, and which texts can be looked for.
    fn check_flat(&self, operation: &flat::OperationDefinition) -> Result<(), Refused> {
        let names = |name: &str| matches!(name, "__schema" | "__type");
        for item in &operation.selection_set.node.items {
            if let flat::Selection::Field(field) = &item.node
                && names(&field.node.name.node)
                && !self.introspection
            {
                let message = format!("Introspection is switched off: `{}` cannot be asked for.", field.node.name.node);
                return Err(Refused::invalid(vec![ServerError::new(message, Some(field.pos))]));
            }
        }
        if operation.ty == flat::OperationType::Query && has_unusable_literal(&operation.selection_set.node) {
            return Err(unusable_text());
        }
        Ok(())
    }

    /// The operation with the values of its variables in their places and all defaults written out, for who cannot do
    /// that: what is wrong with a value that both made up is told at its place.
    pub fn bound(&self, operation: &Operation) -> Result<flat::ExecutableDocument, Refused> {
        let mut document = (*operation.document).clone();
        let mut binding = Binding { schema: &self.schema, variables: &operation.variables, errors: Vec::new() };
        if let flat::DocumentOperations::Single(operation) = &mut document.operations {
            let root = match operation.node.ty {
                flat::OperationType::Query => ast::OperationType::Query,
                flat::OperationType::Mutation => ast::OperationType::Mutation,
                flat::OperationType::Subscription => ast::OperationType::Subscription,
            };
            if let Some(root) = self.schema.root_operation(root) {
                binding.selection_set(root, &mut operation.node.selection_set.node);
            }
        }
        if binding.errors.is_empty() {
            Ok(document)
        } else {
            Err(Refused { code: "BAD_USER_INPUT", errors: binding.errors })
        }
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

/// What variables are used for.
#[derive(Default)]
struct Uses {
    paths: HashMap<SchemaName, Vec<String>>,
    conditions: BTreeSet<SchemaName>,
}

impl Uses {
    fn find(&mut self, set: &executable::SelectionSet) {
        for selection in &set.selections {
            for directive in selection.directives().iter() {
                let condition = directive.specified_argument_by_name("if").and_then(|value| value.as_variable());
                self.conditions.extend(condition.cloned());
            }
            match selection {
                Selection::Field(field) => {
                    for argument in &field.arguments {
                        self.value(&argument.value, &mut vec![argument.name.to_string()]);
                    }
                    self.find(&field.selection_set);
                }
                Selection::InlineFragment(fragment) => self.find(&fragment.selection_set),
                Selection::FragmentSpread(_) => {}
            }
        }
    }

    fn value(&mut self, value: &ast::Value, path: &mut Vec<String>) {
        let mut below = |step: String, value: &ast::Value| {
            path.push(step);
            self.value(value, path);
            path.pop();
        };
        match value {
            ast::Value::List(items) => {
                items.iter().enumerate().for_each(|(index, item)| below(index.to_string(), item));
            }
            ast::Value::Object(fields) => fields.iter().for_each(|(name, value)| below(name.to_string(), value)),
            ast::Value::Variable(name) => {
                self.paths.entry(name.clone()).or_insert_with(|| path.clone());
            }
            _ => {}
        }
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

/// A query with a text that finds nothing: with U+0000, which PostgreSQL cannot store, or longer than any stored one.
/// The inputs of mutations are checked field by field.
fn unusable_text() -> Refused {
    let message = format!("The texts of a query must not contain U+0000 or be longer than {MAX_TEXT} bytes.");
    Refused::input(ServerError::new(message, None))
}

fn is_unusable(text: &str) -> bool {
    text.contains('\0') || text.len() > MAX_TEXT
}

fn has_unusable_text(value: &Value) -> bool {
    match value {
        Value::String(text) => is_unusable(text),
        Value::List(values) => values.iter().any(has_unusable_text),
        Value::Object(fields) => fields.iter().any(|(name, value)| is_unusable(name) || has_unusable_text(value)),
        _ => false,
    }
}

fn has_unusable_literal(set: &flat::SelectionSet) -> bool {
    set.items.iter().any(|item| match &item.node {
        flat::Selection::Field(field) => {
            let values = field.node.arguments.iter().filter_map(|(_, value)| fill(&value.node, &Variables::default()));
            values.into_iter().any(|value| has_unusable_text(&value))
                || has_unusable_literal(&field.node.selection_set.node)
        }
        flat::Selection::InlineFragment(fragment) => has_unusable_literal(&fragment.node.selection_set.node),
        flat::Selection::FragmentSpread(_) => false,
    })
}
