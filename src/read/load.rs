//! Running the statements of a plan, each behind the one whose rows it belongs to.

use std::collections::HashMap;

use futures_util::future::BoxFuture;
use uuid::Uuid;

use super::plan::{ConnectionField, Entry, ListBelow, ListPlan, RootPlan, Shown, Statement};
use crate::error::{Error, Result};
use crate::graphql::connection::COUNT_CAP;
use crate::graphql::context::RequestContext;
use crate::store::{Rows, Slice};

/// The rows of a statement, and those of the lists below it.
#[derive(Default)]
pub struct Loaded {
    /// The rows.
    pub rows: Rows,
    /// For each parent, the places of its rows in the order of the answer; a single one without parents.
    pub pages: Vec<Slice<usize>>,
    /// The lists below, in the order of the plan.
    pub lists: Vec<LoadedList>,
    /// How many objects each parent's list has, if that is asked for.
    pub totals: Vec<u64>,
    /// What the fields of an object need that is no row, or objects of several kinds.
    pub parts: Vec<Option<Loaded>>,
}

/// A list below a statement.
pub struct LoadedList {
    /// For each row of the statement, which of the list's pages is its own.
    pub page_of: Vec<Option<usize>>,
    /// The list.
    pub loaded: Loaded,
}

/// Everything that is needed to write a root field; none where the object is not there.
pub async fn root(request: &RequestContext, root: &RootPlan<'_>) -> Result<Option<Loaded>> {
    Ok(match root {
        RootPlan::Known(_) => Some(Loaded::default()),
        RootPlan::One { statement, .. } => Some(all(request, statement).await?).filter(|found| !found.rows.is_empty()),
        RootPlan::Folded { statement, of, .. } => {
            let found = all(request, statement).await?;
            let is_there = !found.rows.is_empty() || request.scope.count_of(of, 1).await? > 0;
            is_there.then_some(found)
        }
        RootPlan::Pages(plan) => Some(list(request, plan, None).await?),
        RootPlan::Parts(fields) => {
            let mut parts = Vec::with_capacity(fields.len());
            for field in fields {
                parts.push(Box::pin(self::root(request, &field.value)).await?);
            }
            Some(Loaded { parts, ..Loaded::default() })
        }
        RootPlan::Several { kinds, .. } => {
            let mut parts = Vec::with_capacity(kinds.len());
            for (plan, ids) in kinds {
                parts.push(Some(list(request, plan, Some(ids)).await?));
            }
            Some(Loaded { parts, ..Loaded::default() })
        }
    })
}

/// All rows of a statement.
async fn all(request: &RequestContext, statement: &Statement<'_>) -> Result<Loaded> {
    let rows = request.scope.read(&statement.reading).await?;
    let shown: Vec<usize> = (0..rows.len()).collect();
    let lists = lists(request, &statement.lists, &rows, &shown).await?;
    Ok(Loaded { rows, lists, ..Loaded::default() })
}

/// The rows of a list: of one that stands alone, or those of all these parents.
fn list<'a>(
    request: &'a RequestContext,
    plan: &'a ListPlan<'_>,
    parents: Option<&'a [Uuid]>,
) -> BoxFuture<'a, Result<Loaded>> {
    Box::pin(async move {
        let reading = &plan.statement.reading;
        let (rows, of_parents) = match parents {
            None => {
                let rows = request.scope.read(reading).await?;
                let all = (0..rows.len()).collect();
                (rows, vec![all])
            }
            Some(parents) => {
                let rows = request.scope.read_for(reading, parents).await?;
                let places: HashMap<Uuid, usize> = parents.iter().copied().zip(0..).collect();
                let mut of_parents = vec![Vec::new(); parents.len()];
                for (place, row) in rows.iter().enumerate() {
                    if let Some(parent) = row.uuid(0)?.and_then(|parent| places.get(&parent)) {
                        of_parents[*parent].push(place);
                    }
                }
                (rows, of_parents)
            }
        };
        let page = |places| match &plan.shown {
            Shown::All(_) => Slice { rows: places, has_previous: false, has_next: false },
            Shown::Pages(connection) => connection.page.extent.slice(places),
        };
        let pages: Vec<Slice<usize>> = of_parents.into_iter().map(page).collect();
        let shown: Vec<usize> = pages.iter().flat_map(|page| page.rows.iter().copied()).collect();
        let lists = lists(request, &plan.statement.lists, &rows, &shown).await?;
        let totals = match &plan.shown {
            Shown::Pages(connection) if connection.fields.iter().any(counts) => {
                let list = &connection.page.list;
                match parents {
                    None => vec![request.scope.count_of(list, COUNT_CAP + 1).await?],
                    Some(parents) => {
                        let column =
                            reading.parent().ok_or_else(|| Error::Internal("a list without parents".into()))?;
                        let counted = request.scope.count_for(list, column, parents, COUNT_CAP + 1).await?;
                        parents.iter().map(|parent| counted.get(parent).copied().unwrap_or(0)).collect()
                    }
                }
            }
            _ => Vec::new(),
        };
        Ok(Loaded { rows, pages, lists, totals, ..Loaded::default() })
    })
}

fn counts(field: &Entry<ConnectionField<'_>>) -> bool {
    matches!(field.value, ConnectionField::TotalCount(_))
}

/// The lists that belong to the shown ones of these rows.
async fn lists(
    request: &RequestContext,
    plans: &[ListBelow<'_>],
    rows: &Rows,
    shown: &[usize],
) -> Result<Vec<LoadedList>> {
    let mut loaded = Vec::with_capacity(plans.len());
    for plan in plans {
        let mut parents: Vec<Uuid> = Vec::with_capacity(shown.len());
        let mut known: HashMap<Uuid, usize> = HashMap::with_capacity(shown.len());
        let mut page_of = vec![None; rows.len()];
        for place in shown {
            // A row that refers to nothing has no parent's id.
            let Some(id) = rows.row(*place).uuid(plan.parent)? else { continue };
            page_of[*place] = Some(*known.entry(id).or_insert_with(|| {
                parents.push(id);
                parents.len() - 1
            }));
        }
        let list = match parents.is_empty() {
            true => Loaded::default(),
            false => list(request, &plan.list, Some(&parents)).await?,
        };
        loaded.push(LoadedList { page_of, loaded: list });
    }
    Ok(loaded)
}
