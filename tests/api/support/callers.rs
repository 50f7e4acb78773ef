//! Callers that differ from those of their role.

use std::time::Duration;

use tessera::auth::{Grant, Permission, Role};
use tessera::entity::{CustomerId, TypedId};

use super::{Client, Tenant, World};

const AN_HOUR: Duration = Duration::from_secs(3600);

impl World {
    /// A caller of the role with a name of its own.
    pub fn acting(&self, role: Role, tenant: Tenant, subject: &str) -> Client {
        self.client(Grant {
            subject: subject.to_owned(),
            role,
            organization: Some(tenant.id),
            customer: None,
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
            permissions: Some(permissions.to_vec()),
            expires_in: AN_HOUR,
            impersonator: None,
        })
    }
}
