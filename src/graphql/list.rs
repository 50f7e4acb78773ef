//! Lists as clients ask for them: filtered, sorted, and one page of them.

use std::fmt::Write as _;

use async_graphql::{Context, InputType, Value as GraphqlValue};
use sea_orm::{Condition, EntityTrait, Value};

use super::context::RequestContext;
use super::filter::{meaning, refuse_nulls};
use crate::error::{Code, Refusal, Result};
use crate::store::{Noun, Order, PageRequest};

/// How many objects a page has when nothing is said.
pub const DEFAULT_PAGE: i32 = 25;
/// How many objects a page has at most.
pub const MAX_PAGE: i32 = 100;
/// How many keys a list is sorted by at most.
pub const MAX_SORT_KEYS: usize = 4;

/// A noun that is shown in pages: what its lists can be filtered and sorted by.
pub trait Listed: Noun {
    /// Which ones to find.
    type Filter: InputType;
    /// One key of a sort.
    type Order: InputType;

    /// The condition that the filter stands for, or what is wrong with it.
    fn condition(filter: &Self::Filter, request: &RequestContext) -> Result<Condition>;
    /// The sort that the client asked for; newest first if it did not say.
    fn sort(keys: &Option<Vec<Self::Order>>) -> Order<Self>;

    /// What is found with a filter; everything without one.
    fn found(filter: Option<&Self::Filter>, request: &RequestContext) -> Result<Condition> {
        let condition = filter.map(|filter| Self::condition(filter, request)).transpose()?;
        Ok(Condition::all().add_option(condition))
    }
}

/// The paging arguments of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PageArgs {
    /// How many objects from the start.
    pub first: Option<i32>,
    /// Behind this cursor.
    pub after: Option<String>,
    /// How many objects from the end.
    pub last: Option<i32>,
    /// Before this cursor.
    pub before: Option<String>,
}

/// A list as the client asked for it: what its cursors are bound to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ListKey(String);

impl ListKey {
    /// The list of this field with this filter and order, as this caller's tenant or customer sees it. It is made of what
    /// filter and order mean: however they are written, the same list has the same cursors.
    fn new<E: Listed>(request: &RequestContext, field: &str, filter: Option<&E::Filter>, order: &Order<E>) -> Self {
        let caller = request.scope.caller().map(|caller| (caller.organization(), caller.customer())).ok();
        let mut key = format!("{caller:?}|{field}|{order}|");
        if let Some(filter) = filter.and_then(|filter| meaning(filter.to_value())) {
            // Writing to a string cannot fail.
            let _ = write!(key, "{filter}");
        }
        Self(key)
    }

    /// The cursor of the row with these sort values.
    pub fn cursor(&self, request: &RequestContext, values: &[Value]) -> String {
        request.cursors.encode(&self.0, values)
    }
}

/// The argument `where` of the field that is being resolved, as the client gave it.
pub fn given_filter(ctx: &Context<'_>) -> Option<GraphqlValue> {
    let arguments = ctx.field().arguments().unwrap_or_default();
    arguments.into_iter().find(|(name, _)| name == "where").map(|(_, value)| value)
}

/// The page of a list that a client asks for.
pub struct ListRequest<E: EntityTrait> {
    /// The list.
    pub list: ListKey,
    /// What the list finds.
    pub found: Condition,
    /// Which page of it.
    pub page: PageRequest<E>,
}

impl<E: Listed> ListRequest<E> {
    /// The page of the list `field` that the arguments ask for, or what is wrong with them. `given` is the filter as the
    /// client gave it.
    pub fn new(
        request: &RequestContext,
        field: &str,
        given: Option<&GraphqlValue>,
        filter: Option<&E::Filter>,
        order_by: &Option<Vec<E::Order>>,
        args: &PageArgs,
    ) -> Result<Self> {
        refuse_nulls(given)?;
        let order = E::sort(order_by);
        let list = ListKey::new(request, field, filter, &order);
        let found = E::found(filter, request)?;
        let page = page_request(request, &list, args, order)?;
        Ok(Self { list, found, page })
    }
}

fn page_request<E: EntityTrait>(
    request: &RequestContext,
    list: &ListKey,
    args: &PageArgs,
    order: Order<E>,
) -> Result<PageRequest<E>> {
    let refuse = |code, path: &str, message: String| Refusal::new(code, message).at(path);
    if args.first.is_some() && args.last.is_some() {
        let message = "Ask for `first` or for `last`, not for both.".to_owned();
        return Err(refuse(Code::Conflict, "last", message).into());
    }
    let limit = args.first.or(args.last).unwrap_or(DEFAULT_PAGE);
    if !(0..=MAX_PAGE).contains(&limit) {
        let path = if args.last.is_some() { "last" } else { "first" };
        return Err(refuse(Code::OutOfRange, path, format!("Expected a number from 0 to {MAX_PAGE}.")).into());
    }
    let decode = |cursor: &Option<String>, path: &str| {
        let decoded = cursor.as_deref().map(|cursor| request.cursors.decode(&list.0, cursor)).transpose();
        decoded.map_err(|_| {
            let message = "Expected a cursor of this very list: same order, same filter, unaltered.".to_owned();
            refuse(Code::InvalidCursor, path, message)
        })
    };
    let (after, before) = (decode(&args.after, "after")?, decode(&args.before, "before")?);
    Ok(PageRequest::new(order, u64::from(limit.unsigned_abs()), args.last.is_some(), after, before))
}
