//! Payment gateways as Tessera needs them. This crate knows nothing of Tessera's database or API, and keeps nothing.
//!
//! - [`PaymentGateway`] is what Tessera asks of a gateway, and [`Object`] what gateways have, in one form for all.
//! - [`Stripe`] is its client for Stripe.
//! - [`simulator`] is a server that speaks the same part of Stripe's API: tests and demonstrations run the real client.
//!
//! What is sent to Stripe and what its simulator answers is checked in tests against `contract/stripe.json`, which is made
//! from Stripe's own package (`make stripe-contract`). To add a call: name its fields in `contract/make.js`, write the call
//! in [`stripe`], and teach it to the simulator.

mod error;
mod event;
mod id;
mod object;
mod port;
pub mod simulator;
pub mod stripe;

pub use error::{Error, Refusal, Result};
pub use event::{Event, Subject, WebhookError};
pub use id::*;
pub use object::*;
pub use port::*;
pub use reqwest::Url;
pub use stripe::Stripe;
