//! How much callers may ask for: a bucket of cost for each tenant, user and address, which fills again at a fixed rate.
//! What a request [costs](crate::graphql::cost) is taken out before it runs. Each process has buckets of its own.

use std::hash::{BuildHasher, Hash};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use foldhash::fast::RandomState;
use governor::clock::{Clock as _, MonotonicClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use super::admission::Tenant;
use crate::app::TooOften;
use crate::auth::Principal;
use crate::config::{LEAST_RATE, RateConfig, SECONDS_OF_BUDGET};
use crate::graphql::cost::MAX_COST;

/// The smallest bucket holds what the dearest operation costs.
const _: () = assert!(LEAST_RATE as u64 * SECONDS_OF_BUDGET.get() as u64 >= MAX_COST);

/// After how many requests full buckets are forgotten: they are as good as new ones.
const FORGET_EVERY: u32 = 16_384;

/// The buckets of everybody who asked lately.
pub(super) struct Budgets {
    tenants: Option<Buckets<Tenant>>,
    users: Option<Buckets<u64>>,
    addresses: Option<Buckets<IpAddr>>,
    /// Makes a number of a user's name.
    names: RandomState,
    asked: AtomicU32,
}

impl Budgets {
    pub(super) fn new(rates: RateConfig) -> Self {
        Self {
            tenants: Buckets::new(rates.tenant),
            users: Buckets::new(rates.user),
            addresses: Buckets::new(rates.address),
            names: RandomState::default(),
            asked: AtomicU32::new(0),
        }
    }

    /// The buckets that a request is paid from: those of a user and its tenant, or of an address where there is no user.
    pub(super) fn account(&self, caller: Option<&Principal>, address: Option<IpAddr>) -> Account<'_> {
        if self.asked.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            self.forget();
        }
        let who = match caller {
            Some(caller) => {
                let tenant = Tenant::of(Some(caller));
                // Subjects of different organizations may have the same name.
                Who::User(self.names.hash_one((caller.subject(), tenant)), tenant)
            }
            None => Who::Address(network(address.unwrap_or(Ipv6Addr::UNSPECIFIED.into()))),
        };
        Account { budgets: self, who, spent: Spent::default() }
    }

    fn forget(&self) {
        self.tenants.iter().for_each(Buckets::forget);
        self.users.iter().for_each(Buckets::forget);
        self.addresses.iter().for_each(Buckets::forget);
    }
}

/// Who pays.
#[derive(Clone, Copy)]
enum Who {
    User(u64, Tenant),
    Address(IpAddr),
}

/// What a request has cost, and what is left in the emptiest bucket that it was paid from; none without limits.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spent {
    pub(super) charged: u64,
    pub(super) remaining: Option<u32>,
}

/// Where a request is paid from.
pub(super) struct Account<'a> {
    budgets: &'a Budgets,
    who: Who,
    spent: Spent,
}

impl Account<'_> {
    /// Takes this much, or says when there is enough. The user's own bucket comes first, so that one user does not empty
    /// the tenant's with what it may not have.
    pub(super) fn charge(&mut self, cost: u64) -> Result<(), TooOften> {
        let cost = NonZeroU32::new(u32::try_from(cost).unwrap_or(u32::MAX)).unwrap_or(NonZeroU32::MIN);
        let Budgets { tenants, users, addresses, .. } = self.budgets;
        let left = match &self.who {
            Who::User(user, tenant) => [take(users, user, cost)?, take(tenants, tenant, cost)?],
            Who::Address(address) => [take(addresses, address, cost)?, None],
        };
        self.spent.charged += u64::from(cost.get());
        self.spent.remaining = left.into_iter().flatten().min();
        Ok(())
    }

    pub(super) fn spent(&self) -> Spent {
        self.spent
    }
}

/// Takes something out of a bucket, and tells what is left in it.
fn take<K: Hash + Eq + Clone>(
    buckets: &Option<Buckets<K>>,
    key: &K,
    cost: NonZeroU32,
) -> Result<Option<u32>, TooOften> {
    buckets.as_ref().map(|buckets| buckets.take(key, cost)).transpose()
}

