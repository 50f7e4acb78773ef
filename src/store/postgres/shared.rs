//! A few connections, each of which takes several statements at once: under load neither side sleeps between two of
//! them, and both send and receive several at a time.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sea_orm::{DbErr, Statement};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::connection::{Connection, LIFETIME, Opener};
use super::fault::{failed, is_lost, unavailable};
use crate::store::database::Limits;
use crate::store::rows::Rows;

/// How many statements a connection has at once at most.
const PIPELINE: usize = 64;

/// A connection whose last answer was so long in coming, or that has been silent for so long, is behind: it has a
/// statement that takes its time, or too many.
///
/// Small statements are answered much faster, though dozens of them stand in a row. With less time a connection would
/// be thought behind whenever its process had to wait for a core; the next one would take its load, a process more
/// would want a core, and so on: a fifth fewer points a second, and a p99 three times as long.
const BEHIND: Duration = Duration::from_micros(1500);

/// The connections of statements that stand alone.
pub(super) struct Shared {
    opener: Opener,
    /// How many connections there may be.
    count: usize,
    open: Mutex<Vec<Arc<Member>>>,
    /// Held by who opens a connection.
    opening: tokio::sync::Mutex<()>,
    /// As many as there may be statements under way.
    permits: Semaphore,
    /// How long to wait until a statement can be sent.
    patience: Duration,
}

/// One of the connections.
pub(super) struct Member {
    connection: Connection,
    /// How many statements are under way.
    load: AtomicUsize,
    /// When the connection was last heard of: it answered, or took up work. In nanoseconds since it was opened.
    heard: AtomicU64,
    /// How long the last answer was in coming, in nanoseconds; 0 if none came since the connection was idle.
    delay: AtomicU64,
    opened: Instant,
}

/// A connection, while a statement uses it.
pub(super) struct Use {
    member: Arc<Member>,
    /// Whether the connection is new.
    first: bool,
    /// The connection's age when the statement was sent.
    since: u64,
}

impl Use {
    fn of(member: &Arc<Member>, first: bool) -> Self {
        let since = member.age();
        if member.load.fetch_add(1, Ordering::Relaxed) == 0 {
            member.heard.store(since, Ordering::Relaxed);
            member.delay.store(0, Ordering::Relaxed);
        }
        Self { member: Arc::clone(member), first, since }
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.member.connection
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        let now = self.member.age();
        self.member.heard.store(now, Ordering::Relaxed);
        self.member.delay.store(now.saturating_sub(self.since), Ordering::Relaxed);
        self.member.load.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Member {
    fn new(connection: Connection) -> Self {
        Self {
            connection,
            load: AtomicUsize::new(0),
            heard: AtomicU64::new(0),
            delay: AtomicU64::new(0),
            opened: Instant::now(),
        }
    }

    fn age(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Whether it is idle, or has room and answers in time.
    fn keeps_up(&self) -> bool {
        let silent = || self.age().saturating_sub(self.heard.load(Ordering::Relaxed));
        let wait = || Duration::from_nanos(silent().max(self.delay.load(Ordering::Relaxed)));
        match self.load.load(Ordering::Relaxed) {
            0 => true,
            load => load < PIPELINE && wait() < BEHIND,
        }
    }
}

impl Shared {
    pub(super) fn new(opener: Opener, Limits { reads: count, patience, .. }: Limits) -> Self {
        let permits = Semaphore::new(count * PIPELINE);
        Self { opener, count, open: Mutex::default(), opening: tokio::sync::Mutex::default(), permits, patience }
    }

    pub(super) fn close(&self) {
        self.permits.close();
        self.open().clear();
    }

    fn open(&self) -> MutexGuard<'_, Vec<Arc<Member>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rows that a statement finds, which stands alone.
    ///
    /// A connection may have been lost while nobody used it, because the database was restarted. A read can be sent
    /// again, and is, over the others and in the end over a new one; what fails over a new one has failed.
    pub(super) async fn send(&self, statement: &Statement) -> Result<Rows, DbErr> {
        let _permit = self.permit().await?;
        loop {
            let used = self.choose().await?;
            match used.connection().send(statement).await.map_err(failed) {
                Err(error) if !used.first && is_lost(&error) => {
                    self.open().retain(|member| !Arc::ptr_eq(member, &used.member));
                }
                outcome => return outcome,
            }
        }
    }

    /// A connection for one of several statements: for all of them the same, so that they are run in the order in which
    /// they are sent.
    pub(super) async fn same(&self, member: &mut Option<Arc<Member>>) -> Result<Use, DbErr> {
        match member {
            Some(member) => Ok(Use::of(member, false)),
            None => {
                let used = self.choose().await?;
                *member = Some(Arc::clone(&used.member));
                Ok(used)
            }
        }
    }

    /// Leave to send a statement.
    pub(super) async fn permit(&self) -> Result<SemaphorePermit<'_>, DbErr> {
        match self.permits.try_acquire() {
            Ok(permit) => Ok(permit),
            Err(_) => in_time(self.patience, async { self.permits.acquire().await.map_err(unavailable) }).await,
        }
    }

    async fn choose(&self) -> Result<Use, DbErr> {
        match self.pick(false) {
            Some(used) => Ok(used),
            // In a box, like preparing: these futures are large, and rarely needed.
            None => Box::pin(in_time(self.patience, self.acquire())).await,
        }
    }

    /// The first connection that keeps up with what it is given, so that under load statements travel together; if
    /// none does, the one with the fewest statements, once no more can be opened or if `busy` will do.
    fn pick(&self, busy: bool) -> Option<Use> {
        let mut open = self.open();
        let now = Instant::now();
        open.retain(|member| !member.connection.is_closed() && now.duration_since(member.opened) < LIFETIME);
        if let Some(member) = open.iter().find(|member| member.keeps_up()) {
            return Some(Use::of(member, false));
        }
        let best = open.iter().min_by_key(|member| member.load.load(Ordering::Relaxed))?;
        (busy || open.len() >= self.count).then(|| Use::of(best, false))
    }

    /// A connection: a new one, unless another request is opening one and a busy one can be used meanwhile.
    async fn acquire(&self) -> Result<Use, DbErr> {
        let _turn = match self.opening.try_lock() {
            Ok(turn) => turn,
            Err(_) => match self.pick(true) {
                Some(used) => return Ok(used),
                None => self.opening.lock().await,
            },
        };
        if let Some(used) = self.pick(false) {
            return Ok(used);
        }
        let member = Arc::new(Member::new(self.opener.open().await?));
        let used = Use::of(&member, true);
        self.open().push(member);
        Ok(used)
    }
}

/// What comes of it before the patience is at its end.
pub(super) async fn in_time<T>(patience: Duration, future: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
    tokio::time::timeout(patience, future).await.map_err(|_| unavailable("no connection was free in time"))?
}
