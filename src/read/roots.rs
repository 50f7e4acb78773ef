//! The queries that the read path knows.

use async_graphql::ID;
use sea_orm::ColumnTrait;

use super::arguments::Arguments;
use super::start::{Found, Root, Roots, Several};
use super::{Planned, Unplanned};
use crate::dashboard::graphql::DashboardQuery;
use crate::entity::*;
use crate::graphql::context::RequestContext;
use crate::graphql::node::MAX_NODES;
use crate::nouns::nouns;
use crate::store::Noun;

macro_rules! kinds {
    ($($noun:ident: $object:ident $id:ident $tenant:ident, $($module:ident)::+ $query:ident;)*) => {
        /// Where the query of this name starts.
        pub fn find(name: &str) -> Option<Root> {
            match name {
                "node" => Some(Root::One(node)),
                "nodes" => Some(Root::Several(nodes)),
                "viewer" => Some(Root::Parts(crate::graphql::viewer::parts)),
                _ => DashboardQuery::root(name)$(.or_else(|| crate::$($module)::+::$query::root(name)))*,
            }
        }

        /// Any object by its id.
        fn node(request: &RequestContext, arguments: Arguments<'_>) -> Planned<Option<Found>> {
            request.scope.caller()?;
            let id: ID = arguments.get("id")?;
            $(if let Some(id) = $id::parse(&id) {
                return Ok(Some(Found::of::<$noun::Entity>(request, $noun::Entity::id().eq(id))?));
            })*
            Err(Unplanned::Refused)
        }

        /// Any objects by their ids.
        fn nodes(request: &RequestContext, arguments: Arguments<'_>) -> Planned<Several> {
            request.scope.caller()?;
            let ids: Vec<ID> = arguments.get("ids")?;
            if ids.len() > MAX_NODES {
                return Err(Unplanned::Refused);
            }
            let mut several = Several::default();
            for id in &ids {
                $(if let Some(id) = $id::parse(id) {
                    several.add::<$noun::Entity>(request, id.into())?;
                    continue;
                })*
                return Err(Unplanned::Refused);
            }
            Ok(several)
        }
    };
}

nouns!(kinds);
