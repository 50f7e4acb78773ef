//! `tessera serve`: the server, configured from outside. Prints nothing but logs.

use clap::Args;
use tessera::app::App;
use tessera::clock::Clock;
use tessera::config::Settings;
use tessera::{http, telemetry};
use tokio::net::TcpListener;

use super::Failure;

#[derive(Args)]
pub struct Serve {
    #[command(flatten)]
    settings: Settings,
}

impl Serve {
    pub async fn run(self) -> Result<(), Failure> {
        let config = self.settings.config()?;
        let _logs = telemetry::init(config.log_format, &config.log_filter);
        let app = App::start(&config, Clock::system()).await.map_err(Failure::new)?;
        app.keep_learning();
        let listener = TcpListener::bind(config.listen)
            .await
            .map_err(|error| Failure::new(format!("cannot listen on {} (TESSERA_LISTEN): {error}", config.listen)))?;
        tracing::info!(address = %config.listen, version = env!("CARGO_PKG_VERSION"), "listening");
        let store = app.store().clone();
        let scheduler = config.scheduler.in_server.then(|| app.scheduler().clone().start());
        // Any number of them may run.
        let applier = app.applier().clone().start();
        let router = http::router(app, http::Options::new(&config));
        let served = http::serve(listener, router, config.server, http::shutdown_signal()).await;
        for work in scheduler.into_iter().chain([applier]) {
            work.abort();
        }
        // SQLite's last connection puts the log into the file: a copy of that is whole.
        store.close().await;
        Ok(served?)
    }
}
