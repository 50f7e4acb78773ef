//! Who may begin, and who is sent away: decided without clock, locks or tasks.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::time::{Duration, Instant};

use super::limit::{Limit, Sample};

/// How long a request waits to be let in: enough for a burst.
const PATIENCE: Duration = Duration::from_millis(200);
/// The same for a tenant that sends more than there is room for: next to no time for who is refused.
const IMPATIENCE: Duration = Duration::from_millis(2);
/// A tenant sends more than there is room for if more than this share of its last requests were refused. Fewer are
/// bursts: were one refusal a reason to be impatient, impatience would refuse the next.
const FLOOD: f64 = 0.1;
/// How many its last requests are.
const LAST: f64 = 32.0;
/// How many may wait at once.
const PLACES: usize = 256;

/// The requests in flight and those that wait to be, of tenants `T`. Whoever waits is known by a `W`.
///
/// The limit is for all together. When it is reached, a tenant with less than its share is let in all the same, up to twice
/// as many, and the next place is the one's who has the fewest: a flood takes what nobody else wants. Of a tenant's
/// requests the oldest goes first, but in a flood the newest does, because its client is the likeliest to be there still.
#[derive(Debug)]
pub(super) struct Queue<T, W> {
    limit: Limit,
    in_flight: usize,
    waiting: usize,
    tenants: HashMap<T, Tenant<W>>,
}

#[derive(Debug)]
struct Tenant<W> {
    in_flight: usize,
    /// The newest last.
    waiting: VecDeque<W>,
    /// The share of its last requests that were refused.
    refused: f64,
}

impl<W> Tenant<W> {
    fn new() -> Self {
        Self { in_flight: 0, waiting: VecDeque::new(), refused: 0.0 }
    }

    /// One more of its requests begins.
    fn begin(&mut self) {
        self.in_flight += 1;
        self.refused -= self.refused / LAST;
    }

    /// One more of its requests is refused.
    fn refuse(&mut self) {
        self.refused += (1.0 - self.refused) / LAST;
    }

    fn is_flood(&self) -> bool {
        self.refused > FLOOD
    }

    fn next(&mut self) -> Option<W> {
        if self.is_flood() { self.waiting.pop_back() } else { self.waiting.pop_front() }
    }
}

/// What becomes of a request that has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Arrival<W> {
    /// It may begin; how many are in flight with it.
    Begins(usize),
    /// It waits until this moment. Another one may have had to give way to it.
    Waits { until: Instant, gives_way: Option<W> },
}

impl<T: Copy + Eq + Hash, W> Queue<T, W> {
    pub(super) fn new() -> Self {
        Self { limit: Limit::new(), in_flight: 0, waiting: 0, tenants: HashMap::new() }
    }

