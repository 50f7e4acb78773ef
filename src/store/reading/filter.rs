//! What a caller may see of a table, as SQL that is written once for all callers of a kind.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::mem::{Discriminant, discriminant};
use std::sync::{Arc, PoisonError, RwLock};

use foldhash::fast::RandomState;
use sea_orm::sea_query::{Expr, SqlWriterValues, Value};
use sea_orm::{Condition, DbBackend, Values};

use crate::auth::{Permissions, Standing};
use crate::entity::{CustomerId, OrganizationId};
use crate::error::Result;
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

/// All that a filter depends on besides the ids of the caller's organization and customer.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    table: &'static str,
    /// The kind of standing, and the permissions.
    caller: Option<(Discriminant<Standing>, Permissions)>,
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
    /// The same for all callers.
    Constant(Value),
}

/// A filter with the caller that it is for.
#[derive(Clone, Default)]
pub(super) struct BoundFilter {
    filter: Arc<Filter>,
    organization: Option<OrganizationId>,
    customer: Option<CustomerId>,
}

impl Filters {
    /// The filter on a table, or the permission that the caller lacks.
    pub(super) fn of<E: Visible>(&self, reach: Reach, backend: DbBackend) -> Result<BoundFilter> {
        let caller = reach.anyone();
        let organization = caller.and_then(|caller| caller.standing.organization());
        let customer = caller.and_then(|caller| caller.standing.customer());
        let key = Key {
            table: E::default().table_name(),
            caller: caller.map(|caller| (discriminant(&caller.standing), caller.permissions)),
            presumes: reach.presumes(),
        };
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        let filter = match known {
            Some(filter) => filter,
            None => {
                let filter = Arc::new(Filter::new(E::visible(reach)?, backend, organization, customer));
                // With one id for both it cannot be told which is meant where.
                if customer.map(Value::from).is_none_or(|customer| organization.map(Value::from) != Some(customer)) {
                    let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
                    if known.len() >= KEPT {
                        known.clear();
                    }
                    known.insert(key, Arc::clone(&filter));
                }
                filter
            }
        };
        Ok(BoundFilter { filter, organization, customer })
    }
}

impl Filter {
    fn new(
        condition: Condition,
        backend: DbBackend,
        organization: Option<OrganizationId>,
        customer: Option<CustomerId>,
    ) -> Self {
        let (organization, customer) = (organization.map(Value::from), customer.map(Value::from));
        let mut sql = SqlWriterValues::new(SLOT, false);
        if !condition.is_empty() {
            render(backend, &Expr::from(condition), &mut sql);
        }
        let (text, Values(values)) = sql.into_parts();
        let slot = |value: Value| match Some(&value) {
            known if known == organization.as_ref() => Slot::Organization,
            known if known == customer.as_ref() => Slot::Customer,
            _ => Slot::Constant(value),
        };
        let mut texts = text.split(SLOT).map(str::to_owned);
        let pieces = texts.by_ref().take(values.len()).zip(values.into_iter().map(slot)).collect();
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
            Slot::Organization => self.organization.map(Value::from),
            Slot::Customer => self.customer.map(Value::from),
            Slot::Constant(value) => Some(value.clone()),
        };
        let pieces = self.filter.pieces.iter().map(move |(text, slot)| (text.as_str(), value(slot)));
        pieces.chain(std::iter::once((self.filter.last.as_str(), None)))
    }
}
