//! What the mutation of payments takes.

use crate::entity::{ReceivedAs, SubscriptionId};
use crate::error::Result;
use crate::graphql::command::target_input;
use crate::graphql::input::Check;
use crate::graphql::scalar::{MAX_SAFE_INT, SafeInt};

target_input! {
    /// Records a payment that no gateway took.
    RecordManualPaymentInput for SubscriptionId {
        /// How it was received.
        received_as: ReceivedAs,
        /// What it can be found by where it was received, such as the text of a transfer: at most 255 characters.
        reference: Option<String>,
        /// How much, in minor units of the subscription's currency: all that is waited for, or the payment is refused. Not
        /// compared if not given.
        amount_minor: Option<SafeInt>,
    }
}

/// What was received.
#[derive(Clone, Debug)]
pub struct Received {
    /// How.
    pub received_as: ReceivedAs,
    /// What it can be found by there.
    pub reference: Option<String>,
    /// How much; all that is waited for if not given.
    pub amount_minor: Option<i64>,
}

impl RecordManualPaymentInput {
    /// What was received.
    pub fn received(&self) -> Result<Received> {
        let mut check = Check::new();
        let amount_minor = self.amount_minor.map(|amount| check.range("input.amountMinor", amount.0, 0..=MAX_SAFE_INT));
        let reference = check.optional_text("input.reference", self.reference.as_deref(), 255);
        check.finish()?;
        Ok(Received { received_as: self.received_as, reference, amount_minor })
    }
}
