//! The type `Member` and the queries for it.

use async_graphql::{ID, InputObject};
use declare::{object, queries};
use sea_orm::{ColumnTrait, Condition, IdenStatic};

use crate::clock::Timestamp;
use crate::entity::{MemberId, MemberRole, OrganizationId, member};
use crate::error::Result;
use crate::graphql::connection::{connection, sort_order};
use crate::graphql::context::RequestContext;
use crate::graphql::filter::{DateTimeRange, enum_filter};
use crate::graphql::input::parse_optional_id;
use crate::graphql::search::Search;
use crate::organization::graphql::{self as organization, Organization};
use crate::read::relation::Pages;
use crate::text::email_key;

/// A user of an organization. Needs `members.read`.
#[object(noun = member)]
pub struct Member {
    /// Globally unique.
    id: MemberId,
    /// Lower-case address, unique in the organization. Never changes.
    email: String,
    /// Shown to people.
    name: String,
    /// What the member may do.
    role: MemberRole,
    /// Whether the member has access. Only active members count towards the user limit.
    active: bool,
    /// When it was made.
    created_at: Timestamp,
    /// When it was last changed.
    updated_at: Timestamp,
    /// Counts changes, from 1. Pass it as `expectedVersion` to change only what you saw.
    version: i32,
    /// The organization it is a user of; null for callers that cannot see organizations.
    #[one(organization::seen, TenantId)]
    organization: Option<Organization>,
}

/// The members of an organization.
pub fn of_organization(organization: impl IdenStatic) -> Pages<member::Entity> {
    Pages::new("organization.members", member::Column::TenantId, organization)
}

enum_filter!(MemberRoleFilter of MemberRole);

/// Which members to find. Everything given must hold; a null is refused.
#[derive(Clone, Debug, InputObject)]
pub struct MemberFilter {
    /// Of this organization.
    organization_id: Option<ID>,
    /// By role.
    role: Option<MemberRoleFilter>,
    /// Whether they have access.
    active: Option<bool>,
    /// With this address.
    email: Option<String>,
    /// By the time it was made.
    created_at: Option<DateTimeRange>,
    /// With this text in its name or address, whatever case and accents; blank finds all. A text
    /// of one or two characters finds names that begin with it.
    search: Option<String>,
}

impl MemberFilter {
    fn condition(&self, _: &RequestContext) -> Result<Condition> {
        use member::Column::{Active, CreatedAt, Email, NameKey, Role, SearchText, TenantId};
        let organization = parse_optional_id::<OrganizationId>("where.organizationId", self.organization_id.as_ref())?;
        Ok(Condition::all()
            .add_option(organization.map(|id| TenantId.eq(id)))
            .add_option(self.role.as_ref().map(|role| role.on(Role)))
            .add_option(self.active.map(|active| Active.eq(active)))
            .add_option(self.email.as_ref().map(|email| Email.eq(email_key(email))))
            .add_option(self.created_at.map(|range| range.on(CreatedAt)))
            .add_option(Search::of(self.search.as_deref())?.map(|search| search.on_named(SearchText, NameKey))))
    }
}

sort_order!(MemberOrder, MemberSort of member {
    /// When it was made.
    CreatedAt => CreatedAt,
    /// Name, in any case.
    Name => NameKey,
    /// Address.
    Email => Email,
});

connection!(MemberConnection, MemberEdge, Member of member, "members", MemberFilter, MemberOrder);

/// Queries for members.
#[derive(Default)]
pub struct MemberQuery;

#[queries]
impl MemberQuery {
    /// The member with this id; null if there is none that the caller can see. Needs `members.read`.
    #[by_id("The member.")]
    fn member() -> Option<Member>;

    /// The members that the caller can see. Needs `members.read`.
    #[list]
    fn members() -> Option<MemberConnection>;
}
