//! What goes wrong, as SeaORM knows it: its errors hold sqlx's.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use sea_orm::sqlx::error::{DatabaseError, ErrorKind};
use sea_orm::{DbErr, RuntimeErr, sqlx};
use tokio_postgres::error::{DbError, Severity, SqlState};

use crate::store::trouble::{Trouble, trouble, troubled};

/// Why a statement failed.
pub(super) type Fault = Box<dyn Error + Send + Sync>;

/// What the database says is wrong with a statement.
#[derive(Debug)]
struct Refused(DbError);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not its details, which hold what is in rows.
        write!(f, "{} ({})", self.0.message(), self.0.code().code())
    }
}

impl Error for Refused {}

impl DatabaseError for Refused {
    fn message(&self) -> &str {
        self.0.message()
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some(self.0.code().code().into())
    }

    fn as_error(&self) -> &(dyn Error + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn Error + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Fault {
        self
    }

    fn constraint(&self) -> Option<&str> {
        self.0.constraint()
    }

    fn table(&self) -> Option<&str> {
        self.0.table()
    }

    fn kind(&self) -> ErrorKind {
        match *self.0.code() {
            SqlState::UNIQUE_VIOLATION => ErrorKind::UniqueViolation,
            SqlState::FOREIGN_KEY_VIOLATION => ErrorKind::ForeignKeyViolation,
            SqlState::NOT_NULL_VIOLATION => ErrorKind::NotNullViolation,
            SqlState::CHECK_VIOLATION => ErrorKind::CheckViolation,
            _ => ErrorKind::Other,
        }
    }
}

/// The error that a statement failed.
pub(super) fn failed(fault: Fault) -> DbErr {
    let error = match fault.downcast_ref::<tokio_postgres::Error>() {
        Some(error) if breaks(error) => sqlx::Error::Io(std::io::Error::other(explained(error))),
        Some(error) => match error.as_db_error() {
            Some(refused) => sqlx::Error::Database(Box::new(Refused(refused.clone()))),
            None => sqlx::Error::Protocol(explained(error)),
        },
        None => sqlx::Error::Protocol(explained(&*fault)),
    };
    DbErr::Query(RuntimeErr::SqlxError(Arc::new(error)))
}

/// The error that there is no connection, or none any more.
pub(super) fn away(why: impl fmt::Display) -> DbErr {
    troubled(Trouble::Away, why)
}

/// The error that a connection was lost.
pub(super) fn lost(why: &'static str) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(Arc::new(sqlx::Error::Io(std::io::Error::other(why)))))
}

/// Whether the connection cannot be used any more: it broke, or the database ends it with what it says (it shuts down,
/// or somebody ended the session).
fn breaks(error: &tokio_postgres::Error) -> bool {
    match error.as_db_error().map(DbError::parsed_severity) {
        Some(severity) => matches!(severity, Some(Severity::Fatal | Severity::Panic)),
        None => error.is_closed() || error.source().is_some_and(|cause| cause.is::<std::io::Error>()),
    }
}

/// Whether a statement failed because its connection was lost.
pub(in crate::store) fn is_lost(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(source))
    | DbErr::Query(RuntimeErr::SqlxError(source))
    | DbErr::Conn(RuntimeErr::SqlxError(source))) = error
    else {
        return false;
    };
    matches!(**source, sqlx::Error::Io(_))
}

/// Whether a statement failed because it waited for a lock for too long.
pub(super) fn is_locked(error: &DbErr) -> bool {
    trouble(error) == Some(Trouble::Locked)
}

/// Whether a statement failed because it was prepared before the schema changed, or is not known any more.
pub(super) fn is_out_of_date(fault: &Fault) -> bool {
    fault.downcast_ref().and_then(tokio_postgres::Error::as_db_error).is_some_and(out_of_date)
}

/// The same, of an error.
pub(in crate::store) fn is_stale(error: &DbErr) -> bool {
    let DbErr::Query(RuntimeErr::SqlxError(source)) = error else { return false };
    let sqlx::Error::Database(refused) = &**source else { return false };
    refused.try_downcast_ref().is_some_and(|Refused(refused)| out_of_date(refused))
}

/// PostgreSQL has no code of its own for a change of the columns that a statement finds, only a place in its source.
fn out_of_date(refused: &DbError) -> bool {
    match *refused.code() {
        SqlState::INVALID_SQL_STATEMENT_NAME => true,
        SqlState::FEATURE_NOT_SUPPORTED => refused.routine() == Some("RevalidateCachedQuery"),
        _ => false,
    }
}

/// With which code the database says that a statement failed, if it does: nothing came of it then.
pub(super) fn refused_with(error: &DbErr) -> Option<SqlState> {
    let DbErr::Query(RuntimeErr::SqlxError(source)) = error else { return None };
    let sqlx::Error::Database(refused) = &**source else { return None };
    refused.code().map(|code| SqlState::from_code(&code))
}

/// All that an error says: by itself it names only what was being done.
pub(super) fn explained(mut error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    while let Some(cause) = error.source() {
        text = format!("{text}: {cause}");
        error = cause;
    }
    text
}
