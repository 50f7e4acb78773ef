//! Logs, to standard error.

use std::io::{IsTerminal, stderr};

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::LogFormat;

/// Sends logs to standard error from now on. A filter that cannot be read counts as `info`.
///
/// Can be called once; later calls change nothing.
pub fn init(format: LogFormat, filter: &str) {
    let filter: Targets = filter.parse().unwrap_or_else(|_| Targets::new().with_default(Level::INFO));
    let logs = fmt::layer().with_writer(stderr).with_ansi(stderr().is_terminal());
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
}
