//! From a selection set to a plan.

mod connection;

use async_graphql::Variables;
use async_graphql::parser::types::{OperationDefinition, SelectionSet};

use super::arguments::Arguments;
use super::json::WriteJson;
use super::plan::{Entry, ListBelow, ListPlan, RootField, RootPlan, Selected, SelectedField, Shown, Statement, Value};
use super::relation::{Joined, List, Many};
use super::selection::{Collected, fields};
use super::shape::{Computed, Field, Object};
use super::start::{Folded, Found, Kind, Part, Parts, Root, Several};
use super::{Planned, Unplanned};
use crate::error::Error;
use crate::graphql::context::RequestContext;
use crate::store::{First, Reading, Source, Table};

/// Plans an operation.
pub struct Planner<'a> {
    request: &'a RequestContext,
    variables: &'a Variables,
}

impl<'a> Planner<'a> {
    pub fn new(request: &'a RequestContext, variables: &'a Variables) -> Self {
        Self { request, variables }
    }

    /// The plans of all root fields of a query, in the order of the answer.
    pub fn operation(&self, operation: &'a OperationDefinition) -> Planned<Vec<Entry<RootField<'a>>>> {
        let known =
            |json| RootField { plan: RootPlan::Known(json), place: ("__typename", async_graphql::Pos::default()) };
        self.entries("Query", &operation.selection_set.node, known, |field| {
            Ok(RootField { plan: self.root(field)?, place: (field.key, field.field.pos) })
        })
    }

    fn arguments(&self, field: &Collected<'a>) -> Arguments<'a> {
        Arguments::of(&field.field.node, self.variables)
    }

    /// The arguments of a computed field, which are texts. They are read here once, because the field may stand in an
    /// empty list and never be computed.
    fn texts(&self, field: &Collected<'a>) -> Planned<Arguments<'a>> {
        let arguments = self.arguments(field);
        arguments.names().try_for_each(|name| arguments.get::<String>(name).map(drop))?;
        Ok(arguments)
    }

    /// The fields that are selected from an object; `__typename` is known.
    fn entries<T>(
        &self,
        name: &str,
        set: &'a SelectionSet,
        known: fn(Vec<u8>) -> T,
        mut plan: impl FnMut(&Collected<'a>) -> Planned<T>,
    ) -> Planned<Vec<Entry<T>>> {
        let collected = fields(name, set);
        let entry = |field: &Collected<'a>| {
            let value = if field.name() == "__typename" { known(quoted(name)) } else { plan(field)? };
            let mut key = quoted(field.key);
            key.push(b':');
            Ok(Entry { key, value })
        };
        collected.iter().map(entry).collect()
    }

    fn root(&self, field: &Collected<'a>) -> Planned<RootPlan<'a>> {
        let arguments = self.arguments(field);
        match super::roots::find(field.name()).ok_or(Unplanned::Unknown)? {
            Root::Pages(object, page) => {
                let page = page(self.request, arguments)?;
                self.connection(object, page, None, field).map(RootPlan::Pages)
            }
            Root::Folded(find) => {
                let Folded { reading, of, value, field: row } = find(self.request, arguments)?;
                let mut statement = Statement { reading, lists: Vec::new() };
                let selected = self.selected(field, &mut |field| {
                    let row = row(field.name());
                    row.map(|row| self.value(row, Reading::BASE, field, &mut statement)).transpose()
                })?;
                Ok(RootPlan::Folded { statement, of, value, selected })
            }
            Root::One(find) => self.found_or_null(find(self.request, arguments)?, field),
            Root::Parts(find) => match find(self.request)? {
                Some(Parts { object, field: part }) => {
                    let entries = self.entries(object, field.selections(), RootPlan::Known, |field| {
                        match part(self.request, field.name())? {
                            Part::Known(json) => Ok(RootPlan::Known(json)),
                            Part::One(found) => self.found_or_null(found, field),
                        }
                    });
                    entries.map(RootPlan::Parts)
                }
                None => Ok(RootPlan::Known(b"null".to_vec())),
            },
            Root::Several(find) => {
                let Several { kinds, places } = find(self.request, arguments)?;
                // Each row belongs to its own id, as those of a list belong to a parent's.
                let plan = |Kind { source, object, id, ids }| {
                    let one = First { keys: Vec::new(), limit: Some(1) };
                    Ok((self.first(object, source, one, id, field)?, ids))
                };
                Ok(RootPlan::Several { kinds: kinds.into_iter().map(plan).collect::<Planned<_>>()?, places })
            }
        }
    }

    /// For each of many parents the first rows of a source, of those whose column `own` holds its id.
    fn first(
        &self,
        object: Object,
        source: Source,
        first: First,
        own: &'static str,
        field: &Collected<'a>,
    ) -> Planned<ListPlan<'a>> {
        let reading = Reading::per_parent(source, first, own);
        let mut statement = Statement { reading, lists: Vec::new() };
        let fields = self.object(object, Reading::BASE, field, &mut statement)?;
        Ok(ListPlan { statement, shown: Shown::All(fields) })
    }

    fn found_or_null(&self, found: Option<Found>, field: &Collected<'a>) -> Planned<RootPlan<'a>> {
        match found {
            Some(found) => self.found(found, field),
            None => Ok(RootPlan::Known(b"null".to_vec())),
        }
    }

    /// One object, of which a field selects.
    pub fn found(&self, found: Found, field: &Collected<'a>) -> Planned<RootPlan<'a>> {
        let Found { row, object, field: shown, is_caller } = found;
        let reading = Reading::one(row);
        let mut statement = Statement { reading, lists: Vec::new() };
        let value = match shown {
            Some(name) => {
                self.value((object.field)(name).ok_or(Unplanned::Unknown)?, Reading::BASE, field, &mut statement)?
            }
            None => Value::Object(None, self.object(object, Reading::BASE, field, &mut statement)?),
        };
        Ok(RootPlan::One { statement, value, is_caller })
    }

    /// The fields that are selected from the object that a table's row is shown as.
    fn object(
        &self,
        object: Object,
        table: Table,
        of: &Collected<'a>,
        statement: &mut Statement<'a>,
    ) -> Planned<Vec<Entry<Value<'a>>>> {
        self.entries(object.name, of.selections(), Value::Known, |field| {
            self.value((object.field)(field.name()).ok_or(Unplanned::Unknown)?, table, field, statement)
        })
    }

    fn value(
        &self,
        shape: Field,
        table: Table,
        field: &Collected<'a>,
        statement: &mut Statement<'a>,
    ) -> Planned<Value<'a>> {
        Ok(match shape {
            Field::Column(column, write) => Value::Column(statement.reading.column(table, column), write),
            Field::Part(object, key) => {
                let key = statement.reading.column(table, key);
                Value::Object(Some(key), self.object(object, table, field, statement)?)
            }
            Field::One(one) => self.one(&one, table, field, statement)?,
            Field::OneOf(members) => {
                let mut member = |one: &Joined| {
                    let by = statement.reading.column(table, one.on.1);
                    Ok((by, self.one(one, table, field, statement)?))
                };
                Value::OneOf(members.iter().map(&mut member).collect::<Planned<_>>()?)
            }
            Field::Many(many) => self.many(many, table, field, statement)?,
            Field::Computed(Computed { needs, value }) => {
                let mut columns = Vec::new();
                for (one, names) in needs {
                    let of = match one {
                        Some(one) => self.join(&one, table, statement)?,
                        None => Some(table),
                    };
                    columns.extend(names.into_iter().map(|name| of.map(|of| statement.reading.column(of, name))));
                }
                Value::Computed { value, columns, selected: self.selected(field, &mut |_| Ok(None))? }
            }
        })
    }

    /// What is selected from the object that a row refers to.
    fn one(
        &self,
        one: &Joined,
        table: Table,
        field: &Collected<'a>,
        statement: &mut Statement<'a>,
    ) -> Planned<Value<'a>> {
        let Some(joined) = self.join(one, table, statement)? else { return Ok(Value::Known(b"null".to_vec())) };
        let key = statement.reading.column(joined, one.key);
        Ok(Value::Object(Some(key), self.object(one.object, joined, field, statement)?))
    }

    /// The table of what a row refers to; none if the caller finds nothing there.
    fn join(&self, one: &Joined, table: Table, statement: &mut Statement<'a>) -> Planned<Option<Table>> {
        if let Some(joined) = statement.reading.joined(one.name, table) {
            return Ok(Some(joined));
        }
        let source = match (one.source)(&self.request.scope, &statement.reading, one.only.clone()) {
            Err(Error::Forbidden(_)) if one.or_null => return Ok(None),
            source => source?,
        };
        Ok(Some(statement.reading.join(one.name, table, source, one.on, one.first_by.clone())))
    }

    fn many(
        &self,
        many: Many,
        table: Table,
        field: &Collected<'a>,
        statement: &mut Statement<'a>,
    ) -> Planned<Value<'a>> {
        let (own, parents) = many.on;
        let parent = statement.reading.column(table, parents);
        let list = match many.list {
            List::Pages { name, only, page } => {
                let page = page(self.request, name, only, self.arguments(field))?;
                self.connection(many.object, page, Some(own), field)?
            }
            List::All { source, keys } => {
                self.first(many.object, source(&self.request.scope)?, First { keys, limit: None }, own, field)?
            }
        };
        statement.lists.push(ListBelow { parent, list });
        Ok(Value::Many(statement.lists.len() - 1))
    }

    /// What is selected from a computed value, whatever its type: such types have no interfaces. `row` plans the fields
    /// that show a row.
    fn selected(
        &self,
        field: &Collected<'a>,
        row: &mut dyn FnMut(&Collected<'a>) -> Planned<Option<Value<'a>>>,
    ) -> Planned<Selected<'a>> {
        if let Some(value) = row(field)? {
            return Ok(Selected::Row(Box::new(value)));
        }
        if field.selections().items.is_empty() {
            return Ok(Selected::All);
        }
        let collected = fields("", field.selections());
        let field = |field: &Collected<'a>| {
            let mut key = quoted(field.key);
            key.push(b':');
            let (name, arguments) = (field.name(), self.texts(field)?);
            Ok(Entry { key, value: SelectedField { name, arguments, selected: self.selected(field, row)? } })
        };
        Ok(Selected::Fields(collected.iter().map(field).collect::<Planned<_>>()?))
    }
}

fn quoted(text: &str) -> Vec<u8> {
    let mut json = Vec::with_capacity(text.len() + 3);
    text.write_json(&mut json);
    json
}
