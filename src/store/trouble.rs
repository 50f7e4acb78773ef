//! Trouble: the database cannot do what is asked now, though nothing is wrong with it. It helps to try again later.

use std::error::Error as StdError;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sea_orm::{DbErr, RuntimeErr, sqlx};

use crate::error::{Error, Result};

/// What keeps the database from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It is not reached, or goes down or up.
    Away,
    /// It has no room on its disk.
    Full,
    /// It was lost while it committed: only it knows whether that was done.
    Unknown,
    /// No connection was free in time.
    Busy,
    /// Somebody else has it locked for too long.
    Locked,
    /// It took too long.
    Slow,
    /// Others were faster each time.
    Contended,
    /// It only reads.
    ReadOnly,
}

impl Trouble {
    const COUNT: usize = 8;

    fn name(self) -> &'static str {
        match self {
            Self::Away => "the database is away",
            Self::Full => "the disk of the database is full",
            Self::Unknown => "the database was lost while it committed",
            Self::Busy => "no connection to the database was free in time",
            Self::Locked => "what is asked for is locked",
            Self::Slow => "statements take too long",
            Self::Contended => "commands get in each other's way",
            Self::ReadOnly => "the database only reads",
        }
    }
}

/// An error of ours that is trouble.
#[derive(Debug)]
struct Told(Trouble, String);

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.1)
    }
}

impl StdError for Told {}

/// The error that there is trouble.
pub(super) fn troubled(trouble: Trouble, why: impl fmt::Display) -> DbErr {
    let told = sqlx::Error::AnyDriverError(Box::new(Told(trouble, why.to_string())));
    DbErr::Conn(RuntimeErr::SqlxError(Arc::new(told)))
}

/// What trouble an error is, if it is any.
pub(crate) fn trouble(error: &DbErr) -> Option<Trouble> {
    let source = match error {
        DbErr::Conn(RuntimeErr::Internal(_)) | DbErr::ConnectionAcquire(_) => return Some(Trouble::Away),
        DbErr::Exec(RuntimeErr::SqlxError(source))
        | DbErr::Query(RuntimeErr::SqlxError(source))
        | DbErr::Conn(RuntimeErr::SqlxError(source)) => source,
        _ => return None,
    };
    match &**source {
        sqlx::Error::AnyDriverError(told) => told.downcast_ref::<Told>().map(|Told(trouble, _)| *trouble),
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolClosed => Some(Trouble::Away),
        sqlx::Error::PoolTimedOut => Some(Trouble::Busy),
        sqlx::Error::Database(refused) => coded(&refused.code()?),
        _ => None,
    }
}

/// What trouble a code of PostgreSQL's (manual, appendix A) or of SQLite's is.
fn coded(code: &str) -> Option<Trouble> {
    match code {
        "25006" => return Some(Trouble::ReadOnly),
        "55P03" => return Some(Trouble::Locked),
        "57014" => return Some(Trouble::Slow),
        "53100" => return Some(Trouble::Full),
        // Others are away in their classes: connections, resources, the operator's doing.
        _ if code.len() == 5 => return ["08", "53", "57"].contains(&&code[..2]).then_some(Trouble::Away),
        _ => {}
    }
    // Its extended codes have more bits.
    match code.parse::<u32>().ok()? & 0xff {
        8 => Some(Trouble::ReadOnly),
        // INTERRUPT.
        9 => Some(Trouble::Slow),
        13 => Some(Trouble::Full),
        // IOERR, CANTOPEN.
        10 | 14 => Some(Trouble::Away),
        _ => None,
    }
}

/// How long nothing must have happened for trouble to be over.
const QUIET: Duration = Duration::from_secs(5);

/// The trouble there is: told of in the log when it begins and when it is over, however many requests it meets.
#[derive(Default)]
pub(super) struct Troubles {
    /// Whether there is any: all that the others need to look at.
    any: AtomicBool,
    /// Whether there was room on the disk when that was looked at last, and nothing failed since for want of it.
    has_room: AtomicBool,
    present: Mutex<[Option<Episode>; Trouble::COUNT]>,
}

struct Episode {
    began: Instant,
    last: Instant,
    count: u64,
}

