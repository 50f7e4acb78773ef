//! Tiers: what a subscription is for.

use sea_orm::FromJsonQueryResult;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use super::{AccessMode, OrganizationId, PaymentOption, PeriodEndPolicy, Proration, TierId, TierKind, TrialEndPolicy};
use crate::clock::Timestamp;

/// A tier of the platform's catalogue or of an organization's own.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tiers")]
pub struct Model {
    /// Unique everywhere.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TierId,
    /// The organization whose catalogue this is; null for the platform's.
    pub tenant_id: Option<OrganizationId>,
    /// Unique in its catalogue and kind, such as `starter`.
    pub key: String,
    /// Shown to people.
    pub name: String,
    /// What a search looks through: the folded key and name.
    pub search_text: String,
    /// Shown to people.
    pub description: Option<String>,
    /// Who it is sold to. Never changes.
    pub kind: TierKind,
    /// Decides what is an upgrade: higher is more.
    pub rank: i32,
    /// Days of trial that a new subscription gets; 0 for none.
    pub trial_days: i32,
    /// Offered at the checkout, without login.
    pub public: bool,
    /// Place in a list of tiers.
    pub sort_order: i32,
    /// What happens when a period ends and nothing renews it.
    pub period_end_policy: PeriodEndPolicy,
    /// What happens when a trial ends and nothing converts it.
    pub trial_end_policy: TrialEndPolicy,
    /// Where `Downgrade` and `Fallback` lead to.
    pub fallback_tier_id: Option<TierId>,
    /// How much access there is while a renewal is unpaid, for the days of grace.
    pub grace_access: AccessMode,
    /// How much access there is behind a trial that nothing came of.
    pub after_trial_access: AccessMode,
    /// How a change to it in the middle of a period is charged, if nobody says.
    pub proration: Proration,
    /// The ways to pay that its checkout offers; empty for all that the seller has.
    pub payment_options: PaymentOptions,
    /// When the tier was archived: kept by who has it, sold to nobody.
    pub archived_at: Option<Timestamp>,
    /// When the row was made.
    pub created_at: Timestamp,
    /// When the row was last changed.
    pub updated_at: Timestamp,
    /// Counts changes, from 1.
    pub version: i32,
}

/// Ways to pay, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct PaymentOptions(pub Vec<PaymentOption>);

impl PaymentOptions {
    /// These ways, in the order of their first mention.
    pub fn of(given: Vec<PaymentOption>) -> Self {
        let mut options = Vec::new();
        given.into_iter().for_each(|option| {
            if !options.contains(&option) {
                options.push(option);
            }
        });
        Self(options)
    }
}

/// None: relations are loaded by the nouns' loaders.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
