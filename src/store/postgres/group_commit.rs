//! Group commit: what several commands of a kind write at the same time is one statement and one transaction.
//!
//! Most of what a flush costs PostgreSQL it costs once for a statement, however many rows are in it: to start seven
//! inserts, to prepare the checks of their tables, to count, to commit. So only a few are under way at a time. What
//! comes meanwhile waits, and what is of a kind then goes together. Nobody waits for company: where there is a turn, a
//! flush goes at once.
//!
//! A statement that fails has written nothing. Then each of its flushes is sent by itself, and gets the answer that it
//! would have got alone. What the tenant of one that fails again writes next goes alone from the start: whoever keeps
//! failing costs the others next to nothing. Who has to wait for a lock does so as a transaction of its own, and nobody
//! waits with it. Until one of the same tenant has got what it waits for, the next ones do so at once.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sea_orm::DbErr;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use uuid::Uuid;

use super::connection::Connection;
use super::fault::refused_with;
use super::{LOCK_TIMEOUT, Postgres, free};
use crate::store::database::{Limits, Whose};
use crate::store::flush::Flush;
use crate::store::trouble::{Trouble, trouble, troubled};

/// How many flushes are written together at most. With twice as many each would cost a tenth less.
const LARGEST: usize = 8;
/// How many flushes of a tenant go alone after one that failed alone.
const APART: u32 = 32;

/// The flushes that wait until they are sent.
pub(super) struct GroupCommit {
    queue: Mutex<Queue>,
    /// As many as there may be statements under way.
    turns: Semaphore,
    /// As many as there may be flushes that wait for a lock.
    patient: Semaphore,
    /// Tenants that have something locked, as far as is known.
    held_up: Mutex<HashSet<Uuid>>,
}

#[derive(Default)]
struct Queue {
    members: VecDeque<Member>,
    /// How many came so far.
    came: u64,
    /// Tenants whose flushes go alone, and how many more of each.
    apart: HashMap<Uuid, u32>,
}

impl Queue {
    /// Whether the next flush of this tenant goes alone, which counts as one.
    fn goes_apart(&mut self, tenant: Uuid) -> bool {
        let Entry::Occupied(mut left) = self.apart.entry(tenant) else { return false };
        *left.get_mut() -= 1;
        if *left.get() == 0 {
            left.remove();
        }
        true
    }
}

/// A flush that waits.
struct Member {
    number: u64,
    flush: Flush,
    whose: Whose,
    /// Whether it goes by itself, because it failed together with others.
    alone: bool,
    answer: oneshot::Sender<Result<(), DbErr>>,
}

impl GroupCommit {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            queue: Mutex::default(),
            turns: Semaphore::new(limits.groups),
            patient: Semaphore::new((limits.transactions / 2).max(1)),
            held_up: Mutex::default(),
        }
    }

    /// Has nobody wait any longer.
    pub(super) fn close(&self) {
        self.turns.close();
        self.patient.close();
        self.queue().members.clear();
    }

    fn held_up(&self) -> MutexGuard<'_, HashSet<Uuid>> {
        self.held_up.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a flush at the end of the queue, and gives its number.
    fn enter(&self, flush: Flush, whose: Whose, answer: oneshot::Sender<Result<(), DbErr>>) -> u64 {
        let mut queue = self.queue();
        queue.came += 1;
        let number = queue.came;
        queue.members.push_back(Member { number, flush, whose, alone: false, answer });
        number
    }

    /// Puts a flush that failed together with others at the beginning of the queue, to go by itself. Of several the
    /// first one is put back last.
    fn put_back(&self, member: Member) {
        self.queue().members.push_front(Member { alone: true, ..member });
    }

    /// A flush of this tenant failed alone.
    fn set_apart(&self, tenant: Uuid) {
        self.queue().apart.insert(tenant, APART);
    }

    /// Takes a flush out, unless it was sent.
    fn leave(&self, number: u64) -> bool {
        let members = &mut self.queue().members;
        let place = members.iter().position(|member| member.number == number);
        place.and_then(|place| members.remove(place)).is_some()
    }

    /// Takes the first of those that wait, and others that go with it: as many as a power of two, so that there are few
    /// different statements to prepare. Nothing is written any more for who has stopped waiting. The first comes last.
    fn take(&self) -> Vec<Member> {
        let mut queue = self.queue();
        queue.members.retain(|member| !member.answer.is_closed());
        let Some(first) = queue.members.pop_front() else { return Vec::new() };
        if first.alone || queue.goes_apart(first.whose.tenant) {
            return vec![first];
        }
        let Queue { members, apart, .. } = &mut *queue;
        let fits = |member: &Member| {
            !member.alone && !apart.contains_key(&member.whose.tenant) && member.flush.goes_with(&first.flush)
        };
        let fitting = members.iter().enumerate().filter(|(_, member)| fits(member));
        let places: Vec<_> = fitting.map(|(place, _)| place).take(LARGEST - 1).collect();
        let others = (1 << (places.len() + 1).ilog2()) - 1;
        // From the end, where taking one out moves none of the others.
        let mut group: Vec<_> =
            places.into_iter().take(others).rev().filter_map(|place| members.remove(place)).collect();
        group.push(first);
        group
    }
}

