//! What is printed: a line for each promise.

use std::fmt::Display;
use std::io::{self, Write};

use crate::database::Kind;

/// What was promised, and what was seen.
pub struct Line {
    promise: String,
    figure: String,
    kept: bool,
}

impl Line {
    /// A line about a promise, such as `goodput at 10× is at least 80 % of the capacity`.
    pub fn new(promise: impl Display, figure: impl Display, kept: bool) -> Self {
        Self { promise: promise.to_string(), figure: figure.to_string(), kept }
    }

    /// Prints the line, and returns whether the promise was kept.
    pub fn print(&self, fault: &str, kind: Kind) -> io::Result<bool> {
        let Self { promise, figure, kept } = self;
        let verdict = if *kept { "kept  " } else { "BROKEN" };
        writeln!(io::stdout(), "{verdict}  {fault:<12} {:<10} {promise}: {figure}", kind.name())?;
        Ok(*kept)
    }
}
