//! Text as people mean it: what makes two texts alike when one is searched for, and which one comes first.
//!
//! Both databases get keys that are made here and compare bytes: neither knows enough of Unicode, and not the same.

mod fold;
mod order;
mod visible;

pub use fold::fold;
pub use order::sort_key;
pub use visible::{acts_on_its_surroundings, is_blank, is_ignorable};

use icu_normalizer::ComposingNormalizerBorrowed;

/// Counts up whenever [`fold()`] or [`sort_key`] makes another key of some text, as a later version of Unicode does: the
/// keys of stored rows are then made anew.
pub const KEYS_VERSION: i32 = 1;

/// The form of an e-mail address that tells whether two are the same: composed, in lower case. Nothing else is taken
/// away, so that two people are never taken for one.
pub fn email_key(email: &str) -> String {
    ComposingNormalizerBorrowed::new_nfc().normalize(email.trim()).to_lowercase()
}
