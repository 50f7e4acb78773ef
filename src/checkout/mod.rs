//! Checkouts: an owner pays for a tier on a page of its seller's gateway.
//!
//! An attempt is recorded before the gateway is asked for its page. What becomes of it, only the
//! [applier](crate::gateway::applier) says: it hears of it from the gateway, or because [`confirm`] wants it fetched.

pub mod input;
pub mod mutation;
mod order;

use chrono::TimeDelta;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use tessera_gateway::{CheckoutStatus, NewCheckout, Object, Reference};

use crate::auth::{Part, Permission};
use crate::clock::Timestamp;
use crate::entity::{
    BillingCycle, CheckoutId, CheckoutState, GatewayAccountId, GatewayObjectKind, IntentState, PaymentStatus, TierId,
    TypedId as _, add_on, checkout, customer, gateway_account, organization, payment, tier,
};
use crate::error::{Code, Error, Refusal, Result, not_found};
use crate::gateway::applier::Applier;
use crate::gateway::customer::find_payer;
use crate::gateway::intent::Wanted;
use crate::gateway::refused;
use crate::gateway::request::{Request, start_of_checkout};
use crate::graphql::nested::OwnerKey;
use crate::store::{Change, Command, ObjectKey, Scope, UnitOfWork, Writer};
use crate::subscription::{Owner, Quantity, Settings};
use crate::usage::OwnerId;

/// The field of the input that names a checkout.
const CHECKOUT: &str = "input.checkoutId";
/// The field of the input that names the owner.
const OWNER: &str = "input.ownerId";

/// How long whoever records an attempt has to ask the gateway.
const BEING_OPENED: TimeDelta = TimeDelta::minutes(1);

/// What is to be bought, by whom.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Who subscribes.
    pub owner: OwnerId,
    /// What.
    pub tier_id: TierId,
    /// How often it is charged.
    pub billing_cycle: BillingCycle,
    /// ISO 4217 code.
    pub currency: Option<String>,
    /// What besides.
    pub add_ons: Vec<Quantity>,
    /// The seller's account.
    pub account: Option<GatewayAccountId>,
    /// Where the payer goes afterwards.
    pub return_url: String,
}

/// A checkout, and while it is open where its page is and when that closes.
#[derive(Clone, Debug)]
pub struct Shown {
    row: checkout::Model,
    page: Option<(String, Timestamp)>,
}

/// The right to pay: as who manages subscriptions, or as the owner.
fn writer(scope: &Scope) -> Result<Writer> {
    scope.writer_for_any(&[Permission::SubscriptionsManage, Permission::SubscriptionsSelfService])
}

/// Begins an attempt.
pub async fn start(
    writer: &Writer,
    applier: &Applier,
    settings: &Settings,
    command: &Command,
    wish: &Wish,
) -> Result<Shown> {
    if !applier.asker().gateways.leads_to(&wish.return_url) {
        let message = "This is none of the addresses that payers may be sent to: the server is configured with them.";
        return Err(Refusal::new(Code::InvalidFormat, message).at("input.returnUrl").into());
    }
    let payer = find_payer(writer, wish.owner, OWNER).await?;
    refuse_unseen(writer, wish).await?;
    let asker = applier.asker();
    let account = asker.account_for(payer.owner, wish.account).await?;
    let customer = asker.ensure_customer(&account, &payer, OWNER).await?;
    // A command that is sent again does not close what it began.
    let row = match writer.carried_out::<checkout::Model>(command).await? {
        Some(row) => row,
        None => {
            close_open(applier, payer.owner).await?;
            record(writer, settings, command, &account, wish).await?
        }
    };
    open(writer, applier, &account, row, customer).await
}

/// Refuses what is not there, before anything is asked for.
async fn refuse_unseen(writer: &Writer, wish: &Wish) -> Result<()> {
    if writer.get::<tier::Entity>(wish.tier_id).await?.is_none() {
        return Err(not_found("tier", "input.tierId"));
    }
    if wish.add_ons.is_empty() {
        return Ok(());
    }
    let named = add_on::Entity::find().filter(add_on::Column::Id.is_in(wish.add_ons.iter().map(|wanted| wanted.id)));
    let seen = writer.all(named).await?;
    match wish.add_ons.iter().position(|wanted| seen.iter().all(|row| row.id != wanted.id)) {
        Some(place) => Err(not_found("add-on", &format!("input.addOns.{place}.addOnId"))),
        None => Ok(()),
    }
}

