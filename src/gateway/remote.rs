//! Calling a gateway: the only way there is. A call waits for its place in the account's rate, and can be made to fail in
//! tests on either side.

use std::num::NonZeroU32;
use std::sync::{Arc, OnceLock};

use foldhash::HashMap;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tessera_gateway::{Answer, Capabilities, Error, Mode, PaymentGateway, Result, Stripe};

use crate::entity::GatewayAccountId;

/// Which side of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Nothing was sent yet.
    Before,
    /// The gateway has answered.
    After,
}

/// Decides whether a call fails: before, nothing was sent; after, it was done, and the answer is lost. It need not come back:
/// a test may panic there, or end the process.
pub type Failpoints = Box<dyn Fn(&'static str, Side) -> bool + Send + Sync>;

/// What the calls of all accounts share.
#[derive(Default)]
pub struct Calls {
    failpoints: OnceLock<Failpoints>,
    rates: std::sync::Mutex<HashMap<GatewayAccountId, Arc<DefaultDirectRateLimiter>>>,
}

impl Calls {
    /// Has calls fail from now on as this decides: for tests. Whoever comes first decides.
    pub fn fail_as(&self, failpoints: Failpoints) -> bool {
        self.failpoints.set(failpoints).is_ok()
    }

    fn rate(&self, account: GatewayAccountId, per_second: u32) -> Arc<DefaultDirectRateLimiter> {
        let mut rates = self.rates.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let quota = Quota::per_second(NonZeroU32::new(per_second).unwrap_or(NonZeroU32::MIN));
        Arc::clone(rates.entry(account).or_insert_with(|| Arc::new(RateLimiter::direct(quota))))
    }
}

/// An account's gateway.
pub struct Remote {
    gateway: Stripe,
    rate: Arc<DefaultDirectRateLimiter>,
    calls: Arc<Calls>,
}

impl Remote {
    pub(crate) fn new(gateway: Stripe, (account, mode): (GatewayAccountId, Mode), calls: &Arc<Calls>) -> Self {
        let rate = calls.rate(account, gateway.capabilities().rate(mode));
        Self { gateway, rate, calls: Arc::clone(calls) }
    }

    /// What can be asked of it.
    pub fn capabilities(&self) -> Capabilities {
        self.gateway.capabilities()
    }

    /// Calls the gateway. The name is that of the call: failpoints and traces know it by that.
    pub async fn call<'a, T>(
        &'a self,
        name: &'static str,
        ask: impl FnOnce(&'a dyn PaymentGateway) -> Answer<'a, T>,
    ) -> Result<T> {
        self.rate.until_ready().await;
        if self.fails(name, Side::Before) {
            return Err(Error::Unavailable("a failpoint"));
        }
        let answer = ask(&self.gateway).await;
        if let Err(error) = &answer {
            tracing::debug!(call = name, %error, "a gateway was asked in vain");
        }
        if self.fails(name, Side::After) { Err(Error::OutcomeUnknown("a failpoint")) } else { answer }
    }

    fn fails(&self, name: &'static str, side: Side) -> bool {
        self.calls.failpoints.get().is_some_and(|fails| fails(name, side))
    }
}
