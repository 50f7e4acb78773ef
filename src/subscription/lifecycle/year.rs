//! A year of random commands, against a model that knows nothing of the rules: it walks through time in steps of twelve
//! hours and keeps what was paid, granted and tried as plain spans of them.

mod model;

use chrono::TimeDelta;
use proptest::prelude::*;

use self::model::begin;
use super::*;
use crate::subscription::opening::Terms;
use crate::subscription::status::{Policy, effective};
use crate::subscription::testing::{Dice, any_ends, at, dice, opened, step, terms};

const POLICY: Policy = Policy { expiring_soon: TimeDelta::days(7), renewal_tolerance: TimeDelta::hours(24) };
/// All moments of these lives are multiples of this from their start.
const TICK: TimeDelta = TimeDelta::hours(12);
const TICKS: usize = 2 * 366;

fn any_terms(start: Timestamp) -> impl Strategy<Value = Terms> {
    let day = 1i64..120;
    prop_oneof![
        Just(terms()),
        day.clone().prop_map(|days| Terms { trial_days: Some(days), ..terms() }),
        Just(Terms { requires_payment: true, ..terms() }),
        day.clone().prop_map(move |days| Terms { starts_at: Some(start.plus_days(days)), ..terms() }),
        (day.clone(), day.clone()).prop_map(move |(days, trial)| Terms {
            starts_at: Some(start.plus_days(days)),
            trial_days: Some(trial),
            ..terms()
        }),
        day.prop_map(move |days| Terms { expires_at: Some(start.plus_days(days)), ..terms() }),
    ]
}

fn commands() -> impl Strategy<Value = Vec<(usize, Dice)>> {
    prop::collection::vec((0..TICKS, dice()), 0..40).prop_map(|mut commands| {
        commands.sort_by_key(|(tick, _)| *tick);
        commands
    })
}

fn start() -> Timestamp {
    at("2026-01-31T12:00:00Z")
}

proptest! {
    /// Entitled is exactly who paid, was granted or tries for this moment.
    #[test]
    fn access_is_what_somebody_paid_granted_or_tried(
        terms in any_terms(start()), ends in any_ends(), commands in commands(),
    ) {

        let mut opened = opened(terms, start());
        ends.put(&mut opened);
        let mut row = settled(opened);
        let mut model = begin(&row);
        let mut commands = commands.into_iter().peekable();
        for tick in 0..TICKS {
            let now = start().plus(TICK * i32::try_from(tick).expect("small"));
            if tick > 0 {
                model.tick(now);
            }
            while let Some((_, dice)) = commands.next_if(|(at, _)| *at == tick) {
                let step = step(now, dice);
                let before = crate::subscription::testing::up_to_date(&row, now);
                if let Ok(next) = apply(&before, &step, now) {
                    model.obey(&step, &next, before.billing_cycle, now);
                    row = crate::subscription::testing::up_to_date(&next, now);
                }
            }
            let entitled = effective(Some(&row), false, now, &POLICY).entitled;
            prop_assert_eq!(entitled, model.entitles(), "at {}, {:?} of {:?}", now, model, row);
        }
    }
}
