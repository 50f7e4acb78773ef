//! Where a payment may stand, and what may come after it: the table that commands, gateways and invariants ask.

use sea_orm::Iterable as _;

use crate::entity::PaymentStatus::{
    self, Canceled, Disputed, Failed, PartiallyRefunded, Pending, Processing, Refunded, RequiresAction, Succeeded,
};

impl PaymentStatus {
    /// What may come after it. A gateway's word counts even where it steps back: a failed attempt is paid after all, late
    /// money comes for one that was given up, a debit is returned by the bank, a refund fails, a dispute is won.
    pub const fn next(self) -> &'static [Self] {
        match self {
            Pending => &[RequiresAction, Processing, Succeeded, Failed, Canceled],
            RequiresAction => &[Pending, Processing, Succeeded, Failed, Canceled],
            Processing => &[Pending, RequiresAction, Succeeded, Failed, Canceled],
            Failed => &[Pending, RequiresAction, Processing, Succeeded, Canceled],
            Canceled => &[Succeeded],
            Succeeded => &[Failed, PartiallyRefunded, Refunded, Disputed],
            PartiallyRefunded => &[Failed, Succeeded, Refunded, Disputed],
            Refunded => &[Failed, Succeeded, PartiallyRefunded, Disputed],
            Disputed => &[Failed, Succeeded, PartiallyRefunded, Refunded],
        }
    }

    /// Whether this status may come after it.
    pub fn may_become(self, next: Self) -> bool {
        self == next || self.next().contains(&next)
    }

    /// The verb of the audit trail for a payment that comes to stand here.
    pub const fn verb(self) -> &'static str {
        match self {
            Pending | RequiresAction | Processing => "update",
            Succeeded => "succeed",
            Failed => "fail",
            Canceled => "cancel",
            PartiallyRefunded | Refunded => "refund",
            Disputed => "dispute",
        }
    }

    /// Whether it is under way: a gateway may still take it, so that nobody else tries.
    pub const fn is_under_way(self) -> bool {
        matches!(self, Pending | RequiresAction | Processing)
    }

    /// Whether the money was received, whatever became of it.
    pub const fn is_paid(self) -> bool {
        matches!(self, Succeeded | PartiallyRefunded | Refunded | Disputed)
    }
}

/// The statuses of payments that are under way.
pub fn under_way() -> impl Iterator<Item = PaymentStatus> {
    PaymentStatus::iter().filter(|status| status.is_under_way())
}

/// The table, row by row.
pub fn moves() -> impl Iterator<Item = (PaymentStatus, PaymentStatus)> {
    PaymentStatus::iter().flat_map(|from| from.next().iter().map(move |to| (from, *to)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_reached_and_left() {
        for status in PaymentStatus::iter() {
            assert!(!status.next().contains(&status), "{status:?} comes after itself");
            assert!(!status.next().is_empty(), "{status:?} is final");
            let is_reached = status == Pending || moves().any(|(_, to)| to == status);
            assert!(is_reached, "{status:?} is never reached");
        }
    }

    #[test]
    fn nothing_that_was_decided_is_under_way_again_but_what_failed() {
        for (from, to) in moves().filter(|(_, to)| to.is_under_way()) {
            assert!(from.is_under_way() || from == Failed, "{from:?} becomes {to:?}");
        }
    }

    #[test]
    fn money_goes_back_only_after_it_came() {
        let back = [PartiallyRefunded, Refunded, Disputed];
        for (from, to) in moves().filter(|(_, to)| back.contains(to)) {
            assert!(from.is_paid(), "{from:?} becomes {to:?}");
        }
    }
}
