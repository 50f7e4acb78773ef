//! The mutations of checkouts, and what they answer.

use async_graphql::{Context, ID, Object, SimpleObject};

use super::input::{CheckoutActionInput, StartCheckoutInput};
use super::{Shown, confirm, retry, start};
use crate::clock::Timestamp;
use crate::entity::{BillingCycle, CheckoutState, TierId};
use crate::error::Result;
use crate::gateway::applier::Applier;
use crate::graphql::command::command;
use crate::graphql::context::ContextExt;
use crate::graphql::error::payload;
use crate::graphql::scalar::Money;

/// An attempt to have an owner pay for a tier on a page of a gateway.
#[derive(Clone, Debug, SimpleObject)]
pub struct Checkout {
    /// Names it, to confirm it or to try again.
    checkout_id: ID,
    /// Where it stands.
    state: CheckoutState,
    /// Where the payer pays, while it is open. It is fetched from the gateway each time.
    url: Option<String>,
    /// When that page closes by itself, while it is open.
    expires_at: Option<Timestamp>,
    /// What is paid for: the owner's live subscription, or a new one that is PENDING.
    subscription_id: ID,
    /// What is bought.
    tier_id: TierId,
    /// How often it is charged.
    billing_cycle: BillingCycle,
    /// What it costs each cycle, add-ons included.
    price: Money,
    /// The payment that it is an attempt at.
    payment_id: ID,
    /// When it was begun.
    created_at: Timestamp,
}

impl From<Shown> for Checkout {
    fn from(Shown { row, page }: Shown) -> Self {
        let (url, expires_at) = page.unzip();
        Self {
            checkout_id: row.id.to_string().into(),
            state: row.state,
            url,
            expires_at,
            subscription_id: row.subscription_id.to_string().into(),
            tier_id: row.tier_id,
            billing_cycle: row.billing_cycle,
            price: Money::new(row.amount_minor, row.currency),
            payment_id: row.payment_id.to_string().into(),
            created_at: row.created_at,
        }
    }
}

payload! {
    /// The answer of a mutation on a checkout.
    CheckoutPayload, checkout: Checkout
}

/// Mutations of checkouts.
#[derive(Default)]
pub struct CheckoutMutation;

#[Object]
impl CheckoutMutation {
    /// Has an owner pay for a tier on a page of its seller's gateway. It is for the owner's live subscription, whose access
    /// stays as it is until the money has come, or for a new one that is PENDING. An attempt that is open is closed at the
    /// gateway first; where it was paid meanwhile, that counts, and nothing is begun. Needs `subscriptions.manage`, or
    /// `subscriptions.self_service` for the own subscription. Emits `checkout.start`, and `subscription.create` for a new one.
    async fn start_checkout(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who buys what.")] input: StartCheckoutInput,
    ) -> Result<Option<CheckoutPayload>> {
        let writer = super::writer(ctx.scope())?;
        let command = command(ctx, "startCheckout", &input.idempotency_key);
        let applier = ctx.data_unchecked::<Applier>();
        CheckoutPayload::new(async { start(&writer, applier, ctx.settings(), &command, &input.wish()?).await }.await)
    }

    /// Begins a new attempt with the data of one that was not paid. Needs what `startCheckout` needs. Emits
    /// `checkout.start`.
    async fn retry_checkout(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The attempt.")] input: CheckoutActionInput,
    ) -> Result<Option<CheckoutPayload>> {
        let writer = super::writer(ctx.scope())?;
        let command = command(ctx, "retryCheckout", &input.idempotency_key);
        let applier = ctx.data_unchecked::<Applier>();
        CheckoutPayload::new(async { retry(&writer, applier, ctx.settings(), &command, input.checkout()?).await }.await)
    }

    /// Asks the gateway how an attempt stands, and applies that at once: for the page that the payer comes back to. It may
    /// be called any number of times. Needs what `startCheckout` needs.
    async fn confirm_checkout(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The attempt.")] input: CheckoutActionInput,
    ) -> Result<Option<CheckoutPayload>> {
        let writer = super::writer(ctx.scope())?;
        let applier = ctx.data_unchecked::<Applier>();
        CheckoutPayload::new(async { confirm(&writer, applier, input.checkout()?).await }.await)
    }
}
