//! The objects in the answers of mutations.
//!
//! What is selected from them beyond their own columns would be loaded level by level. It is read in one go instead,
//! where the read path knows all of it and the caller sees the object; else the resolvers answer from the row that the
//! mutation left.

use std::borrow::Cow;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{ContextSelectionSet, OutputType, Positioned, ServerResult, Value};
use sea_orm::ColumnTrait;

use super::plan::RootPlan;
use super::planner::Planner;
use super::selection::Collected;
use super::shape::{Readable, Shows};
use super::start::Found;
use super::{Planned, Unplanned, load, write};
use crate::graphql::context::RequestContext;
use crate::store::Noun;

/// An object in the answer of a mutation.
pub struct Shown<O>(pub O);

impl<O: Shows<Entity: Noun + Readable>> OutputType for Shown<O> {
    fn type_name() -> Cow<'static, str> {
        O::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        O::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        match read::<O::Entity>(super::resolve::key(&**self.0.row()), ctx, field).await {
            Ok(value) => Ok(value),
            Err(unplanned) => {
                unplanned.log();
                self.0.resolve(ctx, field).await
            }
        }
    }
}

async fn read<N: Readable + Noun>(
    id: sea_orm::Value,
    ctx: &ContextSelectionSet<'_>,
    field: &Positioned<Field>,
) -> Planned<Value> {
    let request = ctx.data_unchecked::<RequestContext>();
    let planner = Planner::new(request, &ctx.query_env.variables);
    let plan = planner.found(Found::of::<N>(request, N::id().eq(id))?, &Collected::of(field))?;
    if let RootPlan::One { statement, .. } = &plan
        && statement.reading.is_plain()
        && statement.lists.is_empty()
    {
        // All that is asked for is in the row at hand.
        return Err(Unplanned::AtHand);
    }
    let loaded = load::root(request, &plan).await?.ok_or(Unplanned::Refused)?;
    let mut json = Vec::with_capacity(512);
    write::root(request, &plan, Some(&loaded), &mut json)?;
    serde_json::from_slice(&json).map_err(|error| Unplanned::Fault(error.to_string()))
}
