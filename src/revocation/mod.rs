//! Revoking tokens: they are refused from now on, though they have not expired.

pub mod mutation;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::auth::Named;
use crate::clock::Timestamp;
use crate::entity::{OrganizationId, RevocationId, revocation};
use crate::error::{Code, Refusal, Result};
use crate::store::{Change, Command, UnitOfWork, Writer};

/// How many days a revocation is kept where nobody says when the tokens expire.
const KEPT_DAYS: i64 = 400;
/// And at most.
const MAX_DAYS: i64 = 3660;

/// How many an organization may have at a time that are not over: every server knows them all.
const MOST: i64 = 1_000;

/// A revocation to be made.
#[derive(Clone, Debug)]
pub struct NewRevocation {
    /// What it names.
    pub named: Named,
    /// When the last of the tokens has expired by itself.
    pub expires: Option<Timestamp>,
    /// Why, for the audit trail.
    pub reason: Option<String>,
}

/// Revokes tokens of an organization, or of all where none is named: for the platform. A token that may do more than the
/// caller stays.
pub async fn create(
    writer: &Writer,
    command: &Command,
    organization: Option<OrganizationId>,
    new: &NewRevocation,
) -> Result<revocation::Model> {
    let now = writer.now();
    let holds: Vec<_> = writer.caller()?.permissions().iter().map(|permission| permission.as_str()).collect();
    let (token_id, subject) = match new.named.clone() {
        Named::Token(id) => (Some(id), None),
        Named::Subject(subject) => (None, Some(subject)),
    };
    let row = &revocation::Model {
        id: RevocationId::generate(),
        tenant_id: organization,
        token_id,
        subject,
        holds: holds.join(" "),
        expires_at: new.expires.unwrap_or_else(|| now.plus_days(KEPT_DAYS)),
        created_at: now,
        updated_at: now,
        version: 1,
    };
    let change = &Change::new("create").because(new.reason.clone());
    let made = match organization {
        Some(id) => {
            let path = "input.organizationId";
            writer
                .write_in(command, id, path, |unit| {
                    Box::pin(async move {
                        check_room(unit).await?;
                        unit.insert(row.clone(), change.clone()).await
                    })
                })
                .await?
        }
        None => {
            writer
                .write_platform(command, |unit| Box::pin(async move { unit.insert(row.clone(), change.clone()).await }))
                .await?
        }
    };
    writer.learn_revoked().await;
    Ok(made)
}

async fn check_room(unit: &UnitOfWork<'_>) -> Result<()> {
    let valid = revocation::Entity::find().filter(revocation::Column::ExpiresAt.gt(unit.now()));
    if unit.count_in_tenant(valid).await? < MOST {
        return Ok(());
    }
    let message =
        format!("The organization has {MOST} revocations that are not over: revoke by subject, or ask the platform.");
    Err(Refusal::new(Code::Conflict, message).at("input").into())
}
