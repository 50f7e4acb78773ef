//! What is told of access, and the queries for it.

use async_graphql::{ComplexObject, Context, ID, Object, SimpleObject};

use super::read::access;
use super::{FeatureReason, Reason, is_allowed};
use crate::clock::Timestamp;
use crate::entitlement::{Entitlement, Source};
use crate::entity::{AccessMode, FeatureKind};
use crate::error::{Code, Refusal, Result};
use crate::graphql::context::ContextExt;
use crate::graphql::scalar::SafeInt;
use crate::store::Counted;
use crate::tier::{self, Unlock};
use crate::usage::OwnerId;

/// How many owners or features are asked for at once.
const MOST: usize = 100;
/// How many features of owners.
const MOST_CELLS: usize = 2_500;

/// What an owner may do now. It may be kept until `validUntil`, and is better asked for again from `refreshAfter` on.
#[derive(Clone)]
pub struct Access {
    pub(super) owner: OwnerId,
    pub(super) mode: AccessMode,
    pub(super) reason: Reason,
    pub(super) plan: Option<String>,
    pub(super) plan_key: Option<String>,
    pub(super) features: Vec<FeatureAccess>,
    /// The versions of what it was made from.
    pub(super) changed: (i32, i32, i32),
    pub(super) valid_until: Timestamp,
    pub(super) refresh_after: Timestamp,
}

/// What an owner may do now. It may be kept until `validUntil`, and is better asked for again from `refreshAfter` on.
#[Object]
impl Access {
    /// The organization or customer.
    async fn owner_id(&self) -> ID {
        match self.owner {
            OwnerId::Organization(id) => id.to_string().into(),
            OwnerId::Customer(id) => id.to_string().into(),
        }
    }

    /// How much it may do.
    async fn mode(&self) -> AccessMode {
        self.mode
    }

    /// Whether it may do more than read: in the modes FULL and LIMITED.
    async fn allowed(&self) -> bool {
        is_allowed(self.mode)
    }

    /// Why.
    async fn reason(&self) -> Reason {
        self.reason
    }

    /// The name of the tier that it has, or had last; null if it never had one.
    async fn plan(&self) -> Option<&str> {
        self.plan.as_deref()
    }

    /// The key of that tier.
    async fn plan_key(&self) -> Option<&str> {
        self.plan_key.as_deref()
    }

    /// The features that were asked for, in that order; without `features` all that something is known of.
    async fn features(&self) -> &[FeatureAccess] {
        &self.features
    }

    /// Changes with everything but usage.
    async fn version(&self) -> String {
        let (owner, subscription, tier) = self.changed;
        format!("{owner}.{subscription}.{tier}.{:?}", self.reason)
    }

    /// When to ask again though the answer still holds: five minutes from now, or earlier where it changes.
    async fn refresh_after(&self) -> Timestamp {
        self.refresh_after
    }

    /// Until when the answer holds, but for usage and what somebody does: the next moment at which time changes something,
    /// at most a day from now.
    async fn valid_until(&self) -> Timestamp {
        self.valid_until
    }
}

/// What an owner may do with a feature now.
#[derive(Clone, SimpleObject)]
#[graphql(complex)]
pub struct FeatureAccess {
    /// Such as `ai.queries`.
    key: String,
    /// Shown to people; the key if no catalogue declares it.
    name: String,
    /// How it is measured; null if nothing is known of it.
    kind: Option<FeatureKind>,
    /// Whether it may be used now: of a limit, whether there may be one more.
    allowed: bool,
    /// Why.
    reason: FeatureReason,
    /// What grants it; null if nothing is known of it.
    source: Option<Source>,
    /// Whether there is no limit.
    unlimited: bool,
    /// How much there may be, or be used; null where it is unlimited, and for a switch.
    limit: Option<SafeInt>,
    /// How much is used, or there is.
    used: SafeInt,
    /// How much is reserved.
    held: SafeInt,
    /// How much is left; null where it is unlimited, and for a switch.
    remaining: Option<SafeInt>,
    /// Whether there is more than there may be, as after a downgrade. Nobody is cut off.
    over_quota: bool,
    /// When it begins at 0 again; null if it does not.
    resets_at: Option<Timestamp>,
    /// What a tier must be to allow it; none if it is allowed, or no change of tier helps.
    #[graphql(skip)]
    unlock: Option<Unlock>,
}

