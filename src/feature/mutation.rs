//! The mutations of features.

use async_graphql::{Context, Object};

use super::graphql::Feature;
use super::input::{CreateFeatureInput, UpdateFeatureInput};
use crate::auth::Permission;
use crate::entity::OrganizationId;
use crate::error::Result;
use crate::graphql::command::command;
use crate::graphql::context::ContextExt;
use crate::graphql::error::payload;
use crate::graphql::input::parse_optional_id;

payload! {
    /// The answer of a mutation on a feature.
    FeaturePayload, feature: Shown<Feature>
}

/// Mutations of features.
#[derive(Default)]
pub struct FeatureMutation;

#[Object]
impl FeatureMutation {
    /// Declares a feature in a catalogue. Needs `tiers.manage`, and `platform.manage` for the platform's catalogue. Emits
    /// `feature.create`.
    async fn create_feature(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: CreateFeatureInput,
    ) -> Result<Option<FeaturePayload>> {
        let writer = ctx.writer(Permission::TiersManage)?;
        let command = command(ctx, "createFeature", &input.idempotency_key);
        FeaturePayload::new(
            async {
                let named =
                    parse_optional_id::<OrganizationId>("input.organizationId", input.organization_id.as_ref())?;
                let catalogue = named.or(writer.caller()?.organization());
                super::create(&writer, &command, catalogue, &input.feature()?).await
            }
            .await,
        )
    }

    /// Changes a feature; its key, kind and catalogue never change. Needs `tiers.manage`, and `platform.manage` for the
    /// platform's catalogue. Emits `feature.update`.
    async fn update_feature(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: UpdateFeatureInput,
    ) -> Result<Option<FeaturePayload>> {
        let writer = ctx.writer(Permission::TiersManage)?;
        let command = command(ctx, "updateFeature", &input.idempotency_key);
        FeaturePayload::new(
            async {
                let target = input.target()?;
                super::update(&writer, &command, &target, &input.update()).await
            }
            .await,
        )
    }
}
