//! How to pay without a gateway, as the seller tells the payer.

use async_graphql::{Context, ID, Object, SimpleObject};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::auth::Permission;
use crate::entity::{GatewayAccountId, GatewayKind, GatewayMode, customer, gateway_account, organization};
use crate::error::{Error, Result};
use crate::gateway::account::seller;
use crate::gateway::applier::Applier;
use crate::graphql::context::ContextExt;
use crate::graphql::nested::OwnerKey;
use crate::store::Scope;
use crate::usage::OwnerId;

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
        let Some(owner) = seen(scope, OwnerId::parse("ownerId", &owner_id)?).await? else { return Ok(None) };
        let mut accounts =
            ctx.data_unchecked::<Applier>().asker().store.system().accounts_of_seller(seller(owner), None).await?;
        accounts.sort_by_key(|account| (account.created_at, account.id));
        Ok(Some(accounts.into_iter().filter_map(PaymentInstructions::of).take(MOST).collect()))
    }
}

/// An owner that the caller sees.
async fn seen(scope: &Scope, owner: OwnerId) -> Result<Option<OwnerKey>> {
    Ok(match owner {
        OwnerId::Customer(id) => {
            let found = scope.all(customer::Entity::find().filter(customer::Column::Id.eq(id))).await?;
            found.first().map(|row| OwnerKey { tenant: row.tenant_id, customer: Some(row.id) })
        }
        OwnerId::Organization(id) => {
            let found = scope.all(organization::Entity::find().filter(organization::Column::Id.eq(id))).await?;
            found.first().map(|row| OwnerKey { tenant: row.id, customer: None })
        }
    })
}
