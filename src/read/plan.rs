//! From a selection set to statements, and to what is written from their rows.

use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, SelectionSet};
use async_graphql::{Pos, Variables};

use super::arguments::Arguments;
use super::json::{Json, WriteJson};
use super::selection::{Collected, Collector};
use super::shape::{Computed, Either, Facts, Field, Found, List, Many, Object, One, Page, Root, WriteColumn};
use super::{Planned, Unplanned};
use crate::error::Result;
use crate::graphql::context::RequestContext;
use crate::store::{First, KeyColumn, Reading, Table};

/// A field of the answer.
pub struct Entry<T> {
    /// Its key and a colon, as JSON.
    pub key: Vec<u8>,
    /// How its value is made.
    pub value: T,
}

/// How a value is written from a row.
pub enum Value<'a> {
    /// JSON that is known beforehand.
    Known(Vec<u8>),
    /// A column.
    Column(usize, WriteColumn),
    /// An object; null where this column is.
    Object(Option<usize>, Vec<Entry<Value<'a>>>),
    /// The first where the column is filled, the second where it is null.
    Either { by: usize, filled: Box<Value<'a>>, null: Box<Value<'a>> },
    /// The list of this place among the statement's lists.
    Many(usize),
    /// The outcome of a function.
    Computed { value: fn(&Facts<'_>) -> Result<Json>, facts: FactsAt<'a>, selected: Selected },
}

/// Where a function finds what it needs.
pub struct FactsAt<'a> {
    /// Their columns; none of a row that the caller cannot see.
    pub columns: Vec<Option<usize>>,
    pub table: Table,
    pub arguments: Arguments<'a>,
}

/// What is selected from a computed value.
pub enum Selected {
    /// A scalar.
    All,
    /// These fields of an object.
    Fields(Vec<Entry<(String, Selected)>>),
}

/// A statement, and the statements behind it.
pub struct Statement<'a> {
    pub reading: Reading,
    pub lists: Vec<ListBelow<'a>>,
}

/// A list that belongs to each row of a statement.
pub struct ListBelow<'a> {
    /// The column of the row that the list's rows refer to.
    pub parent: usize,
    pub list: ListPlan<'a>,
}

/// A list: its statement, and how it is written.
pub struct ListPlan<'a> {
    pub statement: Statement<'a>,
    pub shown: Shown<'a>,
}

/// How a list is written.
pub enum Shown<'a> {
    /// As a plain list of objects.
    All(Vec<Entry<Value<'a>>>),
    /// As a connection.
    Pages(Connection<'a>),
}

/// How a connection is written.
pub struct Connection<'a> {
    pub page: Page,
    /// Where the sort keys are among the columns of a row, if cursors are asked for.
    pub cursor: Vec<usize>,
    pub fields: Vec<Entry<ConnectionField<'a>>>,
}

/// A field of a connection.
pub enum ConnectionField<'a> {
    Known(Vec<u8>),
    Nodes(Vec<Entry<Value<'a>>>),
    Edges(Vec<Entry<EdgeField<'a>>>),
    PageInfo(Vec<Entry<PageInfoField>>),
    TotalCount(Vec<Entry<CountField>>),
}

/// A field of an edge.
pub enum EdgeField<'a> {
    Known(Vec<u8>),
    Cursor,
    Node(Vec<Entry<Value<'a>>>),
}

/// A field of `PageInfo`.
pub enum PageInfoField {
    Known(Vec<u8>),
    HasPreviousPage,
    HasNextPage,
    StartCursor,
    EndCursor,
}

/// A field of `Count`.
pub enum CountField {
    Known(Vec<u8>),
    Value,
    Exact,
}

/// A field of the query itself.
pub struct RootField<'a> {
    pub plan: RootPlan<'a>,
    /// Its key in the answer, and where it stands in the document.
    pub place: (&'a str, Pos),
}

/// What a field of the query itself is.
pub enum RootPlan<'a> {
    /// JSON that is known beforehand.
    Known(Vec<u8>),
    /// What is written from the one row of a statement; null if there is none.
    One { statement: Statement<'a>, value: Value<'a>, is_caller: bool },
    /// A connection.
    Pages(ListPlan<'a>),
}

/// Plans an operation.
pub struct Planner<'a> {
    request: &'a RequestContext,
    collector: Collector<'a>,
}

impl<'a> Planner<'a> {
    pub fn new(request: &'a RequestContext, document: &'a ExecutableDocument, variables: &'a Variables) -> Self {
        Self { request, collector: Collector { document, variables } }
    }

