//! The mutations of add-ons.

use async_graphql::{Context, Object};

use super::Step;
use super::graphql::AddOn;
use super::input::{AddOnActionInput, CreateAddOnInput, UpdateAddOnInput};
use crate::auth::Permission;
use crate::entity::{OrganizationId, add_on};
use crate::error::Result;
use crate::graphql::command::command;
use crate::graphql::context::ContextExt;
use crate::graphql::error::payload;
use crate::graphql::input::parse_optional_id;

payload! {
    /// The answer of a mutation on an add-on.
    AddOnPayload, add_on: Shown<AddOn>
}

/// Mutations of add-ons.
#[derive(Default)]
pub struct AddOnMutation;

async fn step(
    ctx: &Context<'_>,
    operation: &'static str,
    input: AddOnActionInput,
    step: Step,
) -> Result<add_on::Model> {
    let writer = ctx.writer(Permission::TiersManage)?;
    let command = command(ctx, operation, &input.idempotency_key);
    super::change(&writer, &command, &input.target()?, &step).await
}

#[Object]
impl AddOnMutation {
    /// Makes an add-on with its prices and features. Needs `tiers.manage`, and `platform.manage` for the platform's
    /// catalogue. Emits `add_on.create`, and `feature.create` for each feature that the catalogue does not declare yet.
    async fn create_add_on(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The add-on.")] input: CreateAddOnInput,
    ) -> Result<Option<AddOnPayload>> {
        let writer = ctx.writer(Permission::TiersManage)?;
        let command = command(ctx, "createAddOn", &input.idempotency_key);
        AddOnPayload::new(
            async {
                let named =
                    parse_optional_id::<OrganizationId>("input.organizationId", input.organization_id.as_ref())?;
                let catalogue = named.or(writer.caller()?.organization());
                super::create(&writer, &command, catalogue, &input.add_on()?).await
            }
            .await,
        )
    }

    /// Changes an add-on; its key, kind and catalogue never change. Needs `tiers.manage`, and `platform.manage` for the
    /// platform's catalogue. Emits `add_on.update`, and `feature.create` for each feature that the catalogue does not
    /// declare yet.
    async fn update_add_on(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change.")] input: UpdateAddOnInput,
    ) -> Result<Option<AddOnPayload>> {
        let writer = ctx.writer(Permission::TiersManage)?;
        let command = command(ctx, "updateAddOn", &input.idempotency_key);
        AddOnPayload::new(
            async {
                let target = input.target()?;
                super::change(&writer, &command, &target, &Step::Update(Box::new(input.update()?))).await
            }
            .await,
        )
    }

    /// Stops selling an add-on: who has it keeps it. Needs `tiers.manage`, and `platform.manage` for the platform's
    /// catalogue. Emits `add_on.archive`.
    async fn archive_add_on(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The add-on.")] input: AddOnActionInput,
    ) -> Result<Option<AddOnPayload>> {
        AddOnPayload::new(step(ctx, "archiveAddOn", input, Step::Archive).await)
    }

    /// Sells an archived add-on again. Needs `tiers.manage`, and `platform.manage` for the platform's catalogue. Emits
    /// `add_on.unarchive`.
    async fn unarchive_add_on(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The add-on.")] input: AddOnActionInput,
    ) -> Result<Option<AddOnPayload>> {
        AddOnPayload::new(step(ctx, "unarchiveAddOn", input, Step::Unarchive).await)
    }
}
