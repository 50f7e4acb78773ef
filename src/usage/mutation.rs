//! The mutations of use.

use async_graphql::{Context, Object};

use super::graphql::{
    Allowance, Consumption, MeterReading, Reservation, Settlement, UsageAdjustment, UsageRecordOutcome,
};
use super::input::{
    AdjustUsageInput, ConsumeInput, GrantAllowanceInput, RecordUsageInput, ReleaseInput, Released,
    RenewReservationInput, ReserveInput, SetGaugeInput, SettleInput,
};
use super::reserve::Close;
use super::together::Together;
use super::{adjust, gauge, record, release, reserve};
use crate::auth::Permission;
use crate::error::Result;
use crate::graphql::command::command;
use crate::graphql::context::ContextExt;
use crate::graphql::error::payload;

payload! {
    /// The answer of `consume`.
    ConsumePayload, consumption: Consumption
}

payload! {
    /// The answer of `reserve`.
    ReservePayload, reservation: Reservation
}

payload! {
    /// The answer of `renewReservation`.
    RenewReservationPayload, reservation: Reservation
}

payload! {
    /// The answer of `settle`.
    SettlePayload, settlement: Settlement
}

payload! {
    /// The answer of `release`.
    ReleasePayload, settlement: Settlement
}

payload! {
    /// The answer of `recordUsage`.
    RecordUsagePayload, records: Vec<UsageRecordOutcome>
}

payload! {
    /// The answer of `setGauge`.
    SetGaugePayload, meter: MeterReading
}

payload! {
    /// The answer of `adjustUsage`.
    AdjustUsagePayload, adjustment: UsageAdjustment
}

payload! {
    /// The answer of `grantAllowance`.
    GrantAllowancePayload, allowance: Allowance
}

/// Mutations of use.
#[derive(Default)]
pub struct UsageMutation;

#[Object]
impl UsageMutation {
    /// Consumes some of a feature: checks and counts in one. Where the feature is HARD, nothing is counted beyond the limit:
    /// all of it, or with `partial` as much as there is room for; where it is SOFT, all of it, and `overLimitBy` tells how
    /// much too much. Needs `usage.record`, and to see the owner.
    async fn consume(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: ConsumeInput,
    ) -> Result<Option<ConsumePayload>> {
        let writer = ctx.writer(Permission::UsageRecord)?;
        let together = ctx.data_unchecked::<Together>();
        ConsumePayload::new(async { together.consume(writer, input.wanted()?).await }.await)
    }

    /// Reserves some of a feature for a while: nobody else consumes it. Needs `usage.record`, and to see the owner.
    async fn reserve(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: ReserveInput,
    ) -> Result<Option<ReservePayload>> {
        let writer = ctx.writer(Permission::UsageRecord)?;
        let policy = &ctx.settings().policy;
        ReservePayload::new(async { reserve::reserve(&writer, policy, &input.wanted()?).await }.await)
    }

    /// Holds a reservation for longer, at most 24 hours from now: it ends no earlier than it would have. One that is over
    /// is refused, because others may have what it held. Needs `usage.record`.
    async fn renew_reservation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: RenewReservationInput,
    ) -> Result<Option<RenewReservationPayload>> {
        let writer = ctx.writer(Permission::UsageRecord)?;
        let (policy, seconds) = (&ctx.settings().policy, input.expires_in_seconds.into());
        RenewReservationPayload::new(
            async { reserve::renew(&writer, policy, input.reservation()?, seconds).await }.await,
        )
    }

    /// Counts what was used of a reservation, and gives the rest back. Needs `usage.record`.
    async fn settle(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: SettleInput,
    ) -> Result<Option<SettlePayload>> {
        let writer = ctx.writer(Permission::UsageRecord)?;
        let close = Close::Settle(input.actual.0);
        let policy = &ctx.settings().policy;
        SettlePayload::new(async { reserve::close(&writer, policy, input.reservation()?, close).await }.await)
    }

    /// Gives back what is not used: a reservation, or an amount of a limit that `consume` counted. Needs `usage.record`, and
    /// for an amount to see the owner.
    async fn release(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: ReleaseInput,
    ) -> Result<Option<ReleasePayload>> {
        let writer = ctx.writer(Permission::UsageRecord)?;
        let policy = &ctx.settings().policy;
        ReleasePayload::new(
            async {
                match input.released()? {
                    Released::Reservation(id) => reserve::close(&writer, policy, id, Close::Release).await,
                    Released::Amount(wanted) => release::release(&writer, policy, &wanted).await,
                }
            }
            .await,
        )
    }

    /// Records what was used elsewhere, in a batch: what came of each record is told, and one that is rejected keeps no other
    /// from being counted. It reports what happened, so it counts beyond limits too. Needs `usage.record`, and to see the
    /// owners.
    async fn record_usage(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: RecordUsageInput,
    ) -> Result<Option<RecordUsagePayload>> {
        let writer = ctx.writer(Permission::UsageRecord)?;
        let policy = &ctx.settings().policy;
        let records = input.records();
        RecordUsagePayload::new(
            async {
                let outcomes = record::record(&writer, policy, &records).await?;
                let keys = records.iter().map(|record| record.key.clone());
                let told: Vec<_> =
                    keys.zip(outcomes).map(|(key, outcome)| UsageRecordOutcome::of(key, outcome)).collect();
                Ok(told)
            }
            .await,
        )
    }

    /// Tells how much there is of something that a limit limits, such as products or storage. It reports a fact, so it is
    /// never refused for a limit. Needs `usage.record`, and to see the owner.
    async fn set_gauge(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: SetGaugeInput,
    ) -> Result<Option<SetGaugePayload>> {
        let writer = ctx.writer(Permission::UsageRecord)?;
        let policy = &ctx.settings().policy;
        SetGaugePayload::new(async { gauge::set(&writer, policy, &input.read()?).await }.await)
    }

    /// Corrects what is counted, with a reason. Needs `subscriptions.manage`; an organization's own subscription that is
    /// managed from above is corrected from there. Emits `usage_adjustment.create`.
    async fn adjust_usage(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: AdjustUsageInput,
    ) -> Result<Option<AdjustUsagePayload>> {
        let writer = ctx.writer(Permission::SubscriptionsManage)?;
        let command = command(ctx, "adjustUsage", &input.idempotency_key);
        let policy = &ctx.settings().policy;
        AdjustUsagePayload::new(async { adjust::adjust(&writer, policy, &command, &input.wanted()?).await }.await)
    }

    /// Grants an amount of a feature besides what the tier grants, with a reason. Needs `subscriptions.manage`; an
    /// organization's own subscription that is managed from above gets it from there. Emits `usage_grant.create`.
    async fn grant_allowance(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The command.")] input: GrantAllowanceInput,
    ) -> Result<Option<GrantAllowancePayload>> {
        let writer = ctx.writer(Permission::SubscriptionsManage)?;
        let command = command(ctx, "grantAllowance", &input.idempotency_key);
        let policy = &ctx.settings().policy;
        GrantAllowancePayload::new(async { adjust::grant(&writer, policy, &command, &input.wanted()?).await }.await)
    }
}
