//! One of the [shared](super::shared) connections, and the statements that are under way over it.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use sea_orm::DbErr;
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::connection::{Connection, LIFETIME};
use super::fault::{is_locked, is_lost};
use super::shared::Shared;
use crate::store::rows::Rows;

/// How many statements a connection has at once at most.
pub(super) const PIPELINE: usize = 64;

/// A connection whose last answer was so long in coming, or that has been silent for so long, is behind: it has a
/// statement that takes its time, or too many.
///
/// Small statements are answered much faster, though dozens of them stand in a row. With less time a connection would
/// be thought behind whenever its process had to wait for a core; the next one would take its load, a process more
/// would want a core, and so on: a fifth fewer points a second, and a p99 three times as long.
const BEHIND: Duration = Duration::from_micros(1500);

/// A connection that has been silent for so long is stuck: nobody can say when it answers.
pub(super) const STUCK: Duration = Duration::from_millis(50);

/// How long a spare connection is kept when it is not used.
const SPARE: Duration = Duration::from_secs(10);

/// One of the connections.
pub(super) struct Member {
    of: Weak<Shared>,
    connection: Connection,
    /// Whether it was closed because of one statement, and the others are to be sent again.
    is_given_up: AtomicBool,
    /// Whether a statement is being canceled: it would be any that comes.
    pub(super) is_canceling: AtomicBool,
    /// How many statements are under way.
    pub(super) load: AtomicUsize,
    /// When the connection was last heard of: it answered, or took up work. In nanoseconds since it was opened.
    heard: AtomicU64,
    /// How long the last answer was in coming, in nanoseconds; 0 if none came since the connection was idle.
    delay: AtomicU64,
    opened: Instant,
}

/// A connection, while a statement uses it: until it is answered, even if nobody waits for that any more.
pub(super) struct Use {
    pub(super) member: Arc<Member>,
    pub(super) permit: Option<OwnedSemaphorePermit>,
    is_answered: bool,
    /// Whether the connection is new.
    first: bool,
    /// The connection's age when the statement was sent.
    since: u64,
}

impl Use {
    pub(super) fn of(member: &Arc<Member>, first: bool) -> Self {
        let since = member.age();
        if member.load.fetch_add(1, Ordering::SeqCst) == 0 {
            member.heard.store(since, Ordering::Relaxed);
            member.delay.store(0, Ordering::Relaxed);
        }
        Self { member: Arc::clone(member), permit: None, is_answered: false, first, since }
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.member.connection
    }

    /// Takes note of what came of the statement.
    pub(super) fn answered(&mut self, outcome: &Result<Rows, DbErr>) {
        self.is_answered = true;
        self.permit = None;
        let member = &self.member;
        member.release(self.since);
        match outcome {
            Err(error) if is_lost(error) => member.leave(),
            Err(error) if is_locked(error) => {
                // All that stand behind it are sent again: they need not wait for locks one after the other.
                member.is_given_up.store(true, Ordering::SeqCst);
                member.leave();
                member.connection.close();
            }
            _ => {}
        }
    }

    /// Whether a statement that found its connection lost may do better over another one.
    pub(super) fn is_worth_another(&self) -> bool {
        !self.first || self.member.is_given_up.load(Ordering::SeqCst)
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        if self.is_answered {
            return;
        }
        let Ok(runtime) = Handle::try_current() else { return };
        let (member, permit, since) = (Arc::clone(&self.member), self.permit.take(), self.since);
        runtime.spawn(async move {
            member.settle().await;
            member.release(since);
            drop(permit);
        });
    }
}

impl Member {
    pub(super) fn new(of: &Arc<Shared>, connection: Connection) -> Self {
        Self {
            of: Arc::downgrade(of),
            connection,
            is_given_up: AtomicBool::new(false),
            is_canceling: AtomicBool::new(false),
            load: AtomicUsize::new(0),
            heard: AtomicU64::new(0),
            delay: AtomicU64::new(0),
            opened: Instant::now(),
        }
    }

    /// Has one statement less under way.
    fn release(&self, since: u64) {
        let now = self.age();
        self.heard.store(now, Ordering::Relaxed);
        self.delay.store(now.saturating_sub(since), Ordering::Relaxed);
        self.load.fetch_sub(1, Ordering::SeqCst);
    }

    /// Is given no statement any more.
    fn leave(&self) {
        if let Some(shared) = self.of.upgrade() {
            shared.remove(self);
        }
    }

    /// Waits for the answer that nobody else waits for.
    async fn settle(&self) {
        if timeout(STUCK, self.connection.settled()).await.is_err() {
            let _canceling = self.cancel().await;
            self.connection.settled().await;
        }
    }

    /// Ends the statement that is under way, if there is no other one: it would be that one that is ended. Nothing more is
    /// sent over the connection.
    async fn cancel(&self) -> Option<OwnedSemaphorePermit> {
        let is_alone = || self.load.load(Ordering::SeqCst) == 1;
        let canceling = is_alone().then_some(self.of.upgrade()?)?.canceling();
        let permit = canceling.try_acquire_owned().ok()?;
        self.leave();
        self.is_canceling.store(true, Ordering::SeqCst);
        if is_alone() {
            self.connection.cancel().await;
        }
        Some(permit)
    }

    fn age(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn silent(&self) -> Duration {
        Duration::from_nanos(self.age().saturating_sub(self.heard.load(Ordering::Relaxed)))
    }

    /// Whether it is idle, or has room and answers in time.
    pub(super) fn keeps_up(&self) -> bool {
        let wait = || self.silent().max(Duration::from_nanos(self.delay.load(Ordering::Relaxed)));
        match self.load.load(Ordering::Relaxed) {
            0 => true,
            load => load < PIPELINE && wait() < BEHIND,
        }
    }

    pub(super) fn is_stuck(&self) -> bool {
        self.load.load(Ordering::Relaxed) >= PIPELINE || self.silent() >= STUCK
    }

    pub(super) fn is_spare_for_long(&self) -> bool {
        self.load.load(Ordering::Relaxed) == 0 && self.silent() >= SPARE
    }

    /// Whether it can be given anything any more.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.connection.is_closed() || now.duration_since(self.opened) >= LIFETIME
    }
}
