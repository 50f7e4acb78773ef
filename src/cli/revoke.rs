//! `tessera revoke`: has tokens refused before they expire.

use std::time::Duration;

use chrono::TimeDelta;
use clap::Args;
use tessera::auth::Permission;
use tessera::clock::Clock;
use tessera::config::{Settings, duration};
use tessera::entity::{RevocationId, revocation};
use tessera::store::Store;

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
        let tenant_id = match &self.organization {
            Some(name) => Some(token::organization(&config, name).await?),
            None => None,
        };
        let failed = |error| Failure::new(format!("the tokens cannot be revoked: {error}"));
        let store = Store::open(&config.database, Clock::system()).await.map_err(failed)?;
        let valid = TimeDelta::from_std(self.valid).map_err(|_| Failure::usage("that is too long"))?;
        let (now, all) = (store.now(), Permission::ALL.iter().map(|permission| permission.as_str()));
        let row = revocation::Model {
            id: RevocationId::generate(),
            tenant_id,
            token_id: self.token,
            subject: self.subject,
            holds: all.collect::<Vec<_>>().join(" "),
            expires_at: now.plus(valid),
            created_at: now,
            updated_at: now,
            version: 1,
        };
        store.system().insert::<_, revocation::Entity>(vec![row]).await.map_err(failed)?;
        print("Refused from now on; servers that run know it within five seconds.")
    }
}
