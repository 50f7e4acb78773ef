//! Any object by its id.
//!
//! Specification: <https://relay.dev/graphql/objectidentification.htm>.

use std::collections::HashMap;

use async_graphql::{Context, ID, Interface, Object};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::context::ContextExt;
use crate::entity::*;
use crate::error::{Code, Refusal, Result};
use crate::nouns::nouns;
use crate::read::shape::Readable;
use crate::store::Noun;

macro_rules! kinds {
    ($($noun:ident: $object:ident $prefix:ident $tenant:ident, $($module:ident)::+ $query:ident;)*) => {
        /// An object with a globally unique id.
        #[derive(Clone, Interface)]
        #[graphql(field(name = "id", ty = "ID", desc = "Globally unique; its prefix names the kind of object."))]
        pub enum Node {
            $(
                #[doc = concat!("A row of `", stringify!($noun), "`.")]
                $object(<$noun::Entity as Readable>::Shown),
            )*
        }

        /// What is found for each of these ids: one statement for each kind. An id that names no kind, or a kind that
        /// the caller may not read, has an error of its own.
        async fn find(ctx: &Context<'_>, ids: &[ID], path: &str) -> Result<Vec<Option<Result<Node>>>> {
            ctx.scope().caller()?;
            let mut found: HashMap<&str, Result<Node>> = HashMap::with_capacity(ids.len());
            $(
                let of_kind: Vec<_> = ids.iter().filter_map(|id| Some((id.as_str(), $prefix::parse(id)?))).collect();
                if !of_kind.is_empty() {
                    let wanted = of_kind.iter().map(|(_, id)| *id);
                    match ctx.scope().all($noun::Entity::find().filter($noun::Entity::id().is_in(wanted))).await {
                        Ok(rows) => {
                            let rows: HashMap<_, _> = rows.into_iter().map(|row| (row.id, row)).collect();
                            found.extend(of_kind.into_iter().filter_map(|(text, id)| {
                                Some((text, Ok(Node::$object(rows.get(&id)?.clone().into()))))
                            }));
                        }
                        Err(error) => found.extend(of_kind.into_iter().map(|(text, _)| (text, Err(error.clone())))),
                    }
                }
            )*
            let is_known = |id: &ID| [$($prefix::parse(id).is_some(),)*].contains(&true);
            let one = |id: &ID| match found.get(id.as_str()) {
                Some(found) => Some(found.clone()),
                None if is_known(id) => None,
                None => {
                    let message = "Expected an id of this API, such as `cus_…` or `sub_…`.";
                    Some(Err(Refusal::new(Code::InvalidId, message).at(path).into()))
                }
            };
            Ok(ids.iter().map(one).collect())
        }
    };
}

nouns!(kinds);

/// How many objects can be asked for at once, as the schema says.
pub const MAX_NODES: usize = 100;

/// Queries for any object.
#[derive(Default)]
pub struct NodeQuery;

#[Object]
impl NodeQuery {
    /// The object with this id; null if there is none that the caller can see. Needs the permission of its kind.
    async fn node(&self, ctx: &Context<'_>, #[graphql(desc = "The object.")] id: ID) -> Result<Option<Node>> {
        find(ctx, std::slice::from_ref(&id), "id").await?.into_iter().next().flatten().transpose()
    }

    /// The objects with these ids, in their order; null where there is none that the caller can see, and null with an
    /// error of its own where an id is malformed or the permission of its kind is missing.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(validator(max_items = 100), desc = "The objects, at most 100.")] ids: Vec<ID>,
    ) -> Result<Option<Vec<Option<Result<Node>>>>> {
        find(ctx, &ids, "ids").await.map(Some)
    }
}
