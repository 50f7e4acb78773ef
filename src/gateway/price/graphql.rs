//! How what gateways call prices is shown and set.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::super::account::ACCOUNT;
use super::super::applier::Applier;
use super::{Sold, Wanted, set};
use crate::auth::Permission;
use crate::entity::{AddOnId, BillingCycle, GatewayAccountId, GatewayPriceId, TierId, gateway_account, gateway_price};
use crate::error::{Code, Result};
use crate::graphql::command::command;
use crate::graphql::context::ContextExt;
use crate::graphql::error::payload;
use crate::graphql::input::{Check, check_key, parse_id};
use crate::graphql::scalar::{CurrencyCode, Money};

/// How many prices of an account are shown at most.
const MOST: u64 = 1_000;

/// What a seller's account at a gateway calls a price of a tier or an add-on.
#[derive(Clone, Debug, SimpleObject)]
pub struct AccountPrice {
    /// Names it in the audit trail.
    gateway_price_id: GatewayPriceId,
    /// The account.
    gateway_account_id: GatewayAccountId,
    /// The tier that it is for; null if it is for an add-on.
    tier_id: Option<TierId>,
    /// The add-on that it is for; null if it is for a tier.
    add_on_id: Option<AddOnId>,
    /// How often it is charged.
    billing_cycle: BillingCycle,
    /// What it asks for: what was sold when the gateway confirmed it.
    amount: Money,
    /// Its id at the gateway.
    price_id: String,
}

impl From<gateway_price::Model> for AccountPrice {
    fn from(row: gateway_price::Model) -> Self {
        Self {
            gateway_price_id: row.id,
            gateway_account_id: row.account_id,
            tier_id: row.tier_id,
            add_on_id: row.add_on_id,
            billing_cycle: row.billing_cycle,
            amount: Money::new(row.amount_minor, row.currency),
            price_id: row.price_id,
        }
    }
}

/// Sets what an account calls a price.
#[derive(Clone, Debug, InputObject)]
pub struct SetGatewayPriceInput {
    /// The seller's account at a gateway.
    gateway_account_id: ID,
    /// The tier that it is for. Either this or an add-on.
    tier_id: Option<ID>,
    /// The add-on that it is for. Either this or a tier.
    add_on_id: Option<ID>,
    /// How often it is charged.
    billing_cycle: BillingCycle,
    /// The currency.
    currency: CurrencyCode,
    /// Its id at the gateway, at most 255 characters.
    price_id: String,
    /// Makes the command safe to send again: at most 255 characters, new for every command.
    idempotency_key: Option<String>,
}

impl SetGatewayPriceInput {
    fn wanted(self) -> Result<Wanted> {
        let mut check = Check::new();
        check_key(&mut check, self.idempotency_key.as_deref());
        let account = check.optional_id::<GatewayAccountId>(ACCOUNT, Some(&self.gateway_account_id));
        let tier = check.optional_id::<TierId>("input.tierId", self.tier_id.as_ref()).map(Sold::Tier);
        let add_on = check.optional_id::<AddOnId>("input.addOnId", self.add_on_id.as_ref()).map(Sold::AddOn);
        let price_id = check.text("input.priceId", &self.price_id, 255);
        match (self.tier_id.is_some(), self.add_on_id.is_some()) {
            (true, true) => check.refuse("input.addOnId", Code::Conflict, "Name a tier or an add-on, not both."),
            (false, false) => check.refuse("input.tierId", Code::Required, "Name a tier or an add-on."),
            _ => {}
        }
        check.finish()?;
        let (account, sold) = account
            .zip(tier.or(add_on))
            .ok_or_else(|| crate::error::Error::Internal("an id that was checked is missing".into()))?;
        let price_id = price_id.into();
        Ok(Wanted { account, sold, billing_cycle: self.billing_cycle, currency: self.currency.0, price_id })
    }
}

payload! {
    /// The answer of `setGatewayPrice`.
    SetGatewayPricePayload, account_price: AccountPrice
}

/// Queries for what gateways call prices.
#[derive(Default)]
pub struct GatewayPriceQuery;

#[Object]
impl GatewayPriceQuery {
    /// What an account at a gateway calls the prices of tiers and add-ons, at most 1,000; null if there is no such account
    /// that the caller can see. Needs `payments.manage`; the platform's own people do not.
    async fn account_prices(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the gateway account, `gwa_…`.")] gateway_account_id: ID,
    ) -> Result<Option<Vec<AccountPrice>>> {
        use gateway_price::Column::{AccountId, Id};
        ctx.scope().caller()?;
        let id = parse_id::<GatewayAccountId>("gatewayAccountId", &gateway_account_id)?;
        let account = gateway_account::Entity::find().filter(gateway_account::Column::Id.eq(id));
        if ctx.scope().all(account).await?.is_empty() {
            return Ok(None);
        }
        let prices = gateway_price::Entity::find().filter(AccountId.eq(id)).order_by_asc(Id).limit(MOST);
        Ok(Some(ctx.scope().all(prices).await?.into_iter().map(Into::into).collect()))
    }
}

/// Mutations of what gateways call prices.
#[derive(Default)]
pub struct GatewayPriceMutation;

#[Object]
impl GatewayPriceMutation {
    /// Sets what an account at a gateway calls a price of a tier or an add-on, in the place of what it called it before. The
    /// gateway is asked: amount, currency and interval must be what is sold. Needs `payments.manage` and `tiers.manage`, and
    /// `platform.manage` for the platform's accounts. Emits `gateway_price.create` or `gateway_price.update`.
    async fn set_gateway_price(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account, what is sold, and its price at the gateway.")] input: SetGatewayPriceInput,
    ) -> Result<Option<SetGatewayPricePayload>> {
        let writer = ctx.writer(Permission::PaymentsManage)?;
        let command = command(ctx, "setGatewayPrice", &input.idempotency_key);
        let asker = ctx.data_unchecked::<Applier>().asker();
        SetGatewayPricePayload::new(async { set(&writer, asker, &command, &input.wanted()?).await }.await)
    }
}
