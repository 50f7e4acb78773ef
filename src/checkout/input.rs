//! What the mutations of checkouts take.

use async_graphql::{ID, InputObject};

use super::Wish;
use crate::entity::{BillingCycle, CheckoutId, GatewayAccountId, TierId};
use crate::error::Result;
use crate::graphql::input::{Check, check_key, parse_id, parse_optional_id};
use crate::graphql::scalar::CurrencyCode;
use crate::subscription::input::{AddOnQuantityInput, quantities};
use crate::usage::OwnerId;

/// How many characters an address has at most.
const MAX_URL: usize = 2_000;

/// Has an owner pay for a tier on a page of the seller's gateway.
#[derive(Clone, Debug, InputObject)]
pub struct StartCheckoutInput {
    /// Who subscribes: an organization or a customer.
    owner_id: ID,
    /// What is bought.
    tier_id: ID,
    /// How often it is charged.
    billing_cycle: BillingCycle,
    /// The currency of the price: that of the subscription that there is, or else the organization's default, if not given.
    currency: Option<CurrencyCode>,
    /// What is bought besides the tier, at most 20.
    add_ons: Option<Vec<AddOnQuantityInput>>,
    /// The seller's account; its only one at a gateway if not given.
    gateway_account_id: Option<ID>,
    /// Where the payer goes afterwards, having paid or given up: one of the addresses that the server is configured with,
    /// with any query.
    return_url: String,
    /// Makes the command safe to send again: at most 255 characters, new for every command.
    pub(super) idempotency_key: Option<String>,
}

impl StartCheckoutInput {
    /// What is wanted.
    pub(super) fn wish(&self) -> Result<Wish> {
        let mut check = Check::new();
        check_key(&mut check, self.idempotency_key.as_deref());
        let add_ons = quantities(&mut check, "input.addOns", self.add_ons.clone(), 1)?;
        let return_url = check.text("input.returnUrl", &self.return_url, MAX_URL);
        check.finish()?;
        Ok(Wish {
            owner: OwnerId::parse("input.ownerId", &self.owner_id)?,
            tier_id: parse_id::<TierId>("input.tierId", &self.tier_id)?,
            billing_cycle: self.billing_cycle,
            currency: self.currency.clone().map(|currency| currency.0),
            add_ons,
            account: parse_optional_id::<GatewayAccountId>("input.gatewayAccountId", self.gateway_account_id.as_ref())?,
            return_url,
        })
    }
}

/// Names a checkout.
#[derive(Clone, Debug, InputObject)]
pub struct CheckoutActionInput {
    /// The checkout.
    checkout_id: ID,
    /// Makes the command safe to send again: at most 255 characters, new for every command.
    pub(super) idempotency_key: Option<String>,
}

impl CheckoutActionInput {
    /// The checkout.
    pub(super) fn checkout(&self) -> Result<CheckoutId> {
        let mut check = Check::new();
        check_key(&mut check, self.idempotency_key.as_deref());
        check.finish()?;
        parse_id(super::CHECKOUT, &self.checkout_id)
    }
}
