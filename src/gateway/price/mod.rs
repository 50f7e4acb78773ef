//! What sellers' accounts at gateways call the prices that they sell at. A gateway charges by a price of its own: it is kept
//! once the gateway has said that it asks for what is sold, no more and no less.

pub mod graphql;

use tessera_gateway::{Interval, Price, PriceId};

use super::account::ACCOUNT;
use super::intent::Asker;
use super::refused;
use crate::auth::Permission;
use crate::entity::{
    AddOnId, BillingCycle, GatewayAccountId, GatewayKind, GatewayPriceId, OrganizationId, TierId, TierKind, add_on,
    gateway_account, gateway_price, tier,
};
use crate::error::{Code, Error, Refusal, Result, not_found};
use crate::store::{Change, Command, PricesWanted, UnitOfWork, Writer};

/// The field of the input that names the gateway's price.
const PRICE: &str = "input.priceId";

/// What is sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sold {
    /// A tier.
    Tier(TierId),
    /// One of an add-on.
    AddOn(AddOnId),
}

impl Sold {
    /// The field of the input that names it.
    fn path(self) -> &'static str {
        match self {
            Self::Tier(_) => "input.tierId",
            Self::AddOn(_) => "input.addOnId",
        }
    }

    fn not_found(self) -> Error {
        let noun = if matches!(self, Self::Tier(_)) { "tier" } else { "add-on" };
        not_found(noun, self.path())
    }
}

/// A price that an account is to have.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The account.
    pub account: GatewayAccountId,
    /// What it is for.
    pub sold: Sold,
    /// How often it is charged.
    pub billing_cycle: BillingCycle,
    /// ISO 4217 code.
    pub currency: String,
    /// What the gateway calls it.
    pub price_id: PriceId,
}

/// Keeps what an account calls a price, once its gateway has said what it asks for. Asking is a question, so it is asked
/// before the unit of work.
pub async fn set(
    writer: &Writer,
    asker: Asker<'_>,
    command: &Command,
    wanted: &Wanted,
) -> Result<gateway_price::Model> {
    let account = writer.get::<gateway_account::Entity>(wanted.account).await?;
    let account = account.ok_or_else(|| not_found("gateway account", ACCOUNT))?;
    for permission in [Permission::PaymentsManage, Permission::TiersManage] {
        if let Some(missing) = writer.caller()?.obstacle(permission, account.tenant_id) {
            return Err(Error::Forbidden(missing));
        }
    }
    let is_there = match wanted.sold {
        Sold::Tier(id) => writer.get::<tier::Entity>(id).await?.is_some(),
        Sold::AddOn(id) => writer.get::<add_on::Entity>(id).await?.is_some(),
    };
    if !is_there {
        return Err(wanted.sold.not_found());
    }
    if account.kind == GatewayKind::Manual {
        let message = "No gateway is behind this account: it is for payments by hand.";
        return Err(Refusal::new(Code::Conflict, message).at(ACCOUNT).into());
    }
    let remote = asker.gateways.of(&account)?;
    let asked = remote.call("price", |gateway| gateway.price(&wanted.price_id)).await;
    let price = asked.map_err(|error| refused(&error, PRICE))?;
    let (seller, price) = (account.tenant_id, &price);
    match seller {
        Some(organization) => {
            writer.write_in(command, organization, ACCOUNT, |unit| Box::pin(keep(unit, seller, wanted, price))).await
        }
        None => writer.write_platform(command, |unit| Box::pin(keep(unit, None, wanted, price))).await,
    }
}

async fn keep(
    unit: &UnitOfWork<'_>,
    seller: Option<OrganizationId>,
    wanted: &Wanted,
    price: &Price,
) -> Result<gateway_price::Model> {
    let amount_minor = amount_of(unit, seller, wanted).await?;
    if !asks_for(price, wanted, amount_minor) {
        let message = format!(
            "The gateway's price asks for something else than the {} price of {amount_minor} minor units of {} that is sold, or is not active.",
            wanted.billing_cycle.as_str(),
            wanted.currency
        );
        return Err(Refusal::new(Code::GatewayPriceDiffers, message).at(PRICE).into());
    }
    let (tier_id, add_on_id) = match wanted.sold {
        Sold::Tier(id) => (Some(id), None),
        Sold::AddOn(id) => (None, Some(id)),
    };
    let known = PricesWanted {
        account: wanted.account,
        tier: tier_id,
        add_ons: add_on_id.as_slice(),
        cycle: wanted.billing_cycle,
        currency: &wanted.currency,
    };
    let known = unit.gateway_prices(&known).await?.pop();
    let price_id = price.id.0.clone();
    if let Some(known) = known {
        let next = gateway_price::Model { amount_minor, price_id, ..known.clone() };
        return unit.update(&known, next, Change::new("update")).await;
    }
    let row = gateway_price::Model {
        id: GatewayPriceId::generate(),
        tenant_id: seller,
        account_id: wanted.account,
        tier_id,
        add_on_id,
        billing_cycle: wanted.billing_cycle,
        currency: wanted.currency.clone(),
        amount_minor,
        price_id,
        created_at: unit.now(),
        updated_at: unit.now(),
        version: 1,
    };
    unit.insert(row, Change::new("create")).await
}

