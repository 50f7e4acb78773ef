//! Reads that wait for a lock longer than they may over a [shared](super::shared) connection, as reads of a table do
//! while it is changed.
//!
//! They wait over connections of their own, one for each text of a statement. The others with the same text wait for what
//! comes of that one. If it waited in vain, they are refused for a while, until one is tried again.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sea_orm::{DbErr, Statement};
use tokio::runtime::Handle;
use tokio::sync::{Mutex as Turn, Semaphore};
use tokio::time::timeout;

use super::connection::{Connection, Opener};
use super::fault::{failed, is_locked};
use crate::store::database::Limits;
use crate::store::rows::Rows;
use crate::store::trouble::{Trouble, troubled};

/// How long statements are refused after one of them waited in vain.
const REFUSING: Duration = Duration::from_secs(1);

/// The connections of reads that wait for locks, and what is known of those reads.
pub(super) struct Patient {
    opener: Opener,
    lock_timeout: Duration,
    /// As many as may wait at a time.
    connections: Semaphore,
    /// Whether any are known: all that other statements need to look at.
    any: AtomicBool,
    /// By the statement's text.
    known: Mutex<HashMap<String, Arc<Turn<Lock>>>>,
}

/// What is known of the lock that a statement waits for.
#[derive(Clone, Copy)]
enum Lock {
    /// Somebody has it. Nobody waited for it over a connection of its own.
    Met,
    /// Somebody waited in vain, at that moment.
    InVain(Instant),
    /// It was let go.
    Gone,
}

/// The connection of one statement, which is canceled if nobody waits for its answer any more.
struct Own(Arc<Connection>);

impl Patient {
    pub(super) fn new(opener: Opener, limits: Limits) -> Self {
        let lock_timeout = limits.lock_timeout / 4;
        Self {
            opener: opener.waiting_for(lock_timeout),
            lock_timeout,
            connections: Semaphore::new(limits.reads),
            any: AtomicBool::new(false),
            known: Mutex::default(),
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Arc<Turn<Lock>>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a statement is known to wait for a lock.
    pub(super) fn knows(&self, statement: &Statement) -> bool {
        self.any.load(Ordering::Relaxed) && self.known().contains_key(&statement.sql)
    }

    /// Takes note of a statement that waits for a lock.
    pub(super) fn met_lock(&self, statement: &Statement) {
        let mut known = self.known();
        // Of what nobody asks any more, nobody is told that the lock is gone.
        let is_old = |lock: &Lock| matches!(lock, Lock::InVain(then) if then.elapsed() > 2 * REFUSING);
        known.retain(|_, turn| !turn.try_lock().is_ok_and(|lock| is_old(&lock)));
        known.entry(statement.sql.clone()).or_insert_with(|| Arc::new(Turn::new(Lock::Met)));
        self.any.store(true, Ordering::Relaxed);
    }

    fn forget(&self, statement: &Statement) {
        let mut known = self.known();
        known.remove(&statement.sql);
        self.any.store(!known.is_empty(), Ordering::Relaxed);
    }

    /// The rows that a statement finds once the lock is let go. None if it was let go for another one: this one waits for
    /// nothing.
    pub(super) async fn send(&self, statement: &Statement) -> Option<Result<Rows, DbErr>> {
        let turn = Arc::clone(self.known().get(&statement.sql)?);
        let mut lock = turn.lock().await;
        match *lock {
            Lock::Gone => return None,
            Lock::InVain(then) if then.elapsed() < REFUSING => {
                return Some(Err(troubled(Trouble::Locked, "what it reads was locked just now")));
            }
            Lock::InVain(_) | Lock::Met => {}
        }
        let outcome = match timeout(self.lock_timeout, self.connections.acquire()).await {
            Ok(_permit) => self.wait(statement).await,
            Err(_) => Err(troubled(Trouble::Locked, "what it reads is locked, and too many wait for locks already")),
        };
        if outcome.as_ref().is_err_and(is_locked) {
            *lock = Lock::InVain(Instant::now());
        } else {
            *lock = Lock::Gone;
            self.forget(statement);
        }
        Some(outcome)
    }

    async fn wait(&self, statement: &Statement) -> Result<Rows, DbErr> {
        let own = Own(Arc::new(self.opener.open().await?));
        own.0.send(statement).await.map_err(failed)
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if !self.0.is_unanswered() {
            return;
        }
        let Ok(runtime) = Handle::try_current() else { return };
        let connection = Arc::clone(&self.0);
        runtime.spawn(async move { connection.cancel().await });
    }
}
