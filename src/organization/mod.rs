//! Organizations: the tenants.

pub mod graphql;
pub mod mutation;

use async_graphql::MaybeUndefined;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::Value;

use crate::auth::{Permission, Standing};
use crate::entity::{OperationalStatus, OrganizationId, StoredJson, SubscriptionManagement, organization};
use crate::error::{Code, Error, Refusal, Result, not_found};
use crate::graphql::command::Target;
use crate::graphql::input::{Check, MAX_DAYS, check_version, updated};
use crate::graphql::json::GivenJson;
use crate::graphql::nested::OwnerKey;
use crate::operational::Step;
use crate::store::{Change, Command, UnitOfWork, Writer};
use crate::subscription::{self, Order, Owner, Settings};

/// An organization to be made.
#[derive(Clone, Debug)]
pub struct NewOrganization {
    /// The reseller above; none for an organization of the platform's own.
    pub parent: Option<OrganizationId>,
    /// Shown to people.
    pub name: String,
    /// Unique short name.
    pub slug: String,
    /// Where invoices and reminders go.
    pub billing_email: Option<String>,
    /// ISO 4217 code.
    pub default_currency: String,
    /// IANA time zone name.
    pub time_zone: String,
    /// Days of access of its customers while a renewal is unpaid.
    pub grace_days: Option<i32>,
    /// Days behind that until an unpaid subscription of a customer is canceled.
    pub unpaid_days: Option<i32>,
    /// Whether its subscription never expires.
    pub exempt: bool,
    /// Who manages its own subscription; as configured if not given.
    pub subscription_management: Option<SubscriptionManagement>,
    /// Free-form JSON object.
    pub metadata: Value,
    /// The same of those who manage it.
    pub private_metadata: Option<StoredJson>,
}

/// Makes an organization together with its subscription: both or neither.
pub async fn create(
    writer: &Writer,
    command: &Command,
    settings: &Settings,
    new: &NewOrganization,
    order: &Order,
) -> Result<organization::Model> {
    check_right(writer, new)?;
    let now = writer.now();
    let row = organization::Model {
        id: OrganizationId::generate(),
        parent_id: new.parent,
        name: new.name.clone(),
        name_key: String::new(),
        search_text: String::new(),
        slug: new.slug.clone(),
        status: OperationalStatus::Active,
        exempt: new.exempt,
        subscription_management: new.subscription_management.unwrap_or(settings.management),
        billing_email: new.billing_email.clone(),
        default_currency: new.default_currency.clone(),
        time_zone: new.time_zone.clone(),
        grace_days: new.grace_days,
        unpaid_days: new.unpaid_days,
        metadata: new.metadata.clone().into(),
        private_metadata: new.private_metadata.clone(),
        created_at: now,
        updated_at: now,
        version: 1,
        deleted_at: None,
    };
    writer
        .write_new(command, &row, |unit| {
            Box::pin(async move {
                check_parent(unit, new).await?;
                if new.subscription_management.is_some() {
                    check_management(unit).await?;
                }
                refuse_taken_slug(unit, &new.slug).await?;
                let row = unit.organization().await?;
                let draft = subscription::draft(unit, settings, Owner::from(row), order, "input.subscription").await?;
                let row = unit.insert(row.clone(), Change::new("create")).await?;
                unit.insert(draft, Change::new("create")).await?;
                Ok(row)
            })
        })
        .await
}

/// Who makes an organization without a parent runs the platform; a reseller makes organizations below its own.
fn check_right(writer: &Writer, new: &NewOrganization) -> Result<()> {
    if (new.parent.is_none() || new.exempt) && !writer.caller()?.may(Permission::PlatformManage) {
        return Err(Error::Forbidden(Permission::PlatformManage));
    }
    Ok(())
}

