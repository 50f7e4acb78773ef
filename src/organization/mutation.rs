//! The mutations of organizations.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object};

use super::graphql::Organization;
use super::{NewOrganization, Update};
use crate::auth::Permission;
use crate::entity::{OrganizationId, SubscriptionManagement, organization};
use crate::error::Result;
use crate::graphql::command::{command, target_input};
use crate::graphql::context::ContextExt;
use crate::graphql::error::payload;
use crate::graphql::input::{Check, check_key};
use crate::graphql::json::GivenJson;
use crate::graphql::scalar::{CurrencyCode, DeletedId};
use crate::graphql::update::{Omittable, update_input};
use crate::operational::Step;
use crate::subscription::Order;
use crate::subscription::input::SubscriptionTermsInput;

/// Makes an organization and its subscription.
#[derive(Clone, Debug, InputObject)]
pub struct CreateOrganizationInput {
    /// The reseller above; a reseller's own organization if not given, none for the platform.
    parent_id: Option<ID>,
    /// Shown to people, at most 200 characters.
    name: String,
    /// Unique short name: lower-case letters, digits and hyphens, at most 63.
    slug: String,
    /// Where invoices and reminders go.
    billing_email: Option<String>,
    /// The currency that new prices and subscriptions start from.
    #[graphql(default_with = "CurrencyCode(\"USD\".to_owned())")]
    default_currency: CurrencyCode,
    /// IANA time zone name.
    #[graphql(default = "UTC")]
    time_zone: String,
    /// How many days access of its customers continues while a renewal is unpaid, 0–730; the server's setting if not
    /// given.
    grace_days: Option<i32>,
    /// How many days behind that an unpaid subscription of a customer is canceled, 0–730; the server's setting if not
    /// given.
    unpaid_days: Option<i32>,
    /// Whether its subscription never expires. Needs `platform.manage`.
    #[graphql(default)]
    exempt: bool,
    /// Who manages its own subscription; as configured, PLATFORM_MANAGED unless it says otherwise, if not given. For the
    /// platform (`platform.manage`), or for a reseller that is SELF_MANAGED itself.
    subscription_management: Option<SubscriptionManagement>,
    /// Free-form JSON object: at most 16 KiB, 1,000 keys and 32 levels.
    metadata: Option<GivenJson>,
    /// The same of those who manage the organization, shown to nobody else.
    private_metadata: Option<GivenJson>,
    /// What its subscription begins with; the default trial if not given.
    subscription: Option<SubscriptionTermsInput>,
    /// Makes the command safe to send again: at most 255 characters, new for every command.
    idempotency_key: Option<String>,
}

update_input! {
    /// Changes an organization's profile: an omitted field is unchanged, null clears it where it can be empty.
    UpdateOrganizationInput for OrganizationId {
        /// Shown to people, at most 200 characters.
        name: Omittable<String>,
        /// Unique short name. Needs `platform.manage`.
        slug: Omittable<String>,
        /// Where invoices and reminders go.
        billing_email: MaybeUndefined<String>,
        /// The currency that new prices and subscriptions start from. Existing subscriptions keep theirs.
        default_currency: Omittable<CurrencyCode>,
        /// IANA time zone name. Existing subscriptions keep theirs.
        time_zone: Omittable<String>,
        /// How many days access of its customers continues while a renewal is unpaid, 0–730; null: the server's setting.
        /// It counts for periods that begin from now on.
        grace_days: MaybeUndefined<i32>,
        /// How many days behind that an unpaid subscription of a customer is canceled, 0–730; null: the server's setting.
        /// It counts for periods that begin from now on.
        unpaid_days: MaybeUndefined<i32>,
        /// Whether its subscription never expires. Needs `platform.manage`.
        exempt: Omittable<bool>,
        /// Who manages its own subscription. For the platform (`platform.manage`), or for the reseller above, if that is
        /// SELF_MANAGED itself.
        subscription_management: Omittable<SubscriptionManagement>,
        /// Free-form JSON object: at most 16 KiB, 1,000 keys and 32 levels. Replaces all of it.
        metadata: MaybeUndefined<GivenJson>,
        /// The same of those who manage the organization, shown to nobody else. Needs `organizations.manage`.
        private_metadata: MaybeUndefined<GivenJson>,
    }
}

target_input! {
    /// Names an organization to act on.
    OrganizationActionInput for OrganizationId {
    }
}

payload! {
    /// The answer of a mutation on an organization.
    OrganizationPayload, organization: Shown<Organization>
}

payload! {
    /// The answer of `deleteOrganization`.
    DeleteOrganizationPayload, deleted_id: DeletedId
}

/// Mutations of organizations.
#[derive(Default)]
pub struct OrganizationMutation;

