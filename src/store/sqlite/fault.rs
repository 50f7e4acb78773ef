//! What goes wrong, as SeaORM knows it: its errors hold sqlx's.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use rusqlite::{ErrorCode, ffi};
use sea_orm::sqlx::error::{DatabaseError, ErrorKind};
use sea_orm::{DbErr, RuntimeErr, sqlx};

use crate::store::trouble::{Trouble, troubled};

/// What SQLite says is wrong. Its texts name tables and columns, and no values.
#[derive(Debug)]
struct Refused {
    code: i32,
    message: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl Error for Refused {}

impl DatabaseError for Refused {
    fn message(&self) -> &str {
        &self.message
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some(self.code.to_string().into())
    }

    fn as_error(&self) -> &(dyn Error + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn Error + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn Error + Send + Sync + 'static> {
        self
    }

    fn kind(&self) -> ErrorKind {
        match self.code {
            ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY => ErrorKind::UniqueViolation,
            ffi::SQLITE_CONSTRAINT_FOREIGNKEY => ErrorKind::ForeignKeyViolation,
            ffi::SQLITE_CONSTRAINT_NOTNULL => ErrorKind::NotNullViolation,
            ffi::SQLITE_CONSTRAINT_CHECK => ErrorKind::CheckViolation,
            _ => ErrorKind::Other,
        }
    }
}

/// The error that a statement failed.
pub(super) fn failed(error: rusqlite::Error) -> DbErr {
    let message = match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => {
            "it took longer than a statement may, or nobody waited for it any more".to_owned()
        }
        Some(ErrorCode::NotADatabase) => "the file is no SQLite database".to_owned(),
        Some(ErrorCode::DatabaseCorrupt) => format!("the file is damaged, restore a backup: {error}"),
        _ => error.to_string(),
    };
    match error.sqlite_error() {
        Some(ffi::Error { extended_code, .. }) => {
            let refused = sqlx::Error::Database(Box::new(Refused { code: *extended_code, message }));
            DbErr::Query(RuntimeErr::SqlxError(Arc::new(refused)))
        }
        None => DbErr::Query(RuntimeErr::Internal(message)),
    }
}

/// The error that there is no connection to be had.
pub(super) fn unavailable(why: impl fmt::Display) -> DbErr {
    troubled(Trouble::Busy, why)
}

/// The primary code with which SQLite says that something failed, if it does.
pub(super) fn refused_with(error: &DbErr) -> Option<ErrorCode> {
    let DbErr::Query(RuntimeErr::SqlxError(source)) = error else { return None };
    let sqlx::Error::Database(refused) = &**source else { return None };
    let refused = refused.try_downcast_ref::<Refused>()?;
    Some(ffi::Error::new(refused.code).code)
}
