//! The thread that writes: one connection, one transaction at a time, first come, first served.

use std::path::Path;
use std::sync::{Arc, Mutex, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use rusqlite::ffi;
use sea_orm::{DbErr, Statement};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::connection::Connection;
use super::fault::{failed, unavailable};
use super::lock;
use crate::store::database::Notice;
use crate::store::rows::Rows;

/// For how long a commit shows that the file can be written.
const FRESH: Duration = Duration::from_secs(1);

/// What writes.
pub(super) struct Writer {
    file: Arc<Path>,
    /// How long a statement may run.
    limit: Duration,
    /// How long to wait for a turn.
    patience: Duration,
    /// One, for the transaction that is open. Who stops waiting for it leaves the queue.
    turn: Arc<Semaphore>,
    thread: Mutex<Option<Thread>>,
    /// When something was committed, if that was what happened last.
    committed: Arc<Mutex<Option<Instant>>>,
    notice: Notice,
}

struct Thread {
    jobs: Sender<Job>,
    handle: JoinHandle<()>,
}

/// What the thread is asked to do. Jobs come from the transaction whose turn it is, and from nobody else.
type Job = Box<dyn FnOnce(&mut Session) + Send>;

/// The connection, and what it is in the middle of.
struct Session {
    file: Arc<Path>,
    limit: Duration,
    /// The connection while no transaction is open; none before it is needed, and after something went wrong with it.
    idle: Option<Connection>,
    /// The connection in the transaction whose turn it is, from its first statement on.
    begun: Option<Connection>,
    committed: Arc<Mutex<Option<Instant>>>,
}

impl Writer {
    pub(super) fn new(file: &Path, limit: Duration, patience: Duration, notice: Notice) -> Self {
        let turn = Arc::new(Semaphore::new(1));
        let committed = Arc::default();
        Self { file: file.into(), limit, patience, turn, thread: Mutex::default(), committed, notice }
    }

    /// Waits for a turn, for a transaction that its first statement begins.
    pub(super) async fn begin(&self) -> Result<Transaction, DbErr> {
        let turn = Arc::clone(&self.turn).acquire_owned();
        let turn = tokio::time::timeout(self.patience, turn).await;
        let turn = turn.map_err(|_| unavailable("another transaction did not end in time"))?.map_err(unavailable)?;
        let jobs = self.jobs().map_err(unavailable)?;
        Ok(Transaction { jobs, turn: Some(turn), notice: Arc::clone(&self.notice) })
    }

    /// Whether it is somebody's turn.
    pub(super) fn is_in_use(&self) -> bool {
        self.turn.available_permits() == 0
    }

    /// Opens the file, and creates it if it is missing.
    pub(super) async fn open(&self) -> Result<(), DbErr> {
        let transaction = self.begin().await?;
        transaction.ask(Session::open).await
    }

    /// Where jobs are sent: to the thread, which is started if there is none, or none any more.
    fn jobs(&self) -> std::io::Result<Sender<Job>> {
        let mut thread = lock(&self.thread);
        if let Some(Thread { jobs, .. }) = thread.as_ref().filter(|thread| !thread.handle.is_finished()) {
            return Ok(jobs.clone());
        }
        let (jobs, asked) = crossbeam_channel::unbounded::<Job>();
        let (file, committed) = (Arc::clone(&self.file), Arc::clone(&self.committed));
        let mut session = Session { file, limit: self.limit, idle: None, begun: None, committed };
        let handle = std::thread::Builder::new().name("sqlite-writer".to_owned()).spawn(move || {
            asked.iter().for_each(|job| job(&mut session));
        })?;
        *thread = Some(Thread { jobs: jobs.clone(), handle });
        Ok(jobs)
    }

    /// Finds out whether something can be written: a commit has shown that lately, or else it is tried and rolled back.
    pub(super) async fn check(&self) -> Result<(), DbErr> {
        if lock(&self.committed).is_some_and(|at| at.elapsed() < FRESH) {
            return Ok(());
        }
        self.begin().await?.work(Connection::rehearse).await
    }

    /// Waits until the connection is closed, when the transaction that is open has ended.
    pub(super) async fn close(&self) {
        let _turn = self.turn.acquire().await;
        self.turn.close();
        let thread = lock(&self.thread).take();
        let ended = tokio::task::spawn_blocking(|| {
            if let Some(Thread { jobs, handle }) = thread {
                drop(jobs);
                drop(handle.join());
            }
        });
        drop(ended.await);
    }
}

/// An open transaction, which is rolled back unless it is committed.
pub(in crate::store) struct Transaction {
    jobs: Sender<Job>,
    /// None when it has ended.
    turn: Option<OwnedSemaphorePermit>,
    notice: Notice,
}

impl Transaction {
    /// What the thread makes of a job.
    async fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Session) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, DbErr> {
        let (answer, answered) = oneshot::channel();
        self.jobs.send(Box::new(move |session| drop(answer.send(job(session))))).map_err(unavailable)?;
        answered.await.map_err(unavailable)?.map_err(failed)
    }

    /// What comes of work in the transaction, which ends when nobody waits for it any more.
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, DbErr> {
        let waiting = Arc::new(());
        let caller = Arc::downgrade(&waiting);
        self.ask(move |session| session.work(caller, work)).await
    }

    /// The rows that a statement finds.
    pub(in crate::store) async fn read(&self, statement: Statement) -> Result<Rows, DbErr> {
        (self.notice)(&statement);
        self.work(move |connection| connection.read(&statement)).await
    }

    /// Runs a statement, and tells how many rows it changed.
    pub(in crate::store) async fn execute(&self, statement: Statement) -> Result<u64, DbErr> {
        (self.notice)(&statement);
        self.work(move |connection| connection.execute(&statement)).await
    }

    /// Commits what was done. It is done to the end though nobody waits for it any more.
    pub(in crate::store) async fn commit(mut self) -> Result<(), DbErr> {
        let turn = self.turn.take();
        self.ask(move |session| {
            let committed = session.commit();
            drop(turn);
            committed
        })
        .await
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let Some(turn) = self.turn.take() else { return };
        let job = move |session: &mut Session| {
            // A connection that cannot roll back is closed, which does it.
            drop(session.end("ROLLBACK"));
            drop(turn);
        };
        // Without its thread there is no connection either.
        drop(self.jobs.send(Box::new(job)));
    }
}

