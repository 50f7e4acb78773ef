//! What is made to go wrong.

use serde::Deserialize;

/// What goes wrong. A number says how many more times.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Milliseconds by which every answer is late.
    pub delay: u64,
    /// Writing requests that fail before anything is done.
    pub errors_before: u32,
    /// Writing requests that are done, and answered with a fault. The fault is what their key remembers.
    pub errors_after: u32,
    /// Writing requests that are done, and whose answer breaks off. Their key remembers the answer.
    pub lost_answers: u32,
    /// Requests that are turned away as too many.
    pub rate_limited: u32,
    /// Events that are never sent.
    pub lost_events: u32,
    /// Whether each event is sent twice.
    pub duplicate_events: bool,
    /// Whether events are sent in another order: newest first.
    pub shuffled_events: bool,
}

/// Takes one, if there is one left.
pub fn take(left: &mut u32) -> bool {
    let some = *left > 0;
    *left = left.saturating_sub(1);
    some
}
