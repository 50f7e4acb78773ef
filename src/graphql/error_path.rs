//! Completing the paths of errors.
//!
//! async-graphql cuts the path of an error in a field that cannot be null to where the error came to rest: the nearest
//! list item or object above. The location is that of the field itself, so the rest of the path can be read off the
//! document. Specification: GraphQL, section 7.1.2, "Errors".

use async_graphql::parser::types::{ExecutableDocument, Field, Selection, SelectionSet};
use async_graphql::{PathSegment, Pos, Positioned, ServerError};

/// Extends the error's path down to the field at its location.
pub fn complete(document: &ExecutableDocument, error: &mut ServerError) {
    let Some(location) = error.locations.first().copied() else { return };
    if error.path.is_empty() {
        return;
    }
    let mut reached: Vec<&Positioned<Field>> = Vec::new();
    let mut sets: Vec<&SelectionSet> =
        document.operations.iter().map(|(_, operation)| &operation.node.selection_set.node).collect();
    for segment in &error.path {
        let PathSegment::Field(key) = segment else { continue };
        reached =
            sets.iter().flat_map(|set| fields(document, set)).filter(|field| response_key(field) == key).collect();
        sets = reached.iter().map(|field| &field.node.selection_set.node).collect();
    }
    if reached.iter().any(|field| field.pos == location) {
        return;
    }
    if let Some(rest) = sets.into_iter().find_map(|set| descend(document, set, location)) {
        error.path.extend(rest.into_iter().map(|key| PathSegment::Field(key.to_owned())));
    }
}

/// The response keys from a selection set down to the field at the location.
fn descend<'a>(document: &'a ExecutableDocument, set: &'a SelectionSet, location: Pos) -> Option<Vec<&'a str>> {
    fields(document, set).into_iter().find_map(|field| {
        let rest = if field.pos == location {
            Vec::new()
        } else {
            descend(document, &field.node.selection_set.node, location)?
        };
        Some([vec![response_key(field)], rest].concat())
    })
}

/// The fields of a selection set, those in fragments included. Validation has refused cycles.
fn fields<'a>(document: &'a ExecutableDocument, set: &'a SelectionSet) -> Vec<&'a Positioned<Field>> {
    let of = |item: &'a Positioned<Selection>| match &item.node {
        Selection::Field(field) => vec![field],
        Selection::InlineFragment(fragment) => fields(document, &fragment.node.selection_set.node),
        Selection::FragmentSpread(spread) => match document.fragments.get(&spread.node.fragment_name.node) {
            Some(fragment) => fields(document, &fragment.node.selection_set.node),
            None => Vec::new(),
        },
    };
    set.items.iter().flat_map(of).collect()
}

fn response_key(field: &Positioned<Field>) -> &str {
    field.node.response_key().node.as_str()
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn completed(document: &str, path: &[&str], line: usize, column: usize) -> Vec<String> {
        let mut error = ServerError::new("", Some(Pos { line, column }));
        let segment = |key: &&str| match key.parse() {
            Ok(index) => PathSegment::Index(index),
            Err(_) => PathSegment::Field((*key).to_owned()),
        };
        error.path = path.iter().map(segment).collect();
        complete(&parse_query(document).expect("a document"), &mut error);
        let shown = |segment: &PathSegment| match segment {
            PathSegment::Field(key) => key.clone(),
            PathSegment::Index(index) => index.to_string(),
        };
        error.path.iter().map(shown).collect()
    }

    #[test]
    fn the_path_goes_down_to_the_field() {
        assert_eq!(completed("{ a { b { c } } }", &["a"], 1, 11), ["a", "b", "c"]);
        assert_eq!(completed("{ a { b { c } } }", &["a", "3", "b"], 1, 11), ["a", "3", "b", "c"]);
        assert_eq!(completed("{ a { x: b { c } } }", &["a"], 1, 7), ["a", "x"]);
        assert_eq!(completed("{ ...F } fragment F on T { a { b } }", &["a"], 1, 32), ["a", "b"]);
    }

    #[test]
    fn a_whole_path_stays() {
        assert_eq!(completed("{ a { b } }", &["a", "b"], 1, 7), ["a", "b"]);
        assert_eq!(completed("{ a { b } }", &["a"], 9, 9), ["a"]);
    }
}
