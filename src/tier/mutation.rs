//! The mutations of tiers.

use async_graphql::{Context, Object};

use super::Step;
use super::graphql::Tier;
use super::input::{CreateTierInput, TierActionInput, UpdateTierInput};
use crate::auth::Permission;
use crate::entity::OrganizationId;
use crate::error::Result;
use crate::graphql::command::command;
use crate::graphql::context::ContextExt;
use crate::graphql::error::payload;
use crate::graphql::input::parse_optional_id;

payload! {
    /// The answer of a mutation on a tier.
    TierPayload, tier: Shown<Tier>
}

/// Mutations of tiers.
#[derive(Default)]
pub struct TierMutation;

async fn step(
    ctx: &Context<'_>,
    operation: &'static str,
    input: TierActionInput,
    step: Step,
) -> Result<crate::entity::tier::Model> {
    let writer = ctx.writer(Permission::TiersManage)?;
    let command = command(ctx, operation, &input.idempotency_key);
    let target = input.target()?;
    super::change(&writer, &command, &target, &step).await
}

#[Object]
impl TierMutation {
    /// Makes a tier with its prices and features. Needs `tiers.manage`, and `platform.manage` for the platform's
    /// catalogue. Emits `tier.create`, and `feature.create` for each feature that the catalogue does not declare yet.
    async fn create_tier(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: CreateTierInput,
    ) -> Result<Option<TierPayload>> {
        let writer = ctx.writer(Permission::TiersManage)?;
        let command = command(ctx, "createTier", &input.idempotency_key);
        TierPayload::new(
            async {
                let named =
                    parse_optional_id::<OrganizationId>("input.organizationId", input.organization_id.as_ref())?;
                let catalogue = named.or(writer.caller()?.organization());
                super::create(&writer, &command, catalogue, &input.tier()?).await
            }
            .await,
        )
    }

    /// Changes a tier, its prices or its features; its key, kind and catalogue never change. Needs `tiers.manage`, and
    /// `platform.manage` for the platform's catalogue. Emits `tier.update`, and `feature.create` for each feature that the
    /// catalogue does not declare yet.
    async fn update_tier(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: UpdateTierInput,
    ) -> Result<Option<TierPayload>> {
        let writer = ctx.writer(Permission::TiersManage)?;
        let command = command(ctx, "updateTier", &input.idempotency_key);
        TierPayload::new(
            async {
                let target = input.target()?;
                super::change(&writer, &command, &target, &Step::Update(Box::new(input.update()?))).await
            }
            .await,
        )
    }

    /// Stops selling a tier: who has it keeps it. Refused while another tier falls back to it. Needs `tiers.manage`, and
    /// `platform.manage` for the platform's catalogue. Emits `tier.archive`.
    async fn archive_tier(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: TierActionInput,
    ) -> Result<Option<TierPayload>> {
        TierPayload::new(step(ctx, "archiveTier", input, Step::Archive).await)
    }

    /// Sells an archived tier again. Needs `tiers.manage`, and `platform.manage` for the platform's catalogue. Emits
    /// `tier.unarchive`.
    async fn unarchive_tier(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: TierActionInput,
    ) -> Result<Option<TierPayload>> {
        TierPayload::new(step(ctx, "unarchiveTier", input, Step::Unarchive).await)
    }
}
