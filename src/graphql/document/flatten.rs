//! What an operation selects, without fragments, conditions and repetitions: one field for each key of the answer.
//!
//! Specification: GraphQL, section 6.3.2, "Field Collection". Whoever executes what comes out need not merge anything,
//! so no field can be resolved twice, and no two engines can merge differently.
//!
//! Where a selection on an interface or union depends on the object's type, there is one inline fragment for each of
//! its types, which holds all that is selected from it.

use std::collections::{HashMap, HashSet};

use apollo_compiler::Schema;
use apollo_compiler::ast::{self, NamedType};
use apollo_compiler::collections::{HashMap as SchemaMap, IndexMap};
use apollo_compiler::executable::{ExecutableDocument, Field, Selection, SelectionSet};
use apollo_compiler::schema::{ExtendedType, Implementers};
use apollo_compiler::{Name as SchemaName, Node};
use async_graphql::parser::types as flat;
use async_graphql::{Name, Pos, Positioned, ServerError};

use super::coerce::{Coercion, Notation, literal};
use super::validate::position;
use super::{Refused, too_much};

/// How many fields an operation may select once its fragments are spread out.
const MAX_FIELDS: usize = 2_000;
/// How many selections may be looked at for that. Fragments that nest each other multiply them.
const MAX_STEPS: usize = 20_000;
/// How many fields of the root an operation may select.
const MAX_ROOT_FIELDS: usize = 10;
/// How many of them if they change something: one after the other, each with its own transaction.
const MAX_MUTATIONS: usize = 4;
/// How deep the fields may lie. The standard introspection query needs 13.
const MAX_DEPTH: usize = 15;

/// The values of the variables that conditions (`@skip`, `@include`) depend on.
pub type Conditions<'a> = &'a dyn Fn(&str) -> bool;

/// Flattens the operations of one document.
pub struct Flatten<'a> {
    schema: &'a Schema,
    implementers: &'a SchemaMap<SchemaName, Implementers>,
    document: &'a ExecutableDocument,
    conditions: Option<Conditions<'a>>,
    fields: usize,
    steps: usize,
}

/// What is selected under each key, in the order of the answer.
type Collected<'a> = IndexMap<&'a SchemaName, Vec<&'a Node<Field>>>;

impl<'a> Flatten<'a> {
    /// Of this document, where the variables of its conditions have these values; without them, everything that any
    /// values would select.
    pub fn new(
        schema: &'a Schema,
        implementers: &'a SchemaMap<SchemaName, Implementers>,
        document: &'a ExecutableDocument,
        conditions: Option<Conditions<'a>>,
    ) -> Self {
        Self { schema, implementers, document, conditions, fields: 0, steps: 0 }
    }

    /// The operation as a document of its own.
    pub fn operation(
        mut self,
        operation: &'a apollo_compiler::executable::Operation,
    ) -> Result<flat::ExecutableDocument, Refused> {
        let set = self.merged(&operation.selection_set.ty, &[&operation.selection_set], 1)?;
        let most = if operation.is_mutation() { MAX_MUTATIONS } else { MAX_ROOT_FIELDS };
        if set.items.len() > most {
            let count = set.items.len();
            return Err(too_much(format!(
                "The operation asks for {count} fields at its root, and {most} are allowed."
            )));
        }
        let operation = flat::OperationDefinition {
            ty: match operation.operation_type {
                ast::OperationType::Query => flat::OperationType::Query,
                ast::OperationType::Mutation => flat::OperationType::Mutation,
                ast::OperationType::Subscription => flat::OperationType::Subscription,
            },
            variable_definitions: Vec::new(),
            directives: Vec::new(),
            selection_set: at(Pos::default(), set),
        };
        Ok(flat::ExecutableDocument {
            operations: flat::DocumentOperations::Single(at(Pos::default(), operation)),
            fragments: HashMap::new(),
        })
    }

