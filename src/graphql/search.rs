//! Searching lists for a text.

use sea_orm::sea_query::{Expr, ExprTrait, IntoTableRef, LikeExpr, Query, TableRef, UnionType};
use sea_orm::{ColumnTrait, Condition, DbBackend};

use super::nested::Owned;
use crate::entity::{customer, organization};
use crate::error::{Code, Refusal, Result};
use crate::store::Scope;
use crate::text::fold;

/// How many characters a text may have that is searched for: more than any text that is searched.
const MAX_SEARCH: usize = 500;

/// The text as it is searched for; none if it is blank, which is no search.
pub fn folded(text: &str) -> Option<String> {
    let folded = fold(text);
    let text = folded.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A text to search for, as a pattern for columns of folded text.
#[derive(Clone, Debug)]
pub struct Search(String);

impl Search {
    /// What finds the text wherever it stands, with the wildcards of `LIKE` taken literally; none for a blank one, which
    /// is no search.
    pub fn of(text: Option<&str>) -> Result<Option<Self>> {
        let Some(text) = text else { return Ok(None) };
        if text.chars().count() > MAX_SEARCH {
            let message = format!("Search for at most {MAX_SEARCH} characters.");
            return Err(Refusal::new(Code::TooLong, message).at("where.search").into());
        }
        let pattern = |text: String| {
            let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
            Self(format!("%{escaped}%"))
        };
        Ok(folded(text).map(pattern))
    }

    /// The condition on a column of folded text.
    pub fn on(&self, column: impl ColumnTrait) -> Condition {
        Condition::all().add(column.like(LikeExpr::new(self.0.as_str()).escape('\\')))
    }

    /// The condition that the text is in this column, or that it finds the owner of the row.
    pub fn on_owned<E: Owned>(&self, scope: &Scope, column: E::Column) -> Condition {
        match scope.backend() {
            DbBackend::Sqlite => self.row_by_row::<E>(scope, column),
            _ => self.owners_first::<E>(scope, column),
        }
    }

    /// SQLite reads a list in its order until the page is full, and looks the owner of each row up.
    fn row_by_row<E: Owned>(&self, scope: &Scope, column: E::Column) -> Condition {
        let exists = self.owners::<E>(scope).into_iter().map(|Owners { table, found, owns }| {
            Expr::exists(Query::select().expr(Expr::val(1)).from(table).cond_where(owns).cond_where(found).take())
        });
        exists.fold(Condition::any().add(self.on(column)), Condition::add)
    }

    /// PostgreSQL finds owners by their trigrams, and goes from them to what is theirs. Asked for both at once, it would
    /// read whole lists. An array, of which it expects little: it would join what a query finds with the whole table.
    fn owners_first<E: Owned>(&self, scope: &Scope, column: E::Column) -> Condition {
        let rows = || {
            let seen = scope.seen::<E>().unwrap_or_else(Condition::all);
            Query::select().column(E::id().as_column_ref()).from(E::default()).cond_where(seen).take()
        };
        let mut found = rows().cond_where(self.on(column)).take();
        for Owners { table, found: owner_found, owns } in self.owners::<E>(scope) {
            found.union(UnionType::All, rows().inner_join(table, owns).cond_where(owner_found).take());
        }
        let (id, found) = (Expr::col(E::id().as_column_ref()), Expr::SubQuery(None, Box::new(found.into())));
        Condition::all().add(Expr::cust_with_exprs("$1 = ANY(ARRAY $2)", [id, found]))
    }

    /// The owners of both kinds that the caller may read and the text finds.
    fn owners<E: Owned>(&self, scope: &Scope) -> Vec<Owners> {
        use customer::Column::{Id as CustomerId, SearchText as OfCustomer, TenantId};
        use organization::Column::{Id as OrganizationId, SearchText as OfOrganization};
        let column = |column: E::Column| Expr::col(column.as_column_ref());
        let customers = scope.seen::<customer::Entity>().map(|seen| Owners {
            table: customer::Entity.into_table_ref(),
            found: seen.add(self.on(OfCustomer)),
            owns: Condition::all()
                .add(column(E::customer()).eq(Expr::col(CustomerId.as_column_ref())))
                .add(column(E::tenant()).eq(Expr::col(TenantId.as_column_ref()))),
        });
        let organizations = scope.seen::<organization::Entity>().map(|seen| Owners {
            table: organization::Entity.into_table_ref(),
            found: seen.add(self.on(OfOrganization)),
            owns: Condition::all()
                .add(column(E::customer()).is_null())
                .add(column(E::tenant()).eq(Expr::col(OrganizationId.as_column_ref()))),
        });
        customers.into_iter().chain(organizations).collect()
    }
}

/// Owners, and the condition that one of them owns a row.
struct Owners {
    table: TableRef,
    found: Condition,
    owns: Condition,
}
