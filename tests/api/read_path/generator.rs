//! Documents made at random from the schema, the same ones in every run.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::UNPLANNED;
use crate::support::estate::Estate;
use crate::support::introspection::{Field, Input, Schema, Type};

/// A document with its variables, and the fields it selects.
pub struct Generated {
    pub document: String,
    pub variables: Value,
    pub fields: BTreeSet<String>,
}

/// Makes documents.
pub struct Generator<'a> {
    schema: &'a Schema,
    estates: &'a [Estate],
    state: u64,
    variables: Map<String, Value>,
    declarations: Vec<String>,
    fragments: Vec<String>,
    fields: BTreeSet<String>,
    aliases: usize,
}

impl<'a> Generator<'a> {
    pub fn new(schema: &'a Schema, estates: &'a [Estate], seed: u64) -> Self {
        Self {
            schema,
            estates,
            state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) + 1,
            variables: Map::new(),
            declarations: Vec::new(),
            fragments: Vec::new(),
            fields: BTreeSet::new(),
            aliases: 0,
        }
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[self.below(from.len())]
    }

    /// The next document.
    pub fn document(&mut self) -> Generated {
        let schema = self.schema;
        let planned = |field: &&Field| !UNPLANNED.contains(&format!("Query.{}", field.name).as_str());
        let roots: Vec<&Field> = schema.queries().iter().filter(planned).collect();
        let mut body = String::new();
        for _ in 0..=usize::from(self.one_in(8)) {
            let root = *self.pick(&roots);
            body.push_str(&self.field("Query", root, 5));
        }
        let declarations = std::mem::take(&mut self.declarations);
        let declared = if declarations.is_empty() { String::new() } else { format!("({})", declarations.join(", ")) };
        self.aliases = 0;
        let name = if self.one_in(2) { " Named" } else { "" };
        Generated {
            document: format!("query{name}{declared} {{ {body} }} {}", std::mem::take(&mut self.fragments).join(" ")),
            variables: Value::Object(std::mem::take(&mut self.variables)),
            fields: std::mem::take(&mut self.fields),
        }
    }

    fn selection(&mut self, of: &'a Type, depth: usize) -> String {
        let mut selection = String::new();
        if of.possible().is_empty() {
            let deep = |field: &&Field| {
                let kind = self.schema.get(field.of.named()).kind.as_str();
                let is_leaf = ["SCALAR", "ENUM"].contains(&kind);
                is_leaf || depth > 0
            };
            let fields: Vec<&Field> = of.fields().iter().filter(deep).collect();
            for _ in 0..if fields.is_empty() { 0 } else { 1 + self.below(5) } {
                let field = *self.pick(&fields);
                let name = format!("{}.{}", of.name, field.name);
                if UNPLANNED.contains(&name.as_str()) && !self.one_in(40) {
                    continue;
                }
                selection.push_str(&self.field(&of.name, field, depth.saturating_sub(1)));
            }
            if self.one_in(6) {
                let fields = self.selection_of_leaves(of);
                match self.below(3) {
                    0 => selection.push_str(&format!(" ... {{ {fields} }}")),
                    1 => selection.push_str(&format!(" ... on {} {{ {fields} }}", of.name)),
                    _ => {
                        let name = format!("f{}", self.below(1_000_000_000));
                        self.fragments.push(format!("fragment {name} on {} {{ {fields} }}", of.name));
                        selection.push_str(&format!(" ...{name}"));
                    }
                }
            }
        } else {
            for name in of.possible() {
                if self.one_in(2) {
                    let fields = self.selection(self.schema.get(name), depth.saturating_sub(1));
                    selection.push_str(&format!(" ... on {name} {{ {fields} }}"));
                }
            }
        }
        if selection.trim().is_empty() || self.one_in(8) {
            selection.push_str(" __typename");
        }
        selection
    }

    fn selection_of_leaves(&mut self, of: &'a Type) -> String {
        self.selection(of, 0)
    }

    fn field(&mut self, of: &str, field: &'a Field, depth: usize) -> String {
        let before = self.fields.clone();
        self.fields.insert(format!("{of}.{}", field.name));
        let target = self.schema.get(field.of.named());
        // Two selections of one key must be alike: a key of its own where they may differ.
        let needs_alias = !field.args.is_empty() || of == "Query";
        let alias = if (needs_alias || self.one_in(12)) && self.aliases < 25 {
            self.aliases += 1;
            format!("a{}: ", self.aliases)
        } else if needs_alias {
            return String::new();
        } else {
            String::new()
        };
        let arguments: Vec<String> = field.args.iter().filter_map(|arg| self.argument(of, field, arg)).collect();
        let arguments = if arguments.is_empty() { String::new() } else { format!("({})", arguments.join(", ")) };
        let directive = match self.below(12) {
            0 => {
                let (name, value) = (format!("b{}", self.declarations.len()), self.one_in(2));
                let declaration = match self.one_in(3) {
                    true => format!("${name}: Boolean = {value}"),
                    false => {
                        self.variables.insert(name.clone(), json!(value));
                        format!("${name}: Boolean!")
                    }
                };
                self.declarations.push(declaration);
                format!(" @{}(if: ${name})", if self.one_in(2) { "skip" } else { "include" })
            }
            1 => " @include(if: true)".to_owned(),
            _ => String::new(),
        };
        let selection = match target.kind.as_str() {
            "OBJECT" | "INTERFACE" | "UNION" => format!(" {{{} }}", self.selection(target, depth)),
            _ => String::new(),
        };
        if directive.contains("(if: $") {
            // What is left out says nothing of who could answer it.
            self.fields = before;
        }
        format!(" {alias}{}{arguments}{directive}{selection}", field.name)
    }

    fn argument(&mut self, of: &str, field: &Field, argument: &Input) -> Option<String> {
        let value = match argument.name.as_str() {
            "first" if !field.args.iter().any(|arg| arg.name == "last") || self.one_in(2) => json!(self.below(5)),
            "first" | "after" | "before" => return None,
            // Never both.
            "last" => return None,
            "locale" => json!(*self.pick(&["de-CH", "en", "ja"])),
            _ if argument.of.is_required() => self.value(&argument.name, of, field, argument, 2),
            _ if self.one_in(3) => self.value(&argument.name, of, field, argument, 2),
            _ => return None,
        };
        let is_input = self.schema.get(argument.of.named()).kind == "INPUT_OBJECT";
        Some(if is_input || self.one_in(3) {
            let name = format!("v{}", self.declarations.len());
            self.declarations.push(format!("${name}: {}", argument.of));
            self.variables.insert(name.clone(), value);
            format!("{}: ${name}", argument.name)
        } else {
            let is_enum = self.schema.get(argument.of.named()).kind == "ENUM";
            let text = if is_enum { value.as_str().unwrap_or_default().to_owned() } else { value.to_string() };
            format!("{}: {text}", argument.name)
        })
    }

    fn value(&mut self, name: &str, of: &str, field: &Field, input: &Input, depth: usize) -> Value {
        let kind = self.schema.get(input.of.named());
        if name == "ids" && field.name == "nodes" {
            return (0..self.below(6)).map(|_| self.scalar(name, of, field, &kind.name)).collect();
        }
        let one = match kind.kind.as_str() {
            "ENUM" => json!(self.pick(kind.values()).name),
            "INPUT_OBJECT" => {
                let mut object = Map::new();
                for inner in kind.inputs() {
                    if inner.of.is_required() || (depth > 0 && self.one_in(4)) {
                        let value = self.value(&inner.name, of, field, inner, depth - usize::from(depth > 0));
                        object.insert(inner.name.clone(), value);
                    }
                }
                Value::Object(object)
            }
            _ => self.scalar(name, of, field, &kind.name),
        };
        if input.of.is_list() { json!([one]) } else { one }
    }

    fn scalar(&mut self, name: &str, of: &str, field: &Field, kind: &str) -> Value {
        let estate = self.estates[self.below(self.estates.len())].clone();
        match kind {
            "ID" => {
                let noun = match name {
                    "organizationId" | "parentId" | "catalogueOf" => "Organization",
                    "customerId" => "Customer",
                    "subscriptionId" => "SubscriptionContract",
                    "tierIds" => "Tier",
                    "entityId" => "Customer",
                    _ if of == "Query" && ["node", "nodes"].contains(&field.name.as_str()) => *self.pick(&[
                        "Customer",
                        "SubscriptionContract",
                        "Tier",
                        "Payment",
                        "PaymentMethod",
                        "Member",
                        "Organization",
                        "AuditEvent",
                    ]),
                    _ => match self.schema.get(field.of.named()).is_connection() {
                        true => field.of.named().trim_end_matches("Connection"),
                        false => field.of.named(),
                    },
                };
                json!(estate.id_of(noun))
            }
            "Int" | "SafeInt" => json!(self.below(2000)),
            "Boolean" => json!(self.one_in(2)),
            "DateTime" => json!(*self.pick(&["2026-01-01T00:00:00Z", "2026-03-05T00:00:00Z", "2027-01-01T00:00:00Z"])),
            "CurrencyCode" => json!(*self.pick(&["USD", "EUR"])),
            _ => json!(*self.pick(&["zqalpha", "a", "Ä", "customer.create", "customer"])),
        }
    }
}
