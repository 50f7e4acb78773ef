//! What a search takes for the same.

use icu_casemap::CaseMapper;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use icu_properties::props::{GeneralCategory, Script};
use icu_properties::{CodePointMapData, CodePointMapDataBorrowed};

use super::visible::is_ignorable;

const SCRIPTS: CodePointMapDataBorrowed<'static, Script> = CodePointMapData::<Script>::new();
const CATEGORIES: CodePointMapDataBorrowed<'static, GeneralCategory> = CodePointMapData::<GeneralCategory>::new();

/// The text as it is searched for: without case, without the marks of Latin, Greek and Cyrillic letters, in
/// compatible form, without what nobody sees.
///
/// Only for finding. Two texts with one fold are not the same text, so nothing that must be unique is folded.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let seen: String = text.chars().filter(|c| !is_ignorable(*c)).collect();
    let decomposed = DecomposingNormalizerBorrowed::new_nfkd().normalize(&seen).into_owned();
    let bare = without_marks(&decomposed);
    let folded: String = CaseMapper::new().fold_string(&bare).chars().map(plain).collect();
    ComposingNormalizerBorrowed::new_nfc().normalize(&folded).into_owned()
}

/// Without the marks on Latin, Greek and Cyrillic letters. In other scripts marks are letters in their own right.
fn without_marks(decomposed: &str) -> String {
    let mut on_letter = false;
    let keeps = |c: &char| {
        let is_mark = CATEGORIES.get(*c) == GeneralCategory::NonspacingMark;
        if !is_mark {
            on_letter = matches!(SCRIPTS.get(*c), Script::Latin | Script::Greek | Script::Cyrillic);
        }
        !(is_mark && on_letter)
    };
    decomposed.chars().filter(keeps).collect()
}

/// Letters that have no decomposition, though people who look for them leave the stroke or put the dot.
fn plain(c: char) -> char {
    match c {
        'ı' => 'i',
        'ł' => 'l',
        'ø' => 'o',
        'đ' => 'd',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_that_people_take_for_the_same_have_one_fold() {
        for (text, expected) in [
            ("Ökostrom Größe", "okostrom grosse"),
            ("O\u{308}kostrom", "okostrom"),
            ("ΚΩΣΤΑΣ", "κωστασ"),
            ("Κώστας", "κωστασ"),
            ("ᾳ", "α"),
            ("ДОГОВОР", "договор"),
            ("Ёлка Й", "елка и"),
            ("İstanbul", "istanbul"),
            ("ISTANBUL", "istanbul"),
            ("ıstanbul", "istanbul"),
            ("Łódź", "lodz"),
            ("Ørsted Đorđe", "orsted dorde"),
            ("ﬁne ①", "fine 1"),
            ("Ｆｕｌｌ", "full"),
            ("a\u{ad}b\u{200b}c\u{feff}", "abc"),
            ("می\u{200c}خواهم", "میخواهم"),
            ("हिन्दी", "हिन्दी"),
            ("ガ", "ガ"),
            ("ｶﾞ", "ガ"),
            ("한글", "한글"),
            ("A\u{a0}b", "a b"),
        ] {
            assert_eq!(fold(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_fold_is_its_own_fold(text in "\\PC{0,12}") {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }
    }

    #[test]
    fn every_letter_folds_once() {
        // Without the large blocks whose characters are all of one kind.
        for c in (0..0x3400).chain(0xa000..0xac00).chain(0xf900..0x17000).filter_map(char::from_u32) {
            let once = fold(&c.to_string());
            assert_eq!(fold(&once), once, "U+{:04X}", u32::from(c));
        }
    }
}
