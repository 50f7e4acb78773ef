//! Members: the users of an organization.

pub mod graphql;
pub mod mutation;
mod rules;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::auth::Role;
use crate::entity::{MemberId, MemberRole, OrganizationId, member};
use crate::error::{Code, Error, Refusal, Result};
use crate::graphql::command::Target;
use crate::graphql::input::{Check, check_version};
use crate::store::{Change, Command, UnitOfWork, Writer};
use crate::subscription::limit;
use crate::subscription::status::Policy;

/// A member to be made.
#[derive(Clone, Debug)]
pub struct NewMember {
    /// Lower-case address.
    pub email: String,
    /// Shown to people.
    pub name: String,
    /// What the member may do.
    pub role: MemberRole,
}

/// Makes an active member, if the organization may have one more.
pub async fn create(
    writer: &Writer,
    command: &Command,
    policy: &Policy,
    organization: OrganizationId,
    new: &NewMember,
) -> Result<member::Model> {
    writer
        .write_in(command, organization, "input.organizationId", |unit| {
            Box::pin(async move {
                check_role(unit, new.role).await?;
                refuse_taken_email(unit, &new.email).await?;
                check_room(unit, policy, "input").await?;
                let row = member::Model {
                    tenant_id: organization,
                    id: MemberId::generate(),
                    email: new.email.clone(),
                    name: new.name.clone(),
                    name_key: String::new(),
                    search_text: String::new(),
                    role: new.role,
                    active: true,
                    created_at: unit.now(),
                    updated_at: unit.now(),
                    version: 1,
                };
                unit.insert(row, Change::new("create")).await
            })
        })
        .await
}

/// Refuses to give or take a role that may do more than the caller: nobody grants, demotes or deactivates more than it
/// holds.
fn check_holds(unit: &UnitOfWork<'_>, role: MemberRole) -> Result<()> {
    let caller = unit.scope().caller()?;
    match Role::from(role).permissions().iter().find(|permission| !caller.may(*permission)) {
        Some(missing) => Err(Error::Forbidden(missing)),
        None => Ok(()),
    }
}

/// Refuses a role that the caller cannot give. Only an organization without a parent has organizations below it to
/// manage.
async fn check_role(unit: &UnitOfWork<'_>, role: MemberRole) -> Result<()> {
    check_holds(unit, role)?;
    if role == MemberRole::Reseller && unit.organization().await?.parent_id.is_some() {
        let message = "An organization that is below another one has no resellers.";
        return Err(Refusal::new(Code::Conflict, message).at("input.role").into());
    }
    Ok(())
}

async fn refuse_taken_email(unit: &UnitOfWork<'_>, email: &str) -> Result<()> {
    if unit.exists(member::Entity::find().filter(member::Column::Email.eq(email))).await? {
        let message = "Another member of the organization has this address.";
        return Err(Refusal::new(Code::Duplicate, message).at("input.email").into());
    }
    Ok(())
}

/// Refuses one more active member than the organization may have.
async fn check_room(unit: &UnitOfWork<'_>, policy: &Policy, path: &str) -> Result<()> {
    let active = member::Entity::find().filter(member::Column::Active.eq(true));
    limit::check_room(unit, policy, limit::USERS, active, path).await
}

/// A change of a member.
#[derive(Clone, Debug)]
pub enum Step {
    /// Another name or role, where given. The address never changes.
    Update {
        /// Shown to people.
        name: Option<String>,
        /// What the member may do.
        role: Option<MemberRole>,
    },
    /// Takes its access away; it no longer counts towards the user limit. An inactive member stays as it is.
    Deactivate,
    /// Gives it its access back, if the organization may have one more. An active member stays as it is.
    Reactivate,
}

/// Changes a member.
pub async fn change(
    writer: &Writer,
    command: &Command,
    policy: &Policy,
    target: &Target<MemberId>,
    step: &Step,
) -> Result<member::Model> {
    writer
        .change::<member::Entity, _>(command, target.id, "input.id", |unit, row| {
            Box::pin(async move {
                check_version(target.expected_version, row.version)?;
                let mut next = row.clone();
                let verb = match step {
                    Step::Update { name, role } => {
                        rename(&mut next, name.as_deref())?;
                        if let Some(role) = role.filter(|role| *role != row.role) {
                            check_holds(unit, row.role)?;
                            check_role(unit, role).await?;
                            next.role = role;
                            keep_managed(unit, &row, &next, "input.role").await?;
                        }
                        "update"
                    }
                    Step::Deactivate => {
                        check_holds(unit, row.role)?;
                        next.active = false;
                        keep_managed(unit, &row, &next, "input.id").await?;
                        "deactivate"
                    }
                    Step::Reactivate => {
                        check_holds(unit, row.role)?;
                        if !row.active {
                            check_room(unit, policy, "input.id").await?;
                            next.active = true;
                        }
                        "reactivate"
                    }
                };
                unit.update(&row, next, Change::new(verb).because(target.reason.clone())).await
            })
        })
        .await
}

fn rename(row: &mut member::Model, name: Option<&str>) -> Result<()> {
    let mut check = Check::new();
    if let Some(name) = name {
        row.name = check.text("input.name", name, 200);
    }
    check.finish()
}

/// Refuses to take the last active manager away from an organization. The organization is locked first, so that two
/// managers cannot remove each other.
async fn keep_managed(unit: &UnitOfWork<'_>, before: &member::Model, after: &member::Model, path: &str) -> Result<()> {
    if !rules::stops_managing(before, after) {
        return Ok(());
    }
    unit.lock_organization().await?;
    let others = member::Entity::find()
        .filter(member::Column::Id.ne(before.id))
        .filter(member::Column::Active.eq(true))
        .filter(member::Column::Role.is_in(rules::MANAGING));
    if unit.exists(others).await? {
        return Ok(());
    }
    let message = "This is the last active administrator of the organization: appoint another one first.";
    Err(Refusal::new(Code::InUse, message).at(path).into())
}
