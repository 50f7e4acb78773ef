//! Threads that read: each takes a statement, and reads it to its last row.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};
use sea_orm::{DbErr, Statement};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::connection::{BUSY, Connection};
use super::fault::{failed, unavailable};
use super::lock;
use crate::store::rows::Rows;

/// Threads with a connection each, of which any that is idle takes the next statement.
///
/// Not the runtime's blocking threads: it starts new ones whenever all are busy for a moment, and what each keeps of the
/// memory it used adds up.
pub(super) struct Readers {
    file: Arc<Path>,
    /// How long a statement may run.
    limit: Duration,
    /// How long to wait for a thread.
    patience: Duration,
    /// How many there may be.
    count: usize,
    /// As many as there may be threads. A statement keeps its permit until its thread is done with it.
    permits: Arc<Semaphore>,
    started: Arc<AtomicUsize>,
    idle: Arc<AtomicUsize>,
    /// None once they are closed.
    queue: Mutex<Option<Sender<Job>>>,
    jobs: Receiver<Job>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

struct Job {
    statement: Statement,
    /// Nothing is read any more when it is gone.
    caller: Weak<()>,
    answer: oneshot::Sender<rusqlite::Result<Rows>>,
    permit: OwnedSemaphorePermit,
}

impl Readers {
    pub(super) fn new(file: &Path, count: usize, limit: Duration, patience: Duration) -> Self {
        let (queue, jobs) = crossbeam_channel::unbounded();
        Self {
            file: file.into(),
            limit,
            patience,
            count,
            permits: Arc::new(Semaphore::new(count)),
            started: Arc::default(),
            idle: Arc::default(),
            queue: Mutex::new(Some(queue)),
            jobs,
            threads: Mutex::default(),
        }
    }

    /// How many there may be.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// How many read something.
    pub(super) fn in_use(&self) -> usize {
        self.count.saturating_sub(self.permits.available_permits())
    }

    /// Waits until the threads have ended, which they do when they have nothing left to do. The last connection to be
    /// closed puts the log into the file, and one that only reads cannot.
    pub(super) async fn close(&self) {
        self.permits.close();
        lock(&self.queue).take();
        let threads = std::mem::take(&mut *lock(&self.threads));
        let ended = tokio::task::spawn_blocking(|| threads.into_iter().for_each(|thread| drop(thread.join())));
        drop(ended.await);
    }

    /// Waits for a thread.
    pub(super) async fn permit(&self) -> Result<OwnedSemaphorePermit, DbErr> {
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            return Ok(permit);
        }
        let permit = tokio::time::timeout(self.patience, Arc::clone(&self.permits).acquire_owned()).await;
        permit.map_err(|_| unavailable("no connection was free in time"))?.map_err(unavailable)
    }

    /// The rows that a statement finds. It is interrupted when nobody waits for them any more.
    pub(super) async fn rows(&self, statement: Statement, permit: OwnedSemaphorePermit) -> Result<Rows, DbErr> {
        let waiting = Arc::new(());
        let (answer, answered) = oneshot::channel();
        {
            let queue = lock(&self.queue);
            let queue = queue.as_ref().ok_or_else(|| unavailable("closed"))?;
            self.start_another().map_err(unavailable)?;
            let job = Job { statement, caller: Arc::downgrade(&waiting), answer, permit };
            queue.send(job).map_err(unavailable)?;
        }
        answered.await.map_err(unavailable)?.map_err(failed)
    }

    /// Starts a thread if none is idle and there may be more.
    fn start_another(&self) -> std::io::Result<()> {
        if self.idle.load(Ordering::Relaxed) == 0 && self.started.load(Ordering::Relaxed) < self.count {
            let (file, jobs, idle) = (Arc::clone(&self.file), self.jobs.clone(), Arc::clone(&self.idle));
            let limit = self.limit;
            let started = Started::count(&self.started);
            let thread = std::thread::Builder::new().name("sqlite-reader".to_owned()).spawn(move || {
                serve(&file, limit, &jobs, &idle);
                drop(started);
            })?;
            lock(&self.threads).push(thread);
        }
        Ok(())
    }
}

/// A thread, until it ends: should one panic, another takes its place.
struct Started(Arc<AtomicUsize>);

impl Started {
    fn count(started: &Arc<AtomicUsize>) -> Self {
        started.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(started))
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Reads what is asked for until there will be nothing more.
fn serve(file: &Path, limit: Duration, jobs: &Receiver<Job>, idle: &AtomicUsize) {
    let mut known = None;
    loop {
        idle.fetch_add(1, Ordering::Relaxed);
        let job = jobs.recv();
        idle.fetch_sub(1, Ordering::Relaxed);
        let Ok(Job { statement, caller, answer, permit }) = job else { return };
        if answer.is_closed() {
            continue;
        }
        let read = |connection: &Connection| connection.within(limit, caller, |within| within.read(&statement));
        let rows = match &known {
            Some(connection) => read(connection),
            None => Connection::reading(file, BUSY).and_then(|connection| read(known.insert(connection))),
        };
        drop(permit);
        // Who asked may have left at the last moment.
        drop(answer.send(rows));
    }
}
