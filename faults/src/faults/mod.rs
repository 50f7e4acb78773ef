//! The faults, one in each file.

mod disconnects;
mod overload;
mod rolling;
mod shutdown;

use crate::failure::Result;
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
    Fault { name: "overload", prove: overload::prove },
    Fault { name: "disconnects", prove: disconnects::prove },
    Fault { name: "shutdown", prove: shutdown::prove },
    Fault { name: "rolling", prove: rolling::prove },
];
