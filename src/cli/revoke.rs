//! `tessera revoke`: has tokens refused before they expire.

use std::time::Duration;

use chrono::TimeDelta;
use clap::Args;
use tessera::auth::{Named, Part, Permission};
use tessera::clock::Clock;
use tessera::config::{Settings, duration};
use tessera::error::Error;
use tessera::revocation::{self, NewRevocation};
use tessera::store::{Command, Store};

use super::{Failure, print, token};

#[derive(Args)]
pub struct Revoke {
    /// One token, by its claim `jti`
    #[arg(long, value_name = "ID", required_unless_present = "subject", conflicts_with = "subject")]
    token: Option<String>,
    /// All tokens of a subject that were issued until now
    #[arg(long, value_name = "TEXT")]
    subject: Option<String>,
    /// Only tokens of this organization, by slug or id; all if not given
    #[arg(long, value_name = "SLUG")]
    organization: Option<String>,
    /// How long they are refused: as long as the last of them would be valid
    #[arg(long, value_name = "DURATION", default_value = "9600h", value_parser = duration)]
    valid: Duration,
    #[command(flatten)]
    settings: Settings,
}

impl Revoke {
    pub async fn run(self) -> Result<(), Failure> {
        let config = self.settings.config()?;
        let organization = match &self.organization {
            Some(name) => Some(token::organization(&config, name).await?),
            None => None,
        };
        let failed = |error: Error| Failure::new(format!("the tokens cannot be revoked: {}", error.told_inside()));
        let store = Store::open(&config.database, Clock::system()).await.map_err(|error| failed(error.into()))?;
        let valid = TimeDelta::from_std(self.valid).map_err(|_| Failure::usage("that is too long"))?;
        let named = match (self.token, self.subject) {
            (Some(id), _) => Named::Token(id),
            (None, Some(subject)) => Named::Subject(subject),
            (None, None) => return Err(Failure::usage("name either a token or a subject")),
        };
        let new = NewRevocation { named, expires: Some(store.now().plus(valid)), reason: None };
        let writer = store.acting_as(Part::CommandLine).writer(Permission::MembersManage).map_err(failed)?;
        let command = Command::new("revokeTokens", None, "");
        revocation::create(&writer, &command, organization, &new).await.map_err(failed)?;
        print("Refused from now on; servers that run know it within five seconds.")
    }
}
