//! The faults, one in each file.

mod crash;
mod ddl_lock;
mod disconnects;
mod eio;
mod full_disk;
mod kill;
mod migrations;
mod outage;
mod overload;
mod rolling;
mod shutdown;
mod stuck_lock;

use tessera_harness::Result;

use crate::ground::Ground;
use crate::report::Line;

/// Something that is broken on purpose.
pub struct Fault {
    /// Its name in the report, and for `--only`.
    pub name: &'static str,
    /// Breaks it on a fresh database, and tells what became of the promises.
    pub prove: fn(&Ground) -> Result<Vec<Line>>,
}

/// All faults.
pub const ALL: &[Fault] = &[
    Fault { name: "kill", prove: kill::prove },
    Fault { name: "crash", prove: crash::prove },
    Fault { name: "outage", prove: outage::prove },
    Fault { name: "full_disk", prove: full_disk::prove },
    Fault { name: "eio", prove: eio::prove },
    Fault { name: "stuck_lock", prove: stuck_lock::prove },
    Fault { name: "ddl_lock", prove: ddl_lock::prove },
    Fault { name: "disconnects", prove: disconnects::prove },
    Fault { name: "overload", prove: overload::prove },
    Fault { name: "shutdown", prove: shutdown::prove },
    Fault { name: "rolling", prove: rolling::prove },
    Fault { name: "migrations", prove: migrations::prove },
];
