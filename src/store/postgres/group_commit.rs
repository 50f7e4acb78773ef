//! Group commit: what several commands of a kind write at the same time is one statement and one transaction.
//!
//! Most of what a flush costs PostgreSQL it costs once for a statement, however many rows are in it: to start seven
//! inserts, to prepare the checks of their tables, to count, to commit. So only a few are under way at a time. What
//! comes meanwhile waits, and what is of a kind then goes together. Nobody waits for company: alone, a flush goes at
//! once.
//!
//! A statement that fails has written nothing. Then its members are sent one by one, and each gets the answer that it
//! would have got by itself.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sea_orm::{DbErr, Statement};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

use super::Postgres;
use super::fault::unavailable;
use crate::store::database::Limits;
use crate::store::flush::Flush;

/// How many flushes are written together at most. With twice as many each would cost a tenth less.
const LARGEST: usize = 8;

/// The flushes that wait until they are sent.
pub(super) struct GroupCommit {
    queue: Mutex<Queue>,
    /// As many as there may be statements under way.
    turns: Semaphore,
}

#[derive(Default)]
struct Queue {
    members: VecDeque<Member>,
    /// How many came so far.
    came: u64,
}

/// A flush that waits.
struct Member {
    number: u64,
    flush: Flush,
    answer: oneshot::Sender<Result<(), DbErr>>,
}

impl GroupCommit {
    /// Statements are under way on half of the connections: the other half is for transactions that were begun. The
    /// fewer there are, the more goes together; but one that has to wait for a row keeps only its own back.
    pub(super) fn new(limits: Limits) -> Self {
        Self { queue: Mutex::default(), turns: Semaphore::new(limits.transactions.div_ceil(2)) }
    }

    /// Has nobody wait any longer.
    pub(super) fn close(&self) {
        self.turns.close();
        self.queue().members.clear();
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a flush at the end of the queue, and gives its number.
    fn enter(&self, flush: Flush, answer: oneshot::Sender<Result<(), DbErr>>) -> u64 {
        let mut queue = self.queue();
        queue.came += 1;
        let number = queue.came;
        queue.members.push_back(Member { number, flush, answer });
        number
    }

    /// Takes a flush out, unless it was sent.
    fn leave(&self, number: u64) -> bool {
        let members = &mut self.queue().members;
        let place = members.iter().position(|member| member.number == number);
        place.and_then(|place| members.remove(place)).is_some()
    }

    /// Takes the first of those that wait, and others that go with it: as many as a power of two, so that there are few
    /// different statements to prepare. Nothing is written any more for who has stopped waiting.
    fn take(&self) -> Vec<Member> {
        let members = &mut self.queue().members;
        members.retain(|member| !member.answer.is_closed());
        let Some(first) = members.pop_front() else { return Vec::new() };
        let fitting = members.iter().enumerate().filter(|(_, member)| member.flush.goes_with(&first.flush));
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
    pub(super) async fn write(self: &Arc<Self>, flush: Flush) -> Result<(), DbErr> {
        if flush.is_empty() {
            return Ok(());
        }
        let (answer, mut answered) = oneshot::channel();
        let number = self.group_commit.enter(flush, answer);
        // In a task of its own, which a request that is given up does not end: others may be in the same statement.
        tokio::spawn(Arc::clone(self).take_turn());
        let answer = match timeout(self.patience, &mut answered).await {
            Err(_) if self.group_commit.leave(number) => return Err(unavailable("its turn did not come in time")),
            Err(_) => answered.await,
            Ok(answer) => answer,
        };
        answer.unwrap_or_else(|_| Err(unavailable("the database is closed")))
    }

    /// Waits for a turn, and sends what is first by then. Everyone who comes brings a turn along: so nobody is left.
    async fn take_turn(self: Arc<Self>) {
        if let Ok(_turn) = self.group_commit.turns.acquire().await {
            self.write_group(self.group_commit.take()).await;
        }
    }

    async fn write_group(self: &Arc<Self>, group: Vec<Member>) {
        let group = match <[Member; 1]>::try_from(group) {
            Ok([member]) => return self.write_alone(member).await,
            Err(group) => group,
        };
        let flushes = group.iter().map(|member| member.flush.clone());
        let Some(all) = flushes.reduce(Flush::add) else { return };
        match self.run_alone(&all.statement_of_several()).await {
            Err(error) if !matches!(error, DbErr::Conn(_)) => {
                for member in group {
                    let this = Arc::clone(self);
                    tokio::spawn(async move { this.write_alone(member).await });
                }
            }
            answer => group.into_iter().for_each(|member| drop(member.answer.send(answer.clone()))),
        }
    }

    async fn write_alone(&self, Member { flush, answer, .. }: Member) {
        drop(answer.send(self.run_alone(&flush.statement()).await));
    }

    /// Runs a statement as a transaction of its own. It is an error of connections if it is not known whether it was
    /// committed, and if none was free.
    async fn run_alone(&self, statement: &Statement) -> Result<(), DbErr> {
        let connection = self.own().await?;
        self.commit(&connection, statement).await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::store::write::Write;

    type Answered = oneshot::Receiver<Result<(), DbErr>>;

    fn waiting(tables: &[&'static str]) -> (GroupCommit, Vec<Answered>) {
        let groups = GroupCommit::new(Limits { transactions: 5, reads: 3, patience: Duration::ZERO });
        let enter = |table: &&'static str| {
            let insert = Write::Insert { table, columns: vec!["id"], rows: vec![vec![1.into()]] };
            let (answer, answered) = oneshot::channel();
            groups.enter(Flush { writes: vec![insert], ..Flush::default() }, answer);
            answered
        };
        let answered = tables.iter().map(enter).collect();
        (groups, answered)
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
    fn who_does_not_wait_any_more_is_not_written() {
        let (groups, mut answered) = waiting(&["a"; 4]);
        drop(answered.remove(1));
        assert!(groups.leave(3) && !groups.leave(3));
        assert_eq!(taken(&groups), [[1, 4]]);
        assert!(!groups.leave(4), "it was taken");
    }
}
