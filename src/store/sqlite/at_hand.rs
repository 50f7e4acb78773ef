//! Reading on the spot: what finds single rows by their keys takes less time than to hand it to another thread.

use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use rusqlite::ErrorCode;
use sea_orm::{DbErr, Statement};
use tokio::sync::Semaphore;

use super::connection::Connection;
use super::fault::failed;
use super::lock;
use crate::store::rows::Rows;

/// How many connections are at hand: as many as the cores of a small machine.
const AT_HAND: u32 = 2;

/// Connections that are used on whatever thread needs one.
pub(super) struct AtHand {
    file: Box<Path>,
    idle: Mutex<Vec<Connection>>,
    /// As many as are not in use.
    permits: Semaphore,
}

impl AtHand {
    pub(super) fn new(file: &Path) -> Self {
        Self { file: file.into(), idle: Mutex::default(), permits: Semaphore::new(AT_HAND as usize) }
    }

    /// The rows of a statement that takes microseconds, found on this thread. None if all connections are in use, if none
    /// can be opened, or if there is a lock to wait for.
    pub(super) fn rows(&self, statement: &Statement) -> Option<Result<Rows, DbErr>> {
        let _permit = self.permits.try_acquire().ok()?;
        let idle = lock(&self.idle).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => Connection::reading(&self.file, Duration::ZERO).ok()?,
        };
        let rows = connection.read(statement);
        lock(&self.idle).push(connection);
        match rows {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => None,
            rows => Some(rows.map_err(failed)),
        }
    }

    /// Closes them when none is in use any more.
    pub(super) async fn close(&self) {
        let _all = self.permits.acquire_many(AT_HAND).await;
        self.permits.close();
        lock(&self.idle).clear();
    }
}
