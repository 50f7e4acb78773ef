//! `#[object]`, `#[queries]` and `#[derive(ToJson)]`: what the API shows, said once for both engines that answer queries.
//!
//! The resolvers of async-graphql and the read path of Tessera show the same objects. Each declaration becomes both.

mod object;
mod queries;
mod to_json;

use proc_macro::TokenStream;
use syn::parse_macro_input;

/// Declares a GraphQL object that shows the row of a noun, or some columns of it.
///
/// It is written as for `#[derive(SimpleObject)]`: documentation becomes descriptions, names become `camelCase`, types are
/// the types of the schema. A field shows the column of its name; an attribute says what else it shows.
///
/// | attribute | the field shows |
/// | --- | --- |
/// | none, or `#[column(Name)]` | a column |
/// | `#[one(relation, Column)]` | the object that `relation(Column)` finds, a `One`; null where there is none |
/// | `#[one_of(a, A; b, B)]` | a member of a union or interface: the first one whose column is not null |
/// | `#[part(Column)]` | an object made of other columns of the row; null where this column is |
/// | `#[all(list, Column)]` | all objects of the short list that `list(Column)` finds, an `All` |
/// | `#[pages(list, Column)]` | a connection over the list that `list(Column)` finds, a `Pages`, with its six arguments |
/// | `#[computed(function, from(A, B))]` | what a function makes of these columns and of the request |
/// | `#[computed(function, needs = …)]` | the same of columns of other rows too: an expression of the type `Needs` |
/// | `#[resolved(function)]` | what a function loads; the read path leaves it to the resolvers |
/// | `#[resolved(function, planned = …)]` | the same, and how the read path reads it: an expression of the type `Field` |
///
/// Columns are variants of the noun's `Column`. An error makes a field null if its type is an `Option`, and else the object,
/// as the specification says. `#[graphql(name = "…")]` gives a field another name.
///
/// ```text
/// /// A user of an organization.
/// #[object(noun = member)]
/// pub struct Member {
///     /// Globally unique.
///     id: MemberId,
///     /// The organization it is a user of.
///     #[one(organization::seen, TenantId)]
///     organization: Option<Organization>,
/// }
/// ```
///
/// becomes
///
/// ```text
/// /// A user of an organization.
/// #[derive(Clone)]
/// pub struct Member(Arc<member::Model>);
///
/// /// A user of an organization.
/// #[async_graphql::Object]
/// impl Member {
///     /// Globally unique.
///     async fn id(&self) -> Result<MemberId> {
///         resolve::column(&*self.0, member::Column::Id)
///     }
///
///     /// The organization it is a user of.
///     async fn organization(&self, ctx: &Context<'_>) -> Option<Result<Organization>> {
///         resolve::one(ctx, &*self.0, organization::seen(member::Column::TenantId)).await.transpose()
///     }
/// }
///
/// impl Shows for Member {
///     type Entity = member::Entity;
///     const NAME: &'static str = "Member";
///
///     fn field(name: &str) -> Option<Field> {
///         Some(match name {
///             "id" => shape::column::<MemberId>(member::Column::Id),
///             "organization" => Field::One(organization::seen(member::Column::TenantId)),
///             _ => return None,
///         })
///     }
/// }
///
/// impl Readable for member::Entity {
///     type Shown = Member;
///     const KEY: member::Column = member::Column::Id;
/// }
/// ```
///
/// With `part_of` instead of `noun` it shows some columns of a noun's row, and the last part is left out.
#[proc_macro_attribute]
pub fn object(arguments: TokenStream, declaration: TokenStream) -> TokenStream {
    let arguments = parse_macro_input!(arguments as object::Arguments);
    let declaration = parse_macro_input!(declaration as syn::ItemStruct);
    object::expand(&arguments, declaration).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Declares queries: what `#[async_graphql::Object]` has, and functions without a body.
///
/// | attribute | the query |
/// | --- | --- |
/// | `#[by_id("…")]` | finds an object by the argument `id`, which is described so |
/// | `#[list]` | is a connection over all objects that the caller can see, with its six arguments |
/// | `#[planned(root)]` | has a body, which the resolvers run; the expression of the type `Root` is for the read path |
///
/// Without any of these, a query with a body is left to the resolvers.
///
/// ```text
/// #[queries]
/// impl MemberQuery {
///     /// The member with this id; null if there is none that the caller can see.
///     #[by_id("The member.")]
///     fn member() -> Option<Member>;
///
///     /// The members that the caller can see.
///     #[list]
///     fn members() -> Option<MemberConnection>;
/// }
/// ```
#[proc_macro_attribute]
pub fn queries(_: TokenStream, declaration: TokenStream) -> TokenStream {
    let declaration = parse_macro_input!(declaration as syn::ItemImpl);
    queries::expand(declaration).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Lets the read path show a value that the resolvers show by `#[derive(SimpleObject)]` or `#[derive(Enum)]`.
///
/// A struct becomes a JSON object with the fields that are not skipped, an enum the name of its value.
#[proc_macro_derive(ToJson, attributes(graphql))]
pub fn to_json(declaration: TokenStream) -> TokenStream {
    let declaration = parse_macro_input!(declaration as syn::DeriveInput);
    to_json::expand(&declaration).unwrap_or_else(syn::Error::into_compile_error).into()
}
