//! What waits for a lock in vain, as a read of a table does while that is changed: each new one would wait as well, and
//! everything behind it. So for a while only one is sent, to see whether it still waits.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sea_orm::{DbErr, Statement};

use crate::store::trouble::{Trouble, troubled};

/// How long it takes until the next one is sent.
const WHILE: Duration = Duration::from_secs(1);

/// Statements that waited in vain, with the moment of the next try.
#[derive(Default)]
pub(super) struct Locked {
    /// Whether there are any: all that the others need to look at.
    any: AtomicBool,
    known: Mutex<HashMap<String, Instant>>,
}

impl Locked {
    fn known(&self) -> MutexGuard<'_, HashMap<String, Instant>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Refuses a statement that is known to wait, unless it is time to try it.
    pub(super) fn check(&self, statement: &Statement) -> Result<(), DbErr> {
        if !self.any.load(Ordering::Relaxed) {
            return Ok(());
        }
        let now = Instant::now();
        match self.known().get_mut(&statement.sql) {
            Some(next) if *next > now => Err(troubled(Trouble::Locked, "what it reads was locked just now")),
            Some(next) => {
                *next = now + WHILE;
                Ok(())
            }
            None => Ok(()),
        }
    }

    pub(super) fn waited_in_vain(&self, statement: &Statement) {
        let (mut known, now) = (self.known(), Instant::now());
        known.retain(|_, next| *next + WHILE > now);
        known.insert(statement.sql.clone(), now + WHILE);
        self.any.store(true, Ordering::Relaxed);
    }

    pub(super) fn went_well(&self, statement: &Statement) {
        if self.any.load(Ordering::Relaxed) {
            let (mut known, now) = (self.known(), Instant::now());
            known.retain(|sql, next| *sql != statement.sql && *next + WHILE > now);
            self.any.store(!known.is_empty(), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::DbBackend;

    use super::*;

    #[test]
    fn one_is_sent_to_see_whether_it_still_waits() {
        let (locked, read) = (Locked::default(), |sql: &str| Statement::from_string(DbBackend::Postgres, sql));
        let (a, b) = (read("a"), read("b"));
        assert!(locked.check(&a).is_ok());
        locked.waited_in_vain(&a);
        assert!(locked.check(&a).is_err() && locked.check(&b).is_ok());
        *locked.known().get_mut("a").expect("known") = Instant::now();
        assert!(locked.check(&a).is_ok(), "one is tried");
        assert!(locked.check(&a).is_err(), "and only one");
        locked.went_well(&b);
        assert!(locked.check(&a).is_err());
        locked.went_well(&a);
        assert!(locked.check(&a).is_ok() && !locked.any.load(Ordering::Relaxed));
    }
}
