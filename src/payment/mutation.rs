//! The mutation of payments.

use async_graphql::{Context, Object};

use super::graphql::Payment;
use super::input::RecordManualPaymentInput;
use super::receive;
use crate::auth::Permission;
use crate::error::Result;
use crate::graphql::command::command;
use crate::graphql::context::ContextExt;
use crate::graphql::error::payload;

payload! {
    /// The answer of a mutation on a payment.
    PaymentPayload, payment: Shown<Payment>
}

/// Mutations of payments.
#[derive(Default)]
pub struct PaymentMutation;

#[Object]
impl PaymentMutation {
    /// Records a payment that was received without a gateway, by the side that sells. It is a confirmed payment: it
    /// activates a subscription that waits for its first one, pays what is past due or suspended for that, or settles what a
    /// change costs. Nobody records one for its own subscription. Needs `payments.manage`. Emits `payment.create`,
    /// `payment.update` or `payment.succeed`, and `subscription.activate` or `subscription.mark_paid` where that comes of it.
    async fn record_manual_payment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The subscription, and what was received for it.")] input: RecordManualPaymentInput,
    ) -> Result<Option<PaymentPayload>> {
        let writer = ctx.writer(Permission::PaymentsManage)?;
        let command = command(ctx, "recordManualPayment", &input.idempotency_key);
        PaymentPayload::new(
            async {
                let (target, received) = (input.target()?, input.received()?);
                receive::receive(&writer, ctx.settings(), &command, &target, &received).await
            }
            .await,
        )
    }
}