    pub(super) fn limit(&self) -> usize {
        self.limit.get()
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// A request has come.
    pub(super) fn arrive(&mut self, tenant: T, waiter: impl FnOnce() -> W, now: Instant) -> Arrival<W> {
        let limit = self.limit.get();
        let tenants = self.tenants.len() + usize::from(!self.tenants.contains_key(&tenant));
        let own = self.tenants.entry(tenant).or_insert_with(Tenant::new);
        let share = (limit / tenants).max(1);
        if self.in_flight < limit || own.in_flight < share && self.in_flight < 2 * limit {
            own.begin();
            self.in_flight += 1;
            return Arrival::Begins(self.in_flight);
        }
        self.limit.reached();
        own.waiting.push_back(waiter());
        let until = now + if own.is_flood() { IMPATIENCE } else { PATIENCE };
        self.waiting += 1;
        let gives_way = if self.waiting > PLACES { self.drop_oldest() } else { None };
        Arrival::Waits { until, gives_way }
    }

    /// A request has ended; with a sample if it was answered. Returns who may begin now, and how many are in flight then.
    pub(super) fn leave(&mut self, tenant: T, sample: Option<Sample<'_>>) -> Option<(T, W, usize)> {
        if let Some(sample) = sample {
            self.limit.add(sample);
        }
        self.in_flight -= 1;
        if let Some(own) = self.tenants.get_mut(&tenant) {
            own.in_flight -= 1;
        }
        self.forget(tenant);
        if self.in_flight >= self.limit.get() {
            return None;
        }
        let waits = |(_, tenant): &(&T, &mut Tenant<W>)| !tenant.waiting.is_empty();
        let (next_tenant, next) = self.tenants.iter_mut().filter(waits).min_by_key(|(_, tenant)| tenant.in_flight)?;
        let waiter = next.next()?;
        next.begin();
        self.waiting -= 1;
        self.in_flight += 1;
        Some((*next_tenant, waiter, self.in_flight))
    }

    /// A request that waited is gone, or its time is up. False if it was let in meanwhile, or gave way.
    pub(super) fn give_up(&mut self, tenant: T, is_it: impl Fn(&W) -> bool) -> bool {
        let Some(own) = self.tenants.get_mut(&tenant) else { return false };
        let Some(place) = own.waiting.iter().position(is_it) else { return false };
        own.waiting.remove(place);
        own.refuse();
        self.waiting -= 1;
        self.forget(tenant);
        true
    }

    /// The oldest one of the tenant with the most.
    fn drop_oldest(&mut self) -> Option<W> {
        let most = self.tenants.values_mut().max_by_key(|tenant| tenant.waiting.len())?;
        most.refuse();
        self.waiting -= 1;
        most.waiting.pop_front()
    }

    fn forget(&mut self, tenant: T) {
        if self.tenants.get(&tenant).is_some_and(|own| own.in_flight == 0 && own.waiting.is_empty()) {
            self.tenants.remove(&tenant);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tenants are letters, and waiters numbers.
    type Letters = Queue<char, usize>;

    fn full(of: char) -> (Letters, Instant) {
        let (mut queue, now) = (Letters::new(), Instant::now());
        for number in 1..=queue.limit() {
            assert_eq!(queue.arrive(of, || 0, now), Arrival::Begins(number));
        }
        (queue, now)
    }

    fn waits(queue: &mut Letters, tenant: char, waiter: usize, now: Instant) {
        let expected = Arrival::Waits { until: now + PATIENCE, gives_way: None };
        assert_eq!(queue.arrive(tenant, || waiter, now), expected);
    }

    #[test]
    fn one_tenant_has_it_all_while_nobody_else_comes() {
        let (mut queue, now) = full('a');
        waits(&mut queue, 'a', 1, now);
        waits(&mut queue, 'a', 2, now);
        assert_eq!(queue.leave('a', None), Some(('a', 1, queue.limit())), "the oldest first");
        assert_eq!(queue.leave('a', None), Some(('a', 2, queue.limit())));
        assert_eq!(queue.leave('a', None), None);
    }

    #[test]
    fn a_flood_keeps_nobody_else_out() {
        let (mut queue, now) = full('a');
        let limit = queue.limit();
        waits(&mut queue, 'a', 1, now);
        for number in 1..=limit / 2 {
            assert_eq!(queue.arrive('b', || 0, now), Arrival::Begins(limit + number), "its share");
        }
        waits(&mut queue, 'b', 2, now);
        waits(&mut queue, 'a', 3, now);
        // Until there are no more than may be, nobody begins; then who has the fewest.
        for _ in 0..limit / 2 {
            assert_eq!(queue.leave('a', None), None);
        }
        assert_eq!(queue.leave('b', None), Some(('b', 2, limit)));
    }

    #[test]
    fn many_tenants_together_are_limited_too() {
        let (mut queue, now) = (Queue::<usize, usize>::new(), Instant::now());
        let begun = (0..1000).filter(|tenant| {
            queue.arrive(*tenant, || 0, now) != Arrival::Waits { until: now + PATIENCE, gives_way: None }
        });
        assert!(begun.count() >= queue.limit());
        assert_eq!(queue.in_flight(), 2 * queue.limit());
    }

    #[test]
    fn who_gives_up_is_forgotten() {
        let (mut queue, now) = full('a');
        waits(&mut queue, 'a', 1, now);
        waits(&mut queue, 'a', 2, now);
        assert!(queue.give_up('a', |waiter| *waiter == 2));
        assert!(!queue.give_up('a', |waiter| *waiter == 2), "it is gone");
        assert_eq!(queue.leave('a', None), Some(('a', 1, queue.limit())));
        for _ in 0..queue.limit() {
            queue.leave('a', None);
        }
        assert_eq!((queue.in_flight(), queue.waiting, queue.tenants.len()), (0, 0, 0), "nothing is kept");
    }

    /// How long a request of the tenant would wait.
    fn patience(queue: &mut Letters, tenant: char, now: Instant) -> Duration {
        let Arrival::Waits { until, .. } = queue.arrive(tenant, || 7, now) else { return Duration::ZERO };
        queue.tenants.get_mut(&tenant).expect("it waits").waiting.pop_back();
        queue.waiting -= 1;
        until - now
    }

    fn refuse(queue: &mut Letters, tenant: char, now: Instant) {
        queue.arrive(tenant, || 8, now);
        assert!(queue.give_up(tenant, |waiter| *waiter == 8));
    }

    /// One request ends, and the next one has its place.
    fn go_on(queue: &mut Letters, tenant: char, now: Instant) {
        queue.arrive(tenant, || 9, now);
        assert_eq!(queue.leave(tenant, None), Some((tenant, 9, queue.limit())));
    }

    #[test]
    fn who_sends_more_than_there_is_room_for_is_told_so_sooner() {
        let (mut queue, now) = full('a');
        assert_eq!(patience(&mut queue, 'a', now), PATIENCE, "a burst");
        (0..16).for_each(|_| refuse(&mut queue, 'a', now));
        assert_eq!(patience(&mut queue, 'a', now), IMPATIENCE);
        for waiter in [1, 2] {
            queue.arrive('a', || waiter, now);
        }
        assert_eq!(queue.leave('a', None), Some(('a', 2, queue.limit())), "in a flood the newest first");
        assert_eq!(queue.leave('a', None), Some(('a', 1, queue.limit())));
        for _ in 1..=queue.limit() / 2 {
            queue.arrive('b', || 0, now);
        }
        assert_eq!(patience(&mut queue, 'b', now), PATIENCE, "another tenant has nothing to do with it");
        for _ in 1..=queue.limit() / 2 {
            queue.leave('b', None);
        }
        (0..64).for_each(|_| go_on(&mut queue, 'a', now));
        assert_eq!(patience(&mut queue, 'a', now), PATIENCE, "it is over");
    }

    #[test]
    fn a_refusal_now_and_then_makes_nobody_impatient() {
        let (mut queue, now) = full('a');
        for number in 0..1000 {
            if number % 20 == 0 {
                refuse(&mut queue, 'a', now);
            }
            go_on(&mut queue, 'a', now);
            assert_eq!(patience(&mut queue, 'a', now), PATIENCE, "{number}");
        }
    }

    #[test]
    fn the_largest_crowd_gives_way() {
        let (mut queue, now) = full('a');
        for waiter in 0..PLACES {
            waits(&mut queue, 'a', waiter, now);
        }
        // b has half of the places by its share, and then waits like the others.
        for _ in 0..queue.limit() / 2 {
            queue.arrive('b', || 0, now);
        }
        let expected = Arrival::Waits { until: now + PATIENCE, gives_way: Some(0) };
        assert_eq!(queue.arrive('b', || 1000, now), expected, "the oldest of a");
        assert_eq!(queue.waiting, PLACES);
    }
}
