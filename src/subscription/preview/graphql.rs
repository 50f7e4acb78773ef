//! What is told of a change before it is made, and the queries for it.

use async_graphql::{Context, Object, SimpleObject};

use super::super::add_ons::{self, AddOnWish};
use super::super::change_tier::{Wish, to_tier};
use super::super::input::{CancelSubscriptionInput, ChangeAddOnsInput, ChangeTierInput};
use super::super::lifecycle::{Action, Step};
use super::super::proration::{Item, Kind, Line};
use super::difference::{Difference, Differences, Side};
use super::{Preview, preview};
use crate::clock::Timestamp;
use crate::entity::{AddOnId, FeatureKind, ManagementMode, SubscriptionStatus, TierId, subscription};
use crate::error::Result;
use crate::graphql::context::ContextExt;
use crate::graphql::error::payload;
use crate::graphql::scalar::{Money, SafeInt};

payload! {
    /// The answer of a preview.
    PreviewPayload, preview: ChangePreview
}

/// What a change of a subscription would come to.
#[derive(SimpleObject)]
pub struct ChangePreview {
    /// Given to the mutation as `previewToken`, with the same input, it does exactly this or is refused with
    /// PREVIEW_STALE.
    preview_token: String,
    /// Until when the token holds: ten minutes.
    expires_at: Timestamp,
    /// When the change takes effect.
    effective_at: Timestamp,
    /// The status that it has then.
    status: SubscriptionStatus,
    /// What the change costs in the period that runs, item by item; empty where it costs nothing before the next period.
    lines: Vec<ChargeLine>,
    /// What is to be paid for the change now: the sum of the lines, if that is above 0.
    amount_now: Money,
    /// What is given back: the sum of the lines, if that is below 0. What is still owed becomes less by it first.
    credit: Money,
    /// How what is given back reaches the payer.
    settlement: CreditSettlement,
    /// What is charged next; null if the subscription ends before that.
    next_amount: Option<Money>,
    /// When that is charged.
    next_charge_at: Option<Timestamp>,
    /// The features of which there would be more.
    gained: Vec<FeatureChange>,
    /// The features of which there would be less.
    lost: Vec<FeatureChange>,
    /// The features of which more is used than there would be, whether the change does that or not. Nobody is cut off.
    over_quota: Vec<FeatureChange>,
}

/// A part of what a change costs.
#[derive(SimpleObject)]
pub struct ChargeLine {
    /// Whether it is owed or given back.
    kind: Kind,
    /// The tier that it is for; null for an add-on.
    tier_id: Option<TierId>,
    /// The add-on that it is for; null for a tier.
    add_on_id: Option<AddOnId>,
    /// How many of it.
    quantity: i32,
    /// How much, above 0.
    amount: Money,
    /// From when on.
    since: Timestamp,
    /// Until when.
    until: Timestamp,
}

/// How what a change gives back reaches the payer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
pub enum CreditSettlement {
    /// Nothing is given back.
    None,
    /// Whoever took the money elsewhere pays it back.
    ManualRefund,
    /// The gateway that bills it pays it back.
    Gateway,
}

/// A feature before and after a change.
#[derive(SimpleObject)]
pub struct FeatureChange {
    /// Such as `ai.queries`.
    key: String,
    /// Shown to people; the key if no catalogue declares it.
    name: String,
    /// How it is measured.
    kind: FeatureKind,
    /// Whether the subscription has it.
    granted_before: bool,
    /// Whether it would have it.
    granted_after: bool,
    /// How much there may be; null where it is unlimited or not granted, and for a switch.
    limit_before: Option<SafeInt>,
    /// How much there might be; null where it would be unlimited or not granted, and for a switch.
    limit_after: Option<SafeInt>,
    /// How much is used, or there is, now.
    used_before: SafeInt,
    /// How much of that counts when the change has taken effect: what begins anew with it begins at 0.
    used_after: SafeInt,
}

impl FeatureChange {
    fn of(Difference { before, after }: Difference) -> Option<Self> {
        let known = &after.as_ref().or(before.as_ref())?.feature;
        let (key, name, kind) = (known.key.clone(), known.name.clone(), known.kind);
        let feature = |side: Option<&Side>| side.map(|side| side.feature.clone()).filter(|feature| feature.granted);
        let used = |side: Option<&Side>| SafeInt(side.map_or(0, |side| side.used));
        let granted = |side: Option<&Side>| feature(side).is_some();
        let limit = |side: Option<&Side>| {
            let counted = feature(side).filter(|feature| feature.kind != FeatureKind::Switch);
            counted.and_then(|feature| feature.limit).map(SafeInt)
        };
        Some(Self {
            key,
            name,
            kind,
            granted_before: granted(before.as_ref()),
            granted_after: granted(after.as_ref()),
            limit_before: limit(before.as_ref()),
            limit_after: limit(after.as_ref()),
            used_before: used(before.as_ref()),
            used_after: used(after.as_ref()),
        })
    }
}

