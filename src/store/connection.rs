//! Opening the database, and telling its errors apart.

use std::collections::HashSet;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, RwLock};

use chrono::TimeDelta;
use sea_orm::{ColumnTrait as _, DbBackend, DbErr, EntityTrait as _, QueryFilter as _, RuntimeErr, Statement, sqlx};

use super::database::{Connections, Database, Notice};
use super::executor::Executor as _;
use super::postgres::{is_lost, is_stale};
use super::reading::Filters;
use super::trouble::Troubles;
use crate::auth::Revoked;
use crate::clock::{Clock, Timestamp};
use crate::config::DatabaseConfig;
use crate::entity::{OrganizationId, revocation};
use crate::error::Contention;

/// An open database, shared by all requests.
#[derive(Clone)]
pub struct Store(pub(super) Arc<Opened>);

/// What belongs to an open database.
pub(super) struct Opened {
    pub(super) database: Database,
    /// What it was opened by.
    pub(super) config: DatabaseConfig,
    /// What the read path filters its tables by.
    pub(super) filters: Filters,
    pub(super) troubles: Troubles,
    /// Organizations that were found to have a limit on what they make.
    pub(super) limited: RwLock<HashSet<(OrganizationId, &'static str)>>,
    revoked: Arc<Revoked>,
    clock: Clock,
    /// How far the test clock is ahead, in microseconds.
    ahead: AtomicI64,
    statements: Arc<AtomicU64>,
    observer: Arc<OnceLock<Observer>>,
}

/// What is shown every statement that was sent.
type Observer = Box<dyn Fn(&Statement) + Send + Sync>;

impl Store {
    /// Opens the database that the configuration names. Creates an SQLite file that is missing.
    pub async fn open(config: &DatabaseConfig, clock: Clock) -> Result<Self, DbErr> {
        let statements = Arc::new(AtomicU64::new(0));
        let observer = Arc::new(OnceLock::<Observer>::new());
        let (counter, observing) = (Arc::clone(&statements), Arc::clone(&observer));
        let notice: Notice = Arc::new(move |statement| {
            counter.fetch_add(1, Ordering::Relaxed);
            if let Some(observe) = observing.get() {
                observe(statement);
            }
        });
        Ok(Self(Arc::new(Opened {
            database: Database::open(config, notice).await?,
            config: config.clone(),
            filters: Filters::default(),
            troubles: Troubles::default(),
            limited: RwLock::default(),
            revoked: Arc::default(),
            clock,
            ahead: AtomicI64::new(0),
            statements,
            observer,
        })))
    }

    /// Closes all connections.
    pub async fn close(self) {
        self.0.database.close().await;
    }

    /// Which tokens are revoked, as far as this process knows.
    pub fn revoked(&self) -> Arc<Revoked> {
        Arc::clone(&self.0.revoked)
    }

    /// Learns which tokens are revoked by now, on whichever replica.
    pub async fn learn_revoked(&self) -> Result<(), DbErr> {
        let valid = revocation::Entity::find().filter(revocation::Column::ExpiresAt.gt(self.real_now()));
        let rows = self.0.database.all(valid).await?;
        self.0.revoked.replace(rows.into_iter().filter_map(revocation::Model::into_revocation));
        Ok(())
    }

    /// How many statements were sent since the start.
    pub fn statements(&self) -> u64 {
        self.0.statements.load(Ordering::Relaxed)
    }

    /// How the connections to the database are used at this moment.
    pub fn connections(&self) -> Connections {
        self.0.database.connections()
    }

    /// Shows every statement from now on, with its values, to an observer, of which there can be one; false if there
    /// is one already. The values are the tenants' data: they belong into no log.
    pub fn observe(&self, observer: impl Fn(&Statement) + Send + Sync + 'static) -> bool {
        self.0.observer.set(Box::new(observer)).is_ok()
    }

    /// The current moment, for all that the rules speak of: a test clock may be ahead of the machine's.
    pub fn now(&self) -> Timestamp {
        self.real_now().plus(TimeDelta::microseconds(self.0.ahead.load(Ordering::SeqCst)))
    }

    /// The current moment of the machine, for tokens, leases and what is kept for a while.
    pub fn real_now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// How far the test clock is ahead, in microseconds.
    pub(super) fn ahead(&self) -> &AtomicI64 {
        &self.0.ahead
    }

    /// The machine's clock.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub(super) fn backend(&self) -> DbBackend {
        self.0.database.backend()
    }
}

/// Whether and why a statement failed only because another transaction was faster or the connection was lost, so that
/// trying again makes sense.
pub(crate) fn contention(error: &DbErr) -> Option<Contention> {
    let (DbErr::Exec(RuntimeErr::SqlxError(source))
    | DbErr::Query(RuntimeErr::SqlxError(source))
    | DbErr::Conn(RuntimeErr::SqlxError(source))) = error
    else {
        return None;
    };
    let sqlx::Error::Database(refused) = &**source else { return is_lost(error).then_some(Contention::Race) };
    if refused.is_unique_violation() {
        return Some(Contention::Duplicate);
    }
    // PostgreSQL: serialization_failure, deadlock_detected. SQLite: BUSY and its extended forms.
    let codes = ["40001", "40P01", "5", "261", "517"];
    let is_race = refused.code().is_some_and(|code| codes.contains(&&*code)) || is_stale(error);
    is_race.then_some(Contention::Race)
}