impl Troubles {
    /// Takes note of what came of something.
    pub(super) fn noted<T>(&self, outcome: Result<T>) -> Result<T> {
        match &outcome {
            Err(Error::Unavailable(trouble, why)) => self.met(*trouble, why, Instant::now()),
            Ok(_) if self.any.load(Ordering::Relaxed) => self.went_well(Instant::now()),
            _ => {}
        }
        outcome
    }

    pub(super) fn has_room(&self) -> bool {
        self.has_room.load(Ordering::Relaxed)
    }

    pub(super) fn found_room(&self) {
        self.has_room.store(true, Ordering::Relaxed);
    }

    fn met(&self, trouble: Trouble, why: &str, now: Instant) {
        let mut present = self.present.lock().unwrap_or_else(PoisonError::into_inner);
        if trouble == Trouble::Full {
            self.has_room.store(false, Ordering::Relaxed);
        }
        self.any.store(true, Ordering::Relaxed);
        match &mut present[trouble as usize] {
            Some(episode) => {
                episode.last = now;
                episode.count += 1;
            }
            none => {
                *none = Some(Episode { began: now, last: now, count: 1 });
                tracing::error!(why, "trouble begins: {}", trouble.name());
            }
        }
    }

    fn went_well(&self, now: Instant) {
        let mut present = self.present.lock().unwrap_or_else(PoisonError::into_inner);
        for (episode, trouble) in present.iter_mut().zip(ALL) {
            if let Some(Episode { began, last, count }) = episode.take_if(|episode| now - episode.last >= QUIET) {
                let seconds = (last - began).as_secs_f64();
                tracing::warn!(count, seconds, "trouble is over: {}", trouble.name());
            }
        }
        self.any.store(present.iter().any(Option::is_some), Ordering::Relaxed);
    }
}

/// Every trouble, in the order of its numbers.
const ALL: [Trouble; Trouble::COUNT] = [
    Trouble::Away,
    Trouble::Full,
    Trouble::Unknown,
    Trouble::Busy,
    Trouble::Locked,
    Trouble::Slow,
    Trouble::Contended,
    Trouble::ReadOnly,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_is_told_when_it_begins_and_when_it_is_over() {
        let (troubles, start) = (Troubles::default(), Instant::now());
        let present = |trouble: Trouble| {
            troubles.present.lock().expect("unpoisoned")[trouble as usize].as_ref().map(|episode| episode.count)
        };
        for second in 0..100 {
            troubles.met(Trouble::Away, "it is down", start + Duration::from_secs(second));
            troubles.went_well(start + Duration::from_secs(second));
        }
        assert_eq!((present(Trouble::Away), present(Trouble::Slow)), (Some(100), None));
        troubles.went_well(start + Duration::from_secs(103));
        assert!(troubles.any.load(Ordering::Relaxed), "it may come back");
        troubles.went_well(start + Duration::from_secs(105));
        assert_eq!(present(Trouble::Away), None);
        assert!(!troubles.any.load(Ordering::Relaxed));
    }

    #[test]
    fn a_full_disk_is_remembered_until_somebody_finds_room() {
        let (troubles, start) = (Troubles::default(), Instant::now());
        assert!(!troubles.has_room(), "nobody has looked");
        troubles.found_room();
        troubles.met(Trouble::Away, "it is down", start);
        assert!(troubles.has_room());
        troubles.met(Trouble::Full, "no space left", start);
        troubles.went_well(start + Duration::from_secs(60));
        assert!(!troubles.has_room(), "what went well may have been a read");
    }

    #[test]
    fn codes_tell_trouble_from_faults() {
        for (code, expected) in [
            ("55P03", Some(Trouble::Locked)),
            ("57014", Some(Trouble::Slow)),
            ("57P03", Some(Trouble::Away)),
            ("53100", Some(Trouble::Full)),
            ("53300", Some(Trouble::Away)),
            ("25006", Some(Trouble::ReadOnly)),
            ("42P01", None),
            ("23505", None),
            ("13", Some(Trouble::Full)),
            ("3338", Some(Trouble::Away)),
            ("1032", Some(Trouble::ReadOnly)),
            ("9", Some(Trouble::Slow)),
            ("19", None),
        ] {
            assert_eq!(coded(code), expected, "{code}");
        }
        assert_eq!(trouble(&troubled(Trouble::Busy, "no turn")), Some(Trouble::Busy));
    }

    #[test]
    fn every_trouble_has_its_number() {
        assert!(ALL.iter().enumerate().all(|(number, trouble)| *trouble as usize == number));
    }
}
