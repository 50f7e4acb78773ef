//! What the variables of an operation are used for.

use std::collections::{BTreeSet, HashMap};

use apollo_compiler::Name;
use apollo_compiler::ast;
use apollo_compiler::executable::{Selection, SelectionSet};

/// What variables are used for.
#[derive(Default)]
pub struct Uses {
    /// Where the value of each goes first, from the argument down.
    pub paths: HashMap<Name, Vec<String>>,
    /// Those that decide what is selected.
    pub conditions: BTreeSet<Name>,
}

impl Uses {
    /// Adds what a selection set uses.
    pub fn find(&mut self, set: &SelectionSet) {
        for selection in &set.selections {
            for directive in selection.directives().iter() {
                let condition = directive.specified_argument_by_name("if").and_then(|value| value.as_variable());
                self.conditions.extend(condition.cloned());
            }
            match selection {
                Selection::Field(field) => {
                    for argument in &field.arguments {
                        self.value(&argument.value, &mut vec![argument.name.to_string()]);
                    }
                    self.find(&field.selection_set);
                }
                Selection::InlineFragment(fragment) => self.find(&fragment.selection_set),
                Selection::FragmentSpread(_) => {}
            }
        }
    }

    fn value(&mut self, value: &ast::Value, path: &mut Vec<String>) {
        let mut below = |step: String, value: &ast::Value| {
            path.push(step);
            self.value(value, path);
            path.pop();
        };
        match value {
            ast::Value::List(items) => {
                items.iter().enumerate().for_each(|(index, item)| below(index.to_string(), item));
            }
            ast::Value::Object(fields) => fields.iter().for_each(|(name, value)| below(name.to_string(), value)),
            ast::Value::Variable(name) => {
                self.paths.entry(name.clone()).or_insert_with(|| path.clone());
            }
            _ => {}
        }
    }
}