/// One level only, below an active organization that stays so until the new one is committed.
async fn check_parent(unit: &UnitOfWork<'_>, new: &NewOrganization) -> Result<()> {
    let Some(parent) = new.parent else { return Ok(()) };
    let path = "input.parentId";
    let row = unit.share::<organization::Entity>(parent).await?.ok_or_else(|| not_found("organization", path))?;
    let caller = unit.scope().caller()?;
    let own = caller.standing() == Standing::Platform || caller.organization() == Some(parent);
    if row.parent_id.is_some() || !own {
        let message = "An organization can be made below a reseller only, one level deep.";
        return Err(Refusal::new(Code::Conflict, message).at(path).into());
    }
    if row.status != OperationalStatus::Active {
        return Err(Refusal::new(Code::OwnerInactive, "The parent is not active.").at(path).into());
    }
    Ok(())
}

/// Refuses to decide who manages an organization's own subscription, unless the platform does, or a reseller that
/// manages its own. Nobody decides it for its own organization.
async fn check_management(unit: &UnitOfWork<'_>) -> Result<()> {
    let caller = unit.scope().caller()?;
    if caller.may(Permission::PlatformManage) {
        return Ok(());
    }
    let above = caller.organization().filter(|own| unit.tenant().is_ok_and(|tenant| tenant != *own));
    let above = match above {
        Some(id) => unit.get::<organization::Entity>(id).await?,
        None => None,
    };
    if above.is_some_and(|above| above.subscription_management == SubscriptionManagement::SelfManaged) {
        return Ok(());
    }
    Err(Error::Forbidden(Permission::PlatformManage))
}

/// What to change: an omitted field is unchanged, null clears it.
#[derive(Clone, Debug)]
pub struct Update {
    /// Shown to people.
    pub name: Option<String>,
    /// Unique short name. For the platform only.
    pub slug: Option<String>,
    /// Where invoices and reminders go.
    pub billing_email: MaybeUndefined<String>,
    /// ISO 4217 code.
    pub default_currency: Option<String>,
    /// IANA time zone name.
    pub time_zone: Option<String>,
    /// Days of access of its customers while a renewal is unpaid.
    pub grace_days: MaybeUndefined<i32>,
    /// Days behind that until an unpaid subscription of a customer is canceled.
    pub unpaid_days: MaybeUndefined<i32>,
    /// Whether its subscription never expires. For the platform only.
    pub exempt: Option<bool>,
    /// Who manages its own subscription. From above only.
    pub subscription_management: Option<SubscriptionManagement>,
    /// Free-form JSON object; replaces all of it.
    pub metadata: MaybeUndefined<GivenJson>,
    /// The same of those who manage it; replaces all of it.
    pub private_metadata: MaybeUndefined<GivenJson>,
}

impl Update {
    /// The permissions that it takes besides that of changing a profile.
    fn needs(&self) -> Vec<Permission> {
        let Self {
            slug,
            exempt,
            private_metadata,
            // Who manages the subscription is decided from above, which is known when the row is found.
            subscription_management: _,
            // The profile.
            name: _,
            billing_email: _,
            default_currency: _,
            time_zone: _,
            grace_days: _,
            unpaid_days: _,
            metadata: _,
        } = self;
        let platform = slug.is_some() || exempt.is_some();
        let manages = !private_metadata.is_undefined();
        let needs = [(platform, Permission::PlatformManage), (manages, Permission::OrganizationsManage)];
        needs.into_iter().filter_map(|(given, permission)| given.then_some(permission)).collect()
    }
}

