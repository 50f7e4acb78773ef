//! The mutations of members.

use async_graphql::{Context, ID, InputObject, Object};

use super::graphql::Member;
use super::{NewMember, Step};
use crate::auth::Permission;
use crate::entity::{MemberId, MemberRole, OrganizationId};
use crate::error::{Code, Result, not_found};
use crate::graphql::command::{command, target_input};
use crate::graphql::context::ContextExt;
use crate::graphql::error::payload;
use crate::graphql::input::{Check, check_key};
use crate::graphql::update::{Omittable, update_input};

/// Makes a member.
#[derive(Clone, Debug, InputObject)]
pub struct CreateMemberInput {
    /// The organization; the caller's own if not given.
    organization_id: Option<ID>,
    /// Address, unique in the organization in any case. Never changes.
    email: String,
    /// Shown to people, at most 200 characters.
    name: String,
    /// What the member may do: nothing that the caller may not. RESELLER needs an organization without a parent.
    role: MemberRole,
    /// Makes the command safe to send again: at most 255 characters, new for every command.
    idempotency_key: Option<String>,
}

update_input! {
    /// Changes a member: an omitted field is unchanged.
    UpdateMemberInput for MemberId {
        /// Shown to people, at most 200 characters.
        name: Omittable<String>,
        /// What the member may do: nothing that the caller may not. RESELLER needs an organization without a parent.
        role: Omittable<MemberRole>,
    }
}

target_input! {
    /// Names a member to act on.
    MemberActionInput for MemberId {
    }
}

payload! {
    /// The answer of a mutation on a member.
    MemberPayload, member: Shown<Member>
}

/// Mutations of members.
#[derive(Default)]
pub struct MemberMutation;

async fn step(
    ctx: &Context<'_>,
    operation: &'static str,
    input: MemberActionInput,
    step: Step,
) -> Result<crate::entity::member::Model> {
    let writer = ctx.writer(Permission::MembersManage)?;
    let command = command(ctx, operation, &input.idempotency_key);
    let target = input.target()?;
    super::change(&writer, &command, &ctx.settings().policy, &target, &step).await
}

#[Object]
impl MemberMutation {
    /// Makes an active member, if the subscription of the organization allows one more. Needs `members.manage` and all
    /// that the member's role may do. Emits `member.create`.
    async fn create_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: CreateMemberInput,
    ) -> Result<Option<MemberPayload>> {
        let writer = ctx.writer(Permission::MembersManage)?;
        let command = command(ctx, "createMember", &input.idempotency_key);
        MemberPayload::new(
            async {
                let mut check = Check::new();
                check_key(&mut check, input.idempotency_key.as_deref());
                let named = check.optional_id("input.organizationId", input.organization_id.as_ref());
                let organization: Option<OrganizationId> = named.or(writer.caller()?.organization());
                if organization.is_none() && input.organization_id.is_none() {
                    check.refuse("input.organizationId", Code::Required, "Name the organization.");
                }
                let new = NewMember {
                    email: check.email("input.email", &input.email),
                    name: check.text("input.name", &input.name, 200),
                    role: input.role,
                };
                check.finish()?;
                let organization = organization.ok_or_else(|| not_found("organization", "input.organizationId"))?;
                super::create(&writer, &command, &ctx.settings().policy, organization, &new).await
            }
            .await,
        )
    }

    /// Changes a member's name or role. The last active administrator of an organization keeps a managing role. Needs
    /// `members.manage` and, for another role, all that the old one and the new one may do. Emits `member.update`.
    async fn update_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: UpdateMemberInput,
    ) -> Result<Option<MemberPayload>> {
        let writer = ctx.writer(Permission::MembersManage)?;
        let command = command(ctx, "updateMember", &input.idempotency_key);
        MemberPayload::new(
            async {
                let target = input.target()?;
                let step = Step::Update { name: input.name.given(), role: input.role.given() };
                super::change(&writer, &command, &ctx.settings().policy, &target, &step).await
            }
            .await,
        )
    }

    /// Takes a member's access away at once, also by tokens that were issued before; it no longer counts towards the user
    /// limit. Refused for the last active administrator of an organization. Needs `members.manage` and all that the
    /// member's role may do. Emits `member.deactivate`.
    async fn deactivate_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: MemberActionInput,
    ) -> Result<Option<MemberPayload>> {
        MemberPayload::new(step(ctx, "deactivateMember", input, Step::Deactivate).await)
    }

    /// Gives a member its access back, if the subscription of the organization allows one more. Needs `members.manage` and
    /// all that the member's role may do. Emits `member.reactivate`.
    async fn reactivate_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: MemberActionInput,
    ) -> Result<Option<MemberPayload>> {
        MemberPayload::new(step(ctx, "reactivateMember", input, Step::Reactivate).await)
    }
}
