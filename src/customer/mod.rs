//! Customers of an organization.

pub mod graphql;
pub mod mutation;

use async_graphql::MaybeUndefined;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::Value;

use crate::auth::Permission;
use crate::entity::{CustomerId, OperationalStatus, OrganizationId, StoredJson, customer};
use crate::error::{Code, Error, Refusal, Result};
use crate::graphql::command::Target;
use crate::graphql::input::{Check, check_version, updated};
use crate::graphql::json::GivenJson;
use crate::graphql::nested::OwnerKey;
use crate::operational::Step;
use crate::store::{Change, Command, UnitOfWork, Writer};
use crate::subscription::{self, Order, Owner, Settings, limit};

/// How many characters a telephone number has at most: numbers of E.164 have 15 digits, and people write them as they like.
pub const MAX_PHONE: usize = 40;

/// A customer to be made.
#[derive(Clone, Debug)]
pub struct NewCustomer {
    /// Shown to people.
    pub name: String,
    /// Contact address.
    pub email: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
    /// The integrator's own key.
    pub external_ref: Option<String>,
    /// Free-form JSON object.
    pub metadata: Value,
    /// The same of those who manage it.
    pub private_metadata: Option<StoredJson>,
}

/// Makes a customer together with its subscription: both or neither.
pub async fn create(
    writer: &Writer,
    command: &Command,
    settings: &Settings,
    organization: OrganizationId,
    new: &NewCustomer,
    order: &Order,
) -> Result<customer::Model> {
    writer
        .write_in(command, organization, "input.organizationId", |unit| {
            Box::pin(async move {
                refuse_taken_ref(unit, new.external_ref.as_deref(), None).await?;
                let operating =
                    customer::Entity::find().filter(customer::Column::Status.ne(OperationalStatus::Terminated));
                let kept = operating.filter(customer::Column::DeletedAt.is_null());
                limit::check_room(unit, &settings.policy, limit::CUSTOMERS, kept, "input").await?;
                let row = customer::Model {
                    tenant_id: organization,
                    id: CustomerId::generate(),
                    name: new.name.clone(),
                    name_key: String::new(),
                    email: new.email.clone(),
                    phone: new.phone.clone(),
                    external_ref: new.external_ref.clone(),
                    status: OperationalStatus::Active,
                    search_text: String::new(),
                    metadata: new.metadata.clone().into(),
                    private_metadata: new.private_metadata.clone(),
                    created_at: unit.now(),
                    updated_at: unit.now(),
                    version: 1,
                    deleted_at: None,
                };
                let draft = subscription::draft(unit, settings, Owner::from(&row), order, "input.subscription").await?;
                let row = unit.insert(row, Change::new("create")).await?;
                unit.insert(draft, Change::new("create")).await?;
                Ok(row)
            })
        })
        .await
}

async fn refuse_taken_ref(unit: &UnitOfWork<'_>, external_ref: Option<&str>, own: Option<CustomerId>) -> Result<()> {
    let Some(external_ref) = external_ref else { return Ok(()) };
    let taken = customer::Entity::find()
        .filter(customer::Column::ExternalRef.eq(external_ref))
        .filter(customer::Column::DeletedAt.is_null());
    let taken = match own {
        Some(own) => taken.filter(customer::Column::Id.ne(own)),
        None => taken,
    };
    if unit.exists(taken).await? {
        let message = "Another customer of the organization has this external reference.";
        return Err(Refusal::new(Code::Duplicate, message).at("input.externalRef").into());
    }
    Ok(())
}

/// What to change: an omitted field is unchanged, null clears it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Update {
    /// Shown to people.
    pub name: Option<String>,
    /// Contact address.
    pub email: MaybeUndefined<String>,
    /// Telephone number.
    pub phone: MaybeUndefined<String>,
    /// The integrator's own key.
    pub external_ref: MaybeUndefined<String>,
    /// Free-form JSON object; replaces all of it.
    pub metadata: MaybeUndefined<GivenJson>,
    /// The same of those who manage it; replaces all of it.
    pub private_metadata: MaybeUndefined<GivenJson>,
}

impl Update {
    /// Whether it takes managing: to change the notes of those who manage, and for a customer to change of itself anything
    /// but what is listed here.
    fn is_managed(&self, by_customer: bool) -> bool {
        let rest =
            Self { name: None, email: MaybeUndefined::Undefined, phone: MaybeUndefined::Undefined, ..self.clone() };
        !self.private_metadata.is_undefined() || (by_customer && rest != Self::default())
    }
}

/// Changes a customer. A customer itself may change its name, address and telephone number only.
pub async fn update(
    writer: &Writer,
    command: &Command,
    target: &Target<CustomerId>,
    update: &Update,
) -> Result<customer::Model> {
    let is_managed = update.is_managed(writer.caller()?.customer().is_some());
    writer
        .change::<customer::Entity, _>(command, target.id, "input.id", |unit, row| {
            Box::pin(async move {
                check_version(target.expected_version, row.version)?;
                let update = update.clone();
                if is_managed && !unit.scope().caller()?.may(Permission::CustomersManage) {
                    return Err(Error::Forbidden(Permission::CustomersManage));
                }
                let mut check = Check::new();
                let mut next = row.clone();
                if let Some(name) = &update.name {
                    next.name = check.text("input.name", name, 200);
                }
                next.email = updated(&row.email, update.email);
                next.email = next.email.map(|email| check.email("input.email", &email));
                next.phone = updated(&row.phone, update.phone);
                next.phone = check.optional_text("input.phone", next.phone.as_deref(), MAX_PHONE);
                next.external_ref = updated(&row.external_ref, update.external_ref);
                next.external_ref = check.optional_text("input.externalRef", next.external_ref.as_deref(), 255);
                if !update.metadata.is_undefined() {
                    next.metadata = check.metadata("input.metadata", update.metadata.take()).into();
                }
                if !update.private_metadata.is_undefined() {
                    let given = update.private_metadata.take();
                    next.private_metadata = check.private_metadata("input.privateMetadata", given);
                }
                check.finish()?;
                refuse_taken_ref(unit, next.external_ref.as_deref(), Some(row.id)).await?;
                unit.update(&row, next, Change::new("update").because(target.reason.clone())).await
            })
        })
        .await
}

/// Takes a step in a customer's operational life. Its subscription's status is another matter, except that it does not
/// outlive the customer.
pub async fn step(
    writer: &Writer,
    command: &Command,
    target: &Target<CustomerId>,
    step: Step,
) -> Result<customer::Model> {
    writer
        .change::<customer::Entity, _>(command, target.id, "input.id", |unit, row| {
            Box::pin(async move {
                check_version(target.expected_version, row.version)?;
                let status = step.from(row.status)?;
                let deleted_at = (step == Step::Delete).then(|| unit.now());
                let next = customer::Model { status, deleted_at, ..row.clone() };
                if step.ends_subscription() {
                    let owner = OwnerKey { tenant: row.tenant_id, customer: Some(row.id) };
                    subscription::end_with_owner(unit, owner, target.reason.clone()).await?;
                }
                unit.update(&row, next, Change::new(step.verb()).because(target.reason.clone())).await
            })
        })
        .await
}