/// Begins another attempt with the data of one that was not paid.
pub async fn retry(
    writer: &Writer,
    applier: &Applier,
    settings: &Settings,
    command: &Command,
    id: CheckoutId,
) -> Result<Shown> {
    let before = find(writer, id).await?;
    let wish = Wish {
        owner: match before.customer_id {
            Some(customer) => OwnerId::Customer(customer),
            None => OwnerId::Organization(before.tenant_id),
        },
        tier_id: before.tier_id,
        billing_cycle: before.billing_cycle,
        currency: Some(before.currency.clone()),
        add_ons: before.add_ons.0.iter().map(|line| Quantity { id: line.add_on_id, quantity: line.quantity }).collect(),
        account: Some(before.account_id),
        return_url: before.return_url.clone(),
    };
    if before.state == CheckoutState::Completed {
        return Err(Refusal::new(Code::Conflict, "This attempt was paid.").at(CHECKOUT).into());
    }
    start(writer, applier, settings, command, &wish).await
}

/// Finds out how an attempt stands, and answers when that is applied, or known to take longer.
pub async fn confirm(writer: &Writer, applier: &Applier, id: CheckoutId) -> Result<Shown> {
    let row = find(writer, id).await?;
    let session = session(applier, &row).await?;
    if let Some(key) = &session {
        if !applier.fetch_now(key).await? {
            let message = "The gateway does not answer now: ask again in a moment.";
            return Err(Refusal::new(Code::GatewayUnavailable, message).at(CHECKOUT).into());
        }
        applier.follow(row.account_id, row.subscription_id).await?;
    }
    let row = find(writer, id).await?;
    let page = match &session {
        Some(key) if row.state == CheckoutState::Open => page(applier, key).await?,
        _ => None,
    };
    Ok(Shown { row, page })
}

async fn find(writer: &Writer, id: CheckoutId) -> Result<checkout::Model> {
    writer.get::<checkout::Entity>(id).await?.ok_or_else(|| not_found("checkout", CHECKOUT))
}

/// Closes the attempts of an owner that are open at their gateways. One that was paid meanwhile is applied.
async fn close_open(applier: &Applier, owner: OwnerKey) -> Result<()> {
    let system = applier.store().system();
    for row in system.open_checkouts(owner).await? {
        match session(applier, &row).await? {
            Some(key) => {
                let account = system.gateway_account(row.account_id).await?;
                let account = account.ok_or_else(|| Error::Internal("a checkout has no account".into()))?;
                let wanted = wanted(&row, Request::ExpireCheckout(key.id.clone().into()));
                applier.asker().ask(&account, &wanted, OWNER).await?;
                applier.fetch_now(&key).await?;
                applier.follow(row.account_id, row.subscription_id).await?;
            }
            None if is_being_opened(applier, &row).await? => {
                let message = "Another attempt is being opened at this moment: try again, and it is closed.";
                return Err(Refusal::new(Code::Conflict, message).at(OWNER).into());
            }
            None => put(applier, &row, CheckoutState::Failed).await?,
        }
    }
    Ok(())
}

/// Whether somebody has recorded an attempt a moment ago, and has not asked the gateway yet.
async fn is_being_opened(applier: &Applier, row: &checkout::Model) -> Result<bool> {
    let store = applier.store();
    let asked = store.system().intent_for(row.account_id, &subject(row)).await?;
    Ok(asked.is_none() && store.now().since(row.created_at) < BEING_OPENED)
}

fn subject(row: &checkout::Model) -> String {
    start_of_checkout(&Reference(row.id.to_string()))
}

/// The gateway's page of an attempt, as far as the gateway has one. What nobody knows the outcome of is found out.
async fn session(applier: &Applier, row: &checkout::Model) -> Result<Option<ObjectKey>> {
    let system = applier.store().system();
    let Some(intent) = system.intent_for(row.account_id, &subject(row)).await? else {
        return Ok(None);
    };
    let id = match intent.state {
        IntentState::Done => intent.outcome_id,
        IntentState::Failed => None,
        IntentState::Open => match applier.asker().resume(&intent).await? {
            Ok(outcome) => Some(outcome.id),
            Err(error @ tessera_gateway::Error::OutcomeUnknown(_)) => return Err(refused(&error, OWNER)),
            Err(_) => None,
        },
    };
    let key = |id| ObjectKey { account: row.account_id, kind: GatewayObjectKind::Checkout, id };
    Ok(id.map(key))
}

/// Where the page of an open attempt is.
async fn page(applier: &Applier, key: &ObjectKey) -> Result<Option<(String, Timestamp)>> {
    let account = applier.store().system().gateway_account(key.account).await?;
    let account = account.ok_or_else(|| Error::Internal("a checkout has no account".into()))?;
    let remote = applier.asker().gateways.of(&account)?;
    let fetched = remote.call("fetch", |gateway| gateway.fetch(key.kind.into(), &key.id)).await;
    Ok(fetched.ok().as_ref().and_then(shown))
}

