//! `tessera token`: a token signed with the configured secret, or the demo's.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use tessera::auth::{Grant, Permission, Role, TokenIssuer};
use tessera::clock::Clock;
use tessera::config::{Config, DemoSecrets, Settings, duration};
use tessera::entity::{CustomerId, MemberId, OrganizationId, TypedId};
use tessera::store::Store;

use super::{Failure, print};

#[derive(Args)]
pub struct Token {
    /// What the token's holder is
    #[arg(long, ignore_case = true)]
    role: Role,
    /// Its organization, by slug or id; none for the platform's roles
    #[arg(long, value_name = "SLUG")]
    organization: Option<String>,
    /// The customer it is, for the role CUSTOMER
    #[arg(long, value_name = "ID", value_parser = customer_id)]
    customer: Option<CustomerId>,
    /// The member it is; by its subject, if that is a member's address, if not given
    #[arg(long, value_name = "ID", value_parser = member_id)]
    member: Option<MemberId>,
    /// Narrows the role's permissions; required for the role SERVICE
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = permission)]
    permissions: Option<Vec<Permission>>,
    /// How long it is valid
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = duration)]
    expires: Duration,
    /// Who it speaks of
    #[arg(long, value_name = "TEXT", default_value = "command-line")]
    subject: String,
    /// Of the demo, whose secret signs the token when no key is configured
    #[arg(long, env = "TESSERA_DATA_DIR", value_name = "DIR", default_value = "./data")]
    data_dir: PathBuf,
    #[command(flatten)]
    settings: Settings,
}

fn customer_id(text: &str) -> Result<CustomerId, &'static str> {
    CustomerId::parse(text).ok_or("not a customer id like cus_01h2xcejqtf2nbrexx3vqjhp41")
}

fn member_id(text: &str) -> Result<MemberId, &'static str> {
    MemberId::parse(text).ok_or("not a member id like mem_01h2xcejqtf2nbrexx3vqjhp41")
}

fn permission(text: &str) -> Result<Permission, String> {
    let known = || Permission::ALL.iter().map(|permission| permission.as_str()).collect::<Vec<_>>().join(", ");
    text.parse().map_err(|()| format!("not one of {}", known()))
}

impl Token {
    pub async fn run(self) -> Result<(), Failure> {
        let config = self.config()?;
        let issuer = TokenIssuer::new(&config.auth, Clock::system()).ok_or_else(|| {
            Failure::usage(
                "tokens are verified with a public key here, so only the holder of the private key makes them",
            )
        })?;
        let organization = match &self.organization {
            Some(name) => Some(organization(&config, name).await?),
            None => None,
        };
        let grant = Grant {
            subject: self.subject,
            role: self.role,
            organization,
            customer: self.customer,
            member: self.member,
            permissions: self.permissions,
            expires_in: self.expires,
            impersonator: None,
        };
        print(issuer.issue(grant).map_err(Failure::usage)?)
    }

    /// What is configured; what the demo uses when nothing is.
    fn config(&self) -> Result<Config, Failure> {
        if self.settings.names_keys() {
            return Ok(self.settings.config()?);
        }
        let Some(secrets) = DemoSecrets::load(&self.data_dir)? else {
            return Err(Failure::usage(format!(
                "there is nothing to sign with: set TESSERA_AUTH_HS256_SECRET and the rest of .env.example, or run \
                 `tessera demo` first, which keeps its secret in {}",
                DemoSecrets::path(&self.data_dir).display(),
            )));
        };
        Ok(Config::demo(([127, 0, 0, 1], 8080).into(), &self.data_dir, &secrets))
    }
}

pub(super) async fn organization(config: &Config, name: &str) -> Result<OrganizationId, Failure> {
    if let Some(id) = OrganizationId::parse(name) {
        return Ok(id);
    }
    let unreadable = |error| Failure::new(format!("the organization cannot be looked up: {error}"));
    let store = Store::open(&config.database, Clock::system()).await.map_err(unreadable)?;
    let found = store.system().organization_by_slug(name).await.map_err(unreadable)?;
    found.ok_or_else(|| Failure::usage(format!("there is no organization `{name}`")))
}
