//! `tessera doctor`: what is wrong with an installation, and what would mend it.

use std::fmt::Display;
use std::time::Duration;

use chrono::TimeDelta;
use clap::Args;
use tessera::auth::TokenVerifier;
use tessera::clock::Clock;
use tessera::config::Settings;
use tessera::store::{Invariant, Store};

use super::{Failure, print};

/// How long a statement may run that looks at a whole table.
const INVARIANTS: Duration = Duration::from_mins(60);
/// From when on the scheduler counts as late.
const LATE: TimeDelta = TimeDelta::minutes(1);

#[derive(Args)]
pub struct Doctor {
    #[command(flatten)]
    settings: Settings,
    /// Also make the keys anew that text is found and sorted by, where they are not right
    #[arg(long)]
    refold: bool,
    /// Also check everything that must hold of the data, which reads the whole database
    #[arg(long)]
    invariants: bool,
}

impl Doctor {
    pub async fn run(self) -> Result<(), Failure> {
        let mut report = Report { failed: 0 };
        match self.settings.config() {
            Ok(_) => report.ok("configuration", "complete")?,
            Err(error) => error.0.iter().try_for_each(|problem| report.failed("configuration", problem))?,
        }
        self.check_database(&mut report).await?;
        self.check_keys(&mut report).await?;
        match report.failed {
            0 => Ok(()),
            failed => Err(Failure::new(format!("{failed} of the checks failed"))),
        }
    }

    async fn check_database(&self, report: &mut Report) -> Result<(), Failure> {
        let Ok(mut config) = self.settings.database() else {
            return Ok(());
        };
        if self.invariants {
            config.statement_timeout = INVARIANTS;
        }
        let store = match Store::open(&config, Clock::system()).await {
            Ok(store) => store,
            Err(error) => return report.failed("database", format!("{error}: check TESSERA_DATABASE_URL")),
        };
        report.ok("database", "answers")?;
        match store.writable().await {
            Ok(()) => report.ok("writes", "possible")?,
            Err(error) => report.failed("writes", error)?,
        }
        match store.missing_migrations().await {
            Err(error) => report.failed("migrations", error),
            Ok(missing) if missing.is_empty() => {
                report.ok("migrations", "current")?;
                self.check_text(&store, report).await?;
                check_totals(&store, report).await?;
                check_scheduler(&store, report).await?;
                if self.invariants { check_invariants(&store, report).await } else { Ok(()) }
            }
            Ok(missing) => report.failed("migrations", format!("{} missing: run `tessera migrate up`", missing.len())),
        }
    }

    async fn check_text(&self, store: &Store, report: &mut Report) -> Result<(), Failure> {
        match store.system().finds_ascii_only().await {
            Ok(false) => {}
            Ok(true) => report.failed("locale", "C finds ASCII only: see docs/OPERATIONS.md, \"Database notes\"")?,
            Err(error) => report.failed("locale", error)?,
        }
        if self.refold {
            return match store.system().refold().await {
                Ok(refolded) => report.ok("text", format!("keys of {refolded} rows made anew")),
                Err(error) => report.failed("text", format!("keys not made anew: {error}")),
            };
        }
        match store.keys_are_current().await {
            Ok(true) => report.ok("text", "keys current"),
            Ok(false) => report.failed("text", "keys of an earlier version: run `tessera migrate up`"),
            Err(error) => report.failed("text", error),
        }
    }

    async fn check_keys(&self, report: &mut Report) -> Result<(), Failure> {
        let Ok(config) = self.settings.auth() else {
            return Ok(());
        };
        let verifier = match TokenVerifier::new(&config, Clock::system()) {
            Ok(verifier) => verifier,
            Err(error) => return report.failed("keys", error),
        };
        match verifier.check_keys().await {
            Ok(keys) => report.ok("keys", format!("{keys} usable")),
            Err(error) => report.failed("keys", format!("{error}: check TESSERA_AUTH_JWKS_URL")),
        }
    }
}

async fn check_invariants(store: &Store, report: &mut Report) -> Result<(), Failure> {
    let invariants = store.system().invariants().await;
    invariants.into_iter().try_for_each(|Invariant { name, violations }| match violations {
        Ok(0) => report.ok("invariant", format!("{name}: 0 violations")),
        Ok(violations) => report.failed("invariant", format!("{name}: {violations} violations")),
        Err(error) => report.failed("invariant", format!("{name}: not checked: {error}")),
    })
}

/// How late the scheduler is, and what it could not do.
async fn check_scheduler(store: &Store, report: &mut Report) -> Result<(), Failure> {
    let now = store.now();
    let parked = match store.system().parked(100).await {
        Ok(parked) => parked.len(),
        Err(error) => return report.failed("scheduler", error.told_inside()),
    };
    match store.system().due(now, None, 1).await.map(|due| due.first().map(|first| now.since(first.since))) {
        Ok(Some(late)) if late > LATE => report.failed(
            "scheduler",
            format!("late by {} s: does a server or `tessera scheduler` run?", late.num_seconds()),
        )?,
        Ok(_) => report.ok("scheduler", "on time")?,
        Err(error) => report.failed("scheduler", error.told_inside())?,
    }
    match parked {
        0 => report.ok("transitions", "none has failed"),
        some => report.failed("transitions", format!("{some} have failed: see docs/OPERATIONS.md, \"Scheduler\"")),
    }
}

async fn check_totals(store: &Store, report: &mut Report) -> Result<(), Failure> {
    match store.system().stale_totals().await {
        Ok(0) => report.ok("totals", "as counted"),
        Ok(stale) => {
            let text =
                format!("{stale} differ from what the subscriptions add up to: see docs/OPERATIONS.md, \"Totals\"");
            report.failed("totals", text)
        }
        Err(error) => report.failed("totals", format!("not compared: {error}")),
    }
}

/// One line for each check. A configuration that cannot be read is told once, not again by the check that needs it.
struct Report {
    failed: usize,
}

impl Report {
    fn ok(&mut self, check: &str, text: impl Display) -> Result<(), Failure> {
        print(format_args!("ok      {check}: {text}"))
    }

    fn failed(&mut self, check: &str, text: impl Display) -> Result<(), Failure> {
        self.failed += 1;
        print(format_args!("failed  {check}: {text}"))
    }
}
