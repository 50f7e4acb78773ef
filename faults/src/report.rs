//! What is printed: a table in Markdown, as docs/OPERATIONS.md shows it, with a line for each promise.

use std::fmt::Display;
use std::io::{self, Write};

use crate::database::Kind;

/// What was promised, and what was seen.
pub struct Line {
    promise: String,
    figure: String,
    kept: bool,
}

/// Prints what stands above the lines.
pub fn head() -> io::Result<()> {
    writeln!(io::stdout(), "| fault | database | promise | seen | |\n|---|---|---|---|---|")
}

impl Line {
    /// A line about a promise, such as `goodput at 10× is at least 80 % of the capacity`.
    pub fn new(promise: impl Display, figure: impl Display, kept: bool) -> Self {
        Self { promise: promise.to_string(), figure: figure.to_string(), kept }
    }

    /// The same of another moment.
    pub fn saying(self, when: &str) -> Self {
        Self { promise: format!("{} {when}", self.promise), ..self }
    }

    /// Prints the line, and returns whether the promise was kept.
    pub fn print(&self, fault: &str, kind: Kind) -> io::Result<bool> {
        let Self { promise, figure, kept } = self;
        let figure = figure.replace('|', "\\|");
        let verdict = if *kept { "kept" } else { "**broken**" };
        writeln!(io::stdout(), "| {fault} | {} | {promise} | {figure} | {verdict} |", kind.name())?;
        Ok(*kept)
    }
}
