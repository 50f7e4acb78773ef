//! The callers of a world: one for every role, and some that differ from those of their role.

use std::time::Duration;

use tessera::auth::{Grant, Permission, Role};
use tessera::entity::{CustomerId, MemberId, TypedId};

use super::{Client, Tenant, World};

/// How long tokens of tests are valid: longer than any test moves the clock.
const VALID_FOR: Duration = Duration::from_secs(3650 * 24 * 3600);

/// The same for callers with a name or permissions of their own, whose tests do not move the clock.
const AN_HOUR: Duration = Duration::from_secs(3600);

impl World {
    /// A caller with this grant.
    pub fn client(&self, grant: Grant) -> Client {
        let token = self.issuer.issue(grant).expect("a token is signed");
        Client { app: self.app.clone(), token: Some(token) }
    }

    /// A caller without a token.
    pub fn nobody(&self) -> Client {
        Client { app: self.app.clone(), token: None }
    }

    /// A caller of the role, in the organization where the role has one.
    pub fn caller(&self, role: Role, tenant: Tenant) -> Client {
        let platform = matches!(role, Role::Root | Role::Support);
        self.client(Grant {
            subject: format!("{}@example.com", role.as_str().to_lowercase()),
            role,
            organization: (!platform).then_some(tenant.id),
            customer: None,
            member: None,
            permissions: (role == Role::Service).then(|| Permission::ALL.to_vec()),
            expires_in: VALID_FOR,
            impersonator: None,
        })
    }

    /// The platform's ROOT.
    pub fn root(&self) -> Client {
        self.caller(Role::Root, self.alpha)
    }

    /// An administrator of the organization.
    pub fn admin(&self, tenant: Tenant) -> Client {
        self.caller(Role::Admin, tenant)
    }

    /// Several administrators of the organization, each a caller of its own.
    pub fn admins(&self, tenant: Tenant, count: usize) -> Vec<Client> {
        let admin = |number| {
            self.client(Grant {
                subject: format!("admin-{number}@example.com"),
                role: Role::Admin,
                organization: Some(tenant.id),
                customer: None,
                member: None,
                permissions: None,
                expires_in: VALID_FOR,
                impersonator: None,
            })
        };
        (0..count).map(admin).collect()
    }

    /// The customer itself.
    pub fn customer(&self, tenant: Tenant, customer: &str) -> Client {
        self.client(Grant {
            subject: "customer@example.com".to_owned(),
            role: Role::Customer,
            organization: Some(tenant.id),
            customer: Some(CustomerId::parse(customer).expect("a customer id")),
            member: None,
            permissions: None,
            expires_in: VALID_FOR,
            impersonator: None,
        })
    }

    /// A program of the organization with exactly these permissions.
    pub fn service(&self, tenant: Tenant, permissions: &[Permission]) -> Client {
        self.client(Grant {
            subject: "service".to_owned(),
            role: Role::Service,
            organization: Some(tenant.id),
            customer: None,
            member: None,
            permissions: Some(permissions.to_vec()),
            expires_in: VALID_FOR,
            impersonator: None,
        })
    }

    /// A caller of the role with no more than these permissions.
    pub fn limited(&self, role: Role, tenant: Tenant, permissions: &[Permission]) -> Client {
        self.client(Grant {
            subject: "limited".to_owned(),
            role,
            organization: (role != Role::Root).then_some(tenant.id),
            customer: None,
            member: None,
            permissions: Some(permissions.to_vec()),
            expires_in: VALID_FOR,
            impersonator: None,
        })
    }

    /// A caller of the role with a name of its own.
    pub fn acting(&self, role: Role, tenant: Tenant, subject: &str) -> Client {
        self.client(Grant {
            subject: subject.to_owned(),
            role,
            organization: Some(tenant.id),
            customer: None,
            member: None,
            permissions: None,
            expires_in: AN_HOUR,
            impersonator: None,
        })
    }

    /// A caller of the role whose token names this member.
    pub fn member(&self, role: Role, tenant: Tenant, member: &str) -> Client {
        self.client(Grant {
            subject: "opaque".to_owned(),
            role,
            organization: Some(tenant.id),
            customer: None,
            member: Some(MemberId::parse(member).expect("a member id")),
            permissions: None,
            expires_in: AN_HOUR,
            impersonator: None,
        })
    }

    /// A caller of the role whose token names these permissions, and only these.
    pub fn narrowed(&self, role: Role, tenant: Tenant, customer: Option<&str>, permissions: &[Permission]) -> Client {
        let platform = matches!(role, Role::Root | Role::Support);
        self.client(Grant {
            subject: "narrowed".to_owned(),
            role,
            organization: (!platform).then_some(tenant.id),
            customer: customer.map(|id| CustomerId::parse(id).expect("a customer id")),
            member: None,
            permissions: Some(permissions.to_vec()),
            expires_in: AN_HOUR,
            impersonator: None,
        })
    }
}
