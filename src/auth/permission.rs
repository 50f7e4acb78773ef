//! Permissions, roles, and the one table that says which role has which permission.

use std::fmt;
use std::str::FromStr;

use crate::entity::MemberRole;

macro_rules! permissions {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal,)*) => {
        /// Something a caller may do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Permission {
            $($(#[doc = $doc])* $name,)*
        }

        impl Permission {
            /// Every permission there is.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The name in tokens, errors and answers.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

permissions! {
    /// Manage the platform: its catalogue, exempt organizations, organizations without a parent.
    PlatformManage = "platform.manage",
    /// Read organizations and, with them, their own subscription.
    OrganizationsRead = "organizations.read",
    /// Change an organization's profile.
    OrganizationsUpdate = "organizations.update",
    /// Create, suspend, resume, terminate and delete organizations.
    OrganizationsManage = "organizations.manage",
    /// Read members.
    MembersRead = "members.read",
    /// Create, change, deactivate and reactivate members.
    MembersManage = "members.manage",
    /// Read customers and, with them, their subscriptions.
    CustomersRead = "customers.read",
    /// Create customers and change their status.
    CustomersManage = "customers.manage",
    /// Change a customer's own name and address.
    CustomersUpdate = "customers.update",
    /// Manage the tiers and features of a catalogue and read the tiers' statistics.
    TiersManage = "tiers.manage",
    /// Change subscriptions.
    SubscriptionsManage = "subscriptions.manage",
    /// Give a tier without payment.
    SubscriptionsOverride = "subscriptions.override",
    /// Record, consume and reserve what is used of features.
    UsageRecord = "usage.record",
    /// Cancel and reactivate the own subscription.
    SubscriptionsSelfService = "subscriptions.self_service",
    /// Read payments and payment methods.
    PaymentsRead = "payments.read",
    /// Change payments and payment methods.
    PaymentsManage = "payments.manage",
    /// Read what an organization or customer has access to.
    EntitlementsRead = "entitlements.read",
    /// Read the audit trail.
    AuditRead = "audit.read",
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Permission {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|permission| permission.as_str() == text).ok_or(())
    }
}

/// A set of permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Permissions(u64);

const _: () = assert!(Permission::ALL.len() <= u64::BITS as usize);

impl Permissions {
    const fn bit(permission: Permission) -> u64 {
        1 << permission as u32
    }

    /// Whether the permission is one of them.
    pub const fn contains(self, permission: Permission) -> bool {
        self.0 & Self::bit(permission) != 0
    }

    /// Those that are in both.
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether whoever has the others may do all of this, but for what customers do with what is their own.
    pub fn is_within(self, others: Self) -> bool {
        let own = Self::bit(Permission::SubscriptionsSelfService);
        self.0 & !own & !others.0 == 0
    }

    /// All of them, in the order of [`Permission::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |permission| self.contains(*permission))
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(permissions.into_iter().fold(0, |bits, permission| bits | Self::bit(permission)))
    }
}

/// The kind of a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, async_graphql::Enum, clap::ValueEnum)]
#[value(rename_all = "UPPER")]
pub enum Role {
    /// Runs the platform: sees and may do everything.
    Root,
    /// Helps the platform's users: sees everything, changes nothing.
    Support,
    /// Manages one organization.
    Admin,
    /// Manages one organization and the organizations below it.
    Reseller,
    /// Reads the customers of one organization.
    Worker,
    /// A customer: sees itself.
    Customer,
    /// A program of one organization: may do exactly what its token says.
    Service,
}

impl Role {
    /// Every role there is.
    pub const ALL: &[Self] =
        &[Self::Root, Self::Support, Self::Admin, Self::Reseller, Self::Worker, Self::Customer, Self::Service];

    /// The name in tokens and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Root => "ROOT",
            Self::Support => "SUPPORT",
            Self::Admin => "ADMIN",
            Self::Reseller => "RESELLER",
            Self::Worker => "WORKER",
            Self::Customer => "CUSTOMER",
            Self::Service => "SERVICE",
        }
    }

    /// What the role may do at most. A token may narrow it, never widen it.
    pub fn permissions(self) -> Permissions {
        use Permission::*;
        let of = |list: &[Permission]| list.iter().copied().collect();
        match self {
            Self::Root => of(Permission::ALL),
            Self::Support => {
                of(&[OrganizationsRead, MembersRead, CustomersRead, PaymentsRead, EntitlementsRead, AuditRead])
            }
            Self::Admin => of(ADMIN),
            Self::Reseller => ADMIN.iter().copied().chain([OrganizationsManage]).collect(),
            Self::Worker => of(&[CustomersRead, EntitlementsRead]),
            Self::Customer => {
                of(&[CustomersRead, CustomersUpdate, PaymentsRead, SubscriptionsSelfService, EntitlementsRead])
            }
            // Nothing by itself: what its token lists, of what an administrator could grant.
            Self::Service => of(ADMIN),
        }
    }
}

impl From<MemberRole> for Role {
    fn from(role: MemberRole) -> Self {
        match role {
            MemberRole::Admin => Self::Admin,
            MemberRole::Reseller => Self::Reseller,
            MemberRole::Worker => Self::Worker,
        }
    }
}

const ADMIN: &[Permission] = &[
    Permission::OrganizationsRead,
    Permission::OrganizationsUpdate,
    Permission::MembersRead,
    Permission::MembersManage,
    Permission::CustomersRead,
    Permission::CustomersManage,
    Permission::CustomersUpdate,
    Permission::TiersManage,
    Permission::SubscriptionsManage,
    Permission::UsageRecord,
    Permission::PaymentsRead,
    Permission::PaymentsManage,
    Permission::EntitlementsRead,
    Permission::AuditRead,
];

impl FromStr for Role {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|role| role.as_str() == text).ok_or(())
    }
}
