//! The type `Member` and the queries for it.

use async_graphql::{ComplexObject, Context, ID, InputObject, Object, SimpleObject};
use sea_orm::{ColumnTrait, Condition};

use crate::clock::Timestamp;
use crate::entity::{MemberId, MemberRole, OrganizationId, member};
use crate::error::Result;
use crate::graphql::connection::{connection, sort_order};
use crate::graphql::context::{ContextExt, RequestContext};
use crate::graphql::filter::{DateTimeRange, enum_filter};
use crate::graphql::input::{parse_id, parse_optional_id};
use crate::graphql::list::PageArgs;
use crate::graphql::nested::by_organization;
use crate::graphql::search::Search;
use crate::organization::graphql::Organization;
use crate::text::email_key;

/// A user of an organization. Needs `members.read`.
#[derive(Clone, SimpleObject)]
#[graphql(complex)]
pub struct Member {
    /// Globally unique.
    pub id: MemberId,
    /// Lower-case address, unique in the organization. Never changes.
    pub email: String,
    /// Shown to people.
    pub name: String,
    /// What the member may do.
    pub role: MemberRole,
    /// Whether the member has access. Only active members count towards the user limit.
    pub active: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Counts changes, from 1. Pass it as `expectedVersion` to change only what you saw.
    pub version: i32,
    #[graphql(skip)]
    tenant: OrganizationId,
}

impl From<member::Model> for Member {
    fn from(row: member::Model) -> Self {
        let member::Model {
            tenant_id: tenant,
            id,
            email,
            name,
            name_key: _,
            search_text: _,
            role,
            active,
            created_at,
            updated_at,
            version,
        } = row;
        Self { id, email, name, role, active, created_at, updated_at, version, tenant }
    }
}

#[ComplexObject]
impl Member {
    /// The organization it is a user of; null for callers that cannot see organizations.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Option<Organization>> {
        crate::organization::graphql::visible(ctx, self.tenant).await
    }
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

#[Object]
impl MemberQuery {
    /// The member with this id; null if there is none that the caller can see. Needs `members.read`.
    async fn member(&self, ctx: &Context<'_>, #[graphql(desc = "The member.")] id: ID) -> Result<Option<Member>> {
        let id = parse_id::<MemberId>("id", &id)?;
        Ok(ctx.scope().get::<member::Entity>(id).await?.map(Into::into))
    }

    /// The members that the caller can see. Needs `members.read`.
    async fn members(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "where", desc = "Which ones to find; all if not given.")] filter: Option<MemberFilter>,
        #[graphql(validator(max_items = 4), desc = "How to sort; newest first if not given.")] order_by: Option<
            Vec<MemberOrder>,
        >,
        #[graphql(desc = "How many from the start, at most 100; 25 if neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only those behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
    ) -> Result<Option<MemberConnection>> {
        let args = PageArgs { first, after, last, before };
        MemberConnection::load(ctx, "members", filter, order_by, &args).await.map(Some)
    }
}

/// A page of an organization's members.
pub async fn of_organization(
    ctx: &Context<'_>,
    organization: OrganizationId,
    filter: Option<MemberFilter>,
    order_by: Option<Vec<MemberOrder>>,
    args: PageArgs,
) -> Result<MemberConnection> {
    MemberConnection::load_nested(ctx, "organization.members", filter, order_by, args, organization, by_organization())
        .await
}
