//! Whether the database can be written.

use sea_orm::DbErr;
use thiserror::Error;

use super::Store;
use super::database::Database;

/// Why nothing can be written.
#[derive(Debug, Error)]
pub enum Unwritable {
    /// It is made for reading only, for this reason.
    #[error("the database is read-only: {0}")]
    ReadOnly(&'static str),
    /// There is no room left.
    #[error("the disk of the database is full")]
    Full,
    /// Something else is wrong, which is for the log only.
    #[error("the database cannot be written: {0}")]
    Failed(DbErr),
}

impl From<DbErr> for Unwritable {
    fn from(error: DbErr) -> Self {
        Self::Failed(error)
    }
}

impl Store {
    /// Finds out whether something can be written now. It is cheap, and needs none of the connections that requests use.
    pub async fn writable(&self) -> Result<(), Unwritable> {
        let troubles = &self.0.troubles;
        match &self.0.database {
            Database::Postgres(database) => database.writable(troubles.has_room()).await?,
            Database::Sqlite(database) => database.writable().await?,
        }
        troubles.found_room();
        Ok(())
    }
}
