//! Writing the answer from the rows.

use super::facts::{Cells, Facts};
use super::json::{Json, WriteJson};
use super::load::Loaded;
use super::plan::{
    Connection, ConnectionField, CountField, EdgeField, Entry, ListBelow, PageInfoField, RootPlan, Selected,
    SelectedField, Shown, Value,
};
use super::{Planned, Unplanned};
use crate::error::{Error, Result};
use crate::graphql::connection::Count;
use crate::graphql::context::RequestContext;
use crate::graphql::cost::MAX_ANSWER;
use crate::graphql::scalar;
use crate::store::Slice;

/// Appends the value of a root field; null where nothing was found.
pub fn root(request: &RequestContext, plan: &RootPlan<'_>, loaded: Option<&Loaded>, out: &mut Vec<u8>) -> Planned<()> {
    let Some(loaded) = loaded else {
        if matches!(plan, RootPlan::One { is_caller: true, .. }) {
            return Err(Unplanned::Refused);
        }
        out.extend_from_slice(NULL);
        return Ok(());
    };
    match plan {
        RootPlan::Known(json) => out.extend_from_slice(json),
        RootPlan::One { statement, value, .. } => {
            Rows { request, lists: &statement.lists, loaded }.value(value, 0, out)?;
        }
        RootPlan::Pages(plan) => Rows { request, lists: &plan.statement.lists, loaded }.list(&plan.shown, 0, out)?,
        RootPlan::Folded { statement, value, selected, .. } => {
            Rows { request, lists: &statement.lists, loaded }.json(&value(&loaded.rows)?, selected, out)?;
        }
        RootPlan::Parts(fields) => {
            let mut parts = loaded.parts.iter().map(Option::as_ref);
            object(out, fields, |out, plan| root(request, plan, parts.next().flatten(), out))?;
        }
        RootPlan::Several { kinds, places } => array(out, places, |out, (kind, place)| {
            let (plan, _) = &kinds[*kind];
            let loaded = loaded.parts[*kind].as_ref().ok_or_else(|| Error::Internal("a kind is not loaded".into()))?;
            let rows = Rows { request, lists: &plan.statement.lists, loaded };
            match (&plan.shown, loaded.pages[*place].rows.first()) {
                (Shown::All(fields), Some(row)) => rows.object(fields, *row, out)?,
                _ => out.extend_from_slice(NULL),
            }
            Ok(())
        })?,
    }
    Ok(())
}

const NULL: &[u8] = b"null";

/// Appends an object, entry by entry.
fn object<T, E>(
    out: &mut Vec<u8>,
    entries: &[Entry<T>],
    mut write: impl FnMut(&mut Vec<u8>, &T) -> Result<(), E>,
) -> Result<(), E> {
    out.push(b'{');
    for (place, entry) in entries.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        out.extend_from_slice(&entry.key);
        write(out, &entry.value)?;
    }
    out.push(b'}');
    Ok(())
}

/// Appends a list, item by item.
fn array<T>(out: &mut Vec<u8>, items: &[T], mut write: impl FnMut(&mut Vec<u8>, &T) -> Result<()>) -> Result<()> {
    out.push(b'[');
    for (place, item) in items.iter().enumerate() {
        // A longer answer is refused as a whole, so nothing more need be written.
        if out.len() > MAX_ANSWER {
            break;
        }
        if place > 0 {
            out.push(b',');
        }
        write(out, item)?;
    }
    out.push(b']');
    Ok(())
}

/// The rows of one statement, and how what is below them is written.
#[derive(Clone, Copy)]
struct Rows<'a> {
    request: &'a RequestContext,
    lists: &'a [ListBelow<'a>],
    loaded: &'a Loaded,
}

