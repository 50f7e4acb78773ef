//! The type `Feature` and the queries for it.

use async_graphql::{ID, InputObject};
use declare::{object, queries};
use sea_orm::{ColumnTrait, Condition};

use crate::clock::Timestamp;
use crate::entity::{FeatureEnforcement, FeatureId, FeatureKind, FeatureReset, OrganizationId, feature};
use crate::error::Result;
use crate::graphql::connection::{connection, sort_order};
use crate::graphql::context::RequestContext;
use crate::graphql::input::parse_optional_id;
use crate::organization::graphql::{self as organization, Organization};
use crate::read::facts::Facts;
use crate::tier::rules;

/// What the tiers of a catalogue can grant: a key, and what it means in all of them.
///
/// Seen by who manages the catalogue. Others see what tiers and subscriptions grant of it.
#[object(noun = feature)]
pub struct Feature {
    /// Globally unique.
    id: FeatureId,
    /// Unique in its catalogue, such as `ai.queries`. Never changes.
    key: String,
    /// Shown to people.
    name: String,
    /// Shown to people.
    description: Option<String>,
    /// How it is measured. Never changes.
    kind: FeatureKind,
    /// What is counted, such as `GB`.
    unit: Option<String>,
    /// When a meter begins at 0 again; null for the other kinds.
    resets: Option<FeatureReset>,
    /// What happens at the limit; HARD for a switch, which has none.
    enforcement: FeatureEnforcement,
    /// When it was declared.
    created_at: Timestamp,
    /// When it was last changed.
    updated_at: Timestamp,
    /// Counts changes, from 1. Pass it as `expectedVersion` to change only what you saw.
    version: i32,
    /// The organization whose catalogue this is; null for the platform's, and for callers that cannot see the
    /// organization.
    #[one(organization::seen, TenantId)]
    catalogue: Option<Organization>,
    /// Whether the caller may change it.
    #[computed(viewer_can_manage, from(TenantId))]
    viewer_can_manage: bool,
}

fn viewer_can_manage(facts: &Facts<'_>) -> Result<bool> {
    Ok(rules::obstacle(facts.request.scope.caller()?, facts.get(0)?).is_none())
}

/// Which features to find. Everything given must hold; a null is refused.
#[derive(Clone, Debug, InputObject)]
pub struct FeatureFilter {
    /// Measured like this.
    kind: Option<FeatureKind>,
    /// Of this organization's catalogue.
    catalogue_of: Option<ID>,
    /// Whether of the platform's catalogue.
    platform: Option<bool>,
    /// With this key.
    key: Option<String>,
}

impl FeatureFilter {
    fn condition(&self, _request: &RequestContext) -> Result<Condition> {
        use feature::Column::{Key, Kind, TenantId};
        let catalogue = parse_optional_id::<OrganizationId>("where.catalogueOf", self.catalogue_of.as_ref())?;
        let null = |null: bool| if null { TenantId.is_null() } else { TenantId.is_not_null() };
        Ok(Condition::all()
            .add_option(self.kind.map(|kind| Kind.eq(kind)))
            .add_option(catalogue.map(|id| TenantId.eq(id)))
            .add_option(self.platform.map(null))
            .add_option(self.key.as_ref().map(|key| Key.eq(key.as_str()))))
    }
}

sort_order!(FeatureOrder, FeatureSort of feature {
    /// Key, alphabetically.
    Key => Key,
    /// When it was declared.
    CreatedAt => CreatedAt,
});

connection!(FeatureConnection, FeatureEdge, Feature of feature, "features", FeatureFilter, FeatureOrder);

/// Queries for features.
#[derive(Default)]
pub struct FeatureQuery;

#[queries]
impl FeatureQuery {
    /// The feature with this id; null if there is none that the caller can see. Needs `tiers.manage`; the platform's own
    /// people do not.
    #[by_id("The feature.")]
    fn feature() -> Option<Feature>;

    /// The features of the catalogues that the caller manages; for the platform's own people, of all. Needs
    /// `tiers.manage`; the platform's own people do not.
    #[list]
    fn features() -> Option<FeatureConnection>;
}
