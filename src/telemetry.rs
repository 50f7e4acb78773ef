//! Logs, to standard error.
//!
//! A thread of its own writes them, which may have to wait for who reads them. Nobody else waits: lines that there is no
//! room for are dropped and counted.

use std::io::{IsTerminal, Stderr, Write, stderr};
use std::sync::OnceLock;
use std::sync::mpsc::channel;
use std::time::Duration;
use std::{io, thread};

use tracing::Level;
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::LogFormat;

/// How many lines wait to be written: about a megabyte.
const WAITING_LINES: usize = 4096;
/// How long the last lines may take when the process ends.
const LAST_LINES: Duration = Duration::from_millis(1500);

/// Counts the lines that were dropped since the start.
static DROPPED: OnceLock<ErrorCounter> = OnceLock::new();

/// How many lines were dropped since the start, because nobody read them.
pub fn dropped_lines() -> u64 {
    DROPPED.get().map_or(0, |counter| counter.dropped_lines() as u64)
}

/// Writes what waits when it is dropped, if that can be done in a short time.
#[must_use = "the last lines are lost without it"]
pub struct Logs(Option<WorkerGuard>);

impl Drop for Logs {
    fn drop(&mut self) {
        let guard = self.0.take();
        let (end, ended) = channel::<()>();
        // In a thread of its own: if it cannot write, the guard says so on standard output, and nobody may read that
        // either.
        thread::spawn(move || {
            drop(guard);
            drop(end);
        });
        // It ends when the sender is gone, or the time is up.
        let _ = ended.recv_timeout(LAST_LINES);
    }
}

/// Standard error, which tells how many lines are missing as soon as it can be written to again.
struct Output {
    stderr: Stderr,
    told: u64,
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.stderr.write(bytes)?;
        let dropped = dropped_lines();
        if dropped > self.told {
            // Among the lines that wait. If there is no room for it, it counts itself, and is told the next time.
            tracing::warn!(lines = dropped - self.told, "log lines were dropped: nobody read them in time");
            self.told = dropped;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stderr.flush()
    }
}

/// Sends logs to standard error from now on. A filter that cannot be read counts as `info`.
///
/// Can be called once; later calls change nothing.
pub fn init(format: LogFormat, filter: &str) -> Logs {
    let filter: Targets = filter.parse().unwrap_or_else(|_| Targets::new().with_default(Level::INFO));
    let output = Output { stderr: stderr(), told: 0 };
    let writer = NonBlockingBuilder::default().buffered_lines_limit(WAITING_LINES).thread_name("logs");
    let (writer, guard) = writer.finish(output);
    let _ = DROPPED.set(writer.error_counter());
    let logs = fmt::layer().with_writer(writer).with_ansi(stderr().is_terminal());
    let registry = tracing_subscriber::registry().with(filter);
    let installed = match format {
        LogFormat::Json => registry.with(logs.json().flatten_event(true).with_span_list(false)).try_init().is_ok(),
        LogFormat::Text => registry.with(logs).try_init().is_ok(),
    };
    if installed {
        // The default hook prints free text, which would tear JSON logs apart.
        std::panic::set_hook(Box::new(|panic| {
            let location = panic.location().map(ToString::to_string);
            tracing::error!(location, message = panic.payload_as_str().unwrap_or("no message"), "panicked");
        }));
    }
    Logs(Some(guard))
}