impl Postgres {
    /// Writes a flush as a transaction of its own, or together with others. Whether it was written is not known when
    /// the connection is lost meanwhile.
    pub(super) async fn write(self: &Arc<Self>, flush: Flush, whose: Whose) -> Result<(), DbErr> {
        if flush.is_empty() {
            return Ok(());
        }
        let groups = &self.group_commit;
        let (answer, mut answered) = oneshot::channel();
        if groups.held_up().contains(&whose.tenant) {
            tokio::spawn(Arc::clone(self).write_patiently(flush, whose, answer));
            return answered.await.unwrap_or_else(|_| Err(unheard()));
        }
        let number = groups.enter(flush, whose, answer);
        self.bring_turn();
        let answer = match timeout(self.limits.patience, &mut answered).await {
            Err(_) if groups.leave(number) => return Err(troubled(Trouble::Busy, "its turn did not come in time")),
            Err(_) => answered.await,
            Ok(answer) => answer,
        };
        answer.unwrap_or_else(|_| Err(unheard()))
    }

    /// Waits for a turn and a connection, and sends what is first by then. Everyone who comes brings a turn along: so
    /// nobody is left. It is a task of its own, which a request that is given up does not end: others may be in the same
    /// statement.
    fn bring_turn(self: &Arc<Self>) {
        let this = Arc::clone(self);
        tokio::spawn(async move {
            let groups = &this.group_commit;
            let Ok(_turn) = groups.turns.acquire().await else {
                // Nobody has a turn any more.
                groups.queue().members.clear();
                return;
            };
            match free(&this.hasty).await {
                Ok(connection) => this.write_together(&connection, groups.take()).await,
                Err(error) => {
                    let first = groups.queue().members.pop_front();
                    first.into_iter().for_each(|member| drop(member.answer.send(Err(error.clone()))));
                }
            }
        });
    }

    async fn write_together(self: &Arc<Self>, connection: &Connection, group: Vec<Member>) {
        let flushes = group.iter().map(|member| member.flush.clone());
        let Some(all) = flushes.reduce(Flush::add) else { return };
        let outcome = self.commit(connection, Some(&all.statement(Some(LOCK_TIMEOUT)))).await;
        let refused = outcome.as_ref().err().and_then(refused_with);
        let several = group.len() > 1;
        for member in group {
            if several && refused.is_some() {
                self.group_commit.put_back(member);
                self.bring_turn();
            } else if refused == Some(SqlState::LOCK_NOT_AVAILABLE) {
                self.group_commit.held_up().insert(member.whose.tenant);
                tokio::spawn(Arc::clone(self).write_patiently(member.flush, member.whose, member.answer));
            } else {
                if refused.is_some() {
                    self.group_commit.set_apart(member.whose.tenant);
                }
                drop(member.answer.send(outcome.clone()));
            }
        }
    }

