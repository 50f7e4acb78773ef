//! Test numbers, and what happens with them. A number is turned into a card where it comes in; nothing else holds one.

/// What a card does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Pays.
    Pays,
    /// Is declined, with this word.
    Declines(&'static str),
    /// Its bank wants to be asked by the payer when it is left; renewals pass.
    AsksOnce,
    /// Its bank wants to be asked by the payer every time, so that renewals wait.
    AsksAlways,
    /// Can be left, and is declined from the first renewal on.
    DeclinesLater,
    /// Pays, and the payer disputes it.
    Disputes,
    /// Pays, and money given back does not arrive.
    RefusesRefunds,
}

/// A card.
#[derive(Clone, Copy, Debug)]
pub struct Card {
    /// What happens with it.
    pub behaviour: Behaviour,
    /// The word by which Stripe knows it, such as `pm_card_visa`.
    pub token: &'static str,
    pub brand: &'static str,
    pub last4: &'static str,
    /// For the page.
    pub says: &'static str,
    number: &'static str,
}

const fn card(
    number: &'static str,
    last4: &'static str,
    token: &'static str,
    brand: &'static str,
    behaviour: Behaviour,
    says: &'static str,
) -> Card {
    Card { behaviour, token, brand, last4, says, number }
}

/// Stripe's test numbers that mean something here.
#[rustfmt::skip]
pub const CARDS: &[Card] = &[
    card("4242424242424242", "4242", "pm_card_visa", "visa", Behaviour::Pays, "pays"),
    card("5555555555554444", "4444", "pm_card_mastercard", "mastercard", Behaviour::Pays, "pays"),
    card("4000000000000002", "0002", "pm_card_chargeDeclined", "visa", Behaviour::Declines("generic_decline"), "is declined"),
    card("4000000000009995", "9995", "pm_card_chargeDeclinedInsufficientFunds", "visa", Behaviour::Declines("insufficient_funds"), "has no funds"),
    card("4000000000000069", "0069", "pm_card_chargeDeclinedExpiredCard", "visa", Behaviour::Declines("expired_card"), "has expired"),
    card("4000002500003155", "3155", "pm_card_authenticationRequiredOnSetup", "visa", Behaviour::AsksOnce, "asks for 3-D Secure once"),
    card("4000002760003184", "3184", "pm_card_authenticationRequired", "visa", Behaviour::AsksAlways, "asks for 3-D Secure every time"),
    card("4000000000000341", "0341", "pm_card_chargeCustomerFail", "visa", Behaviour::DeclinesLater, "fails at the first renewal"),
    card("4000000000000259", "0259", "pm_card_createDispute", "visa", Behaviour::Disputes, "is disputed"),
    card("4000000000005126", "5126", "pm_card_refundFail", "visa", Behaviour::RefusesRefunds, "takes no refunds"),
];

impl Card {
    /// The card of a test number, written with or without spaces. Anything else is no card here.
    pub fn of_number(number: &str) -> Option<Self> {
        let digits: String = number.chars().filter(|character| !character.is_whitespace()).collect();
        CARDS.iter().find(|card| card.number == digits).copied()
    }

    /// The card of one of Stripe's words.
    pub fn of_token(token: &str) -> Option<Self> {
        CARDS.iter().find(|card| card.token == token).copied()
    }

    /// The number, for the page on which one is chosen.
    pub fn number(&self) -> &'static str {
        self.number
    }
}
