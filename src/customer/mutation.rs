//! The mutations of customers.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object};

use super::graphql::Customer;
use super::{MAX_PHONE, NewCustomer, Update};
use crate::auth::Permission;
use crate::entity::{CustomerId, OrganizationId};
use crate::error::{Code, Result, not_found};
use crate::graphql::command::{command, target_input};
use crate::graphql::context::ContextExt;
use crate::graphql::error::payload;
use crate::graphql::input::{Check, check_key};
use crate::graphql::json::GivenJson;
use crate::graphql::scalar::DeletedId;
use crate::graphql::update::{Omittable, update_input};
use crate::operational::Step;
use crate::subscription::Order;
use crate::subscription::input::SubscriptionTermsInput;

/// Makes a customer and its subscription.
#[derive(Clone, Debug, InputObject)]
pub struct CreateCustomerInput {
    /// The organization; the caller's own if not given.
    organization_id: Option<ID>,
    /// Shown to people, at most 200 characters.
    name: String,
    /// Contact address.
    email: Option<String>,
    /// Telephone number, at most 40 characters.
    phone: Option<String>,
    /// The integrator's own key, unique in the organization, at most 255 characters.
    external_ref: Option<String>,
    /// Free-form JSON object: at most 16 KiB, 1,000 keys and 32 levels.
    metadata: Option<GivenJson>,
    /// The same of those who manage the customer, shown to nobody else.
    private_metadata: Option<GivenJson>,
    /// What its subscription begins with; the default trial if not given.
    subscription: Option<SubscriptionTermsInput>,
    /// Makes the command safe to send again: at most 255 characters, new for every command.
    idempotency_key: Option<String>,
}

update_input! {
    /// Changes a customer: an omitted field is unchanged, null clears it where it can be empty.
    UpdateCustomerInput for CustomerId {
        /// Shown to people, at most 200 characters.
        name: Omittable<String>,
        /// Contact address.
        email: MaybeUndefined<String>,
        /// Telephone number, at most 40 characters.
        phone: MaybeUndefined<String>,
        /// The integrator's own key, unique in the organization, at most 255 characters.
        external_ref: MaybeUndefined<String>,
        /// Free-form JSON object: at most 16 KiB, 1,000 keys and 32 levels. Replaces all of it.
        metadata: MaybeUndefined<GivenJson>,
        /// The same of those who manage the customer, shown to nobody else. Needs `customers.manage`.
        private_metadata: MaybeUndefined<GivenJson>,
    }
}

target_input! {
    /// Names a customer to act on.
    CustomerActionInput for CustomerId {
    }
}

payload! {
    /// The answer of a mutation on a customer.
    CustomerPayload, customer: Shown<Customer>
}

payload! {
    /// The answer of `deleteCustomer`.
    DeleteCustomerPayload, deleted_id: DeletedId
}

/// Mutations of customers.
#[derive(Default)]
pub struct CustomerMutation;

async fn step(
    ctx: &Context<'_>,
    operation: &'static str,
    input: CustomerActionInput,
    step: Step,
) -> Result<crate::entity::customer::Model> {
    let writer = ctx.writer(Permission::CustomersManage)?;
    let command = command(ctx, operation, &input.idempotency_key);
    let target = input.target()?;
    super::step(&writer, &command, &target, step).await
}

#[Object]
impl CustomerMutation {
    /// Makes a customer together with its subscription: both or neither. Refused where the organization's own subscription
    /// limits its `customers` and there is no room for one more. Needs `customers.manage` and
    /// `subscriptions.manage`. Emits `customer.create` and `subscription.create`.
    async fn create_customer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: CreateCustomerInput,
    ) -> Result<Option<CustomerPayload>> {
        ctx.writer(Permission::SubscriptionsManage)?;
        let writer = ctx.writer(Permission::CustomersManage)?;
        let command = command(ctx, "createCustomer", &input.idempotency_key);
        CustomerPayload::new(
            async {
                let mut check = Check::new();
                check_key(&mut check, input.idempotency_key.as_deref());
                let named = check.optional_id("input.organizationId", input.organization_id.as_ref());
                let organization: Option<OrganizationId> = named.or(writer.caller()?.organization());
                if organization.is_none() && input.organization_id.is_none() {
                    check.refuse("input.organizationId", Code::Required, "Name the organization.");
                }
                let new = NewCustomer {
                    name: check.text("input.name", &input.name, 200),
                    email: input.email.as_deref().map(|email| check.email("input.email", email)),
                    phone: check.optional_text("input.phone", input.phone.as_deref(), MAX_PHONE),
                    external_ref: check.optional_text("input.externalRef", input.external_ref.as_deref(), 255),
                    metadata: check.metadata("input.metadata", input.metadata),
                    private_metadata: check.private_metadata("input.privateMetadata", input.private_metadata),
                };
                let order = match input.subscription {
                    Some(terms) => check.absorb(terms.order("input.subscription"))?,
                    None => None,
                };
                check.finish()?;
                let order = order.unwrap_or_else(Order::default_trial);
                let organization = organization.ok_or_else(|| not_found("organization", "input.organizationId"))?;
                super::create(&writer, &command, ctx.settings(), organization, &new, &order).await
            }
            .await,
        )
    }

    /// Changes a customer. Needs `customers.update`; a customer itself may change its name, address and telephone
    /// number only. Emits
    /// `customer.update`.
    async fn update_customer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: UpdateCustomerInput,
    ) -> Result<Option<CustomerPayload>> {
        let writer = ctx.writer(Permission::CustomersUpdate)?;
        let command = command(ctx, "updateCustomer", &input.idempotency_key);
        CustomerPayload::new(
            async {
                let target = input.target()?;
                let update = Update {
                    name: input.name.given(),
                    email: input.email,
                    phone: input.phone,
                    external_ref: input.external_ref,
                    metadata: input.metadata,
                    private_metadata: input.private_metadata,
                };
                super::update(&writer, &command, &target, &update).await
            }
            .await,
        )
    }

    /// Shuts a customer off for now. Its subscription goes on. Needs `customers.manage`. Emits `customer.suspend`.
    async fn suspend_customer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: CustomerActionInput,
    ) -> Result<Option<CustomerPayload>> {
        CustomerPayload::new(step(ctx, "suspendCustomer", input, Step::Suspend).await)
    }

    /// Lifts a suspension. Needs `customers.manage`. Emits `customer.resume`.
    async fn resume_customer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: CustomerActionInput,
    ) -> Result<Option<CustomerPayload>> {
        CustomerPayload::new(step(ctx, "resumeCustomer", input, Step::Resume).await)
    }

    /// Closes a customer for good and cancels its subscription. Needs `customers.manage`. Emits `customer.terminate`
    /// and, if it had a live subscription, `subscription.cancel`.
    async fn terminate_customer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: CustomerActionInput,
    ) -> Result<Option<CustomerPayload>> {
        CustomerPayload::new(step(ctx, "terminateCustomer", input, Step::Terminate).await)
    }

    /// Removes a customer and cancels its subscription: it becomes invisible. Needs `customers.manage`. Emits
    /// `customer.delete` and, if it had a live subscription, `subscription.cancel`.
    async fn delete_customer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: CustomerActionInput,
    ) -> Result<Option<DeleteCustomerPayload>> {
        DeleteCustomerPayload::new(step(ctx, "deleteCustomer", input, Step::Delete).await)
    }
}
