//! Searching lists for a text: docs/adr/0031.

use sea_orm::sea_query::{Alias, Expr, ExprTrait, IntoIden, IntoTableRef, LikeExpr, Order, Query, TableRef, UnionType};
use sea_orm::{ColumnTrait, Condition, DbBackend};

use super::nested::Owned;
use crate::entity::{customer, organization};
use crate::error::{Code, Refusal, Result};
use crate::store::{Scope, Visible};
use crate::text::{fold, sort_key_start};

/// How many characters a text may have that is searched for: more than any text that is searched.
const MAX_SEARCH: usize = 500;
/// How many characters of a text tell something: PostgreSQL finds texts by three that follow each other.
const TRIGRAM: usize = 3;
/// How many owners a text finds that tells little, by name.
const MAX_OWNERS: u64 = 1_000;
/// What a statement calls them.
const FIRST: &str = "first_owners";

/// The text as it is searched for; none if it is blank, which is no search.
pub fn folded(text: &str) -> Option<String> {
    let folded = fold(text);
    let text = folded.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A text to search for.
#[derive(Clone, Debug)]
pub struct Search {
    /// What finds it wherever it stands, in columns of folded text, with the wildcards of `LIKE` taken literally.
    pattern: String,
    /// For a text that tells little: how the sort keys of names begin that begin with it.
    start: Option<String>,
}

impl Search {
    /// The search for a text; none for a blank one, which is no search.
    pub fn of(text: Option<&str>) -> Result<Option<Self>> {
        let Some(text) = text else { return Ok(None) };
        if text.chars().count() > MAX_SEARCH {
            let message = format!("Search for at most {MAX_SEARCH} characters.");
            return Err(Refusal::new(Code::TooLong, message).at("where.search").into());
        }
        let search = |text: String| {
            let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
            Self { pattern: format!("%{escaped}%"), start: (!has_trigram(&text)).then(|| sort_key_start(&text)) }
        };
        Ok(folded(text).map(search))
    }

    /// The condition that the text is in a column of folded text.
    pub fn on(&self, column: impl ColumnTrait) -> Condition {
        Condition::all().add(column.like(LikeExpr::new(self.pattern.as_str()).escape('\\')))
    }

    /// The same for rows with a name: one with a text that tells little begins with it.
    pub fn on_named<C: ColumnTrait>(&self, column: C, name_key: C) -> Condition {
        match &self.start {
            None => self.on(column),
            Some(start) => {
                // No key has a character beyond U+00FF.
                let end = format!("{start}\u{100}");
                Condition::all().add(name_key.gte(start.as_str())).add(name_key.lt(end))
            }
        }
    }

    /// The condition that the text is in this column, or that it finds the owner of the row. One that tells little is
    /// looked for in names only.
    pub fn on_owned<E: Owned>(&self, scope: &Scope, column: E::Column) -> Condition {
        match scope.backend() {
            DbBackend::Sqlite if self.start.is_none() => self.row_by_row::<E>(scope, column),
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
        let own = self.start.is_none().then(|| rows().cond_where(self.on(column)).take());
        let of_owner = |Owners { table, found, owns }| rows().inner_join(table, owns).cond_where(found).take();
        let all = own.into_iter().chain(self.owners::<E>(scope).into_iter().map(of_owner));
        let found = all.reduce(|mut one, other| one.union(UnionType::All, other).take());
        let (id, Some(found)) = (Expr::col(E::id().as_column_ref()), found) else {
            return Condition::all().add(Expr::cust("FALSE"));
        };
        Condition::all().add(match scope.backend() {
            DbBackend::Sqlite => id.in_subquery(found),
            _ => Expr::cust_with_exprs("$1 = ANY(ARRAY $2)", [id, Expr::SubQuery(None, Box::new(found.into()))]),
        })
    }

    /// The owners of both kinds that the caller may read and the text finds.
    fn owners<E: Owned>(&self, scope: &Scope) -> Vec<Owners> {
        use customer::Column::{Id as CustomerId, NameKey as CustomerKey, SearchText as OfCustomer, TenantId};
        use organization::Column::{Id as OrganizationId, NameKey as OrganizationKey, SearchText as OfOrganization};
        let column = |column: E::Column| Expr::col(column.as_column_ref());
        let of_customer = |owner: &str| {
            Condition::all()
                .add(column(E::customer()).eq(Expr::col((Alias::new(owner), CustomerId))))
                .add(column(E::tenant()).eq(Expr::col((Alias::new(owner), TenantId))))
        };
        let of_organization = |owner: &str| {
            Condition::all()
                .add(column(E::customer()).is_null())
                .add(column(E::tenant()).eq(Expr::col((Alias::new(owner), OrganizationId))))
        };
        let keys = [CustomerId, TenantId];
        let customers = self.found::<customer::Entity>(scope, (OfCustomer, CustomerKey), &keys, of_customer);
        let keys = [OrganizationId];
        let organizations =
            self.found::<organization::Entity>(scope, (OfOrganization, OrganizationKey), &keys, of_organization);
        customers.into_iter().chain(organizations).collect()
    }

    /// The owners of one kind, by their text and their name's key. If the text tells little, only the first ones by name.
    fn found<O: Visible>(
        &self,
        scope: &Scope,
        (column, name_key): (O::Column, O::Column),
        keys: &[O::Column],
        owns: impl Fn(&str) -> Condition,
    ) -> Option<Owners> {
        let owners = O::default();
        let found = scope.seen::<O>()?.add(self.on_named(column, name_key));
        if self.start.is_none() {
            let owns = owns(owners.table_name());
            return Some(Owners { table: owners.into_table_ref(), found, owns });
        }
        let first = Query::select()
            .columns(keys.iter().map(|key| key.as_column_ref()))
            .from(owners)
            .cond_where(found)
            .order_by(name_key.as_column_ref(), Order::Asc)
            .limit(MAX_OWNERS)
            .take();
        let table = TableRef::SubQuery(Box::new(first), Alias::new(FIRST).into_iden());
        Some(Owners { table, found: Condition::all(), owns: owns(FIRST) })
    }
}

/// Owners, and the condition that one of them owns a row.
struct Owners {
    table: TableRef,
    found: Condition,
    owns: Condition,
}

/// Whether PostgreSQL can look for the text by a trigram. It pads words with two characters before and one behind, where
/// it knows that they begin and end; the text may go on at both of its ends.
fn has_trigram(text: &str) -> bool {
    let mut words = text.split(|c: char| !c.is_alphanumeric()).peekable();
    let mut begins = 0;
    while let Some(word) = words.next() {
        let ends = usize::from(words.peek().is_some());
        if !word.is_empty() && begins + word.chars().count() + ends >= TRIGRAM {
            return true;
        }
        begins = 2;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_tells_something_by_three_characters() {
        for text in ["abc", "κως", "a b", "10%", "& d", "ab-", "h&m"] {
            assert!(has_trigram(text), "{text}");
        }
        for text in ["a", "ab", "日本", "a-", "--", "- & -", "%_\\"] {
            assert!(!has_trigram(text), "{text}");
        }
    }
}
