//! What time makes of subscriptions, for lists: conditions on the turns that were foreseen when a row was written
//! ([`settled`](super::lifecycle::settled)).
//!
//! Most rows have no turn behind them: the scheduler writes down what has come. Those that have are found by the end of
//! access if that is their only turn, and by an index of their own otherwise.

use chrono::TimeDelta;
use sea_orm::sea_query::Query;
use sea_orm::{ColumnTrait, Condition, Iterable as _};

use super::lifecycle::entitles;
use super::status::{Kind, Policy};
use crate::clock::Timestamp;
use crate::entity::subscription::Column::{
    AccessEndsAt, CancelAt, CustomerId, ExpiresAt, FifthAt, FifthStatus, FourthAt, FourthStatus, Id, Mode, NextAt,
    NextStatus, SecondAt, SecondStatus, Status, TenantId, ThirdAt, ThirdStatus,
};
use crate::entity::{ManagementMode, SubscriptionStatus, organization, subscription};
use crate::store;

fn entitling() -> Vec<SubscriptionStatus> {
    SubscriptionStatus::iter().filter(|status| entitles(*status)).collect()
}

/// Says in SQL what [`effective`](super::status::effective) says of a row.
#[derive(Clone, Copy)]
pub struct Foreseen<'a> {
    /// What effective status depends on.
    pub policy: &'a Policy,
    /// The moment.
    pub now: Timestamp,
}

impl Foreseen<'_> {
    /// The condition that it is over.
    pub fn expired(self) -> Condition {
        self.effectively(&[Kind::Canceled, Kind::Expired])
    }

    /// The condition that access runs out soon.
    pub fn expiring_soon(self) -> Condition {
        Condition::all().add(self.ends_soon()).add(exempt().not())
    }

    /// The condition that its status amounts to one of these. No row has none.
    pub fn effectively(self, kinds: &[Kind]) -> Condition {
        let wanted = |status: &SubscriptionStatus| kinds.contains(&Kind::from(*status));
        let wanted: Vec<_> = SubscriptionStatus::iter().filter(wanted).collect();
        if wanted.is_empty() {
            return Id.is_null().into();
        }
        let by_time = Condition::all().add(self.is(&wanted)).add(exempt().not());
        if kinds.contains(&Kind::Active) { Condition::any().add(by_time).add(exempt()) } else { by_time }
    }

    /// Whether a gateway's renewal may be late.
    fn tolerated() -> Condition {
        Condition::all()
            .add(Mode.eq(ManagementMode::Gateway))
            .add(Status.eq(SubscriptionStatus::Active))
            .add(CancelAt.is_null())
    }

    /// Whether a turn that was foreseen has not happened, because a gateway's renewal may be late.
    fn spared(&self) -> Condition {
        Self::tolerated()
            .add(AccessEndsAt.is_not_null())
            .add(AccessEndsAt.gt(self.now.plus(-self.policy.renewal_tolerance)))
            .add(reached(ExpiresAt, self.now).not())
    }

    /// Whether the row is in one of these statuses now.
    fn is(&self, statuses: &[SubscriptionStatus]) -> Condition {
        let among = |column: subscription::Column| column.is_in(statuses.iter().copied());
        let still = Condition::all().add(among(Status)).add(either(reached(NextAt, self.now), false));
        let spared = Condition::all().add(among(Status)).add(self.spared());
        let turned = Condition::all()
            .add(SecondAt.is_null())
            // Follows from the rest; for the index.
            .add(between(AccessEndsAt, None, Some(just_after(self.now))))
            .add(reached(NextAt, self.now))
            .add(among(NextStatus))
            .add(self.spared().not());
        Condition::any().add(still).add(spared).add(turned).add(self.is_after_a_turn(statuses))
    }

    /// Whether a row with several turns has come to one of these statuses by now.
    fn is_after_a_turn(&self, statuses: &[SubscriptionStatus]) -> Condition {
        let now = self.now;
        let between_turns = |at, status: subscription::Column, next| {
            Condition::all()
                .add(reached(at, now))
                .add(reached(next, now).not())
                .add(status.is_in(statuses.iter().copied()))
        };
        let last = Condition::all().add(reached(FifthAt, now)).add(FifthStatus.is_in(statuses.iter().copied()));
        Condition::all().add(SecondAt.is_not_null()).add(NextAt.lte(now)).add(
            Condition::any()
                .add(between_turns(NextAt, NextStatus, SecondAt))
                .add(between_turns(SecondAt, SecondStatus, ThirdAt))
                .add(between_turns(ThirdAt, ThirdStatus, FourthAt))
                .add(between_turns(FourthAt, FourthStatus, FifthAt))
                .add(last),
        )
    }

    /// Whether the row entitles now, and no longer in some days.
    fn ends_soon(&self) -> Condition {
        let (now, tolerance) = (self.now, self.policy.renewal_tolerance);
        let soon = now.plus(self.policy.expiring_soon);
        let ahead = |column, end| Condition::all().add(reached(column, end)).add(reached(column, now).not());
        let late = Condition::any().add(AccessEndsAt.lte(soon.plus(-tolerance))).add(reached(ExpiresAt, soon));
        let on_time = Condition::all()
            .add(Status.is_in(entitling()))
            // Follows from the rest; for the index.
            .add(between(AccessEndsAt, Some(now.plus(-tolerance)), Some(just_after(soon))))
            .add(
                Condition::any()
                    .add(
                        Condition::all()
                            .add(Self::tolerated().not())
                            .add(reached(NextAt, now).not())
                            .add(ahead(AccessEndsAt, soon)),
                    )
                    .add(self.spared().add(late)),
            );
        let turn = |at, status: subscription::Column| ahead(at, soon).add(status.is_not_in(entitling()));
        let behind = Condition::all().add(self.is_after_a_turn(&entitling())).add(
            Condition::any()
                .add(turn(SecondAt, SecondStatus))
                .add(turn(ThirdAt, ThirdStatus))
                .add(turn(FourthAt, FourthStatus))
                .add(turn(FifthAt, FifthStatus)),
        );
        Condition::any().add(on_time).add(behind)
    }
}

fn exempt() -> Condition {
    let exempt = Query::select()
        .column(organization::Column::Id)
        .from(organization::Entity)
        .and_where(organization::Column::Exempt.eq(true))
        .take();
    Condition::all().add(CustomerId.is_null()).add(TenantId.in_subquery(exempt))
}

/// The rows with a time in this span, by what lists are sorted by.
pub fn between(column: subscription::Column, from: Option<Timestamp>, to: Option<Timestamp>) -> Condition {
    store::between::<subscription::Entity>(column, from, to)
}

pub fn either(condition: Condition, wanted: bool) -> Condition {
    if wanted { condition } else { condition.not() }
}

/// The end of a span that has this moment in it.
fn just_after(moment: Timestamp) -> Timestamp {
    moment.plus(TimeDelta::microseconds(1))
}

/// Whether a time has come. Null is never, so that the opposite can be asked for.
fn reached(column: subscription::Column, moment: Timestamp) -> Condition {
    Condition::all().add(column.is_not_null()).add(column.lte(moment))
}
