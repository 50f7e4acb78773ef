//! What the mutations of use take.

use async_graphql::{ID, InputObject};

use super::{OWNER, OwnerId, adjust, consume, gauge, record, release, reserve};
use crate::clock::Timestamp;
use crate::entity::UsageReservationId;
use crate::error::{Code, Refusal, Result};
use crate::graphql::input::{Check, check_key, parse_id};
use crate::graphql::scalar::SafeInt;

/// Consumes some of a feature.
#[derive(Clone, Debug, InputObject)]
pub struct ConsumeInput {
    /// Who consumes: an organization or a customer.
    owner_id: ID,
    /// Key of a meter, or of a limit that this is counted by.
    feature: String,
    /// How much, from 1.
    #[graphql(default_with = "SafeInt(1)")]
    amount: SafeInt,
    /// Whether less is consumed where there is no room for all.
    #[graphql(default)]
    partial: bool,
    /// Counts once: the same command under the same key answers what was granted before. At most 255 characters; kept for
    /// 40 days.
    pub(super) idempotency_key: Option<String>,
}

/// Reserves some of a feature.
#[derive(Clone, Debug, InputObject)]
pub struct ReserveInput {
    /// For whom: an organization or a customer.
    owner_id: ID,
    /// Key of a meter, or of a limit that this is counted by.
    feature: String,
    /// How much, from 1.
    #[graphql(default_with = "SafeInt(1)")]
    amount: SafeInt,
    /// For how many seconds, at most 86,400: then it is given back by itself.
    #[graphql(default = 600)]
    expires_in_seconds: i32,
    /// Reserves once: the same command under the same key answers the same reservation. At most 255 characters; kept
    /// for 40 days after it is closed.
    pub(super) idempotency_key: Option<String>,
}

/// Holds a reservation for longer.
#[derive(Clone, Debug, InputObject)]
pub struct RenewReservationInput {
    /// The reservation.
    reservation_id: ID,
    /// For how many seconds from now, at most 86,400.
    #[graphql(default = 600)]
    pub(super) expires_in_seconds: i32,
    /// Not needed: what is held for so long already stays so.
    pub(super) idempotency_key: Option<String>,
}

impl RenewReservationInput {
    /// The reservation.
    pub(super) fn reservation(&self) -> Result<UsageReservationId> {
        parse_id("input.reservationId", &self.reservation_id)
    }
}

/// Counts what was used of a reservation.
#[derive(Clone, Debug, InputObject)]
pub struct SettleInput {
    /// The reservation.
    reservation_id: ID,
    /// How much was used. All of it counts, also beyond what is held.
    pub(super) actual: SafeInt,
    /// Not needed: a reservation is settled once.
    pub(super) idempotency_key: Option<String>,
}

/// Gives back what is not used any more: a reservation, or an amount of a limit.
#[derive(Clone, Debug, InputObject)]
pub struct ReleaseInput {
    /// The reservation; with none, an owner, a feature and an amount.
    reservation_id: Option<ID>,
    /// Whose: an organization or a customer.
    owner_id: Option<ID>,
    /// Key of a limit that is counted by `consume`, such as `products`.
    feature: Option<String>,
    /// How much of it there is no more, from 1.
    #[graphql(default_with = "SafeInt(1)")]
    amount: SafeInt,
    /// Gives an amount back once: at most 255 characters, kept for 40 days. A reservation is released once without it.
    pub(super) idempotency_key: Option<String>,
}

/// Something that was used.
#[derive(Clone, Debug, InputObject)]
pub struct UsageRecordInput {
    /// Who used it: an organization or a customer.
    owner_id: ID,
    /// Key of a meter.
    feature: String,
    /// How much, from 1.
    #[graphql(default_with = "SafeInt(1)")]
    amount: SafeInt,
    /// Counts once: at most 255 characters, unique in the organization, kept for 40 days.
    key: String,
    /// When, at most 35 days ago and five minutes ahead; now if not given. It counts in the window of that time.
    occurred_at: Option<Timestamp>,
}

/// Records what was used.
#[derive(Clone, Debug, InputObject)]
pub struct RecordUsageInput {
    /// The records, at most 1,000.
    #[graphql(validator(max_items = 1_000))]
    records: Vec<UsageRecordInput>,
    /// Not needed: each record counts once by its own key.
    pub(super) idempotency_key: Option<String>,
}

/// Tells how much there is of something.
#[derive(Clone, Debug, InputObject)]
pub struct SetGaugeInput {
    /// Whose: an organization or a customer.
    owner_id: ID,
    /// Key of a limit. Not `users` and `customers`, which are counted here.
    feature: String,
    /// How much there is.
    value: SafeInt,
    /// When it was read; now if not given. What was read later already stays.
    observed_at: Option<Timestamp>,
    /// Not needed: a gauge that is set again is the same.
    pub(super) idempotency_key: Option<String>,
}

/// Corrects what is counted.
#[derive(Clone, Debug, InputObject)]
pub struct AdjustUsageInput {
    /// Whose: an organization or a customer.
    owner_id: ID,
    /// Key of a meter or limit.
    feature: String,
    /// How much is added; below 0 to take away.
    amount: SafeInt,
    /// When it was used; now if not given. It counts in the window of that time.
    occurred_at: Option<Timestamp>,
    /// Why, for the audit trail: at most 500 characters.
    reason: String,
    /// Makes the command safe to send again: at most 255 characters, new for every command.
    pub(super) idempotency_key: Option<String>,
}