    /// Writes a flush that has to wait for a lock.
    async fn write_patiently(
        self: Arc<Self>,
        flush: Flush,
        whose: Whose,
        mut answer: oneshot::Sender<Result<(), DbErr>>,
    ) {
        let connection = async {
            // Few of a tenant stand before all: so others can come in between.
            let passed = self.gates.pass(whose).await?;
            let permit = timeout(self.limits.lock_timeout, self.group_commit.patient.acquire()).await;
            let permit = permit.map_err(|_| troubled(Trouble::Locked, "waited too long for others that wait"))?;
            Ok::<_, DbErr>((free(&self.owned).await?, passed, permit))
        };
        let connection = tokio::select! {
            connection = connection => connection,
            // Nothing is written any more for who has stopped waiting.
            () = answer.closed() => return,
        };
        let written = match &connection {
            Ok((connection, ..)) => self.commit(connection, Some(&flush.statement(None))).await,
            Err(error) => Err(error.clone()),
        };
        let is_held_up = written.as_ref().is_err_and(|error| trouble(error) == Some(Trouble::Locked));
        if !is_held_up {
            self.group_commit.held_up().remove(&whose.tenant);
        }
        drop(answer.send(written));
    }
}

fn unheard() -> DbErr {
    troubled(Trouble::Unknown, "it was not heard of what is written last")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::store::write::Write;

    type Answered = oneshot::Receiver<Result<(), DbErr>>;

    fn waiting(tables: &[&'static str]) -> (GroupCommit, Vec<Answered>) {
        let groups = GroupCommit::new(Limits {
            transactions: 4,
            groups: 3,
            reads: 3,
            patience: Duration::ZERO,
            lock_timeout: Duration::ZERO,
        });
        let answered = tables.iter().map(|table| enter(&groups, table, Uuid::nil())).collect();
        (groups, answered)
    }

    fn enter(groups: &GroupCommit, table: &'static str, tenant: Uuid) -> Answered {
        let insert = Write::Insert { table, columns: vec!["id"], rows: vec![vec![1.into()]] };
        let (answer, answered) = oneshot::channel();
        groups.enter(Flush { writes: vec![insert], ..Flush::default() }, Whose { tenant, row: None }, answer);
        answered
    }

    /// The numbers of all groups that are taken, one after the other.
    fn taken(groups: &GroupCommit) -> Vec<Vec<u64>> {
        let numbers = |group: Vec<Member>| group.iter().map(|member| member.number).rev().collect::<Vec<_>>();
        std::iter::from_fn(|| Some(numbers(groups.take())).filter(|group| !group.is_empty())).collect()
    }

    #[test]
    fn who_came_first_goes_first_with_others_of_a_kind() {
        let (groups, _answered) = waiting(&["a", "b", "a", "a", "b", "a", "c"]);
        assert_eq!(taken(&groups), [vec![1, 3, 4, 6], vec![2, 5], vec![7]]);
    }

    #[test]
    fn groups_are_powers_of_two_and_not_too_large() {
        let (groups, _answered) = waiting(&["a"; 23]);
        assert_eq!(taken(&groups).iter().map(Vec::len).collect::<Vec<_>>(), [8, 8, 4, 2, 1]);
    }

    #[test]
    fn who_failed_with_others_goes_alone() {
        let (groups, _answered) = waiting(&["a"; 5]);
        let several = groups.take();
        assert_eq!(several.len(), 4);
        several.into_iter().for_each(|member| groups.put_back(member));
        assert_eq!(taken(&groups), [[1], [2], [3], [4], [5]]);
    }

    #[test]
    fn what_the_tenant_of_one_that_failed_alone_writes_next_goes_alone() {
        let (groups, mut answered) = waiting(&[]);
        let [failing, other] = [1, 2].map(Uuid::from_u128);
        groups.set_apart(failing);
        let tenants = [other, failing, other, failing, other, other];
        answered.extend(tenants.map(|tenant| enter(&groups, "a", tenant)));
        assert_eq!(taken(&groups), [vec![1, 3, 5, 6], vec![2], vec![4]]);
        for _ in 2..APART {
            answered.push(enter(&groups, "a", failing));
            groups.take();
        }
        answered.extend([failing, other].map(|tenant| enter(&groups, "a", tenant)));
        assert_eq!(groups.take().len(), 2, "it is forgotten");
        assert!(groups.queue().apart.is_empty());
    }

    #[test]
    fn who_does_not_wait_any_more_is_not_written() {
        let (groups, mut answered) = waiting(&["a"; 4]);
        drop(answered.remove(1));
        assert!(groups.leave(3) && !groups.leave(3));
        assert_eq!(taken(&groups), [[1, 4]]);
        assert!(!groups.leave(4), "it was taken");
    }
}