    fn merged(
        &mut self,
        parent: &NamedType,
        sets: &[&'a SelectionSet],
        depth: usize,
    ) -> Result<flat::SelectionSet, Refused> {
        if depth > MAX_DEPTH {
            return Err(too_much(format!("The document is nested too deeply: {MAX_DEPTH} levels are allowed.")));
        }
        if !self.depends_on_type(parent, sets) {
            return self.selected(parent, sets, depth);
        }
        let mut items = Vec::new();
        for object in self.possible_types(parent) {
            let set = self.selected(&object, sets, depth)?;
            let name = Name::new(object.as_str());
            let condition = at(Pos::default(), flat::TypeCondition { on: at(Pos::default(), name) });
            let fragment = flat::InlineFragment {
                type_condition: Some(condition),
                directives: Vec::new(),
                selection_set: at(Pos::default(), set),
            };
            items.push(at(Pos::default(), flat::Selection::InlineFragment(at(Pos::default(), fragment))));
        }
        Ok(flat::SelectionSet { items })
    }

    /// The fields that are selected from an object of this type, or of any type of an interface.
    fn selected(
        &mut self,
        object: &NamedType,
        sets: &[&'a SelectionSet],
        depth: usize,
    ) -> Result<flat::SelectionSet, Refused> {
        let mut collected = Collected::default();
        let mut spread = HashSet::new();
        for set in sets {
            self.collect(object, set, &mut spread, &mut collected)?;
        }
        let mut items = Vec::with_capacity(collected.len());
        for fields in collected.into_values() {
            self.fields += 1;
            if self.fields > MAX_FIELDS {
                return Err(too_much(format!("The document selects more than {MAX_FIELDS} fields.")));
            }
            let field = self.field(&fields, depth)?;
            items.push(at(field.pos, flat::Selection::Field(field)));
        }
        Ok(flat::SelectionSet { items })
    }

    /// One field, of all that are selected under its key: validation has seen that they can be merged.
    fn field(&mut self, fields: &[&'a Node<Field>], depth: usize) -> Result<Positioned<flat::Field>, Refused> {
        let field = fields[0];
        let pos = position(field.location(), &self.document.sources).unwrap_or_default();
        if fields.iter().any(|other| !same_arguments(&field.arguments, &other.arguments)) {
            let key = field.response_key();
            let message = format!("Fields \"{key}\" conflict because they have differing arguments.");
            return Err(Refused::invalid(vec![ServerError::new(message, Some(pos))]));
        }
        let sets: Vec<_> =
            fields.iter().map(|field| &field.selection_set).filter(|set| !set.selections.is_empty()).collect();
        let selection_set = match sets.first() {
            Some(first) => self.merged(&first.ty, &sets, depth + 1)?,
            None => flat::SelectionSet::default(),
        };
        let flat = flat::Field {
            alias: field.alias.as_ref().map(|alias| at(pos, Name::new(alias.as_str()))),
            name: at(pos, Name::new(field.name.as_str())),
            arguments: self.arguments(field, pos),
            directives: Vec::new(),
            selection_set: at(pos, selection_set),
        };
        Ok(at(pos, flat))
    }

    fn arguments(&self, field: &Field, pos: Pos) -> Vec<(Positioned<Name>, Positioned<async_graphql_value::Value>)> {
        let given = field.arguments.iter().filter_map(|argument| {
            let ty = &field.definition.argument_by_name(&argument.name)?.ty;
            let value = Coercion::new(self.schema, Notation::Literal, Vec::new()).value(literal(&argument.value), ty);
            Some((at(pos, Name::new(argument.name.as_str())), at(pos, value)))
        });
        given.collect()
    }

    fn collect(
        &mut self,
        object: &NamedType,
        set: &'a SelectionSet,
        spread: &mut HashSet<&'a SchemaName>,
        collected: &mut Collected<'a>,
    ) -> Result<(), Refused> {
        for selection in &set.selections {
            self.steps += 1;
            if self.steps > MAX_STEPS {
                return Err(too_much("The fragments of the document expand to too many selections.".to_owned()));
            }
            if !self.is_included(selection.directives()) {
                continue;
            }
            let set = match selection {
                Selection::Field(field) => {
                    collected.entry(field.response_key()).or_default().push(field);
                    continue;
                }
                Selection::InlineFragment(fragment) => &fragment.selection_set,
                Selection::FragmentSpread(to) => {
                    let Some(fragment) = self.document.fragments.get(&to.fragment_name) else { continue };
                    if !spread.insert(&to.fragment_name) {
                        continue;
                    }
                    &fragment.selection_set
                }
            };
            if self.applies(&set.ty, object) {
                self.collect(object, set, spread, collected)?;
            }
        }
        Ok(())
    }

    /// Whether a fragment on a type applies to all objects of another.
    fn applies(&self, fragment: &NamedType, object: &NamedType) -> bool {
        fragment == object || self.schema.is_subtype(fragment, object)
    }

    /// Whether objects of a type have other fields selected than others of it: only an interface's or union's can.
    fn depends_on_type(&self, parent: &NamedType, sets: &[&'a SelectionSet]) -> bool {
        if matches!(self.schema.types.get(parent), Some(ExtendedType::Object(_))) {
            return false;
        }
        let mut left: Vec<&SelectionSet> = sets.to_vec();
        let mut seen = HashSet::new();
        while let Some(set) = left.pop() {
            if !self.applies(&set.ty, parent) {
                return true;
            }
            for selection in &set.selections {
                match selection {
                    Selection::Field(_) => {}
                    Selection::InlineFragment(fragment) => left.push(&fragment.selection_set),
                    Selection::FragmentSpread(to) => {
                        let fragment = self.document.fragments.get(&to.fragment_name);
                        left.extend(fragment.filter(|_| seen.insert(&to.fragment_name)).map(|it| &it.selection_set));
                    }
                }
            }
        }
        false
    }

    fn possible_types(&self, parent: &NamedType) -> Vec<NamedType> {
        match self.schema.types.get(parent) {
            Some(ExtendedType::Union(of)) => of.members.iter().map(|member| member.name.clone()).collect(),
            _ => self.implementers.get(parent).map(|of| of.objects.iter().cloned().collect()).unwrap_or_default(),
        }
    }

    fn is_included(&self, directives: &ast::DirectiveList) -> bool {
        let Some(conditions) = self.conditions else { return true };
        directives.iter().all(|directive| {
            let holds = match directive.specified_argument_by_name("if").map(|value| &**value) {
                Some(ast::Value::Boolean(value)) => *value,
                Some(ast::Value::Variable(name)) => conditions(name),
                _ => return true,
            };
            match directive.name.as_str() {
                "skip" => !holds,
                "include" => holds,
                _ => true,
            }
        })
    }
}

/// Whether two fields are asked with the same arguments, in whatever order. apollo-compiler takes a list for the same as
/// a longer one.
fn same_arguments(one: &[Node<ast::Argument>], other: &[Node<ast::Argument>]) -> bool {
    let value =
        |name: &SchemaName| other.iter().find(|argument| argument.name == *name).map(|argument| &*argument.value);
    one.len() == other.len()
        && one.iter().all(|argument| value(&argument.name).is_some_and(|value| same_value(&argument.value, value)))
}

fn same_value(one: &ast::Value, other: &ast::Value) -> bool {
    match (one, other) {
        (ast::Value::List(one), ast::Value::List(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same_value(one, other))
        }
        (ast::Value::Object(one), ast::Value::Object(other)) => {
            let value = |name: &SchemaName| other.iter().find(|(own, _)| own == name).map(|(_, value)| value);
            one.len() == other.len()
                && one.iter().all(|(name, one)| value(name).is_some_and(|other| same_value(one, other)))
        }
        _ => one == other,
    }
}

fn at<T>(pos: Pos, node: T) -> Positioned<T> {
    Positioned::new(node, pos)
}
