//! `tessera migrate`: the database's schema. Needs the database's settings only.

use clap::{Args, Subcommand};
use tessera::clock::Clock;
use tessera::config::{LogFormat, Settings};
use tessera::store::Store;
use tessera::telemetry;

use super::{Failure, print};

#[derive(Args)]
pub struct Migrate {
    #[command(subcommand)]
    direction: Direction,
}

#[derive(Subcommand)]
enum Direction {
    /// Apply what is missing
    Up {
        #[command(flatten)]
        settings: Settings,
    },
    /// List the migrations; exit code 1 if one is missing
    Status {
        #[command(flatten)]
        settings: Settings,
    },
}

impl Migrate {
    pub async fn run(self) -> Result<(), Failure> {
        let _logs = telemetry::init(LogFormat::Text, "warn");
        match self.direction {
            Direction::Up { settings } => up(open(&settings).await?).await,
            Direction::Status { settings } => status(&open(&settings).await?).await,
        }
    }
}

async fn open(settings: &Settings) -> Result<Store, Failure> {
    let config = settings.database()?;
    Store::open(&config, Clock::system())
        .await
        .map_err(|error| Failure::new(format!("the database (TESSERA_DATABASE_URL) cannot be opened: {error}")))
}

async fn up(store: Store) -> Result<(), Failure> {
    let applied = store.migrate_up().await.map_err(Failure::new)?;
    store.close().await;
    if applied.is_empty() {
        print("nothing to do: the schema is up to date")?;
    }
    applied.iter().try_for_each(|name| print(format_args!("applied {name}")))
}

async fn status(store: &Store) -> Result<(), Failure> {
    let migrations = store.migration_status().await.map_err(Failure::new)?;
    for (name, applied) in &migrations {
        print(format_args!("{} {name}", if *applied { "applied" } else { "missing" }))?;
    }
    if migrations.iter().all(|(_, applied)| *applied) {
        Ok(())
    } else {
        Err(Failure::new("migrations are missing: run `tessera migrate up`"))
    }
}
