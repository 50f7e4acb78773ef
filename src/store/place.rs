//! Where a unit of work happens, and how that stays as it was found.

use super::executor::Executor as _;
use super::reading::Lock;
use super::{Source, UnitOfWork};
use crate::entity::{OrganizationId, organization};
use crate::error::Result;

/// How often it is tried before it locks what it relies on from the beginning.
const TRIES_WITHOUT_LOCK: usize = 2;

/// Where a unit of work happens.
#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    /// In an organization that the caller named, by the path of the input field.
    Named(OrganizationId, &'a str),
    /// In an organization that the work makes.
    New(&'a organization::Model),
    /// In the platform's catalogue.
    Platform,
}

/// How it is made sure that an organization stays as it was found until what relies on it is committed.
#[derive(Clone, Copy)]
pub(super) enum Hold {
    /// It is locked as a key when it is looked for: nobody suspends, terminates or deletes it.
    Lock,
    /// It is [checked](UnitOfWork::rely_on) together with what is written. Until then there may be no transaction at all.
    Check,
}

impl Hold {
    /// Locking is for those that others got ahead of, so that everyone comes to its turn.
    pub(super) fn at(attempt: usize) -> Self {
        if attempt < TRIES_WITHOUT_LOCK { Self::Check } else { Self::Lock }
    }

    /// The organization, which stays as it is found.
    pub(super) async fn find(
        self,
        unit: &UnitOfWork<'_>,
        organization: &Source,
    ) -> Result<Option<organization::Model>> {
        match self {
            Self::Lock => unit.lock_row::<organization::Entity>(organization, Lock::KeyShare).await,
            Self::Check => {
                let found = unit.connection().find::<organization::Entity>(organization).await?;
                found.iter().for_each(|row| unit.rely_on(row));
                Ok(found)
            }
        }
    }
}

impl Place<'_> {
    pub(super) fn tenant(self) -> Option<OrganizationId> {
        match self {
            Self::Named(id, _) => Some(id),
            Self::New(organization) => Some(organization.id),
            Self::Platform => None,
        }
    }
}
