//! The mutation that revokes tokens.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::{MAX_DAYS, NewRevocation};
use crate::auth::{Named, Permission};
use crate::clock::Timestamp;
use crate::entity::{OrganizationId, revocation};
use crate::error::{Code, Error, Result};
use crate::graphql::command::command;
use crate::graphql::context::ContextExt;
use crate::graphql::error::payload;
use crate::graphql::input::{Check, check_key};

/// Names tokens that are to be refused from now on: by `tokenId` or by `subject`.
#[derive(Clone, Debug, InputObject)]
pub struct RevokeTokensInput {
    /// The organization whose tokens are meant; the caller's own if not given. The platform's own people who leave it out
    /// mean all, their own included.
    organization_id: Option<ID>,
    /// One token, by its claim `jti`, at most 255 characters.
    token_id: Option<String>,
    /// All tokens of this subject, the claim `sub`, that were issued until now; at most 255 characters. Tokens that do not
    /// say when they were issued (`iat`) count as such.
    subject: Option<String>,
    /// When the last of these tokens has expired by itself, at most ten years from now; 400 days from now if not given.
    /// Until then they are refused.
    expires_at: Option<Timestamp>,
    /// Why, for the audit trail: at most 500 characters.
    reason: Option<String>,
    /// Makes the command safe to send again: at most 255 characters, new for every command.
    idempotency_key: Option<String>,
}

/// A revocation of tokens.
#[derive(SimpleObject)]
pub struct TokenRevocation {
    /// The token that is refused; null if all of a subject are.
    token_id: Option<String>,
    /// The subject whose tokens are refused; null if one token is.
    subject: Option<String>,
    /// When it was made. Tokens of the subject that were issued later are good.
    created_at: Timestamp,
    /// Until when they are refused.
    expires_at: Timestamp,
}

impl From<revocation::Model> for TokenRevocation {
    fn from(row: revocation::Model) -> Self {
        let revocation::Model { token_id, subject, created_at, expires_at, .. } = row;
        Self { token_id, subject, created_at, expires_at }
    }
}

payload! {
    /// The answer of `revokeTokens`.
    RevokeTokensPayload, revocation: TokenRevocation
}

/// Mutations of tokens.
#[derive(Default)]
pub struct RevocationMutation;

#[Object]
impl RevocationMutation {
    /// Revokes tokens: they are refused from now on, on other replicas within five seconds. Tokens that may do more than
    /// the caller stay. An organization has at most 1,000 revocations that are not over. Needs `members.manage`, and
    /// `platform.manage` without an organization. Emits `revocation.create`.
    async fn revoke_tokens(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: RevokeTokensInput,
    ) -> Result<Option<RevokeTokensPayload>> {
        let writer = ctx.writer(Permission::MembersManage)?;
        let command = command(ctx, "revokeTokens", &input.idempotency_key);
        RevokeTokensPayload::new(
            async {
                let mut check = Check::new();
                check_key(&mut check, input.idempotency_key.as_deref());
                let named = check.optional_id::<OrganizationId>("input.organizationId", input.organization_id.as_ref());
                let token = check.optional_text("input.tokenId", input.token_id.as_deref(), 255);
                let subject = check.optional_text("input.subject", input.subject.as_deref(), 255);
                let tokens = match (token, subject) {
                    (Some(id), None) => Some(Named::Token(id)),
                    (None, Some(subject)) => Some(Named::Subject(subject)),
                    _ => {
                        check.refuse("input.tokenId", Code::Required, "Name either a token or a subject.");
                        None
                    }
                };
                let (now, expires) = (writer.now(), input.expires_at);
                if expires.is_some_and(|expires| expires <= now || expires > now.plus_days(MAX_DAYS)) {
                    let message = "Expected a time from now on, within ten years.";
                    check.refuse("input.expiresAt", Code::OutOfRange, message);
                }
                let reason = check.prose("input.reason", input.reason.as_deref(), 500);
                check.finish()?;
                let organization = named.or(writer.caller()?.organization());
                let named = tokens.ok_or_else(|| Error::Internal("nothing is named".into()))?;
                super::create(&writer, &command, organization, &NewRevocation { named, expires, reason }).await
            }
            .await,
        )
    }
}
