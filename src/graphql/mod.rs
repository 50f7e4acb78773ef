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
            crate::scheduler::graphql::SchedulerQuery,
            crate::access::graphql::AccessQuery,
            crate::usage::graphql::UsageQuery,
            crate::subscription::preview::graphql::PreviewQuery,
            crate::gateway::price::graphql::GatewayPriceQuery,
            crate::payment::instructions::InstructionsQuery,
        );
    };
}
nouns!(queries);

macro_rules! mutations {
    ($($mutation:path,)*) => {
        /// What can be changed.
        #[derive(Default, MergedObject)]
        pub struct Mutation($($mutation,)*);

        /// The same where there is a test clock.
        #[derive(Default, MergedObject)]
        #[graphql(name = "Mutation")]
        pub struct MutationWithClock($($mutation,)* crate::scheduler::graphql::ClockMutation);
    };
}
mutations! {
    crate::organization::mutation::OrganizationMutation,
    crate::member::mutation::MemberMutation,
    crate::customer::mutation::CustomerMutation,
    crate::tier::mutation::TierMutation,
    crate::feature::mutation::FeatureMutation,
    crate::add_on::mutation::AddOnMutation,
    crate::gateway_account::mutation::GatewayAccountMutation,
    crate::subscription::mutation::SubscriptionMutation,
    crate::subscription::step_mutation::SubscriptionStepMutation,
    crate::payment::mutation::PaymentMutation,
    crate::gateway::graphql::GatewayMutation,
    crate::checkout::mutation::CheckoutMutation,
    crate::gateway::price::graphql::GatewayPriceMutation,
    crate::usage::mutation::UsageMutation,
    crate::revocation::mutation::RevocationMutation,
    crate::scheduler::graphql::SchedulerMutation,
}

/// The whole schema.
pub type Schema = async_graphql::Schema<Query, MutationWithClock, EmptySubscription>;

/// More than any operation that was measured has.
const MAX_RECURSION: usize = 100;

fn build<M: async_graphql::ObjectType + 'static>(
    mutation: M,
) -> async_graphql::SchemaBuilder<Query, M, EmptySubscription> {
    async_graphql::Schema::build(Query::default(), mutation, EmptySubscription)
        .register_output_type::<node::Node>()
        .register_output_type::<error::UserError>()
}

/// Builds the schema. What there is only with a test clock is hidden without one, and no document that asks for it is
/// valid ([`sdl`]).
pub fn schema(introspection: bool) -> Schema {
    let schema = build(MutationWithClock::default())
        // What is executed has been validated and measured (`document.rs`).
        .validation_mode(ValidationMode::Fast)
        .limit_recursive_depth(MAX_RECURSION)
        .extension(field_errors::FieldErrors);
    if introspection { schema.finish() } else { schema.disable_introspection().disable_suggestions().finish() }
}

/// The schema in GraphQL's schema definition language: the public contract, by which documents are judged.
pub fn sdl(has_test_clock: bool) -> String {
    let options = SDLExportOptions::new().sorted_fields().sorted_enum_items();
    if has_test_clock {
        build(MutationWithClock::default()).finish().sdl_with_options(options)
    } else {
        build(Mutation::default()).finish().sdl_with_options(options)
    }
}
