//! Who is calling.

use super::claims::Claims;
use super::permission::{Permissions, Role};
use crate::clock::Timestamp;
use crate::entity::{CustomerId, MemberId, OrganizationId, TypedId};

/// Where a caller stands: what it can see at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// The platform: every organization.
    Platform,
    /// One organization.
    Organization(OrganizationId),
    /// One organization and those below it.
    Reseller(OrganizationId),
    /// One customer of one organization.
    Customer(OrganizationId, CustomerId),
}

impl Standing {
    /// The organization the caller belongs to; none for the platform.
    pub fn organization(self) -> Option<OrganizationId> {
        match self {
            Self::Platform => None,
            Self::Organization(id) | Self::Reseller(id) | Self::Customer(id, _) => Some(id),
        }
    }

    /// The customer the caller is, if it is one.
    pub fn customer(self) -> Option<CustomerId> {
        match self {
            Self::Customer(_, id) => Some(id),
            Self::Platform | Self::Organization(_) | Self::Reseller(_) => None,
        }
    }
}

/// How a token names the member of the organization that it speaks of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Membership {
    /// By its id: the member must be there and active.
    Id(MemberId),
    /// By its address, in lower case. Nobody has to be a member: only one that was deactivated has no access.
    Address(String),
}

impl Membership {
    /// The member that a claim or else the subject names; none for programs and for subjects of another form.
    fn from_claims(claims: &Claims, role: Role) -> Result<Option<Self>, &'static str> {
        let has_members = matches!(role, Role::Admin | Role::Reseller | Role::Worker);
        match &claims.member {
            Some(_) if !has_members => Err("this role has no member"),
            Some(text) => match MemberId::parse(text) {
                Some(id) => Ok(Some(Self::Id(id))),
                None => Err("the claim `member` is not a member id"),
            },
            None if !has_members => Ok(None),
            None => Ok(match MemberId::parse(&claims.sub) {
                Some(id) => Some(Self::Id(id)),
                None => claims.sub.contains('@').then(|| Self::Address(claims.sub.to_lowercase())),
            }),
        }
    }
}

/// A caller whose token was verified. There is no other way to make one.
///
/// ```compile_fail
/// use tessera::auth::{Principal, Role};
/// let forged = Principal { subject: "me".into(), role: Role::Root };
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Principal {
    subject: String,
    role: Role,
    standing: Standing,
    permissions: Permissions,
    member: Option<Membership>,
    impersonator: Option<String>,
    token_id: Option<String>,
    /// In seconds since the epoch.
    issued_at: Option<i64>,
}

impl Principal {
    /// The principal that verified claims speak of, or what is wrong with them.
    pub(super) fn from_claims(claims: &Claims) -> Result<Self, &'static str> {
        let role: Role = claims.role.parse().map_err(|()| "the claim `role` names no role")?;
        let organization = match &claims.org {
            Some(text) => Some(OrganizationId::parse(text).ok_or("the claim `org` is not an organization id")?),
            None => None,
        };
        let customer = match &claims.customer {
            Some(text) => Some(CustomerId::parse(text).ok_or("the claim `customer` is not a customer id")?),
            None => None,
        };
        let standing = match (role, organization, customer) {
            (Role::Root | Role::Support, None, None) => Standing::Platform,
            (Role::Admin | Role::Worker | Role::Service, Some(organization), None) => {
                Standing::Organization(organization)
            }
            (Role::Reseller, Some(organization), None) => Standing::Reseller(organization),
            (Role::Customer, Some(organization), Some(customer)) => Standing::Customer(organization, customer),
            (Role::Root | Role::Support, ..) => {
                return Err("a role of the platform has no organization and no customer");
            }
            (Role::Customer, ..) => return Err("the role CUSTOMER needs an organization and a customer"),
            _ => return Err("this role needs an organization, and no customer"),
        };
        let permissions = match (&claims.permissions, role) {
            (None, Role::Service) => return Err("a token of role SERVICE needs the claim `permissions`"),
            (None, _) => role.permissions(),
            // A name this version does not know grants nothing: older servers read newer tokens.
            (Some(names), _) => {
                let named: Permissions = names.iter().filter_map(|name| name.parse().ok()).collect();
                role.permissions().intersection(named)
            }
        };
        let (subject, impersonator) = (claims.sub.clone(), claims.act_subject());
        let member = Membership::from_claims(claims, role)?;
        let (token_id, issued_at) = (claims.jti.clone(), claims.iat);
        Ok(Self { subject, role, standing, permissions, member, impersonator, token_id, issued_at })
    }

    /// The token's subject.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The caller's role.
    pub fn role(&self) -> Role {
        self.role
    }

    /// What the caller can see at most.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// What the caller may do.
    pub fn permissions(&self) -> Permissions {
        self.permissions
    }

    /// The member that the token names, who may have been deactivated since.
    pub fn member(&self) -> Option<&Membership> {
        self.member.as_ref()
    }

    /// Who acts in the subject's name (RFC 8693 §4.1, claim `act`).
    pub fn impersonator(&self) -> Option<&str> {
        self.impersonator.as_deref()
    }

    /// The id of its token (claim `jti`), if it has one.
    pub fn token_id(&self) -> Option<&str> {
        self.token_id.as_deref()
    }

    /// Whether its token was issued after this moment; one that does not say when was not.
    pub fn is_issued_after(&self, moment: Timestamp) -> bool {
        self.issued_at.is_some_and(|seconds| seconds.saturating_mul(1_000_000) > moment.micros())
    }

    /// The organization the caller belongs to; none for the platform.
    pub fn organization(&self) -> Option<OrganizationId> {
        self.standing.organization()
    }
}
