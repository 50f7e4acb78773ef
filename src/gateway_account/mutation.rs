//! The mutations of gateway accounts.

use async_graphql::{Context, Object};

use super::graphql::GatewayAccount;
use super::input::{
    CreateGatewayAccountInput, GatewayAccountActionInput, RotateGatewayKeyInput, UpdateGatewayAccountInput,
};
use super::{Gateways, Step};
use crate::auth::Permission;
use crate::entity::{OrganizationId, gateway_account};
use crate::error::Result;
use crate::graphql::command::command;
use crate::graphql::context::ContextExt;
use crate::graphql::error::payload;
use crate::graphql::input::parse_optional_id;

payload! {
    /// The answer of a mutation on a gateway account.
    GatewayAccountPayload, gateway_account: Shown<GatewayAccount>
}

/// Mutations of gateway accounts.
#[derive(Default)]
pub struct GatewayAccountMutation;

async fn step(
    ctx: &Context<'_>,
    operation: &'static str,
    input: GatewayAccountActionInput,
    step: Step,
) -> Result<gateway_account::Model> {
    let writer = ctx.writer(Permission::PaymentsManage)?;
    let command = command(ctx, operation, &input.idempotency_key);
    super::change(&writer, ctx.data_unchecked::<Gateways>(), &command, &input.target()?, &step).await
}

#[Object]
impl GatewayAccountMutation {
    /// Keeps an account at a payment gateway, once the gateway has said whose it is. Needs `payments.manage`, and
    /// `platform.manage` for the platform's. Emits `gateway_account.create`.
    async fn create_gateway_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account.")] input: CreateGatewayAccountInput,
    ) -> Result<Option<GatewayAccountPayload>> {
        let writer = ctx.writer(Permission::PaymentsManage)?;
        let command = command(ctx, "createGatewayAccount", &input.idempotency_key);
        GatewayAccountPayload::new(
            async {
                let named =
                    parse_optional_id::<OrganizationId>("input.organizationId", input.organization_id.as_ref())?;
                let seller = named.or(writer.caller()?.organization());
                super::create(&writer, ctx.data_unchecked::<Gateways>(), &command, seller, &input.account()?).await
            }
            .await,
        )
    }

    /// Changes a gateway account; its seller, kind, mode and account never change. Needs `payments.manage`, and
    /// `platform.manage` for the platform's. Emits `gateway_account.update`.
    async fn update_gateway_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change.")] input: UpdateGatewayAccountInput,
    ) -> Result<Option<GatewayAccountPayload>> {
        let writer = ctx.writer(Permission::PaymentsManage)?;
        let command = command(ctx, "updateGatewayAccount", &input.idempotency_key);
        GatewayAccountPayload::new(
            async {
                let target = input.target()?;
                super::change(&writer, ctx.data_unchecked::<Gateways>(), &command, &target, &input.step()?).await
            }
            .await,
        )
    }

    /// Replaces the key of a gateway account, once the gateway has said that it opens the same account. Needs
    /// `payments.manage`, and `platform.manage` for the platform's. Emits `gateway_account.rotate`.
    async fn rotate_gateway_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account, and its new key.")] input: RotateGatewayKeyInput,
    ) -> Result<Option<GatewayAccountPayload>> {
        let writer = ctx.writer(Permission::PaymentsManage)?;
        let command = command(ctx, "rotateGatewayKey", &input.idempotency_key);
        GatewayAccountPayload::new(
            async {
                let target = input.target()?;
                super::change(&writer, ctx.data_unchecked::<Gateways>(), &command, &target, &input.step()?).await
            }
            .await,
        )
    }

    /// Begins nothing new with a gateway account; what it bills goes on. Needs `payments.manage`, and `platform.manage` for
    /// the platform's. Emits `gateway_account.disable`.
    async fn disable_gateway_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account.")] input: GatewayAccountActionInput,
    ) -> Result<Option<GatewayAccountPayload>> {
        GatewayAccountPayload::new(step(ctx, "disableGatewayAccount", input, Step::Disable).await)
    }

    /// Uses a disabled gateway account again. Needs `payments.manage`, and `platform.manage` for the platform's. Emits
    /// `gateway_account.enable`.
    async fn enable_gateway_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account.")] input: GatewayAccountActionInput,
    ) -> Result<Option<GatewayAccountPayload>> {
        GatewayAccountPayload::new(step(ctx, "enableGatewayAccount", input, Step::Enable).await)
    }
}