/// A client of IPv6 has a whole network of addresses.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) & !u128::from(u64::MAX)).into(),
        v4 => v4,
    }
}

type Limiter<K> = RateLimiter<K, HashMapStateStore<K, RandomState>, MonotonicClock, StateInformationMiddleware>;

/// A bucket for each key.
struct Buckets<K: Hash + Eq + Clone>(Limiter<K>);

impl<K: Hash + Eq + Clone> Buckets<K> {
    /// Buckets that get so much in a second; none where that is nothing, which is to say: no limit.
    fn new(rate: u32) -> Option<Self> {
        let rate = NonZeroU32::new(rate)?;
        let quota = Quota::per_second(rate).allow_burst(rate.saturating_mul(SECONDS_OF_BUDGET));
        let limiter = RateLimiter::hashmap_with_clock_and_hasher(quota, MonotonicClock, RandomState::default());
        Some(Self(limiter.with_middleware()))
    }

    fn take(&self, key: &K, cost: NonZeroU32) -> Result<u32, TooOften> {
        match self.0.check_key_n(key, cost) {
            Ok(Ok(state)) => Ok(state.remaining_burst_capacity()),
            Ok(Err(early)) => Err(TooOften(early.wait_time_from(self.0.clock().now()))),
            // It never has enough.
            Err(_) => Err(TooOften(Duration::MAX)),
        }
    }

    fn forget(&self) {
        self.0.retain_recent();
        self.0.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATES: RateConfig = RateConfig { tenant: 0, user: 0, address: LEAST_RATE };

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().expect("an address"))
    }

    #[test]
    fn a_bucket_is_emptied_and_told_when_it_has_enough() {
        let budgets = Budgets::new(RATES);
        let mut account = budgets.account(None, address("192.0.2.1"));
        account.charge(150_000).expect("there is enough");
        let Spent { charged, remaining } = account.spent();
        assert_eq!(charged, 150_000);
        assert!(remaining.is_some_and(|left| (100_000..112_500).contains(&left)), "{remaining:?}");
        let TooOften(wait) = account.charge(MAX_COST).expect_err("there is not");
        assert!(wait.as_secs_f64() > 5.0 && wait.as_secs_f64() <= 6.0, "{wait:?}");
        account.charge(1).expect("what was refused was not taken");
        budgets.account(None, address("192.0.2.2")).charge(MAX_COST).expect("another address");
    }

    #[test]
    fn a_network_of_ipv6_is_one_client() {
        let budgets = Budgets::new(RATES);
        budgets.account(None, address("2001:db8::1")).charge(MAX_COST).expect("there is enough");
        budgets.account(None, address("2001:db8::2:1")).charge(MAX_COST).expect_err("the same network");
        budgets.account(None, address("2001:db8:0:1::1")).charge(MAX_COST).expect("another one");
        budgets.account(None, address("192.0.2.1")).charge(MAX_COST).expect("there is enough");
        budgets.account(None, address("::ffff:192.0.2.1")).charge(MAX_COST).expect_err("the same address");
    }

    #[test]
    fn who_has_not_asked_lately_is_forgotten() {
        let budgets = Budgets::new(RATES);
        for number in 0..100 {
            let mut account = budgets.account(None, address(&format!("192.0.2.{number}")));
            account.charge(if number == 7 { MAX_COST } else { 1 }).expect("there is enough");
        }
        // A cost of one is made up for within a tenth of a millisecond.
        std::thread::sleep(Duration::from_millis(5));
        budgets.forget();
        assert_eq!(budgets.addresses.as_ref().map(|Buckets(buckets)| buckets.len()), Some(1));
    }

    #[test]
    fn without_a_rate_there_is_no_limit() {
        let budgets = Budgets::new(RateConfig { address: 0, ..RATES });
        for _ in 0..100 {
            budgets.account(None, None).charge(MAX_COST).expect("no limit");
        }
        assert_eq!(budgets.account(None, None).spent().remaining, None);
    }
}
