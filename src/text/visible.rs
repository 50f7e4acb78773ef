//! What of a text can be seen.

use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Whether nobody sees the character by itself: zero-width characters, fillers, selectors of variants.
pub fn is_ignorable(c: char) -> bool {
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

/// Whether there is nothing to be seen of the text.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || c.is_control() || is_ignorable(c) || is_invisible(c))
}

/// Formatting characters, and the pattern of Braille without a dot.
fn is_invisible(c: char) -> bool {
    c == '\u{2800}' || CodePointMapData::<GeneralCategory>::new().get(c) == GeneralCategory::Format
}

/// Whether a character breaks the line or turns the direction of the text around it: in a name it would change how
/// what stands beside it is read.
pub fn acts_on_its_surroundings(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_blank() {
        for text in [
            "",
            " \u{a0}\u{3000}",
            "\u{200b}\u{200d}",
            "\u{3164}\u{115f}\u{ffa0}",
            "\u{ad}\u{2060}\u{feff}",
            "\u{2800}",
        ] {
            assert!(is_blank(text), "{text:?}");
        }
        for text in ["a", "\u{200b}a", "👨\u{200d}👩\u{200d}👧", ".", "\u{627}", "ㅤx"] {
            assert!(!is_blank(text), "{text:?}");
        }
    }
}
