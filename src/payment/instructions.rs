//! How to pay without a gateway, as the seller tells the payer.

use async_graphql::{Context, ID, Object, SimpleObject};

use crate::auth::Permission;
use crate::entity::{GatewayAccountId, GatewayKind, GatewayMode, gateway_account};
use crate::error::{Error, Result};
use crate::gateway::applier::Applier;
use crate::graphql::context::ContextExt;
use crate::usage::{OwnerId, find_owner};

/// How many are told at most.
const MOST: usize = 100;

/// How to pay a seller without a gateway.
#[derive(Clone, Debug, SimpleObject)]
pub struct PaymentInstructions {
    /// The seller's account that they are of.
    gateway_account_id: GatewayAccountId,
    /// The account's name, shown to people.
    name: String,
    /// Whether real money is meant.
    mode: GatewayMode,
    /// What to do: where to send the money, and with which reference.
    instructions: String,
}

impl PaymentInstructions {
    /// What an account tells payers; nothing if it is disabled, or a gateway is behind it.
    fn of(account: gateway_account::Model) -> Option<Self> {
        let is_told = account.kind == GatewayKind::Manual && account.disabled_at.is_none();
        let instructions = account.instructions.filter(|_| is_told)?;
        Some(Self { gateway_account_id: account.id, name: account.name, mode: account.mode, instructions })
    }
}

/// Queries for what payers are told.
#[derive(Default)]
pub struct InstructionsQuery;

#[Object]
impl InstructionsQuery {
    /// How an owner can pay without a gateway: what its seller's accounts of kind MANUAL say, by their age, at most 100.
    /// The platform sells to organizations, and an organization to its customers. Null if there is no such owner that the
    /// caller can see. Needs `payments.read`.
    async fn payment_instructions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who pays: an organization or a customer.")] owner_id: ID,
    ) -> Result<Option<Vec<PaymentInstructions>>> {
        let scope = ctx.scope();
        if !scope.caller()?.may(Permission::PaymentsRead) {
            return Err(Error::Forbidden(Permission::PaymentsRead));
        }
        let found = find_owner(scope, OwnerId::parse("ownerId", &owner_id)?).await?;
        let Some((owner, _)) = found else { return Ok(None) };
        let accounts = ctx.data_unchecked::<Applier>().asker().accounts_of_seller(owner).await?;
        Ok(Some(accounts.into_iter().filter_map(PaymentInstructions::of).take(MOST).collect()))
    }
}
