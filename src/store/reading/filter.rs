//! What a caller may see of a table, as SQL that is written once for all callers of a kind.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::mem::{Discriminant, discriminant};
use std::sync::{Arc, PoisonError, RwLock};

use foldhash::fast::RandomState;
use sea_orm::sea_query::{Expr, SqlWriterValues, Value};
use sea_orm::{Condition, DbBackend, Values};

use crate::auth::{Membership, Permissions, Standing};
use crate::error::Result;
use crate::store::reach::Standpoint;
use crate::store::text::render;
use crate::store::{Reach, Visible};

/// How many filters are kept: some for each table and each set of permissions.
const KEPT: usize = 4096;

/// Stands in a text for a value; no name and no constant holds it.
const SLOT: &str = "\u{1}";

/// The filters that were needed lately.
///
/// [`Visible::visible`] says what a caller may see, and is asked whenever its filter is not known. To build that
/// condition and to render it took a quarter of the time of a small request.
#[derive(Default)]
pub(in crate::store) struct Filters(RwLock<HashMap<Key, Arc<Filter>, RandomState>>);

/// All that a filter depends on besides the names of the caller's organization, customer and member.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    table: &'static str,
    /// The kind of standing, the permissions, and how the member is named.
    caller: Option<(Discriminant<Standing>, Permissions, Option<Discriminant<Membership>>)>,
    presumes: bool,
}

/// A condition as text, in pieces: behind each but the last stands a value.
#[derive(Default)]
pub(super) struct Filter {
    pieces: Vec<(String, Slot)>,
    last: String,
}

/// A value in a filter.
#[derive(Clone)]
pub(super) enum Slot {
    /// The id of the caller's organization.
    Organization,
    /// The id of the customer that the caller is.
    Customer,
    /// The id or address of the member that the caller is.
    Member,
    /// The same for all callers.
    Constant(Value),
}

/// What differs between the callers of a kind.
#[derive(Clone, Default)]
struct Names {
    organization: Option<Value>,
    customer: Option<Value>,
    member: Option<Value>,
}

impl Names {
    fn of(reach: Reach<'_>) -> Self {
        let Some(caller) = reach.anyone() else { return Self::default() };
        Self {
            organization: caller.standing.organization().map(Value::from),
            customer: caller.standing.customer().map(Value::from),
            member: caller.member.map(|member| match member {
                Membership::Id(id) => Value::from(*id),
                Membership::Address(address) => Value::from(address.as_str()),
            }),
        }
    }

    /// The place of a value. No constant of a condition is an id or an address.
    fn slot(&self, value: Value) -> Slot {
        match Some(&value) {
            known if known == self.organization.as_ref() => Slot::Organization,
            known if known == self.customer.as_ref() => Slot::Customer,
            known if known == self.member.as_ref() => Slot::Member,
            _ => Slot::Constant(value),
        }
    }

    /// Whether it can be told which of them a value is.
    fn differ(&self) -> bool {
        let given: Vec<_> = [&self.organization, &self.customer, &self.member].into_iter().flatten().collect();
        given.iter().enumerate().all(|(place, name)| !given[..place].contains(name))
    }
}

/// A filter with the caller that it is for.
#[derive(Clone, Default)]
pub(super) struct BoundFilter {
    filter: Arc<Filter>,
    names: Names,
}

impl Filters {
    /// The filter on a table, or the permission that the caller lacks.
    pub(super) fn of<E: Visible>(&self, reach: Reach<'_>, backend: DbBackend) -> Result<BoundFilter> {
        let kind = |caller: Standpoint<'_>| {
            (discriminant(&caller.standing), caller.permissions, caller.member.map(discriminant))
        };
        let key =
            Key { table: E::default().table_name(), caller: reach.anyone().map(kind), presumes: reach.presumes() };
        let names = Names::of(reach);
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        let filter = match known {
            Some(filter) => filter,
            None => {
                let filter = Arc::new(Filter::new(E::visible(reach)?, backend, &names));
                if names.differ() {
                    let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
                    if known.len() >= KEPT {
                        known.clear();
                    }
                    known.insert(key, Arc::clone(&filter));
                }
                filter
            }
        };
        Ok(BoundFilter { filter, names })
    }
}

impl Filter {
    fn new(condition: Condition, backend: DbBackend, names: &Names) -> Self {
        let mut sql = SqlWriterValues::new(SLOT, false);
        if !condition.is_empty() {
            render(backend, &Expr::from(condition), &mut sql);
        }
        let (text, Values(values)) = sql.into_parts();
        let mut texts = text.split(SLOT).map(str::to_owned);
        let pieces = texts.by_ref().take(values.len()).zip(values.into_iter().map(|value| names.slot(value))).collect();
        Self { pieces, last: texts.collect() }
    }
}

impl BoundFilter {
    /// Whether every row passes.
    pub(super) fn is_empty(&self) -> bool {
        self.filter.pieces.is_empty() && self.filter.last.is_empty()
    }

    /// The filter as a condition of a SeaORM query.
    pub(super) fn condition(&self, backend: DbBackend) -> Condition {
        if self.is_empty() {
            return Condition::all();
        }
        let (mut sql, mut values) = (String::from("("), Vec::new());
        for (text, value) in self.pieces() {
            sql.push_str(text);
            if let Some(value) = value {
                values.push(value);
                let _ = match backend {
                    DbBackend::Sqlite => write!(sql, "?"),
                    _ => write!(sql, "${}", values.len()),
                };
            }
        }
        sql.push(')');
        Condition::all().add(Expr::cust_with_values(sql, values))
    }

    /// Takes the filter apart, in order: texts, each but the last with the value behind it.
    pub(super) fn pieces(&self) -> impl Iterator<Item = (&str, Option<Value>)> {
        let value = |slot: &Slot| match slot {
            Slot::Organization => self.names.organization.clone(),
            Slot::Customer => self.names.customer.clone(),
            Slot::Member => self.names.member.clone(),
            Slot::Constant(value) => Some(value.clone()),
        };
        let pieces = self.filter.pieces.iter().map(move |(text, slot)| (text.as_str(), value(slot)));
        pieces.chain(std::iter::once((self.filter.last.as_str(), None)))
    }
}