impl Rows<'_> {
    /// Appends one parent's list.
    fn list(self, shown: &Shown<'_>, parent: usize, out: &mut Vec<u8>) -> Result<()> {
        let page = &self.loaded.pages[parent];
        match shown {
            Shown::All(fields) => array(out, &page.rows, |out, row| self.object(fields, *row, out)),
            Shown::Pages(connection) => {
                let total = self.loaded.totals.get(parent).copied().unwrap_or(0);
                self.connection(connection, page, total, out)
            }
        }
    }

    fn connection(self, connection: &Connection<'_>, page: &Slice<usize>, total: u64, out: &mut Vec<u8>) -> Result<()> {
        let cursor = |row: usize| self.cursor(connection, row);
        object(out, &connection.fields, |out, field| match field {
            ConnectionField::Known(json) => {
                out.extend_from_slice(json);
                Ok(())
            }
            ConnectionField::Nodes(fields) => array(out, &page.rows, |out, row| self.object(fields, *row, out)),
            ConnectionField::Edges(fields) => array(out, &page.rows, |out, row| {
                object(out, fields, |out, field| {
                    match field {
                        EdgeField::Known(json) => out.extend_from_slice(json),
                        EdgeField::Cursor => cursor(*row)?.write_json(out),
                        EdgeField::Node(fields) => self.object(fields, *row, out)?,
                    }
                    Ok(())
                })
            }),
            ConnectionField::PageInfo(fields) => object(out, fields, |out, field| {
                match field {
                    PageInfoField::Known(json) => out.extend_from_slice(json),
                    PageInfoField::HasPreviousPage => page.has_previous.write_json(out),
                    PageInfoField::HasNextPage => page.has_next.write_json(out),
                    PageInfoField::StartCursor => {
                        page.rows.first().map(|row| cursor(*row)).transpose()?.write_json(out);
                    }
                    PageInfoField::EndCursor => page.rows.last().map(|row| cursor(*row)).transpose()?.write_json(out),
                }
                Ok(())
            }),
            ConnectionField::TotalCount(fields) => object(out, fields, |out, field| {
                let count = Count::capped(total);
                match field {
                    CountField::Known(json) => out.extend_from_slice(json),
                    CountField::Value => count.value.0.write_json(out),
                    CountField::Exact => count.exact.write_json(out),
                }
                Ok(())
            }),
        })
    }

    fn cursor(self, connection: &Connection<'_>, row: usize) -> Result<String> {
        let keys = connection.page.keys.iter().zip(&connection.cursor);
        let row = self.loaded.rows.row(row);
        let values = keys.map(|(key, column)| key.value(row, *column)).collect::<Result<Vec<_>>>()?;
        Ok(connection.page.key.cursor(self.request, &values))
    }

    fn object(self, fields: &[Entry<Value<'_>>], row: usize, out: &mut Vec<u8>) -> Result<()> {
        object(out, fields, |out, value| self.value(value, row, out))
    }

    fn value(self, value: &Value<'_>, place: usize, out: &mut Vec<u8>) -> Result<()> {
        let row = self.loaded.rows.row(place);
        match value {
            Value::Known(json) => out.extend_from_slice(json),
            Value::Column(column, write) => write(row, *column, out)?,
            Value::Object(Some(key), _) if row.is_null(*key) => out.extend_from_slice(NULL),
            Value::Object(_, fields) => self.object(fields, place, out)?,
            Value::OneOf(members) => match members.iter().find(|(by, _)| !row.is_null(*by)) {
                Some((_, member)) => self.value(member, place, out)?,
                None => out.extend_from_slice(NULL),
            },
            Value::Many(index) => {
                let (plan, below) = (&self.lists[*index].list, &self.loaded.lists[*index]);
                let rows = Rows { request: self.request, lists: &plan.statement.lists, loaded: &below.loaded };
                match below.page_of[place] {
                    Some(parent) => rows.list(&plan.shown, parent, out)?,
                    None => out.extend_from_slice(NULL),
                }
            }
            Value::Computed { value, columns, selected } => {
                let facts = Facts { cells: Cells::Read { row, columns }, request: self.request };
                self.json(&value(&facts)?, selected, out)?;
            }
        }
        Ok(())
    }

    /// Appends the selected part of a computed value.
    fn json(self, value: &Json, selected: &Selected<'_>, out: &mut Vec<u8>) -> Result<()> {
        match (value, selected) {
            (Json::Null, _) => out.extend_from_slice(NULL),
            (Json::Bool(value), _) => value.write_json(out),
            (Json::Int(value), _) => value.write_json(out),
            (Json::Text(value), _) => (&**value).write_json(out),
            (Json::Time(value), _) => value.write_json(out),
            (Json::Document(document), _) => document.write_if_readable(out)?,
            (Json::List(items), _) => array(out, items, |out, item| self.json(item, selected, out))?,
            (Json::Object(name, fields), Selected::Fields(entries)) => object(out, entries, |out, field| {
                if field.name == "__typename" {
                    name.write_json(out);
                    return Ok(());
                }
                let known = fields.iter().find(|(known, _)| *known == field.name);
                let (_, value) = known.ok_or_else(|| unknown(field))?;
                self.json(value, &field.selected, out)
            })?,
            (Json::Money(amount, currency), Selected::Fields(entries)) => object(out, entries, |out, field| {
                match field.name {
                    "__typename" => "Money".write_json(out),
                    "amountMinor" => amount.write_json(out),
                    "currency" => currency.write_json(out),
                    "formatted" => scalar::formatted(*amount, currency, field.arguments)?.write_json(out),
                    _ => return Err(unknown(field)),
                }
                Ok(())
            })?,
            (Json::Row(place), Selected::Row(value)) => self.value(value, *place, out)?,
            (Json::Object(..) | Json::Money(..) | Json::Row(_), _) => {
                return Err(Error::Internal("a selection that does not fit its value".into()));
            }
        }
        Ok(())
    }
}

fn unknown(field: &SelectedField<'_>) -> Error {
    Error::Internal(format!("an unknown field: {}", field.name).into())
}
