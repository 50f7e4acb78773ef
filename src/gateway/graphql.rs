//! What callers ask of gateways.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::account::{ACCOUNT, seller};
use super::applier::Applier;
use super::customer::find_payer;
use super::intent::Asker;
use crate::auth::Permission;
use crate::entity::{GatewayAccountId, GatewayKind, GatewayMode};
use crate::error::{Error, Result};
use crate::gateway_account;
use crate::graphql::context::ContextExt;
use crate::graphql::error::payload;
use crate::graphql::input::parse_optional_id;
use crate::store::Writer;
use crate::usage::OwnerId;

/// The field of the input that names the owner.
const OWNER: &str = "input.ownerId";

/// Has a gateway know an owner.
#[derive(Clone, Debug, InputObject)]
pub struct EnsureGatewayCustomerInput {
    /// Who pays: an organization or a customer.
    owner_id: ID,
    /// The seller's account; its only one at a gateway if not given.
    gateway_account_id: Option<ID>,
}

/// An owner, as a gateway knows it.
#[derive(Clone, Debug, SimpleObject)]
pub struct GatewayCustomer {
    /// Who pays: an organization or a customer.
    owner_id: ID,
    /// The seller's account.
    gateway_account_id: GatewayAccountId,
    /// Which gateway.
    gateway: GatewayKind,
    /// Whether it moves real money.
    mode: GatewayMode,
    /// The gateway's id of the owner.
    gateway_customer_id: String,
}

payload! {
    /// The answer of `ensureGatewayCustomer`.
    EnsureGatewayCustomerPayload, gateway_customer: GatewayCustomer
}

/// Mutations that ask gateways.
#[derive(Default)]
pub struct GatewayMutation;

#[Object]
impl GatewayMutation {
    /// Has a gateway know an owner, and answers by which id: the one that it has, or a new one. Two that ask at the same time
    /// get the same one. Needs `payments.manage` over what the owner's seller sells: nobody asks for itself.
    async fn ensure_gateway_customer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The owner, and the account.")] input: EnsureGatewayCustomerInput,
    ) -> Result<Option<EnsureGatewayCustomerPayload>> {
        let writer = ctx.writer(Permission::PaymentsManage)?;
        let asker = ctx.data_unchecked::<Applier>().asker();
        EnsureGatewayCustomerPayload::new(async { ensure(&writer, asker, &input).await }.await)
    }
}

async fn ensure(writer: &Writer, asker: Asker<'_>, input: &EnsureGatewayCustomerInput) -> Result<GatewayCustomer> {
    let named = parse_optional_id::<GatewayAccountId>(ACCOUNT, input.gateway_account_id.as_ref())?;
    let payer = find_payer(writer, OwnerId::parse(OWNER, &input.owner_id)?, OWNER).await?;
    if let Some(permission) = gateway_account::obstacle(writer.caller()?, seller(payer.owner)) {
        return Err(Error::Forbidden(permission));
    }
    let account = asker.account_for(payer.owner, named).await?;
    let id = asker.ensure_customer(&account, &payer, OWNER).await?;
    Ok(GatewayCustomer {
        owner_id: input.owner_id.clone(),
        gateway_account_id: account.id,
        gateway: account.kind,
        mode: account.mode,
        gateway_customer_id: id.0,
    })
}
