//! What will happen to a subscription by itself, as things stand.

use std::borrow::Cow;

use async_graphql::SimpleObject;
use declare::ToJson;

use super::lifecycle::{Action, Event, as_of, carry_out, next_due};
use super::recorded::recorded;
use crate::clock::Timestamp;
use crate::entity::{SubscriptionStatus, subscription};
use crate::error::Result;
use crate::read::facts::Facts;

/// How much is told at most: what renews by itself goes on for ever.
const MOST: usize = 10;

/// Something that will happen to a subscription by itself, as things stand.
#[derive(Clone, Debug, PartialEq, SimpleObject, ToJson)]
pub struct UpcomingChange {
    /// What.
    pub kind: Event,
    /// When.
    pub at: Timestamp,
    /// The status that it leads to.
    pub status: SubscriptionStatus,
    /// What keeps it from happening, if anything does. Whether the caller may take it is said by `availableActions`.
    pub undo: Option<Action>,
}

/// What will happen from now on, in order: up to the first renewal that comes by itself.
pub fn upcoming(row: &subscription::Model, now: Timestamp) -> Vec<UpcomingChange> {
    let (mut state, _) = as_of(row, now, None);
    let (mut changes, mut at) = (Vec::new(), now);
    while let Some(due) = next_due(&state, None).filter(|_| changes.len() < MOST) {
        carry_out(state.to_mut(), due);
        // What an override holds back comes with its end.
        at = at.max(due.at);
        changes.push(UpcomingChange { kind: due.event, at, status: state.status, undo: due.event.undo() });
        if due.event == Event::PeriodRenews {
            break;
        }
    }
    changes
}

/// The same of a subscription of which the read path knows no more than its state depends on.
pub fn upcoming_changes(facts: &Facts<'_>) -> Result<Vec<UpcomingChange>> {
    let row = recorded(facts.cells)?.map(Cow::<subscription::Model>::Owned);
    Ok(row.map(|row| upcoming(&row, facts.request.scope.now())).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::PeriodEndPolicy;
    use crate::entity::SubscriptionStatus::{Active, Canceled, PastDue, Suspended};
    use crate::subscription::lifecycle::settled;
    use crate::subscription::testing::{at, opened, terms};

    #[test]
    fn what_comes_is_told_with_what_keeps_it_away() {
        let now = at("2026-03-01T12:00:00Z");
        let row = subscription::Model { period_end_policy: PeriodEndPolicy::Renew, ..opened(terms(), now) };
        let change = |kind, at_text, status, undo| UpcomingChange { kind, at: at(at_text), status, undo: Some(undo) };
        let expected = [
            change(Event::PaymentDue, "2026-04-01T12:00:00Z", PastDue, Action::Renew),
            change(Event::GraceEnds, "2026-04-08T12:00:00Z", Suspended, Action::MarkPaid),
            change(Event::UnpaidEnds, "2026-05-08T12:00:00Z", Canceled, Action::MarkPaid),
        ];
        assert_eq!(upcoming(&settled(row.clone()), now), expected);
        assert_eq!(upcoming(&row, at("2026-04-02T00:00:00Z")), expected[1..], "what has come is not to come");
        let free = subscription::Model { amount_minor: 0, ..row };
        let renews =
            UpcomingChange { kind: Event::PeriodRenews, at: at("2026-04-01T12:00:00Z"), status: Active, undo: None };
        assert_eq!(upcoming(&free, now), [renews]);
    }
}
