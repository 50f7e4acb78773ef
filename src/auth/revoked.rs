//! Tokens that are refused although they have not expired: what this process knows of them.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::permission::Permissions;
use super::principal::Principal;
use crate::clock::Timestamp;
use crate::entity::OrganizationId;

/// What a revocation names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Named {
    /// One token, by its claim `jti`.
    Token(String),
    /// The tokens of a subject that were issued until then.
    Subject(String),
}

/// A revocation of tokens.
#[derive(Clone, Debug)]
pub struct Revocation {
    /// What it names.
    pub named: Named,
    /// The organization whose tokens are meant; none for all, the platform's own included.
    pub tenant: Option<OrganizationId>,
    /// What who revoked them may do: a token that may do more stays.
    pub holds: Permissions,
    /// When it was made.
    pub made: Timestamp,
    /// When the last of the tokens has expired by itself.
    pub expires: Timestamp,
}

impl Revocation {
    fn is_of(&self, caller: &Principal, now: Timestamp) -> bool {
        let issued_after = matches!(self.named, Named::Subject(_)) && caller.is_issued_after(self.made);
        now < self.expires
            && self.tenant.is_none_or(|tenant| caller.organization() == Some(tenant))
            && caller.permissions().is_within(self.holds)
            && !issued_after
    }
}

type Known = HashMap<Named, Vec<Revocation>>;

/// The revocations that are known; none at first.
#[derive(Debug, Default)]
pub struct Revoked(RwLock<Arc<Known>>);

impl Revoked {
    /// Knows these, and no others any more.
    pub fn replace(&self, all: impl IntoIterator<Item = Revocation>) {
        let mut known = Known::new();
        for revocation in all {
            known.entry(revocation.named.clone()).or_default().push(revocation);
        }
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(known);
    }

    /// Whether the token of this caller is revoked.
    pub(super) fn contains(&self, caller: &Principal, now: Timestamp) -> bool {
        let known = Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner));
        if known.is_empty() {
            return false;
        }
        let token = caller.token_id().map(|id| Named::Token(id.to_owned()));
        let names = token.into_iter().chain([Named::Subject(caller.subject().to_owned())]);
        names.filter_map(|name| known.get(&name)).flatten().any(|revocation| revocation.is_of(caller, now))
    }
}
