//! Logs, to standard error.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;

/// Sends logs to standard error from now on. A filter that cannot be read counts as `info`.
///
/// Can be called once; later calls change nothing.
pub fn init(format: LogFormat, filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr).with_ansi(stderr().is_terminal());
    let installed = match format {
        LogFormat::Json => logs.json().flatten_event(true).with_span_list(false).try_init().is_ok(),
        LogFormat::Text => logs.try_init().is_ok(),
    };
    if installed {
        // The default hook prints free text, which would tear JSON logs apart.
        std::panic::set_hook(Box::new(|panic| {
            let location = panic.location().map(ToString::to_string);
            tracing::error!(location, message = panic.payload_as_str().unwrap_or("no message"), "panicked");
        }));
    }
}