fn shown(object: &Object) -> Option<(String, Timestamp)> {
    let Object::Checkout(object) = object else { return None };
    let url = object.url.clone().filter(|_| object.status == CheckoutStatus::Open)?;
    Some((url, Timestamp::from_micros(object.expires_at.0.saturating_mul(1_000_000))))
}

fn wanted(row: &checkout::Model, request: Request) -> Wanted {
    Wanted {
        request,
        reference: Reference(row.id.to_string()),
        owner: OwnerKey { tenant: row.tenant_id, customer: row.customer_id },
        subscription: Some(row.subscription_id),
    }
}

/// Records an attempt: for the owner's live subscription, or for a new one that is PENDING.
async fn record(
    writer: &Writer,
    settings: &Settings,
    command: &Command,
    account: &gateway_account::Model,
    wish: &Wish,
) -> Result<checkout::Model> {
    match wish.owner {
        OwnerId::Customer(id) => {
            writer
                .change::<customer::Entity, _>(command, id, OWNER, |unit, row| {
                    Box::pin(order::place(unit, settings, account, Owner::from(&row), wish))
                })
                .await
        }
        OwnerId::Organization(id) => {
            writer
                .change::<organization::Entity, _>(command, id, OWNER, |unit, row| {
                    Box::pin(order::place(unit, settings, account, Owner::from(&row), wish))
                })
                .await
        }
    }
}

/// Has the gateway open the page of an attempt, and answers where it is.
async fn open(
    writer: &Writer,
    applier: &Applier,
    account: &gateway_account::Model,
    row: checkout::Model,
    customer: tessera_gateway::CustomerId,
) -> Result<Shown> {
    if row.state != CheckoutState::Open {
        return Ok(Shown { row, page: None });
    }
    // A command that is sent again fetches what it began.
    if let Some(key) = session(applier, &row).await? {
        let page = page(applier, &key).await?;
        return Ok(Shown { row, page });
    }
    let new = NewCheckout {
        reference: Reference(row.id.to_string()),
        customer,
        lines: order::lines(applier, &row).await?,
        success_url: row.return_url.clone(),
        cancel_url: row.return_url.clone(),
        trial_end: order::trial_end(writer, &row).await?,
        expires_at: None,
    };
    match applier.asker().ask(account, &wanted(&row, Request::StartCheckout(new)), OWNER).await {
        Ok(outcome) => {
            let page = outcome.object.as_ref().and_then(shown);
            Ok(Shown { row, page })
        }
        Err(error) => {
            // Unless the gateway may have done it: then it is found out before the next attempt.
            if session(applier, &row).await.is_ok_and(|session| session.is_none()) {
                put(applier, &row, CheckoutState::Failed).await?;
            }
            Err(error)
        }
    }
}

/// Notes what became of an attempt that the gateway knows nothing of.
async fn put(applier: &Applier, row: &checkout::Model, state: CheckoutState) -> Result<()> {
    let scope = applier.store().acting_as(Part::Gateway);
    let id = row.id;
    scope
        .act(row.tenant_id, |unit| {
            Box::pin(async move {
                let Some(found) = unit.lock::<checkout::Entity>(id).await? else { return Ok(()) };
                close(unit, found, state).await
            })
        })
        .await
}

/// Ends an attempt that was not paid, and its payment with it.
pub(crate) async fn close(unit: &UnitOfWork<'_>, row: checkout::Model, state: CheckoutState) -> Result<()> {
    if row.state != CheckoutState::Open {
        return Ok(());
    }
    let (status, verb) = match state {
        CheckoutState::Failed => (PaymentStatus::Failed, "fail"),
        CheckoutState::Superseded => (PaymentStatus::Canceled, "give_back"),
        _ => (PaymentStatus::Canceled, "expire"),
    };
    let payment = unit.lock::<payment::Entity>(row.payment_id).await?;
    let next = checkout::Model { state, state_changed_at: unit.now(), ..row.clone() };
    unit.update(&row, next, Change::new(verb)).await?;
    if let Some(payment) = payment.filter(|payment| payment.status.is_under_way()) {
        let next = payment::Model { status, status_changed_at: unit.now(), ..payment.clone() };
        unit.update(&payment, next, Change::new(status.verb())).await?;
    }
    Ok(())
}

/// The name of a checkout at a gateway, read.
pub fn named(reference: &str) -> Option<CheckoutId> {
    CheckoutId::parse(reference)
}
