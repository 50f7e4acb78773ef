//! The client of Stripe against the simulator, over HTTP; and both against what Stripe says of its API.

#![expect(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod contract;
mod faults;
mod ground;
mod lifecycle;
mod objects;
mod signatures;
mod understood;
