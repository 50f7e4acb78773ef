//! What the mutations of features take.

use async_graphql::{ID, InputObject, MaybeUndefined};

use super::{MAX_DESCRIPTION, MAX_NAME, MAX_UNIT, NewFeature, Update, check_kind, usual_reset};
use crate::entity::{FeatureEnforcement, FeatureId, FeatureKind, FeatureReset};
use crate::error::Result;
use crate::graphql::input::{Check, check_key};
use crate::graphql::update::{Omittable, update_input};

/// Declares a feature.
#[derive(Clone, Debug, InputObject)]
pub struct CreateFeatureInput {
    /// The organization whose catalogue it is for; if not given, the caller's own, and for the platform's people the
    /// platform's catalogue.
    pub(super) organization_id: Option<ID>,
    /// Unique in the catalogue, such as `ai.queries`: at most 64 lower-case letters, digits, dots, underscores and
    /// hyphens. Never changes.
    key: String,
    /// Shown to people, at most 200 characters.
    name: String,
    /// Shown to people, at most 2,000 characters.
    description: Option<String>,
    /// How it is measured. Never changes.
    kind: FeatureKind,
    /// What is counted, such as `GB`: at most 40 characters. Not for a switch.
    unit: Option<String>,
    /// When a meter begins at 0 again; MONTHLY if not given. Not for the other kinds.
    resets: Option<FeatureReset>,
    /// What happens at the limit.
    #[graphql(default_with = "FeatureEnforcement::Hard")]
    enforcement: FeatureEnforcement,
    /// Makes the command safe to send again: at most 255 characters, new for every command.
    pub(super) idempotency_key: Option<String>,
}

update_input! {
    /// Changes a feature: an omitted field is unchanged, null clears it where it can be empty. It holds at once for
    /// whoever has the feature; what was used stays.
    UpdateFeatureInput for FeatureId {
        /// Shown to people, at most 200 characters.
        name: Omittable<String>,
        /// Shown to people, at most 2,000 characters.
        description: MaybeUndefined<String>,
        /// What is counted, such as `GB`: at most 40 characters. Not for a switch.
        unit: MaybeUndefined<String>,
        /// When a meter begins at 0 again. Not for the other kinds.
        resets: Omittable<FeatureReset>,
        /// What happens at the limit.
        enforcement: Omittable<FeatureEnforcement>,
    }
}

impl CreateFeatureInput {
    /// The feature that this input stands for.
    pub(super) fn feature(self) -> Result<NewFeature> {
        let mut check = Check::new();
        check_key(&mut check, self.idempotency_key.as_deref());
        let new = NewFeature {
            key: check.key("input.key", &self.key),
            name: check.text("input.name", &self.name, MAX_NAME),
            description: check.prose("input.description", self.description.as_deref(), MAX_DESCRIPTION),
            kind: self.kind,
            unit: check.optional_text("input.unit", self.unit.as_deref(), MAX_UNIT),
            resets: self.resets.or(usual_reset(self.kind)),
            enforcement: self.enforcement,
        };
        check_kind(&mut check, new.kind, new.unit.as_deref(), new.resets, new.enforcement);
        check.finish()?;
        Ok(new)
    }
}

impl UpdateFeatureInput {
    /// The changes that this input stands for.
    pub(super) fn update(self) -> Update {
        Update {
            name: self.name.given(),
            description: self.description,
            unit: self.unit,
            resets: self.resets.given(),
            enforcement: self.enforcement.given(),
        }
    }
}
