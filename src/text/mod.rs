//! Text as people mean it: what makes two texts alike when one is searched for, and which one comes first.
//!
//! Both databases get keys that are made here and compare bytes: neither knows enough of Unicode, and not the same.

mod fold;
mod order;
mod visible;

pub use fold::fold;
pub use order::{sort_key, sort_key_start};
pub use visible::{acts_on_its_surroundings, is_blank, is_ignorable};

use icu_normalizer::ComposingNormalizerBorrowed;

/// Counts up whenever [`fold()`] or [`sort_key`] makes another key of some text, as a later version of Unicode does: the
/// keys of stored rows are then made anew.
pub const KEYS_VERSION: i32 = 1;

/// At most the first characters of a text, with a sign that there are more.
pub fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The form of an e-mail address that tells whether two are the same: composed, in lower case. Nothing else is taken
/// away, so that two people are never taken for one.
pub fn email_key(email: &str) -> String {
    let email = ComposingNormalizerBorrowed::new_nfc().normalize(email.trim()).to_lowercase();
    // A domain has two forms, and one owner.
    match email.rsplit_once('@') {
        Some((name, domain)) if domain.contains("xn--") => format!("{name}@{}", idna::domain_to_unicode(domain).0),
        _ => email,
    }
}
