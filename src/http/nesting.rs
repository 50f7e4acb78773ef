//! A look at a document before it is parsed.
//!
//! Parsing, validation and execution recurse over nested values without a limit of their own: some hundred brackets in
//! one argument exhaust the stack, and that ends the process. This check is linear and keeps no stack.

/// Deeper documents are refused. Introspection as tools send it needs less than a third.
const MAX_NESTING: usize = 48;

/// Whether brackets are nested too deeply. Those in strings and comments do not count.
pub(super) fn is_too_deep(document: &str) -> bool {
    let bytes = document.as_bytes();
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'{' | b'(' | b'[' => {
                depth += 1;
                if depth > MAX_NESTING {
                    return true;
                }
            }
            b'}' | b')' | b']' => depth = depth.saturating_sub(1),
            b'#' => at += bytes[at..].iter().take_while(|byte| !matches!(byte, b'\n' | b'\r')).count(),
            b'"' if bytes[at..].starts_with(br#""""#) => at = block_string_end(bytes, at + 2),
            b'"' => at = string_end(bytes, at),
            _ => {}
        }
    }
    false
}

/// The position after a string whose content starts at `at`. The end of a line ends it too: the parser stops there.
fn string_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'\\' => at += 1,
            b'"' | b'\n' | b'\r' => break,
            _ => {}
        }
    }
    at.min(bytes.len())
}

/// The position after a block string whose content starts at `at`.
fn block_string_end(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() {
        if bytes[at..].starts_with(br#"\""""#) {
            at += 4;
        } else if bytes[at..].starts_with(br#"""""#) {
            return at + 3;
        } else {
            at += 1;
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deep_documents_are_found() {
        assert!(!is_too_deep(&format!("{}{}", "{a".repeat(48), "}".repeat(48))));
        assert!(is_too_deep(&"{a".repeat(49)));
        assert!(is_too_deep(&format!("{{a(b:{}", "[".repeat(100_000))));
        assert!(is_too_deep(&format!("{{a(b:\"\" c:\"\\\"\" d:\"\"\"x\\\"\"\"}}\"\"\" e:{}", "[".repeat(49))));
    }

    #[test]
    fn closing_in_a_string_or_comment_closes_nothing() {
        for hidden in ["#}\n", "\"}\"", "\"\\\"}\"", "\"\"\"}\"\"\"", "\"\"\"\\\"\"\"}\"\"\"", "\"\"}{"] {
            assert!(is_too_deep(&format!("{{{hidden}").repeat(49)), "{hidden}");
        }
    }

    #[test]
    fn opening_in_a_string_or_comment_opens_nothing() {
        let brackets = "[{(".repeat(100);
        for document in [
            format!("{{ a(b: \"{brackets}\") }}"),
            format!("{{ a(b: \"\\\"{brackets}\") }}"),
            format!("{{ a(b: \"\"\"{brackets}\n\"\"\") }}"),
            format!("{{ a # {brackets}\n }}"),
            format!("{{ a(b: \"{brackets}"),
            format!("{{ a(b: \"\"\"{brackets}\""),
        ] {
            assert!(!is_too_deep(&document), "{document}");
        }
    }

    #[test]
    fn a_lone_escape_at_the_end_is_no_trap() {
        for odd in ["\"\\", "\"", "\"\"", "\"\"\"", "\"\"\"\\", "#", "\\"] {
            assert!(!is_too_deep(odd), "{odd}");
        }
    }
}
