//! Documents made from the schema: everything that can be selected below a field.

use std::fmt::Write as _;

use crate::support::introspection::{Field, Schema, Type};

/// How many objects a nested list is asked for.
const NESTED: usize = 2;

/// How many selections fit into a document. Each has four tokens or less.
const FITS: usize = 450;

/// One selection of a document.
#[derive(Clone, Debug)]
pub enum Selection {
    Field { name: String, arguments: String, below: Vec<Selection> },
    On { object: String, below: Vec<Selection> },
}

/// All that can be selected of a type, up to `hops` objects away; of a type that was passed already, only its own
/// values, so that the way back is walked once.
pub fn everything(schema: &Schema, of: &str, hops: usize) -> Vec<Selection> {
    select(schema, schema.get(of), hops, &mut Vec::new())
}

fn select(schema: &Schema, of: &Type, hops: usize, passed: &mut Vec<String>) -> Vec<Selection> {
    match of.kind.as_str() {
        "UNION" | "INTERFACE" => {
            let on = |object: &str| {
                let below = select(schema, schema.get(object), hops, &mut passed.clone());
                Selection::On { object: object.to_owned(), below }
            };
            of.possible().into_iter().map(on).collect()
        }
        _ => {
            let hops = if passed.contains(&of.name) { 0 } else { hops };
            passed.push(of.name.clone());
            let below = of.fields().iter().filter_map(|field| select_field(schema, field, hops, passed)).collect();
            passed.pop();
            below
        }
    }
}

fn select_field(schema: &Schema, field: &Field, hops: usize, passed: &mut Vec<String>) -> Option<Selection> {
    let of = schema.get(field.of.named());
    assert!(field.args.iter().all(|arg| !arg.of.is_required() || arg.default_value.is_some()), "{field:?}");
    let arguments = if of.is_connection() { format!("(first: {NESTED})") } else { String::new() };
    let is_node = of.implements("Node") || matches!(of.kind.as_str(), "UNION" | "INTERFACE");
    let below = match of.kind.as_str() {
        "SCALAR" | "ENUM" => Vec::new(),
        _ if hops == 0 && (is_node || of.is_connection()) => return None,
        // The same objects as in the edges.
        _ if field.name == "nodes" => vec![scalar("id")],
        // Pages, edges and values such as money belong to what has them: they are no step away from it.
        _ => select(schema, of, if is_node { hops - 1 } else { hops }, passed),
    };
    Some(Selection::Field { name: field.name.clone(), arguments, below })
}

/// A field without arguments and selections.
pub fn scalar(name: &str) -> Selection {
    Selection::Field { name: name.to_owned(), arguments: String::new(), below: Vec::new() }
}

/// The text of a selection set; empty for none.
pub fn text(selections: &[Selection]) -> String {
    let mut text = String::new();
    if !selections.is_empty() {
        text.push_str(" {");
        for selection in selections {
            // Writing to a string cannot fail.
            let _ = match selection {
                Selection::Field { name, arguments, below } => write!(text, " {name}{arguments}{}", self::text(below)),
                Selection::On { object, below } => write!(text, " ... on {object}{}", self::text(below)),
            };
        }
        text.push_str(" }");
    }
    text
}

/// The selections in parts, each of which fits into one document.
pub fn parts(selections: Vec<Selection>) -> Vec<Vec<Selection>> {
    let mut parts = vec![Vec::new()];
    let mut room = FITS;
    for piece in selections.into_iter().flat_map(pieces) {
        let size = size(&piece);
        if size > room && parts.last().is_some_and(|part| !part.is_empty()) {
            parts.push(Vec::new());
            room = FITS;
        }
        room = room.saturating_sub(size);
        parts.last_mut().expect("one part at least").push(piece);
    }
    parts
}

fn pieces(selection: Selection) -> Vec<Selection> {
    if size(&selection) <= FITS {
        return vec![selection];
    }
    let within = |below| match &selection {
        Selection::Field { name, arguments, .. } => {
            Selection::Field { name: name.clone(), arguments: arguments.clone(), below }
        }
        Selection::On { object, .. } => Selection::On { object: object.clone(), below },
    };
    let (Selection::Field { below, .. } | Selection::On { below, .. }) = &selection;
    parts(below.clone()).into_iter().map(within).collect()
}

/// How many selections this is.
fn size(selection: &Selection) -> usize {
    let (Selection::Field { below, .. } | Selection::On { below, .. }) = selection;
    1 + below.iter().map(size).sum::<usize>()
}

/// Takes out what is answered at a path, and what is left without selections by that.
pub fn prune(selections: &mut Vec<Selection>, path: &[&str]) {
    let Some((first, rest)) = path.split_first() else { return };
    selections.retain_mut(|selection| match selection {
        Selection::On { below, .. } => {
            prune(below, path);
            !below.is_empty()
        }
        Selection::Field { name, below, .. } if name == first => {
            prune(below, rest);
            !rest.is_empty() && !below.is_empty()
        }
        Selection::Field { .. } => true,
    });
}
