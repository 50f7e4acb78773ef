//! Accounts at payment gateways: of the platform, which sells to organizations, and of organizations, which sell to their
//! customers. What opens an account is sealed and never shown again.
//!
//! A gateway is asked before the unit of work that writes what it said: nothing remote happens within one.

mod gateways;
pub mod graphql;
pub mod input;
pub mod mutation;
pub mod seal;

use async_graphql::MaybeUndefined;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use secrecy::{ExposeSecret as _, SecretString};

pub use self::gateways::Gateways;
use self::gateways::Opened;
use crate::auth::{Caller, Permission, Standing};
use crate::entity::{GatewayAccountId, GatewayKind, GatewayMode, OrganizationId, gateway_account, organization};
use crate::error::{Code, Error, Refusal, Result, not_found};
use crate::graphql::command::Target;
use crate::graphql::input::{Check, check_version, updated};
use crate::store::{Change, Command, UnitOfWork, Writer};

/// How many characters a name has at most.
const MAX_NAME: usize = 200;
/// How many characters instructions have at most.
const MAX_INSTRUCTIONS: usize = 2_000;
/// What is sealed of an account.
const KEY: &str = "key";
/// What is sealed of an account.
const SECRETS: &str = "secrets";

/// An account to be kept.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Which gateway.
    pub kind: GatewayKind,
    /// Whether it moves real money.
    pub mode: GatewayMode,
    /// Shown to people.
    pub name: String,
    /// What opens it.
    pub key: Option<SecretString>,
    /// What its news is signed with.
    pub secrets: Vec<SecretString>,
    /// How to pay by hand.
    pub instructions: Option<String>,
}

/// The permission that keeps the caller from managing the accounts of this seller, if one does; none stands for the
/// platform. They are rights over what is sold: a customer has none, and an organization none over the platform's.
pub fn obstacle(caller: &Caller, seller: Option<OrganizationId>) -> Option<Permission> {
    caller.obstacle(Permission::PaymentsManage, seller)
}

/// Refuses before a gateway is asked: nobody asks one with an organization that it does not reach.
async fn authorize(writer: &Writer, seller: Option<OrganizationId>) -> Result<()> {
    let caller = writer.caller()?;
    if let Some(seller) = seller {
        let reached = match caller.standing() {
            Standing::Platform => true,
            Standing::Organization(own) | Standing::Customer(own, _) => own == seller,
            Standing::Reseller(own) => own == seller || writer.get::<organization::Entity>(seller).await?.is_some(),
        };
        if !reached {
            return Err(not_found("organization", "input.organizationId"));
        }
    }
    obstacle(caller, seller).map_or(Ok(()), |permission| Err(Error::Forbidden(permission)))
}

/// Keeps an account of a seller; without one, of the platform.
pub async fn create(
    writer: &Writer,
    gateways: &Gateways,
    command: &Command,
    seller: Option<OrganizationId>,
    new: &NewAccount,
) -> Result<gateway_account::Model> {
    authorize(writer, seller).await?;
    let opened = match &new.key {
        Some(key) => Some(gateways.ask(new.kind, key).await?),
        None => None,
    };
    if opened.as_ref().is_some_and(|opened| opened.mode != new.mode) {
        let message = "The key is one of the other mode: test and live are kept apart.";
        return Err(Refusal::new(Code::Conflict, message).at("input.mode").into());
    }
    let prepared = Prepared { gateways, seller, new, opened, slug: random_slug()? };
    let prepared = &prepared;
    match seller {
        Some(organization) => {
            let path = "input.organizationId";
            writer.write_in(command, organization, path, |unit| Box::pin(insert(unit, prepared))).await
        }
        None => writer.write_platform(command, |unit| Box::pin(insert(unit, prepared))).await,
    }
}

/// What is known of an account before it is written.
struct Prepared<'a> {
    gateways: &'a Gateways,
    seller: Option<OrganizationId>,
    new: &'a NewAccount,
    opened: Option<Opened>,
    slug: String,
}