/// Changes an organization's profile.
pub async fn update(
    writer: &Writer,
    command: &Command,
    target: &Target<OrganizationId>,
    update: &Update,
) -> Result<organization::Model> {
    if let Some(missing) = update.needs().into_iter().find(|needed| !writer.caller().is_ok_and(|by| by.may(*needed))) {
        return Err(Error::Forbidden(missing));
    }
    writer
        .change::<organization::Entity, _>(command, target.id, "input.id", |unit, row| {
            Box::pin(async move {
                check_version(target.expected_version, row.version)?;
                let update = update.clone();
                let mut check = Check::new();
                let mut next = row.clone();
                if let Some(name) = &update.name {
                    next.name = check.text("input.name", name, 200);
                }
                if let Some(slug) = &update.slug {
                    next.slug = check.slug("input.slug", slug);
                }
                next.billing_email = updated(&row.billing_email, update.billing_email);
                next.billing_email = next.billing_email.map(|email| check.email("input.billingEmail", &email));
                next.default_currency = update.default_currency.unwrap_or(next.default_currency);
                if let Some(zone) = &update.time_zone {
                    next.time_zone = check_time_zone(&mut check, zone);
                }
                next.grace_days = updated(&row.grace_days, update.grace_days);
                next.unpaid_days = updated(&row.unpaid_days, update.unpaid_days);
                check_patience(&mut check, next.grace_days, next.unpaid_days);
                next.exempt = update.exempt.unwrap_or(row.exempt);
                if let Some(management) = update.subscription_management {
                    check_management(unit).await?;
                    next.subscription_management = management;
                }
                if !update.metadata.is_undefined() {
                    next.metadata = check.metadata("input.metadata", update.metadata.take()).into();
                }
                if !update.private_metadata.is_undefined() {
                    let given = update.private_metadata.take();
                    next.private_metadata = check.private_metadata("input.privateMetadata", given);
                }
                check.finish()?;
                if next.slug != row.slug {
                    refuse_taken_slug(unit, &next.slug).await?;
                }
                unit.update(&row, next, Change::new("update").because(target.reason.clone())).await
            })
        })
        .await
}

/// How long customers may owe a renewal.
pub fn check_patience(check: &mut Check, grace_days: Option<i32>, unpaid_days: Option<i32>) {
    for (path, days) in [("input.graceDays", grace_days), ("input.unpaidDays", unpaid_days)] {
        if let Some(days) = days {
            check.range(path, days.into(), 0..=MAX_DAYS);
        }
    }
}

/// The name of a time zone of the IANA database.
pub fn check_time_zone(check: &mut Check, zone: &str) -> String {
    if zone.parse::<chrono_tz::Tz>().is_err() {
        check.refuse("input.timeZone", Code::InvalidFormat, "Expected an IANA time zone such as Europe/Madrid.");
    }
    zone.to_owned()
}

async fn refuse_taken_slug(unit: &UnitOfWork<'_>, slug: &str) -> Result<()> {
    let taken = organization::Entity::find()
        .filter(organization::Column::Slug.eq(slug))
        .filter(organization::Column::DeletedAt.is_null());
    if unit.exists_anywhere(taken).await? {
        return Err(Refusal::new(Code::Duplicate, "Another organization has this slug.").at("input.slug").into());
    }
    Ok(())
}

/// Takes a step in an organization's operational life. Nobody takes it on its own organization.
pub async fn step(
    writer: &Writer,
    command: &Command,
    target: &Target<OrganizationId>,
    step: Step,
) -> Result<organization::Model> {
    let caller = writer.caller()?;
    if caller.organization() == Some(target.id) {
        let message = "This is decided from above, not by the organization itself.";
        return Err(Refusal::new(Code::OwnAccount, message).at("input.id").into());
    }
    writer
        .change::<organization::Entity, _>(command, target.id, "input.id", |unit, row| {
            Box::pin(async move {
                check_version(target.expected_version, row.version)?;
                let status = step.from(row.status)?;
                let deleted_at = (step == Step::Delete).then(|| unit.now());
                let next = organization::Model { status, deleted_at, ..row.clone() };
                if step == Step::Delete {
                    refuse_children(unit, row.id).await?;
                }
                if step.ends_subscription() {
                    let owner = OwnerKey { tenant: row.id, customer: None };
                    subscription::end_with_owner(unit, owner, target.reason.clone()).await?;
                }
                unit.update(&row, next, Change::new(step.verb()).because(target.reason.clone())).await
            })
        })
        .await
}

async fn refuse_children(unit: &UnitOfWork<'_>, id: OrganizationId) -> Result<()> {
    let children = organization::Entity::find()
        .filter(organization::Column::ParentId.eq(id))
        .filter(organization::Column::DeletedAt.is_null());
    if unit.exists_anywhere(children).await? {
        let message = "The organization has organizations below it: delete those first.";
        return Err(Refusal::new(Code::InUse, message).at("input.id").into());
    }
    Ok(())
}