    /// The plans of all root fields of a query, in the order of the answer.
    pub fn operation(&self, operation: &'a OperationDefinition) -> Planned<Vec<Entry<RootField<'a>>>> {
        let known = |json| RootField { plan: RootPlan::Known(json), place: ("__typename", Pos::default()) };
        self.entries("Query", &["Query"], &[&operation.selection_set.node], known, |field| {
            Ok(RootField { plan: self.root(field)?, place: (field.key, field.fields[0].pos) })
        })
    }

    fn arguments(&self, field: &Collected<'a>) -> Arguments<'a> {
        Arguments::of(&field.fields[0].node, self.collector.variables)
    }

    /// The fields that are selected from an object; `__typename` is known.
    fn entries<T>(
        &self,
        name: &str,
        types: &[&str],
        sets: &[&'a SelectionSet],
        known: fn(Vec<u8>) -> T,
        mut plan: impl FnMut(&Collected<'a>) -> Planned<T>,
    ) -> Planned<Vec<Entry<T>>> {
        let collected = self.collector.collect(Some(types), sets)?;
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
        match super::roots::find(field.name()).ok_or(Unplanned)? {
            Root::Pages(object, page) => {
                let page = page(self.request, arguments)?;
                self.connection(object, page, None, field).map(RootPlan::Pages)
            }
            Root::One(find) => {
                let Some(Found { row, object, field: shown, is_caller }) = find(self.request, arguments)? else {
                    return Ok(RootPlan::Known(b"null".to_vec()));
                };
                let reading = Reading::new(row, First { keys: Vec::new(), limit: None });
                let mut statement = Statement { reading, lists: Vec::new() };
                let value = match shown {
                    Some(name) => {
                        self.value((object.field)(name).ok_or(Unplanned)?, Reading::BASE, field, &mut statement)?
                    }
                    None => Value::Object(
                        None,
                        self.object(object, None, Reading::BASE, &field.selections(), &mut statement)?,
                    ),
                };
                Ok(RootPlan::One { statement, value, is_caller })
            }
        }
    }

    /// The fields that are selected from the object that a table's row is shown as.
    fn object(
        &self,
        object: Object,
        union: Option<&str>,
        table: Table,
        sets: &[&'a SelectionSet],
        statement: &mut Statement<'a>,
    ) -> Planned<Vec<Entry<Value<'a>>>> {
        let types: Vec<&str> = [Some(object.name), object.interface, union].into_iter().flatten().collect();
        self.entries(object.name, &types, sets, Value::Known, |field| {
            self.value((object.field)(field.name()).ok_or(Unplanned)?, table, field, statement)
        })
    }

    fn value(
        &self,
        shape: Field,
        table: Table,
        field: &Collected<'a>,
        statement: &mut Statement<'a>,
    ) -> Planned<Value<'a>> {
        let sets = field.selections();
        Ok(match shape {
            Field::Column(column, write) => Value::Column(statement.reading.column(table, column), write),
            Field::Part(object, key) => {
                let key = key.map(|key| statement.reading.column(table, key));
                Value::Object(key, self.object(object, None, table, &sets, statement)?)
            }
            Field::One(one) => match self.join(&one, table, statement)? {
                Some(joined) => {
                    let key = statement.reading.column(joined, one.key);
                    Value::Object(Some(key), self.object(one.object, None, joined, &sets, statement)?)
                }
                None => Value::Known(b"null".to_vec()),
            },
            Field::Either(either) => {
                let Either { union, by, filled, null } = *either;
                let by = statement.reading.column(table, by);
                let mut branch = |one: One| -> Planned<Value<'a>> {
                    match self.join(&one, table, statement)? {
                        Some(joined) => {
                            let key = statement.reading.column(joined, one.key);
                            let fields = self.object(one.object, Some(union), joined, &sets, statement)?;
                            Ok(Value::Object(Some(key), fields))
                        }
                        None => Ok(Value::Known(b"null".to_vec())),
                    }
                };
                Value::Either { by, filled: Box::new(branch(filled)?), null: Box::new(branch(null)?) }
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
                let facts = FactsAt { columns, table, arguments: self.arguments(field) };
                Value::Computed { value, facts, selected: self.selected(&sets)? }
            }
        })
    }

    /// The table of what a row refers to; none if the caller finds nothing there.
    fn join(&self, one: &One, table: Table, statement: &mut Statement<'a>) -> Planned<Option<Table>> {
        if let Some(joined) = statement.reading.joined(one.name, table) {
            return Ok(Some(joined));
        }
        let source = match (one.source)(&self.request.scope, &statement.reading, one.only.clone()) {
            Err(crate::error::Error::Forbidden(_)) if one.or_null => return Ok(None),
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
            List::Pages(page) => {
                let page = page(self.request, self.arguments(field))?;
                self.connection(many.object, page, Some(own), field)?
            }
            List::All { source, keys } => {
                let source = source(&self.request.scope)?;
                let reading = Reading::per_parent(source, First { keys, limit: None }, own);
                let mut below = Statement { reading, lists: Vec::new() };
                let fields = self.object(many.object, None, Reading::BASE, &field.selections(), &mut below)?;
                ListPlan { statement: below, shown: Shown::All(fields) }
            }
        };
        statement.lists.push(ListBelow { parent, list });
        Ok(Value::Many(statement.lists.len() - 1))
    }

    /// A page of objects; `parent` is the column that names a row's parent, if it has one.
    fn connection(
        &self,
        object: Object,
        page: Page,
        parent: Option<&'static str>,
        field: &Collected<'a>,
    ) -> Planned<ListPlan<'a>> {
        let first = First { keys: page.keys.clone(), limit: Some(page.extent.fetched()) };
        let reading = match parent {
            Some(parent) => Reading::per_parent(page.page.clone(), first, parent),
            None => Reading::new(page.page.clone(), first),
        };
        let mut statement = Statement { reading, lists: Vec::new() };
        let mut needs_cursor = false;
        let name = format!("{}Connection", object.name);
        let fields = self.entries(&name, &[&name], &field.selections(), ConnectionField::Known, |field| {
            let sets = field.selections();
            Ok(match field.name() {
                "nodes" => ConnectionField::Nodes(self.object(object, None, Reading::BASE, &sets, &mut statement)?),
                "edges" => {
                    let name = format!("{}Edge", object.name);
                    ConnectionField::Edges(self.entries(&name, &[&name], &sets, EdgeField::Known, |field| {
                        Ok(match field.name() {
                            "cursor" => {
                                needs_cursor = true;
                                EdgeField::Cursor
                            }
                            "node" => {
                                let sets = field.selections();
                                EdgeField::Node(self.object(object, None, Reading::BASE, &sets, &mut statement)?)
                            }
                            _ => return Err(Unplanned),
                        })
                    })?)
                }
                "pageInfo" => ConnectionField::PageInfo(self.entries(
                    "PageInfo",
                    &["PageInfo"],
                    &sets,
                    PageInfoField::Known,
                    |field| {
                        Ok(match field.name() {
                            "hasPreviousPage" => PageInfoField::HasPreviousPage,
                            "hasNextPage" => PageInfoField::HasNextPage,
                            name @ ("startCursor" | "endCursor") => {
                                needs_cursor = true;
                                if name == "startCursor" {
                                    PageInfoField::StartCursor
                                } else {
                                    PageInfoField::EndCursor
                                }
                            }
                            _ => return Err(Unplanned),
                        })
                    },
                )?),
                "totalCount" if parent.is_none() => ConnectionField::TotalCount(self.entries(
                    "Count",
                    &["Count"],
                    &sets,
                    CountField::Known,
                    |field| match field.name() {
                        "value" => Ok(CountField::Value),
                        "exact" => Ok(CountField::Exact),
                        _ => Err(Unplanned),
                    },
                )?),
                _ => return Err(Unplanned),
            })
        })?;
        let mut column = |key: &KeyColumn| statement.reading.column(Reading::BASE, key.name);
        let cursor = if needs_cursor { page.keys.iter().map(&mut column).collect() } else { Vec::new() };
        Ok(ListPlan { statement, shown: Shown::Pages(Connection { page, cursor, fields }) })
    }

    /// What is selected from a computed value, whatever its type: such types have no arguments and no interfaces.
    fn selected(&self, sets: &[&'a SelectionSet]) -> Planned<Selected> {
        if sets.iter().all(|set| set.items.is_empty()) {
            return Ok(Selected::All);
        }
        let collected = self.collector.collect(None, sets)?;
        let field = |field: &Collected<'a>| {
            let mut key = quoted(field.key);
            key.push(b':');
            Ok(Entry { key, value: (field.name().to_owned(), self.selected(&field.selections())?) })
        };
        Ok(Selected::Fields(collected.iter().map(field).collect::<Planned<_>>()?))
    }
}

fn quoted(text: &str) -> Vec<u8> {
    let mut json = Vec::with_capacity(text.len() + 3);
    text.write_json(&mut json);
    json
}
