//! Threads that read: each takes a statement, and reads it to its last row.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};
use sea_orm::{DbErr, Statement};
use tokio::sync::oneshot;

use super::connection::{open, read};
use super::{failed, lock};
use crate::store::rows::Rows;

/// How long to wait for a lock, which readers of a write-ahead log need only when it is set up or recovered.
const BUSY: Duration = Duration::from_secs(5);

/// Threads with a connection each, of which any that is idle takes the next statement.
///
/// Not the runtime's blocking threads: it starts new ones whenever all are busy for a moment, and what each keeps of the
/// memory it used adds up.
pub(super) struct Readers {
    file: Arc<Path>,
    /// How many there may be.
    count: usize,
    started: Arc<AtomicUsize>,
    idle: Arc<AtomicUsize>,
    /// None once they are closed.
    queue: Mutex<Option<Sender<Job>>>,
    jobs: Receiver<Job>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

struct Job {
    statement: Statement,
    answer: oneshot::Sender<rusqlite::Result<Rows>>,
}

impl Readers {
    pub(super) fn new(file: &Path, count: usize) -> Self {
        let (queue, jobs) = crossbeam_channel::unbounded();
        Self {
            file: file.into(),
            count,
            started: Arc::default(),
            idle: Arc::default(),
            queue: Mutex::new(Some(queue)),
            jobs,
            threads: Mutex::default(),
        }
    }

    /// Waits until the threads have ended, which they do when they have nothing left to do. The last connection to be
    /// closed puts the log into the file, and one that only reads cannot.
    pub(super) async fn close(&self) {
        lock(&self.queue).take();
        let threads = std::mem::take(&mut *lock(&self.threads));
        let ended = tokio::task::spawn_blocking(|| threads.into_iter().for_each(|thread| drop(thread.join())));
        drop(ended.await);
    }

    pub(super) async fn rows(&self, statement: Statement) -> Result<Rows, DbErr> {
        let (answer, answered) = oneshot::channel();
        {
            let queue = lock(&self.queue);
            let queue = queue.as_ref().ok_or_else(|| failed("closed"))?;
            self.start_another().map_err(failed)?;
            queue.send(Job { statement, answer }).map_err(failed)?;
        }
        answered.await.map_err(failed)?.map_err(failed)
    }

    /// Starts a thread if none is idle and there may be more.
    fn start_another(&self) -> std::io::Result<()> {
        if self.idle.load(Ordering::Relaxed) == 0 && self.started.load(Ordering::Relaxed) < self.count {
            let (file, jobs, idle) = (Arc::clone(&self.file), self.jobs.clone(), Arc::clone(&self.idle));
            let started = Started::count(&self.started);
            let thread = std::thread::Builder::new().name("sqlite-reader".to_owned()).spawn(move || {
                serve(&file, &jobs, &idle);
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
fn serve(file: &Path, jobs: &Receiver<Job>, idle: &AtomicUsize) {
    let mut known = None;
    loop {
        idle.fetch_add(1, Ordering::Relaxed);
        let job = jobs.recv();
        idle.fetch_sub(1, Ordering::Relaxed);
        let Ok(Job { statement, answer }) = job else { return };
        let rows = match &known {
            Some(connection) => read(connection, &statement),
            None => open(file, BUSY).and_then(|connection| read(known.insert(connection), &statement)),
        };
        // Nobody waits for it when the request was given up.
        let _ = answer.send(rows);
    }
}