async fn step(
    ctx: &Context<'_>,
    operation: &'static str,
    input: OrganizationActionInput,
    step: Step,
) -> Result<organization::Model> {
    let writer = ctx.writer(Permission::OrganizationsManage)?;
    let command = command(ctx, operation, &input.idempotency_key);
    let target = input.target()?;
    super::step(&writer, &command, &target, step).await
}

#[Object]
impl OrganizationMutation {
    /// Makes an organization together with its subscription: both or neither. Needs `organizations.manage`, and
    /// `platform.manage` without a parent. Emits `organization.create` and `subscription.create`.
    async fn create_organization(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: CreateOrganizationInput,
    ) -> Result<Option<OrganizationPayload>> {
        ctx.writer(Permission::SubscriptionsManage)?;
        let writer = ctx.writer(Permission::OrganizationsManage)?;
        let command = command(ctx, "createOrganization", &input.idempotency_key);
        OrganizationPayload::new(
            async {
                let mut check = Check::new();
                check_key(&mut check, input.idempotency_key.as_deref());
                let parent = check.optional_id::<OrganizationId>("input.parentId", input.parent_id.as_ref());
                let new = NewOrganization {
                    parent: parent.or(writer.caller()?.organization()),
                    name: check.text("input.name", &input.name, 200),
                    slug: check.slug("input.slug", &input.slug),
                    billing_email: input.billing_email.as_deref().map(|email| check.email("input.billingEmail", email)),
                    default_currency: input.default_currency.0,
                    time_zone: super::check_time_zone(&mut check, &input.time_zone),
                    grace_days: input.grace_days,
                    unpaid_days: input.unpaid_days,
                    exempt: input.exempt,
                    subscription_management: input.subscription_management,
                    metadata: check.metadata("input.metadata", input.metadata),
                    private_metadata: check.private_metadata("input.privateMetadata", input.private_metadata),
                };
                super::check_patience(&mut check, new.grace_days, new.unpaid_days);
                let order = match input.subscription {
                    Some(terms) => check.absorb(terms.order("input.subscription"))?,
                    None => None,
                };
                check.finish()?;
                let order = order.unwrap_or_else(Order::default_trial);
                super::create(&writer, &command, ctx.settings(), &new, &order).await
            }
            .await,
        )
    }

    /// Changes an organization's profile. Needs `organizations.update`. Emits `organization.update`.
    async fn update_organization(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: UpdateOrganizationInput,
    ) -> Result<Option<OrganizationPayload>> {
        let writer = ctx.writer(Permission::OrganizationsUpdate)?;
        let command = command(ctx, "updateOrganization", &input.idempotency_key);
        OrganizationPayload::new(
            async {
                let target = input.target()?;
                let update = Update {
                    name: input.name.given(),
                    slug: input.slug.given(),
                    billing_email: input.billing_email,
                    default_currency: input.default_currency.given().map(|currency| currency.0),
                    time_zone: input.time_zone.given(),
                    grace_days: input.grace_days,
                    unpaid_days: input.unpaid_days,
                    exempt: input.exempt.given(),
                    subscription_management: input.subscription_management.given(),
                    metadata: input.metadata,
                    private_metadata: input.private_metadata,
                };
                super::update(&writer, &command, &target, &update).await
            }
            .await,
        )
    }

    /// Shuts an organization off for now: its members read, but change nothing. Its subscription goes on. Needs
    /// `organizations.manage`. Emits `organization.suspend`.
    async fn suspend_organization(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: OrganizationActionInput,
    ) -> Result<Option<OrganizationPayload>> {
        OrganizationPayload::new(step(ctx, "suspendOrganization", input, Step::Suspend).await)
    }

    /// Lifts a suspension. Needs `organizations.manage`. Emits `organization.resume`.
    async fn resume_organization(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: OrganizationActionInput,
    ) -> Result<Option<OrganizationPayload>> {
        OrganizationPayload::new(step(ctx, "resumeOrganization", input, Step::Resume).await)
    }

    /// Closes an organization for good and cancels its own subscription. Needs `organizations.manage`. Emits
    /// `organization.terminate` and, if it had a live subscription, `subscription.cancel`.
    async fn terminate_organization(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: OrganizationActionInput,
    ) -> Result<Option<OrganizationPayload>> {
        OrganizationPayload::new(step(ctx, "terminateOrganization", input, Step::Terminate).await)
    }

    /// Removes an organization that has none below it, and cancels its own subscription: it becomes invisible. Needs
    /// `organizations.manage`. Emits `organization.delete` and, if it had a live subscription, `subscription.cancel`.
    async fn delete_organization(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: OrganizationActionInput,
    ) -> Result<Option<DeleteOrganizationPayload>> {
        DeleteOrganizationPayload::new(step(ctx, "deleteOrganization", input, Step::Delete).await)
    }
}