impl From<Preview> for ChangePreview {
    fn from(preview: Preview) -> Self {
        let Preview { token, expires_at, before, after, effective_at, lines, next, features } = preview;
        let money = |amount: i64| Money::new(amount, before.currency.clone());
        let total: i64 = lines.iter().map(Line::signed).sum();
        let line = |line: Line| {
            let (tier_id, add_on_id, quantity) = match line.item {
                Item::Tier(id) => (Some(id), None, 1),
                Item::AddOn(id, quantity) => (None, Some(id), quantity),
            };
            let amount = money(line.amount_minor);
            ChargeLine { kind: line.kind, tier_id, add_on_id, quantity, amount, since: line.from, until: line.to }
        };
        // What has ended grants nothing.
        let after_all = if after.ended_at.is_some() { Vec::new() } else { features.1 };
        let Differences { gained, lost, over_quota } = Differences::between(&features.0, &after_all);
        let told = |list: Vec<Difference>| list.into_iter().filter_map(FeatureChange::of).collect();
        Self {
            preview_token: token,
            expires_at,
            effective_at,
            status: after.status,
            amount_now: money(total.max(0)),
            credit: money((-total).max(0)),
            settlement: settlement(&before, total),
            next_amount: next.map(|(_, amount)| money(amount)),
            next_charge_at: next.map(|(at, _)| at),
            lines: lines.into_iter().map(line).collect(),
            gained: told(gained),
            lost: told(lost),
            over_quota: told(over_quota),
        }
    }
}

fn settlement(row: &subscription::Model, total: i64) -> CreditSettlement {
    match row.mode {
        _ if total >= 0 => CreditSettlement::None,
        ManagementMode::Gateway => CreditSettlement::Gateway,
        ManagementMode::Manual | ManagementMode::Override => CreditSettlement::ManualRefund,
    }
}

/// Queries for what changes would come to.
#[derive(Default)]
pub struct PreviewQuery;

#[Object]
impl PreviewQuery {
    /// What `changeTier` would come to with this input: nothing is changed. Refused as the mutation would be, and needs the
    /// same permission.
    async fn preview_tier_change(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the mutation would be given; a token and a key do not count.")] input: ChangeTierInput,
    ) -> Result<Option<PreviewPayload>> {
        let writer = super::super::writer(ctx.scope(), Action::ChangeTier)?;
        PreviewPayload::new(
            async {
                let (target, dropped) = (input.target()?, input.dropped()?);
                let wish = Wish { token: None, ..input.wish(&dropped, ctx.cursors())? };
                let found =
                    preview(&writer, ctx.settings(), &target, ctx.cursors(), Action::ChangeTier, &|unit, row| {
                        Box::pin(to_tier(unit, row, wish))
                    })
                    .await?;
                Ok(ChangePreview::from(found))
            }
            .await,
        )
    }

    /// What `changeAddOns` would come to with this input: nothing is changed. Refused as the mutation would be, and needs
    /// the same permission.
    async fn preview_add_on_change(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the mutation would be given; a token and a key do not count.")] input: ChangeAddOnsInput,
    ) -> Result<Option<PreviewPayload>> {
        let writer = super::super::writer(ctx.scope(), Action::ChangeAddOns)?;
        PreviewPayload::new(
            async {
                let (target, wanted) = (input.target()?, input.wanted()?);
                let wish = AddOnWish { token: None, ..input.wish(&wanted, ctx.cursors()) };
                let found =
                    preview(&writer, ctx.settings(), &target, ctx.cursors(), Action::ChangeAddOns, &|unit, row| {
                        Box::pin(add_ons::to_add_ons(unit, row, wish))
                    })
                    .await?;
                Ok(ChangePreview::from(found))
            }
            .await,
        )
    }

    /// What `cancelSubscription` would come to with this input: nothing is changed. Refused as the mutation would be, and
    /// needs the same permission.
    async fn preview_cancel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the mutation would be given; a token and a key do not count.")]
        input: CancelSubscriptionInput,
    ) -> Result<Option<PreviewPayload>> {
        let writer = super::super::writer(ctx.scope(), Action::Cancel)?;
        PreviewPayload::new(
            async {
                let (target, when) = (input.target()?, input.when()?);
                let found = preview(&writer, ctx.settings(), &target, ctx.cursors(), Action::Cancel, &|_, row| {
                    Box::pin(async move { Ok(Step::Cancel(when.in_zone(row.zone()))) })
                })
                .await?;
                Ok(ChangePreview::from(found))
            }
            .await,
        )
    }
}
