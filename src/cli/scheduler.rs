//! `tessera scheduler`: brings about what time makes due, and nothing else. Any number of them may run.

use clap::Args;
use tessera::clock::Clock;
use tessera::config::Settings;
use tessera::http::shutdown_signal;
use tessera::scheduler::{Retention, Scheduler as Work};
use tessera::store::Store;
use tessera::telemetry;

use super::Failure;

#[derive(Args)]
pub struct Scheduler {
    #[command(flatten)]
    settings: Settings,
}

impl Scheduler {
    pub async fn run(self) -> Result<(), Failure> {
        let (database, config) = self.settings.scheduler()?;
        let (log_format, log_filter) = self.settings.logs()?;
        let _logs = telemetry::init(log_format, &log_filter);
        let store = Store::open(&database, Clock::system()).await.map_err(Failure::new)?;
        let missing = store.missing_migrations().await.map_err(Failure::new)?.len();
        if missing > 0 {
            return Err(Failure::new(format!("{missing} migrations are missing: run `tessera migrate up`")));
        }
        let retention = Retention::new(config.idempotency_days);
        let work = Work::new(store.clone(), retention, config.has_test_clock).start();
        tracing::info!(version = env!("CARGO_PKG_VERSION"), "the scheduler works");
        shutdown_signal().await;
        work.abort();
        // SQLite's last connection puts the log into the file: a copy of that is whole.
        store.close().await;
        Ok(())
    }
}