impl Session {
    fn open(&mut self) -> rusqlite::Result<()> {
        self.idle = Some(Connection::writing(&self.file)?);
        Ok(())
    }

    /// Does work in the transaction whose turn it is, unless the caller has left.
    fn work<T>(
        &mut self,
        caller: Weak<()>,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        if caller.strong_count() == 0 {
            return Err(error(ffi::SQLITE_INTERRUPT, "nobody waits for it"));
        }
        let limit = self.limit;
        self.begun()?.within(limit, caller, work)
    }

    /// The connection, in the transaction whose turn it is.
    ///
    /// SQLite ends one by itself when the disk is full or fails, memory is short, or a write was interrupted
    /// (<https://www.sqlite.org/lang_transaction.html>). What comes then must not be run, each by itself.
    fn begun(&mut self) -> rusqlite::Result<&Connection> {
        if self.begun.is_none() {
            let connection = match self.idle.take() {
                Some(connection) => connection,
                None => Connection::writing(&self.file)?,
            };
            // One that reads before it writes would lose its write to "database is locked".
            connection.run("BEGIN IMMEDIATE")?;
            self.begun = Some(connection);
        }
        let open = self.begun.as_ref().filter(|connection| !connection.is_autocommit());
        open.ok_or_else(|| error(ffi::SQLITE_ABORT, "the transaction was rolled back"))
    }

    /// Ends the transaction by `COMMIT` or `ROLLBACK`, if it was begun. A connection that fails at it is closed, and the
    /// next transaction opens another one: nobody knows what this one is in the middle of.
    fn end(&mut self, by: &str) -> rusqlite::Result<()> {
        let Some(connection) = self.begun.take() else { return Ok(()) };
        *lock(&self.committed) = None;
        connection.run(by)?;
        if !connection.is_autocommit() {
            return Err(error(ffi::SQLITE_ERROR, "the transaction did not end"));
        }
        self.idle = Some(connection);
        Ok(())
    }

    fn commit(&mut self) -> rusqlite::Result<()> {
        let writes = self.begun.is_some();
        self.end("COMMIT")?;
        *lock(&self.committed) = writes.then(Instant::now);
        Ok(())
    }
}

fn error(code: i32, message: &str) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(code), Some(message.to_owned()))
}
