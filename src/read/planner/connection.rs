//! Planning a connection.

use super::Planner;
use crate::read::plan::{
    Connection, ConnectionField, CountField, EdgeField, Entry, ListPlan, PageInfoField, Shown, Statement,
};
use crate::read::relation::Page;
use crate::read::selection::Collected;
use crate::read::shape::Object;
use crate::read::{Planned, Unplanned};
use crate::store::{First, Reading};

impl<'a> Planner<'a> {
    /// A page of objects; `parent` is the column that names a row's parent, if it has one.
    pub(super) fn connection(
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
        let name = format!("{}Connection", object.name);
        let fields = self.entries(&name, field.selections(), ConnectionField::Known, |field| {
            Ok(match field.name() {
                "nodes" => ConnectionField::Nodes(self.object(object, Reading::BASE, field, &mut statement)?),
                "edges" => ConnectionField::Edges(self.edges(object, field, &mut statement)?),
                "pageInfo" => ConnectionField::PageInfo(self.page_info(field)?),
                "totalCount" => ConnectionField::TotalCount(self.total_count(field)?),
                _ => return Err(Unplanned::Unknown),
            })
        })?;
        let has_cursors = fields.iter().any(|field| field.value.has_cursors());
        let keys = page.keys.iter().filter(|_| has_cursors);
        let cursor = keys.map(|key| statement.reading.column(Reading::BASE, key.name)).collect();
        Ok(ListPlan { statement, shown: Shown::Pages(Box::new(Connection { page, cursor, fields })) })
    }

    fn edges(
        &self,
        object: Object,
        of: &Collected<'a>,
        statement: &mut Statement<'a>,
    ) -> Planned<Vec<Entry<EdgeField<'a>>>> {
        let name = format!("{}Edge", object.name);
        self.entries(&name, of.selections(), EdgeField::Known, |field| match field.name() {
            "cursor" => Ok(EdgeField::Cursor),
            "node" => Ok(EdgeField::Node(self.object(object, Reading::BASE, field, statement)?)),
            _ => Err(Unplanned::Unknown),
        })
    }

    fn page_info(&self, of: &Collected<'a>) -> Planned<Vec<Entry<PageInfoField>>> {
        self.entries("PageInfo", of.selections(), PageInfoField::Known, |field| match field.name() {
            "hasPreviousPage" => Ok(PageInfoField::HasPreviousPage),
            "hasNextPage" => Ok(PageInfoField::HasNextPage),
            "startCursor" => Ok(PageInfoField::StartCursor),
            "endCursor" => Ok(PageInfoField::EndCursor),
            _ => Err(Unplanned::Unknown),
        })
    }

    fn total_count(&self, of: &Collected<'a>) -> Planned<Vec<Entry<CountField>>> {
        self.entries("Count", of.selections(), CountField::Known, |field| match field.name() {
            "value" => Ok(CountField::Value),
            "exact" => Ok(CountField::Exact),
            _ => Err(Unplanned::Unknown),
        })
    }
}

impl ConnectionField<'_> {
    /// Whether cursors are written for it.
    fn has_cursors(&self) -> bool {
        use PageInfoField::{EndCursor, StartCursor};
        match self {
            Self::Edges(fields) => fields.iter().any(|field| matches!(field.value, EdgeField::Cursor)),
            Self::PageInfo(fields) => fields.iter().any(|field| matches!(field.value, StartCursor | EndCursor)),
            _ => false,
        }
    }
}
