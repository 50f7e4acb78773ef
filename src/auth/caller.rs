//! Who acts: whoever a token speaks of, or a part of Tessera itself.

use std::sync::Arc;

use super::permission::{Permission, Permissions};
use super::principal::{Membership, Principal, Standing};
use crate::entity::{CustomerId, OrganizationId};

/// Who acts. A request acts for the holder of its token and for nobody else.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Caller {
    /// Whoever the token of a request speaks of.
    Token(Arc<Principal>),
    /// A part of Tessera, which acts in its own name and stands where the platform does.
    System(Part),
}

/// The role of Tessera's own parts in the audit trail. No token has it.
const SYSTEM: &str = "SYSTEM";

macro_rules! parts {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal may $permissions:expr,)*) => {
        /// A part of Tessera that acts without a token.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Part {
            $($(#[doc = $doc])* $name,)*
        }

        impl Part {
            /// Its name in the audit trail.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// What it may do.
            pub fn permissions(self) -> Permissions {
                let of: &[Permission] = match self {
                    $(Self::$name => $permissions,)*
                };
                of.iter().copied().collect()
            }
        }
    };
}

parts! {
    /// Brings about what time makes due. A command that finds something due carries it out in this name, with its own
    /// right to be there.
    Scheduler = "scheduler" may &[],
    /// Applies what payment gateways are like.
    Gateway = "gateway" may &[
        Permission::OrganizationsRead,
        Permission::CustomersRead,
        Permission::PaymentsRead,
    ],
    /// Somebody at the command line of the server, who can read its secrets and its database.
    CommandLine = "command-line" may Permission::ALL,
    /// Makes the demo's data, as rows and not by commands.
    Demo = "demo" may &[],
}

impl Caller {
    /// Its name in the audit trail: the token's subject, or the name of the part.
    pub fn name(&self) -> &str {
        match self {
            Self::Token(principal) => principal.subject(),
            Self::System(part) => part.as_str(),
        }
    }

    /// Its role in the audit trail.
    pub fn role_name(&self) -> &'static str {
        match self {
            Self::Token(principal) => principal.role().as_str(),
            Self::System(_) => SYSTEM,
        }
    }

    /// What others are told of who it is: of the platform's own people no more than their role.
    pub fn known_as(&self) -> &str {
        match self {
            Self::Token(principal) if principal.standing() == Standing::Platform => self.role_name(),
            Self::Token(_) | Self::System(_) => self.name(),
        }
    }

    /// What it can see at most.
    pub fn standing(&self) -> Standing {
        match self {
            Self::Token(principal) => principal.standing(),
            Self::System(_) => Standing::Platform,
        }
    }

    /// What it may do.
    pub fn permissions(&self) -> Permissions {
        match self {
            Self::Token(principal) => principal.permissions(),
            Self::System(part) => part.permissions(),
        }
    }

    /// Whether it has the permission.
    pub fn may(&self, permission: Permission) -> bool {
        self.permissions().contains(permission)
    }

    /// The permission that keeps it from managing what is of an organization, if one does; none stands for the platform.
    /// Of what it can see, a reseller manages what is of the organizations below its own.
    pub fn obstacle(&self, permission: Permission, of: Option<OrganizationId>) -> Option<Permission> {
        if !self.may(permission) {
            return Some(permission);
        }
        match (self.standing(), of) {
            (Standing::Platform, None) => (!self.may(Permission::PlatformManage)).then_some(Permission::PlatformManage),
            (_, None) => Some(Permission::PlatformManage),
            (Standing::Platform | Standing::Reseller(_), Some(_)) => None,
            (Standing::Organization(own), Some(of)) if own == of => None,
            (Standing::Organization(_) | Standing::Customer(..), Some(_)) => Some(permission),
        }
    }

    /// Whoever the token speaks of, if there is one.
    pub fn principal(&self) -> Option<&Principal> {
        match self {
            Self::Token(principal) => Some(principal),
            Self::System(_) => None,
        }
    }

    /// The member that the token names, who may have been deactivated since.
    pub fn member(&self) -> Option<&Membership> {
        self.principal().and_then(Principal::member)
    }

    /// Who acts in its name (RFC 8693 §4.1, claim `act`).
    pub fn impersonator(&self) -> Option<&str> {
        self.principal().and_then(Principal::impersonator)
    }

    /// The organization it belongs to; none for the platform.
    pub fn organization(&self) -> Option<OrganizationId> {
        self.standing().organization()
    }

    /// The customer it is, if it is one.
    pub fn customer(&self) -> Option<CustomerId> {
        self.standing().customer()
    }

    /// A key that no two callers share: what idempotency keys belong to.
    pub fn key(&self) -> String {
        let (role, name) = (self.role_name(), self.name());
        match self.standing() {
            Standing::Platform => format!("platform/{role}/{name}"),
            Standing::Organization(id) | Standing::Reseller(id) => format!("{id}/{role}/{name}"),
            Standing::Customer(org, id) => format!("{org}/{id}/{role}/{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Role;

    #[test]
    fn no_token_has_the_role_of_a_part() {
        assert_eq!(SYSTEM.parse::<Role>(), Err(()));
        for part in [Part::Scheduler, Part::CommandLine, Part::Demo] {
            let caller = Caller::System(part);
            assert_eq!(caller.key(), format!("platform/SYSTEM/{}", part.as_str()));
            assert_eq!(caller.known_as(), part.as_str());
            assert!(caller.principal().is_none());
        }
    }
}