/// Grants an allowance besides what the tier grants.
#[derive(Clone, Debug, InputObject)]
pub struct GrantAllowanceInput {
    /// To whom: an organization or a customer.
    owner_id: ID,
    /// Key of a meter or limit.
    feature: String,
    /// How much more, from 1.
    amount: SafeInt,
    /// Until when it counts, in each window until then; if not given, until the meter begins at 0 again, or for ever where
    /// it never does.
    expires_at: Option<Timestamp>,
    /// Why, for the audit trail: at most 500 characters.
    reason: String,
    /// Makes the command safe to send again: at most 255 characters, new for every command.
    pub(super) idempotency_key: Option<String>,
}

fn checked_key(key: Option<&str>) -> Result<()> {
    let mut check = Check::new();
    check_key(&mut check, key);
    check.finish()
}

impl ConsumeInput {
    /// What is wanted.
    pub(super) fn wanted(self) -> Result<consume::Wanted> {
        checked_key(self.idempotency_key.as_deref())?;
        Ok(consume::Wanted {
            owner: OwnerId::parse(OWNER, &self.owner_id)?,
            feature: self.feature,
            amount: self.amount.0,
            partial: self.partial,
            key: self.idempotency_key,
        })
    }
}

impl ReserveInput {
    /// What is wanted.
    pub(super) fn wanted(self) -> Result<reserve::Wanted> {
        checked_key(self.idempotency_key.as_deref())?;
        Ok(reserve::Wanted {
            owner: OwnerId::parse(OWNER, &self.owner_id)?,
            feature: self.feature,
            amount: self.amount.0,
            seconds: self.expires_in_seconds.into(),
            key: self.idempotency_key,
        })
    }
}

impl SettleInput {
    /// The reservation.
    pub(super) fn reservation(&self) -> Result<UsageReservationId> {
        parse_id("input.reservationId", &self.reservation_id)
    }
}

/// What is given back.
pub(super) enum Released {
    /// A reservation.
    Reservation(UsageReservationId),
    /// An amount of a limit.
    Amount(release::Wanted),
}

impl ReleaseInput {
    /// What is given back.
    pub(super) fn released(self) -> Result<Released> {
        checked_key(self.idempotency_key.as_deref())?;
        match (self.reservation_id, self.owner_id, self.feature) {
            (Some(id), None, None) => Ok(Released::Reservation(parse_id("input.reservationId", &id)?)),
            (None, Some(owner), Some(feature)) => {
                let owner = OwnerId::parse(OWNER, &owner)?;
                Ok(Released::Amount(release::Wanted {
                    owner,
                    feature,
                    amount: self.amount.0,
                    key: self.idempotency_key,
                }))
            }
            (Some(_), ..) => {
                let message = "Name a reservation, or an owner and a feature, not both.";
                Err(Refusal::new(Code::Conflict, message).at("input.reservationId").into())
            }
            (None, ..) => {
                let message = "Name a reservation, or an owner and a feature.";
                Err(Refusal::new(Code::Required, message).at("input.reservationId").into())
            }
        }
    }
}

impl RecordUsageInput {
    /// What was used.
    pub(super) fn records(self) -> Vec<record::Record> {
        let one = |UsageRecordInput { owner_id, feature, amount, key, occurred_at }: UsageRecordInput| record::Record {
            owner: owner_id.0,
            feature,
            amount: amount.0,
            key,
            occurred_at,
        };
        self.records.into_iter().map(one).collect()
    }
}

impl SetGaugeInput {
    /// What was read.
    pub(super) fn read(self) -> Result<gauge::Read> {
        let owner = OwnerId::parse(OWNER, &self.owner_id)?;
        Ok(gauge::Read { owner, feature: self.feature, value: self.value.0, observed_at: self.observed_at })
    }
}

/// A reason that must be there.
fn reason(check: &mut Check, reason: &str) -> String {
    check.prose("input.reason", Some(reason), 500).unwrap_or_else(|| check.text("input.reason", reason, 500))
}

impl AdjustUsageInput {
    /// What is wanted.
    pub(super) fn wanted(self) -> Result<adjust::Wanted> {
        let mut check = Check::new();
        check_key(&mut check, self.idempotency_key.as_deref());
        let reason = reason(&mut check, &self.reason);
        check.finish()?;
        let owner = OwnerId::parse(OWNER, &self.owner_id)?;
        Ok(adjust::Wanted { owner, feature: self.feature, amount: self.amount.0, at: self.occurred_at, reason })
    }
}

impl GrantAllowanceInput {
    /// What is wanted.
    pub(super) fn wanted(self) -> Result<adjust::Wanted> {
        let mut check = Check::new();
        check_key(&mut check, self.idempotency_key.as_deref());
        let reason = reason(&mut check, &self.reason);
        check.in_calendar("input.expiresAt", self.expires_at);
        check.finish()?;
        let owner = OwnerId::parse(OWNER, &self.owner_id)?;
        Ok(adjust::Wanted { owner, feature: self.feature, amount: self.amount.0, at: self.expires_at, reason })
    }
}