/// What is sold costs, if the seller sells it: the platform to organizations, an organization to its customers, from its own
/// catalogue or one above.
async fn amount_of(unit: &UnitOfWork<'_>, seller: Option<OrganizationId>, wanted: &Wanted) -> Result<i64> {
    let path = wanted.sold.path();
    let (kind, catalogue, amount) = match wanted.sold {
        Sold::Tier(id) => {
            let tier = unit.get::<tier::Entity>(id).await?.ok_or_else(|| wanted.sold.not_found())?;
            let price = unit.price_of(id, wanted.billing_cycle, &wanted.currency).await?;
            (tier.kind, tier.tenant_id, price.map(|price| price.amount_minor))
        }
        Sold::AddOn(id) => {
            let add_on = unit.get::<add_on::Entity>(id).await?.ok_or_else(|| wanted.sold.not_found())?;
            let fits = |price: &&add_on::Price| {
                price.billing_cycle == wanted.billing_cycle && price.currency == wanted.currency
            };
            let price = add_on.prices.0.iter().find(fits).map(|price| price.amount_minor);
            (add_on.kind, add_on.tenant_id, price)
        }
    };
    let (sells_to, reaches) = match seller {
        None => (TierKind::Organization, true),
        Some(seller) => {
            let above = unit.organization().await?.parent_id;
            (TierKind::Customer, catalogue.is_none() || catalogue == Some(seller) || catalogue == above)
        }
    };
    if kind != sells_to {
        let message = format!("The seller of this account sells to owners of kind {}.", sells_to.as_str());
        return Err(Refusal::new(Code::WrongTierKind, message).at(path).into());
    }
    if !reaches {
        let message = "The seller of this account does not sell from this catalogue.";
        return Err(Refusal::new(Code::TierNotAvailable, message).at(path).into());
    }
    amount.ok_or_else(|| {
        let message = format!("It has no {} price in {}.", wanted.billing_cycle.as_str(), wanted.currency);
        Refusal::new(Code::NoPrice, message).at("input.billingCycle").into()
    })
}

/// Whether a gateway's price asks for exactly what is sold.
fn asks_for(price: &Price, wanted: &Wanted, amount_minor: i64) -> bool {
    let every = match wanted.billing_cycle {
        BillingCycle::Monthly => [(Interval::Month, 1), (Interval::Month, 1)],
        BillingCycle::Yearly => [(Interval::Year, 1), (Interval::Month, 12)],
    };
    let is_amount = price
        .amount
        .as_ref()
        .is_some_and(|asked| asked.minor == amount_minor && asked.currency.eq_ignore_ascii_case(&wanted.currency));
    price.active && is_amount && price.every.is_some_and(|asked| every.contains(&asked))
}

#[cfg(test)]
mod tests {
    use tessera_gateway::Money;

    use super::*;

    #[test]
    fn a_price_asks_for_what_is_sold_or_for_something_else() {
        let wanted = |billing_cycle| Wanted {
            account: GatewayAccountId::generate(),
            sold: Sold::Tier(TierId::generate()),
            billing_cycle,
            currency: "USD".to_owned(),
            price_id: "price_1".into(),
        };
        let price = |minor, currency: &str, every, active| Price {
            id: "price_1".into(),
            active,
            amount: Some(Money { minor, currency: currency.to_owned() }),
            every,
        };
        let (month, year) = (Some((Interval::Month, 1)), Some((Interval::Year, 1)));
        let (monthly, yearly) = (wanted(BillingCycle::Monthly), wanted(BillingCycle::Yearly));
        assert!(asks_for(&price(900, "USD", month, true), &monthly, 900));
        assert!(asks_for(&price(900, "USD", year, true), &yearly, 900));
        assert!(asks_for(&price(900, "USD", Some((Interval::Month, 12)), true), &yearly, 900));
        for other in [
            price(901, "USD", month, true),
            price(900, "EUR", month, true),
            price(900, "USD", year, true),
            price(900, "USD", Some((Interval::Month, 2)), true),
            price(900, "USD", None, true),
            price(900, "USD", month, false),
            Price { amount: None, ..price(900, "USD", month, true) },
        ] {
            assert!(!asks_for(&other, &monthly, 900), "{other:?}");
        }
    }
}
