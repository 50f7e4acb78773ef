//! What an attempt buys, and for which subscription.

use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use tessera_gateway::{PriceId, Seconds};

use super::Wish;
use crate::entity::SubscriptionStatus::{Active, PastDue, Pending, Suspended, Trialing};
use crate::entity::subscription::AddOns;
use crate::entity::{
    AddOnId, CheckoutId, CheckoutState, Gateway, ManagementMode, PaymentId, PaymentPurpose, PaymentStatus,
    SuspensionCause, TierKind, checkout, gateway_account, gateway_price, payment, subscription,
};
use crate::error::{Code, Error, Refusal, Result};
use crate::gateway::applier::Applier;
use crate::store::{Change, PricesWanted, UnitOfWork, Writer};
use crate::subscription::catalogue::{Cost, Seller};
use crate::subscription::lifecycle::gateway_billed;
use crate::subscription::{Order, Owner, Settings, add_ons, live, pending};

/// The shortest trial that goes on at a gateway, in hours: Stripe's.
const SHORTEST_TRIAL: i64 = 48;

/// Records an attempt of an owner, which is locked, and the payment that it is to bring.
pub(super) async fn place(
    unit: &UnitOfWork<'_>,
    settings: &Settings,
    account: &gateway_account::Model,
    owner: Owner,
    wish: &Wish,
) -> Result<checkout::Model> {
    let key = owner.key();
    let kind = if key.customer.is_some() { TierKind::Customer } else { TierKind::Organization };
    let present = live(unit, key).await?;
    if let Some(present) = &present {
        refuse_unfit(present)?;
    }
    let currency = present.as_ref().map(|row| row.currency.as_str()).or(wish.currency.as_deref());
    if wish.currency.as_deref().is_some_and(|wished| Some(wished) != currency) {
        let message = "The subscription has another currency, which never changes.";
        return Err(Refusal::new(Code::Conflict, message).at("input.currency").into());
    }
    let seller = Seller { unit, kind, path: "input" };
    let cost = Cost { billing_cycle: wish.billing_cycle, currency };
    let priced = seller.priced_tier(wish.tier_id, cost).await?;
    let tier = priced.0.clone();
    let (offer, currency) = seller.offer(priced, cost).await?;
    let charge = (offer.billing_cycle, currency.as_str());
    let lines = add_ons::ordered(unit, &tier, charge, &wish.add_ons, "input.addOns").await?;
    add_ons::check_amount(offer.amount_minor, &lines, "input.addOns")?;
    let (add_ons, tier) = (ids(&lines), Some(offer.tier_id));
    let wanted = PricesWanted { account: account.id, tier, add_ons: &add_ons, cycle: charge.0, currency: charge.1 };
    priced_lines(&unit.gateway_prices(&wanted).await?, offer.amount_minor, &lines)?;
    let purchaser = unit.scope().caller()?.known_as().to_owned();
    let amount_minor = offer.amount_minor.saturating_add(lines.amount_minor());
    let row = match present {
        Some(row) => row,
        None => pending(unit, settings, owner, &order(wish, &currency)).await?,
    };
    let open = checkout::Entity::find().filter(checkout::Column::SubscriptionId.eq(row.id));
    if unit.one(open.filter(checkout::Column::State.eq(CheckoutState::Open))).await?.is_some() {
        let message = "Another attempt was begun at the same moment: try again, and it is closed.";
        return Err(Refusal::new(Code::Conflict, message).at(super::OWNER).into());
    }
    let now = unit.now();
    let attempt = payment::Model {
        tenant_id: row.tenant_id,
        id: PaymentId::generate(),
        subscription_id: row.id,
        customer_id: row.customer_id,
        amount_minor,
        currency: currency.clone(),
        status: PaymentStatus::Pending,
        gateway: Gateway::from(account.kind),
        gateway_account_id: Some(account.id),
        gateway_payment_id: None,
        gateway_status: None,
        gateway_metadata: None,
        failure_code: None,
        failure_message: None,
        search_text: None,
        attempt: attempts(unit, &row).await? + 1,
        return_url: Some(wish.return_url.clone()),
        refunded_minor: 0,
        received_as: None,
        reference: None,
        purpose: PaymentPurpose::Period,
        period_start: None,
        paid_at: None,
        status_changed_at: now,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    let attempt = unit.insert(attempt, Change::new("create")).await?;
    let row = checkout::Model {
        tenant_id: row.tenant_id,
        id: CheckoutId::generate(),
        customer_id: row.customer_id,
        subscription_id: row.id,
        payment_id: attempt.id,
        account_id: account.id,
        state: CheckoutState::Open,
        tier_id: offer.tier_id,
        billing_cycle: offer.billing_cycle,
        currency,
        add_ons: lines,
        amount_minor,
        purchaser,
        return_url: wish.return_url.clone(),
        session_id: None,
        expires_at: None,
        state_changed_at: now,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    unit.insert(row, Change::new("start")).await
}

/// How many attempts there were at its first payment by a gateway.
async fn attempts(unit: &UnitOfWork<'_>, row: &subscription::Model) -> Result<i32> {
    use payment::Column::{Attempt, PeriodStart, SubscriptionId};
    let earlier = payment::Entity::find().filter(SubscriptionId.eq(row.id)).filter(PeriodStart.is_null());
    Ok(unit.payment_of_tenant(earlier.order_by_desc(Attempt)).await?.map_or(0, |earlier| earlier.attempt))
}

/// A subscription that begins with its payment.
fn order(wish: &Wish, currency: &str) -> Order {
    let mut order = Order {
        tier_id: Some(wish.tier_id),
        billing_cycle: wish.billing_cycle,
        currency: Some(currency.to_owned()),
        add_ons: wish.add_ons.clone(),
        ..Order::default_trial()
    };
    order.terms.requires_payment = true;
    order
}

/// Refuses where a payment would not do what it is paid for.
fn refuse_unfit(row: &subscription::Model) -> Result<()> {
    let billed = |mode| mode == ManagementMode::Gateway;
    if billed(row.mode) || row.overridden_state.as_ref().is_some_and(|beneath| billed(beneath.mode)) {
        return Err(gateway_billed().at(super::OWNER).into());
    }
    match row.status {
        Pending | Trialing | Active | PastDue => Ok(()),
        Suspended if row.suspension_cause == Some(SuspensionCause::NonPayment) => Ok(()),
        status => {
            let message = format!("The subscription is {}: resume it first.", status.as_str());
            Err(Refusal::new(Code::Conflict, message).at(super::OWNER).into())
        }
    }
}

/// What an attempt buys, by the gateway's prices, as the gateway has confirmed them.
pub(super) async fn lines(applier: &Applier, row: &checkout::Model) -> Result<Vec<(PriceId, u64)>> {
    let wanted = PricesWanted {
        account: row.account_id,
        tier: Some(row.tier_id),
        add_ons: &ids(&row.add_ons),
        cycle: row.billing_cycle,
        currency: &row.currency,
    };
    let prices = applier.store().system().gateway_prices(&wanted).await?;
    priced_lines(&prices, row.amount_minor - row.add_ons.amount_minor(), &row.add_ons)
}

fn ids(add_ons: &AddOns) -> Vec<AddOnId> {
    add_ons.0.iter().map(|line| line.add_on_id).collect()
}

/// The tier and each add-on by the gateway's prices, and how many of each; refused where the gateway charges something else
/// than what is sold here.
fn priced_lines(prices: &[gateway_price::Model], of_tier: i64, add_ons: &AddOns) -> Result<Vec<(PriceId, u64)>> {
    let lines = add_ons.0.iter().map(|line| (Some(line.add_on_id), line.unit_amount_minor, line.quantity));
    let sold = std::iter::once((None, of_tier, 1)).chain(lines);
    sold.map(|(add_on, amount, quantity)| {
        let path = if add_on.is_some() { "input.addOns" } else { "input.tierId" };
        let refuse = |message: &str| Error::from(Refusal::new(Code::NoPrice, message).at(path));
        let found = prices.iter().find(|price| price.add_on_id == add_on);
        let found = found.ok_or_else(|| refuse("The seller's gateway has no price for this."))?;
        if found.amount_minor != amount {
            return Err(refuse("The gateway's price is not what this costs now."));
        }
        Ok((PriceId(found.price_id.clone()), u64::from(quantity.unsigned_abs())))
    })
    .collect()
}

/// When the first money is due: at the end of the trial that runs, if the gateway takes one that short.
pub(super) async fn trial_end(writer: &Writer, row: &checkout::Model) -> Result<Option<Seconds>> {
    let found = writer.get::<subscription::Entity>(row.subscription_id).await?;
    let end = found.filter(|row| row.status == Trialing).and_then(|row| row.trial_ends_at);
    let goes_on = end.filter(|end| end.since(writer.now()).num_hours() >= SHORTEST_TRIAL);
    Ok(goes_on.map(|end| Seconds(end.micros().div_euclid(1_000_000))))
}