#[ComplexObject]
impl FeatureAccess {
    /// Tiers on offer that grant it, or as much of it that there is room for one more, and take effect at once: the
    /// ten of lowest rank at most, lowest first. Empty where it is allowed, and where no change of tier helps: where the
    /// owner has no access, where the limit was agreed on for the subscription itself, or an override or a gateway
    /// decides.
    async fn tiers_that_unlock(&self, ctx: &Context<'_>) -> Result<Vec<tier::graphql::Tier>> {
        match &self.unlock {
            Some(unlock) => Ok(ctx.loader().load_one(unlock.clone()).await?.unwrap_or_default()),
            None => Ok(Vec::new()),
        }
    }
}

impl FeatureAccess {
    /// The same, which such a tier would allow.
    pub(super) fn unlocked_by(self, unlock: Option<Unlock>) -> Self {
        Self { unlock, ..self }
    }

    pub(super) fn unknown(key: String, (allowed, reason): (bool, FeatureReason)) -> Self {
        Self {
            name: key.clone(),
            key,
            kind: None,
            allowed,
            reason,
            source: None,
            unlimited: false,
            limit: None,
            used: SafeInt(0),
            held: SafeInt(0),
            remaining: None,
            over_quota: false,
            resets_at: None,
            unlock: None,
        }
    }

    pub(super) fn of(
        feature: &Entitlement,
        (allowed, reason): (bool, FeatureReason),
        limit: Option<i64>,
        left: Option<i64>,
        Counted { used, held }: Counted,
        resets_at: Option<Timestamp>,
    ) -> Self {
        let measured = feature.kind != FeatureKind::Switch;
        Self {
            key: feature.key.clone(),
            name: feature.name.clone(),
            kind: Some(feature.kind),
            allowed,
            reason,
            source: Some(feature.source),
            unlimited: measured && limit.is_none(),
            limit: limit.filter(|_| measured).map(SafeInt),
            used: SafeInt(used),
            held: SafeInt(held),
            remaining: left.filter(|_| measured).map(SafeInt),
            over_quota: measured && limit.is_some_and(|limit| used > limit),
            resets_at,
            unlock: None,
        }
    }
}

/// Queries for access.
#[derive(Default)]
pub struct AccessQuery;

#[Object]
impl AccessQuery {
    /// What an organization or customer may do now; null if there is none that the caller may ask for. Every member of an
    /// organization may ask for the organization and its customers, and a customer for itself. Needs
    /// `entitlements.read`.
    async fn access(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The organization or customer.")] owner_id: ID,
        #[graphql(desc = "Keys of features, at most 100; all that something is known of if not given.")]
        features: Option<Vec<String>>,
    ) -> Result<Option<Access>> {
        let id = OwnerId::parse("ownerId", &owner_id)?;
        check_features(features.as_deref())?;
        let mut found = access(ctx.scope(), &ctx.settings().policy, &[id], features.as_deref()).await?;
        Ok(found.remove(&id))
    }

    /// The same for many at once, in the order of `ownerIds`; null for who does not exist for the caller. At most 100
    /// owners and 2,500 features of owners. Needs `entitlements.read`.
    async fn accesses(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The organizations and customers, at most 100.")] owner_ids: Vec<ID>,
        #[graphql(desc = "Keys of features, at most 100; all that something is known of if not given.")]
        features: Option<Vec<String>>,
    ) -> Result<Option<Vec<Option<Access>>>> {
        let parse = |(place, id): (usize, &ID)| OwnerId::parse(&format!("ownerIds.{place}"), id);
        let ids = owner_ids.iter().enumerate().map(parse).collect::<Result<Vec<_>>>()?;
        check_features(features.as_deref())?;
        let cells = ids.len() * features.as_deref().map_or(1, <[String]>::len);
        if ids.len() > MOST || cells > MOST_CELLS {
            let message = format!("At most {MOST} owners and {MOST_CELLS} features of owners are answered at once.");
            return Err(Refusal::new(Code::OutOfRange, message).at("ownerIds").into());
        }
        let found = access(ctx.scope(), &ctx.settings().policy, &ids, features.as_deref()).await?;
        Ok(Some(ids.iter().map(|id| found.get(id).cloned()).collect()))
    }
}

fn check_features(features: Option<&[String]>) -> Result<()> {
    if features.is_none_or(|features| features.len() <= MOST) {
        return Ok(());
    }
    Err(Refusal::new(Code::OutOfRange, format!("At most {MOST} features are answered at once.")).at("features").into())
}
