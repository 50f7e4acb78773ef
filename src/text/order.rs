//! Which text comes first.

use std::sync::LazyLock;

use icu_collator::options::CollatorOptions;
use icu_collator::{Collator, CollatorBorrowed, CollatorPreferences};

/// How much of a key is kept: an index of PostgreSQL holds no more than 2,704 bytes of a row.
const LONGEST: usize = 400;

/// What stands in a key between letters, marks and case.
const LEVEL_END: u8 = 1;

/// The order of no particular language, which suits most of them (CLDR's root collation): letters by alphabet, whatever
/// their case and marks, which decide only between texts that are equal otherwise.
static ROOT: LazyLock<Option<CollatorBorrowed<'static>>> =
    LazyLock::new(|| Collator::try_new(CollatorPreferences::default(), CollatorOptions::default()).ok());

/// A key whose bytes sort as people expect the texts to (Unicode Technical Standard 10).
pub fn sort_key(text: &str) -> String {
    key(text).take(LONGEST).map(char::from).collect()
}

/// What the keys of texts begin with that begin with this one, whatever case and marks.
pub fn sort_key_start(text: &str) -> String {
    key(text).take_while(|byte| *byte != LEVEL_END).take(LONGEST).map(char::from).collect()
}

fn key(text: &str) -> impl Iterator<Item = u8> {
    let mut key = Vec::with_capacity(64);
    if let Some(root) = &*ROOT {
        let Ok(()) = root.write_sort_key_to(text, &mut key);
    }
    // Text, because both databases compare it by bytes: a byte becomes the character with its number, whose UTF-8
    // sorts alike. No byte of a key is zero, which PostgreSQL's text cannot hold.
    key.into_iter()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_come_in_the_order_of_an_address_book() {
        let names = [
            "“Adler” GmbH",
            "1a Reisen",
            "abel",
            "Abel",
            "Äbel",
            "Abel & Söhne",
            "Æon",
            "Ökostrom",
            "Oma",
            "Österreich",
            "Strasse",
            "Straße",
            "Zebra",
            "Ωmega",
            "Договор",
            "日本",
        ];
        let mut sorted = names;
        sorted.reverse();
        sorted.sort_by_key(|name| sort_key(name));
        assert_eq!(sorted, names);
        assert_eq!(sort_key("O\u{308}kostrom"), sort_key("Ökostrom"), "one text, composed or not");
    }

    #[test]
    fn a_key_begins_as_the_text_does() {
        let names = [
            "Ökostrom",
            "ökostrom",
            "“Adler” GmbH",
            "ΚΩΣΤΑΣ",
            "Łódź",
            "İstanbul",
            "Договор",
            "日本 橋",
            "1a Reisen",
            "A-Z",
            "Øre",
        ];
        for name in names {
            for end in 1..=name.chars().count() {
                let start: String = name.chars().take(end).collect();
                for start in [start.to_lowercase(), start.to_uppercase(), crate::text::fold(&start)] {
                    assert!(sort_key(name).starts_with(&sort_key_start(&start)), "{name} {start}");
                }
            }
        }
        assert!(!sort_key("Bob").starts_with(&sort_key_start("a")));
        assert!(!sort_key("Aachen").starts_with(&sort_key_start("ab")));
    }

    proptest! {
        #[test]
        fn a_key_fits_into_an_index(text in "\\PC{0,200}") {
            let key = sort_key(&text);
            prop_assert!(key.len() <= 2 * LONGEST && !key.contains('\0'));
        }
    }
}
