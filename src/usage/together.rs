//! Counting together: what a caller consumes of one feature of one owner at the same time is counted by one transaction.
//!
//! All who use a counter wait for its row, each until the one before it has committed. So one of them leads: it carries
//! out its own command, and then again and again all that have come meanwhile, until nobody waits. Nobody waits for
//! company.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::consume::{Consumed, Wanted, consume};
use super::{OwnerId, check_amount};
use crate::auth::Caller;
use crate::error::{Error, Result};
use crate::store::Writer;
use crate::subscription::status::Policy;

/// What is counted together. Of one caller, so that what it may do is looked at once.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Subject {
    caller: Caller,
    owner: OwnerId,
    feature: String,
}

/// A command that waits for its turn.
struct Member {
    writer: Writer,
    wanted: Wanted,
    answer: oneshot::Sender<Result<Consumed>>,
}

/// The commands that wait, by what they are counted with. Where there is an entry, somebody leads.
type Waiting = Mutex<HashMap<Subject, VecDeque<Member>>>;

/// Counts together.
#[derive(Clone)]
pub struct Together {
    /// How many at most.
    largest: usize,
    policy: Policy,
    waiting: Arc<Waiting>,
}

impl Together {
    /// Counts so many together at most.
    pub fn new(largest: usize, policy: Policy) -> Self {
        Self { largest, policy, waiting: Arc::default() }
    }

    /// Counts what is consumed, as far as the limit allows: all or nothing, unless less will do.
    pub async fn consume(&self, writer: Writer, wanted: Wanted) -> Result<Consumed> {
        check_amount(wanted.amount)?;
        let caller = writer.caller()?.clone();
        let subject = Subject { caller, owner: wanted.owner, feature: wanted.feature.clone() };
        let (answer, answered) = oneshot::channel();
        let member = Member { writer, wanted, answer };
        if self.largest == 1 {
            tokio::spawn(carry_out(self.policy, vec![member]));
        } else if let Some(first) = self.enter(&subject, member) {
            let leader = Leader { together: self.clone(), subject: Some(subject) };
            tokio::spawn(leader.lead(first));
        }
        answered.await.unwrap_or_else(|_| Err(Error::Internal("who counted for it was lost".into())))
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<Subject, VecDeque<Member>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has it wait for who leads; gives it back where nobody does, to lead itself.
    fn enter(&self, subject: &Subject, member: Member) -> Option<Member> {
        match self.waiting().entry(subject.clone()) {
            Entry::Occupied(mut waiting) => {
                waiting.get_mut().push_back(member);
                None
            }
            Entry::Vacant(nobody) => {
                nobody.insert(VecDeque::new());
                Some(member)
            }
        }
    }
}

/// Who carries out what waits. It is a task of its own, which a request that is given up does not end.
struct Leader {
    together: Together,
    /// None when it has ended.
    subject: Option<Subject>,
}

impl Leader {
    async fn lead(mut self, first: Member) {
        let mut group = vec![first];
        while !group.is_empty() {
            carry_out(self.together.policy, group).await;
            // What is ready to be read comes in before, so that more go together where there is much to do.
            tokio::task::yield_now().await;
            group = self.next();
        }
    }

    /// Takes those that came first. Nothing is counted any more for who has stopped waiting. Where nobody waits, it has
    /// ended: who comes now leads.
    fn next(&mut self) -> Vec<Member> {
        let mut all = self.together.waiting();
        let Some(waiting) = self.subject.as_ref().and_then(|subject| all.get_mut(subject)) else { return Vec::new() };
        waiting.retain(|member| !member.answer.is_closed());
        let group: Vec<_> = waiting.drain(..waiting.len().min(self.together.largest)).collect();
        if group.is_empty() {
            self.subject.take().and_then(|subject| all.remove(&subject));
        }
        group
    }
}

impl Drop for Leader {
    /// Where it did not come to its end, nobody waits for it any longer.
    fn drop(&mut self) {
        self.subject.take().and_then(|subject| self.together.waiting().remove(&subject));
    }
}

/// Counts for a group, and answers each.
async fn carry_out(policy: Policy, group: Vec<Member>) {
    let mut writer = None;
    let (mut wanted, mut waiting) = (Vec::with_capacity(group.len()), Vec::with_capacity(group.len()));
    for member in group {
        writer.get_or_insert(member.writer);
        wanted.push(member.wanted);
        waiting.push(member.answer);
    }
    let Some(writer) = writer else { return };
    match consume(&writer, &policy, &wanted).await {
        Ok(answers) => waiting.into_iter().zip(answers).for_each(|(to, answer)| drop(to.send(answer))),
        Err(error) => waiting.into_iter().for_each(|to| drop(to.send(Err(error.clone())))),
    }
}
