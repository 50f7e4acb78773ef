//! Which of the two media types of GraphQL over HTTP an answer has (RFC 9110 §12.5.1).

use axum::http::{HeaderMap, header};

/// A media type of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MediaType {
    /// `application/graphql-response+json`: the status says whether the request was executed.
    GraphqlResponse,
    /// `application/json`: for clients that know no other; any well-formed request is answered with 200.
    Json,
}

impl MediaType {
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        }
    }

    fn subtype(self) -> &'static str {
        match self {
            Self::GraphqlResponse => "graphql-response+json",
            Self::Json => "json",
        }
    }
}

/// The type to answer with; none if the client accepts neither.
///
/// The highest weight wins, then the type that is named over one that a wildcard covers. Where nothing decides, a
/// client gets the type made for GraphQL, as the draft asks for since 2025.
pub(super) fn negotiate(headers: &HeaderMap) -> Option<MediaType> {
    let values = || headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    if values().all(|value| value.trim().is_empty()) {
        return Some(MediaType::GraphqlResponse);
    }
    let rank = |media_type| {
        let ranges = values().flat_map(|value| value.split(',')).filter_map(Range::parse);
        let best = ranges.filter_map(|range| Some((range.specificity(media_type)?, range.weight)));
        // The most specific range speaks for the type, even if another has a higher weight.
        let (specificity, weight) = best.max_by_key(|(specificity, _)| *specificity)?;
        (weight > 0).then_some((weight, specificity))
    };
    match (rank(MediaType::GraphqlResponse), rank(MediaType::Json)) {
        (None, None) => None,
        (Some(_), None) => Some(MediaType::GraphqlResponse),
        (None, Some(_)) => Some(MediaType::Json),
        (Some(graphql), Some(json)) => Some(if graphql >= json { MediaType::GraphqlResponse } else { MediaType::Json }),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Specificity {
    Any,
    AnyApplication,
    Named,
}

/// One element of `Accept`.
struct Range<'a> {
    kind: &'a str,
    subtype: &'a str,
    /// In thousandths.
    weight: u16,
}

impl<'a> Range<'a> {
    /// Reads an element; none if it is malformed or asks for another charset than UTF-8.
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let (kind, subtype) = parts.next()?.split_once('/')?;
        let mut weight = 1000;
        for parameter in parts {
            let (name, value) = parameter.split_once('=')?;
            let value = value.trim().trim_matches('"');
            let name = name.trim();
            if name.eq_ignore_ascii_case("q") {
                weight = parse_weight(value)?;
            } else if name.eq_ignore_ascii_case("charset") && !is_utf8(value) {
                return None;
            }
        }
        Some(Self { kind, subtype, weight })
    }

    fn specificity(&self, media_type: MediaType) -> Option<Specificity> {
        if (self.kind, self.subtype) == ("*", "*") {
            return Some(Specificity::Any);
        }
        let named = self.subtype.eq_ignore_ascii_case(media_type.subtype());
        match self.kind.eq_ignore_ascii_case("application") {
            true if self.subtype == "*" => Some(Specificity::AnyApplication),
            true if named => Some(Specificity::Named),
            _ => None,
        }
    }
}

fn parse_weight(text: &str) -> Option<u16> {
    let weight: f32 = text.parse().ok()?;
    (0.0..=1.0).contains(&weight).then(|| (weight * 1000.0).round() as u16)
}

/// Whether a `charset` parameter names the one encoding of GraphQL.
pub(super) fn is_utf8(charset: &str) -> bool {
    charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("utf8")
}

#[cfg(test)]
mod tests {
    use super::MediaType::{GraphqlResponse, Json};
    use super::*;

    #[test]
    fn the_client_decides() {
        let cases = [
            ("", Some(GraphqlResponse)),
            ("*/*", Some(GraphqlResponse)),
            ("application/*", Some(GraphqlResponse)),
            ("application/json", Some(Json)),
            ("application/graphql-response+json", Some(GraphqlResponse)),
            ("APPLICATION/GraphQL-Response+JSON", Some(GraphqlResponse)),
            ("application/graphql-response+json; charset=utf-8", Some(GraphqlResponse)),
            ("application/json; charset=\"UTF-8\"", Some(Json)),
            ("application/json, application/graphql-response+json", Some(GraphqlResponse)),
            ("application/graphql-response+json, application/json;q=0.9", Some(GraphqlResponse)),
            ("application/graphql-response+json;q=0.8, application/json;q=0.9", Some(Json)),
            ("application/json, */*", Some(Json)),
            ("application/graphql-response+json, */*", Some(GraphqlResponse)),
            ("application/graphql-response+json;q=0.5, */*;q=0.8", Some(Json)),
            ("application/json;q=0, */*", Some(GraphqlResponse)),
            ("text/html, application/xhtml+xml, */*;q=0.1", Some(GraphqlResponse)),
            ("text/html", None),
            ("application/xml, image/*", None),
            ("*/*;q=0", None),
            ("application/json;q=0", None),
            ("application/json; charset=iso-8859-1", None),
            ("application/json;q=2", None),
            ("application/json;q=NaN", None),
            ("json", None),
        ];
        for (accept, expected) in cases {
            let headers = HeaderMap::from_iter([(header::ACCEPT, accept.parse().expect("a header"))]);
            assert_eq!(negotiate(&headers), expected, "{accept}");
        }
    }

    #[test]
    fn no_header_decides_nothing_and_several_are_one() {
        assert_eq!(negotiate(&HeaderMap::new()), Some(GraphqlResponse));
        let mut headers = HeaderMap::new();
        headers.append(header::ACCEPT, "text/html".parse().expect("a header"));
        headers.append(header::ACCEPT, "application/graphql-response+json".parse().expect("a header"));
        assert_eq!(negotiate(&headers), Some(GraphqlResponse));
    }
}
