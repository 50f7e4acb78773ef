//! A few connections, each of which takes several statements at once: under load neither side sleeps between two of
//! them, and both send and receive several at a time.
//!
//! One statement that waits for a lock, or takes its time, holds up all that were sent behind it. So a connection that
//! is behind gets new ones only where all are, and one that is stuck gets none: a few spare ones are
//! opened instead. What waits for a lock does so over [other](Patient) connections after a moment.

use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::select;
use sea_orm::{DbErr, Statement};
use tokio::sync::{MutexGuard as Turn, OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

use super::LOCK_TIMEOUT;
use super::connection::Opener;
use super::fault::{away, failed, is_locked, is_lost, is_stale, lost};
use super::member::{Member, PIPELINE, STUCK, Use};
use super::patient::Patient;
use super::transaction::answer;
use crate::store::database::Limits;
use crate::store::rows::Rows;
use crate::store::trouble::{Trouble, troubled};

/// How long a point waits before it is sent over another connection too: it is not what takes long.
const POINT: Duration = Duration::from_millis(250);

/// The connections of statements that stand alone.
pub(super) struct Shared {
    opener: Opener,
    /// How many connections there may be, and as many again while some are stuck.
    count: usize,
    open: Mutex<Vec<Arc<Member>>>,
    /// Held by who opens a connection.
    opening: tokio::sync::Mutex<()>,
    /// As many as there may be statements under way.
    permits: Arc<Semaphore>,
    /// As many as there may be connections that nothing new is sent over, because a statement is being canceled.
    canceling: Arc<Semaphore>,
    /// As many as there may be points that are sent once more.
    again: Semaphore,
    patient: Patient,
    limits: Limits,
}

impl Shared {
    pub(super) fn new(opener: Opener, limits: Limits) -> Self {
        let count = limits.reads;
        Self {
            patient: Patient::new(opener.clone(), limits),
            opener: opener.waiting_for(LOCK_TIMEOUT),
            count,
            open: Mutex::default(),
            opening: tokio::sync::Mutex::default(),
            permits: Arc::new(Semaphore::new(2 * count * PIPELINE)),
            canceling: Arc::new(Semaphore::new(count)),
            again: Semaphore::new(2 * count),
            limits,
        }
    }

    pub(super) fn close(&self) {
        self.permits.close();
        self.open().clear();
    }

    /// Has nothing more sent over a connection.
    pub(super) fn remove(&self, gone: &Member) {
        self.open().retain(|member| !std::ptr::eq(&**member, gone));
    }

    /// As many permits as statements may be canceled at a time.
    pub(super) fn canceling(&self) -> Arc<Semaphore> {
        Arc::clone(&self.canceling)
    }

    fn open(&self) -> MutexGuard<'_, Vec<Arc<Member>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rows that a statement finds, which stands alone.
    ///
    /// A connection may have been lost while nobody used it, because the database was restarted. A read can be sent
    /// again, and is, over the others and in the end over a new one; what fails over a new one has failed. So is one that
    /// was prepared before the schema changed.
    pub(super) async fn send(self: &Arc<Self>, statement: &Statement) -> Result<Rows, DbErr> {
        let mut is_prepared_anew = false;
        loop {
            if self.patient.knows(statement)
                && let Some(outcome) = Box::pin(self.patient.send(statement)).await
            {
                return outcome;
            }
            let mut used = self.used().await?;
            let outcome = used.connection().send(statement).await.map_err(failed);
            used.answered(&outcome);
            match outcome {
                Err(error) if is_locked(&error) => self.patient.met_lock(statement),
                Err(error) if is_lost(&error) && used.is_worth_another() => {}
                Err(error) if !is_prepared_anew && is_stale(&error) => is_prepared_anew = true,
                outcome => return outcome,
            }
        }
    }

    /// The same for a statement that takes no time, and may have nothing but bad luck where it is not answered at once.
    pub(super) async fn send_point(self: &Arc<Self>, statement: &Statement) -> Result<Rows, DbErr> {
        let mut first = pin!(self.send(statement));
        if let Ok(outcome) = timeout(POINT, &mut first).await {
            return outcome;
        }
        let either = async {
            // Where many are late, it is not the connection.
            let Ok(_again) = self.again.try_acquire() else { return first.await };
            select(first, Box::pin(self.send(statement))).await.factor_first().0
        };
        let late = |_| Err(troubled(Trouble::Slow, "a point was not found in time"));
        // In a box, because it is rarely needed.
        Box::pin(timeout(self.limits.lock_timeout, either)).await.unwrap_or_else(late)
    }

    /// The same for one of several statements: all of them go over the same connection, so that they are run in the order
    /// in which they are sent.
    ///
    /// What waited for a lock would be run later than others that came behind it. So it is an error of a lost connection,
    /// after which they are all sent again.
    pub(super) async fn send_one(
        self: &Arc<Self>,
        statement: &Statement,
        mut turn: Turn<'_, Option<Arc<Member>>>,
    ) -> Result<Rows, DbErr> {
        if self.patient.knows(statement) {
            return Err(self.unlocked(statement).await);
        }
        let mut used = match &*turn {
            Some(member) => self.another(member).await?,
            None => self.used().await?,
        };
        *turn = Some(Arc::clone(&used.member));
        let outcome = answer(turn, used.connection(), statement).await.map_err(failed);
        used.answered(&outcome);
        match outcome {
            Err(error) if is_locked(&error) => {
                self.patient.met_lock(statement);
                Err(self.unlocked(statement).await)
            }
            outcome => outcome,
        }
    }

    /// Waits for the lock that a statement waits for, and tells what to answer then.
    async fn unlocked(&self, statement: &Statement) -> DbErr {
        match Box::pin(self.patient.send(statement)).await {
            Some(Err(error)) => error,
            Some(Ok(_)) | None => lost("what it reads was locked"),
        }
    }

    /// A connection to send a statement over.
    async fn used(self: &Arc<Self>) -> Result<Use, DbErr> {
        let permit = self.permit().await?;
        let mut used = self.choose().await?;
        used.permit = Some(permit);
        Ok(used)
    }

    /// The same connection for another statement.
    async fn another(&self, member: &Arc<Member>) -> Result<Use, DbErr> {
        let permit = self.permit().await?;
        let mut used = Use::of(member, false);
        used.permit = Some(permit);
        match member.is_canceling.load(Ordering::SeqCst) {
            true => Err(lost("a statement of its connection is being canceled")),
            false => Ok(used),
        }
    }

    /// Leave to send a statement.
    async fn permit(&self) -> Result<OwnedSemaphorePermit, DbErr> {
        let permits = Arc::clone(&self.permits);
        match Arc::clone(&permits).try_acquire_owned() {
            Ok(permit) => Ok(permit),
            Err(_) => {
                Box::pin(in_time(self.limits.patience, async { permits.acquire_owned().await.map_err(away) })).await
            }
        }
    }

    async fn choose(self: &Arc<Self>) -> Result<Use, DbErr> {
        match self.pick(self.count, false) {
            Some(used) => Ok(used),
            // In a box, like preparing: these futures are large, and rarely needed.
            None => Box::pin(in_time(self.limits.patience, self.acquire())).await,
        }
    }

    /// The first connection that keeps up with what it is given, so that under load statements travel together; if
    /// none does, the one with the fewest statements of those that are not stuck, once so many are open or if `busy` will
    /// do.
    fn pick(&self, enough: usize, busy: bool) -> Option<Use> {
        let mut open = self.open();
        let (now, mut place) = (Instant::now(), 0);
        open.retain(|member| {
            place += 1;
            !member.is_over(now) && (place <= self.count || !member.is_spare_for_long())
        });
        if let Some(member) = open.iter().find(|member| member.keeps_up()) {
            return Some(Use::of(member, false));
        }
        let moving = open.iter().filter(|member| !member.is_stuck());
        let best = moving.min_by_key(|member| member.load.load(Ordering::Relaxed))?;
        (busy || open.len() >= enough).then(|| Use::of(best, false))
    }

    /// A connection: a new one, unless another request is opening one and a busy one can be used meanwhile. Where as many
    /// are stuck as there may be, it is waited for one that is not.
    async fn acquire(self: &Arc<Self>) -> Result<Use, DbErr> {
        let _turn = match self.opening.try_lock() {
            Ok(turn) => turn,
            Err(_) => match self.pick(self.count, true) {
                Some(used) => return Ok(used),
                None => self.opening.lock().await,
            },
        };
        loop {
            if let Some(used) = self.pick(self.count, false) {
                return Ok(used);
            }
            if self.open().len() < 2 * self.count {
                let member = Arc::new(Member::new(self, self.opener.open().await?));
                let used = Use::of(&member, true);
                self.open().push(member);
                return Ok(used);
            }
            sleep(STUCK / 10).await;
        }
    }
}

/// What comes of it before the patience is at its end.
pub(super) async fn in_time<T>(patience: Duration, future: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
    let late = |_| troubled(Trouble::Busy, "no connection was free in time");
    timeout(patience, future).await.map_err(late)?
}
