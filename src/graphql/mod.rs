//! The GraphQL schema: roots merged from the nouns, and what all nouns share.

pub mod batch;
pub mod command;
pub mod connection;
pub mod context;
pub(crate) mod cost;
pub mod document;
pub mod error;
mod field_errors;
pub mod filter;
pub mod input;
pub mod json;
pub mod list;
pub mod nested;
pub mod node;
pub mod response;
pub mod scalar;
pub mod search;
pub mod update;
pub mod viewer;
pub mod when;

use async_graphql::{EmptySubscription, MergedObject, SDLExportOptions, ValidationMode};

use crate::nouns::nouns;

macro_rules! queries {
    ($($noun:ident: $object:ident $id:ident $tenant:ident, $($module:ident)::+ $query:ident;)*) => {
        /// What can be read.
        #[derive(Default, MergedObject)]
        pub struct Query(
            viewer::ViewerQuery,
            node::NodeQuery,
            $(crate::$($module)::+::$query,)*
            crate::dashboard::graphql::DashboardQuery,
        );
    };
}
nouns!(queries);

/// What can be changed.
#[derive(Default, MergedObject)]
pub struct Mutation(
    crate::organization::mutation::OrganizationMutation,
    crate::member::mutation::MemberMutation,
    crate::customer::mutation::CustomerMutation,
    crate::tier::mutation::TierMutation,
    crate::subscription::mutation::SubscriptionMutation,
    crate::revocation::mutation::RevocationMutation,
);

/// The whole schema.
pub type Schema = async_graphql::Schema<Query, Mutation, EmptySubscription>;

/// More than any operation that was measured has.
const MAX_RECURSION: usize = 100;

/// Builds the schema.
pub fn schema(introspection: bool) -> Schema {
    let schema = Schema::build(Query::default(), Mutation::default(), EmptySubscription)
        .register_output_type::<node::Node>()
        .register_output_type::<error::UserError>()
        // What is executed has been validated and measured (`document.rs`).
        .validation_mode(ValidationMode::Fast)
        .limit_recursive_depth(MAX_RECURSION)
        .extension(field_errors::FieldErrors);
    if introspection { schema.finish() } else { schema.disable_introspection().disable_suggestions().finish() }
}

/// The schema in GraphQL's schema definition language: the public contract.
pub fn sdl() -> String {
    schema(true).sdl_with_options(SDLExportOptions::new().sorted_fields().sorted_enum_items())
}