async fn insert(unit: &UnitOfWork<'_>, prepared: &Prepared<'_>) -> Result<gateway_account::Model> {
    use gateway_account::Column::{GatewayAccountId as TheirId, Kind, Mode};
    let Prepared { gateways, seller, new, opened, slug } = prepared;
    if let Some(opened) = opened {
        let same = gateway_account::Entity::find()
            .filter(Kind.eq(new.kind))
            .filter(Mode.eq(new.mode))
            .filter(TheirId.eq(opened.account.as_str()));
        if unit.exists(same).await? {
            let message = "This account is kept already: replace its key instead.";
            return Err(Refusal::new(Code::Duplicate, message).at("input.apiKey").into());
        }
    }
    let now = unit.now();
    let mut row = gateway_account::Model {
        id: GatewayAccountId::generate(),
        tenant_id: *seller,
        kind: new.kind,
        mode: new.mode,
        name: new.name.clone(),
        gateway_account_id: opened.as_ref().map(|opened| opened.account.clone()),
        slug: slug.clone(),
        sealed_key: None,
        sealed_secrets: None,
        key_changed_at: None,
        secrets_changed_at: None,
        instructions: new.instructions.clone(),
        disabled_at: None,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    if let Some(key) = &new.key {
        (row.sealed_key, row.key_changed_at) = (Some(gateways.seal(&row, KEY, key.expose_secret())?), Some(now));
    }
    if !new.secrets.is_empty() {
        (row.sealed_secrets, row.secrets_changed_at) = (seal_secrets(gateways, &row, &new.secrets)?, Some(now));
    }
    unit.insert(row, Change::new("create")).await
}

fn seal_secrets(gateways: &Gateways, row: &gateway_account::Model, secrets: &[SecretString]) -> Result<Option<String>> {
    let lines: Vec<&str> = secrets.iter().map(|secret| secret.expose_secret()).collect();
    if lines.is_empty() { Ok(None) } else { gateways.seal(row, SECRETS, &lines.join("\n")).map(Some) }
}

/// 144 random bits: whoever does not know it cannot send anything.
fn random_slug() -> Result<String> {
    let mut bytes = [0; 18];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Error::Internal("the system gave no random numbers".into()))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// A change of an account.
#[derive(Clone, Debug)]
pub enum Step {
    /// Changes what is given.
    Update {
        /// Shown to people.
        name: Option<String>,
        /// How to pay by hand.
        instructions: MaybeUndefined<String>,
        /// What its news is signed with; replaces all of them.
        secrets: Option<Vec<SecretString>>,
    },
    /// Replaces the key by another one of the same account.
    Rotate(SecretString),
    /// Takes nothing new. A disabled account stays as it is.
    Disable,
    /// Takes new things again. An account that is not disabled stays as it is.
    Enable,
}

/// Changes an account of a seller that the caller manages.
pub async fn change(
    writer: &Writer,
    gateways: &Gateways,
    command: &Command,
    target: &Target<GatewayAccountId>,
    step: &Step,
) -> Result<gateway_account::Model> {
    if let Some(row) = writer.get::<gateway_account::Entity>(target.id).await? {
        if let Some(permission) = obstacle(writer.caller()?, row.tenant_id) {
            return Err(Error::Forbidden(permission));
        }
        if let Step::Rotate(key) = step {
            check_same(gateways, &row, key).await?;
        }
    }
    writer
        .change::<gateway_account::Entity, _>(command, target.id, "input.id", |unit, row| {
            Box::pin(async move {
                check_version(target.expected_version, row.version)?;
                let (verb, next) = changed(gateways, &row, step, unit.now())?;
                unit.update(&row, next, Change::new(verb).because(target.reason.clone())).await
            })
        })
        .await
}

/// Refuses a key that opens another account, or the same one in the other mode.
async fn check_same(gateways: &Gateways, row: &gateway_account::Model, key: &SecretString) -> Result<()> {
    if row.kind == GatewayKind::Manual {
        let message = "Payments by hand need no key.";
        return Err(Refusal::new(Code::Conflict, message).at("input.apiKey").into());
    }
    let opened = gateways.ask(row.kind, key).await?;
    if row.gateway_account_id.as_ref() == Some(&opened.account) && row.mode == opened.mode {
        return Ok(());
    }
    let message = "The key opens another account, or is one of the other mode.";
    Err(Refusal::new(Code::Conflict, message).at("input.apiKey").into())
}

fn changed(
    gateways: &Gateways,
    row: &gateway_account::Model,
    step: &Step,
    now: crate::clock::Timestamp,
) -> Result<(&'static str, gateway_account::Model)> {
    let mut next = row.clone();
    Ok(match step {
        Step::Update { name, instructions, secrets } => {
            let mut check = Check::new();
            if let Some(name) = name {
                next.name = check.text("input.name", name, MAX_NAME);
            }
            next.instructions = updated(&row.instructions, instructions.clone());
            next.instructions = check.prose("input.instructions", next.instructions.as_deref(), MAX_INSTRUCTIONS);
            let secrets = secrets.as_ref();
            check_kind(&mut check, row.kind, next.instructions.is_some(), secrets.is_some_and(|list| !list.is_empty()));
            check.finish()?;
            if let Some(secrets) = secrets {
                (next.sealed_secrets, next.secrets_changed_at) = (seal_secrets(gateways, row, secrets)?, Some(now));
            }
            ("update", next)
        }
        Step::Rotate(key) => {
            let sealed = gateways.seal(row, KEY, key.expose_secret())?;
            (next.sealed_key, next.key_changed_at) = (Some(sealed), Some(now));
            ("rotate", next)
        }
        Step::Disable => {
            next.disabled_at = row.disabled_at.or(Some(now));
            ("disable", next)
        }
        Step::Enable => {
            next.disabled_at = None;
            ("enable", next)
        }
    })
}

/// Notes what does not fit an account of this kind.
fn check_kind(check: &mut Check, kind: GatewayKind, has_instructions: bool, has_secrets: bool) {
    if kind != GatewayKind::Manual && has_instructions {
        check.refuse("input.instructions", Code::Conflict, "A gateway instructs the payer itself.");
    }
    if kind == GatewayKind::Manual && has_secrets {
        check.refuse("input.webhookSecrets", Code::Conflict, "Nobody sends news of payments by hand.");
    }
}
