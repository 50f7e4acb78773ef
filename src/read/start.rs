//! Where queries start, and what a noun says of its own.

use async_graphql::ID;
use sea_orm::sea_query::IntoCondition;
use sea_orm::{ColumnTrait, Condition, IdenStatic};
use uuid::Uuid;

use super::arguments::Arguments;
use super::json::{Json, WriteJson};
use super::relation::Page;
use super::shape::{Field, Object, Readable, Shows, object};
use super::{Planned, Unplanned};
use crate::entity::TypedId;
use crate::error::Result;
use crate::graphql::connection::Paged;
use crate::graphql::context::RequestContext;
use crate::store::{Noun, Reading, Rows, Source};

/// Where a query starts.
pub enum Root {
    /// One object; null where there is none.
    One(fn(&RequestContext, Arguments<'_>) -> Planned<Option<Found>>),
    /// A list.
    Pages(Object, fn(&RequestContext, Arguments<'_>) -> Planned<Page>),
    /// A value that all rows of a statement add up to.
    Folded(fn(&RequestContext, Arguments<'_>) -> Planned<Folded>),
    /// An object that is no row; null where there is none.
    Parts(fn(&RequestContext) -> Planned<Option<Parts>>),
    /// Objects of several kinds.
    Several(fn(&RequestContext, Arguments<'_>) -> Planned<Several>),
}

impl Root {
    /// One object, by its id.
    pub fn by_id<S: Shows<Entity: Readable + Noun>>() -> Self {
        Self::One(Found::by_id::<S::Entity>)
    }

    /// A list.
    pub fn list<C: Paged>(page: fn(&RequestContext, Arguments<'_>) -> Planned<Page>) -> Self {
        Self::Pages(object::<C::Noun>(), page)
    }
}

/// The queries of a noun.
pub trait Roots {
    /// Where the query of this name starts; none if the resolvers have to answer it.
    fn root(name: &str) -> Option<Root>;
}

/// Objects of several kinds by their ids.
#[derive(Default)]
pub struct Several {
    /// What there is to find.
    pub kinds: Vec<Kind>,
    /// For each object its kind, and its place among the ids of that.
    pub places: Vec<(usize, usize)>,
}

/// Objects of a kind.
pub struct Kind {
    /// The rows of the kind.
    pub source: Source,
    /// What they are shown as.
    pub object: Object,
    /// Their column with the id.
    pub id: &'static str,
    /// The ids of those that are wanted.
    pub ids: Vec<Uuid>,
}

impl Several {
    /// Adds the object of a noun with this id.
    pub fn add<E: Readable + Noun>(&mut self, request: &RequestContext, id: Uuid) -> Result<()> {
        let known = self.kinds.iter().position(|kind| kind.object.name == E::Shown::NAME);
        let kind = match known {
            Some(kind) => kind,
            None => {
                let source = request.scope.source::<E>(Condition::all())?;
                self.kinds.push(Kind { source, object: object::<E>(), id: E::id().as_str(), ids: Vec::new() });
                self.kinds.len() - 1
            }
        };
        let ids = &mut self.kinds[kind].ids;
        let place = ids.iter().position(|known| *known == id).unwrap_or_else(|| {
            ids.push(id);
            ids.len() - 1
        });
        self.places.push((kind, place));
        Ok(())
    }
}

/// An object that is no row, such as the caller: each of its fields is read by itself.
pub struct Parts {
    /// Name of the GraphQL type.
    pub object: &'static str,
    /// Its fields.
    pub field: fn(&RequestContext, &str) -> Planned<Part>,
}

/// A field of such an object.
pub enum Part {
    /// JSON that is known beforehand.
    Known(Vec<u8>),
    /// An object by its key; null where there is none.
    One(Option<Found>),
}

/// A field whose value is known beforehand.
pub fn known(value: &impl WriteJson) -> Part {
    let mut json = Vec::new();
    value.write_json(&mut json);
    Part::Known(json)
}

/// A value that all rows of a statement add up to.
pub struct Folded {
    /// The statement.
    pub reading: Reading,
    /// What the rows belong to. Asked for where there are none: without it the value is null.
    pub of: Source,
    /// What the rows add up to.
    pub value: fn(&Rows) -> Result<Json>,
    /// How a field of the value that shows a [row](Json::Row) is read from it, however deep it lies.
    pub field: fn(&str) -> Option<Field>,
}

/// The object that a query starts from.
pub struct Found {
    /// Its row, by a key.
    pub row: Source,
    /// What the row is shown as.
    pub object: Object,
    /// The field of it that is asked for; none for the object itself.
    pub field: Option<&'static str>,
    /// Whether it is the caller itself: where it is gone, the resolvers know what to say.
    pub is_caller: bool,
}

impl Found {
    /// The row of a noun with the id in the argument `id`.
    fn by_id<E: Readable + Noun>(request: &RequestContext, arguments: Arguments<'_>) -> Planned<Option<Self>> {
        request.scope.caller()?;
        let id: ID = arguments.get("id")?;
        let id = E::Id::parse(&id).ok_or(Unplanned::Refused)?;
        Ok(Some(Self::of::<E>(request, E::id().eq(id))?))
    }

    /// The row of a noun that fits.
    pub fn of<E: Readable>(request: &RequestContext, fits: impl IntoCondition) -> Planned<Self> {
        let row = request.scope.source::<E>(Condition::all().add(fits.into_condition()))?;
        Ok(Self { row, object: object::<E>(), field: None, is_caller: false })
    }
}
