//! What the inputs of mutations have in common.

use async_graphql::{Context, ID, Value};

use super::input::{Check, check_key, parse_id};
use crate::entity::TypedId;
use crate::error::Result;
use crate::store::Command;

/// A mutation with its arguments as a command, which its idempotency key makes safe to send again.
///
/// Two commands are the same if their [coerced](super::document) arguments are: however they were written, but for an
/// omitted field and a null, which clears.
pub fn command(ctx: &Context<'_>, operation: &'static str, key: &Option<String>) -> Command {
    let mut canonical = String::new();
    for (name, value) in ctx.field().arguments().unwrap_or_default() {
        write_text(&name, &mut canonical);
        write_canonical(&value, &mut canonical);
    }
    Command::new(operation, key.clone(), &canonical)
}

/// Writes a value as JSON, with the fields of objects in the order of their names.
fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by_key(|(name, _)| name.as_str());
            out.push('{');
            for (name, value) in fields {
                write_text(name, out);
                out.push(':');
                write_canonical(value, out);
                out.push(',');
            }
            out.push('}');
        }
        Value::List(values) => {
            out.push('[');
            for value in values {
                write_canonical(value, out);
                out.push(',');
            }
            out.push(']');
        }
        Value::String(text) => write_text(text, out),
        // No name of an enum needs to be told from a text: no type takes both.
        Value::Enum(name) => write_text(name, out),
        other => out.push_str(&other.to_string()),
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push_str(&Value::String(text.to_owned()).to_string());
}

/// What every change of an existing object names.
#[derive(Clone, Debug)]
pub struct Target<I> {
    /// The object.
    pub id: I,
    /// The version the caller saw.
    pub expected_version: Option<i32>,
    /// Why, for the audit trail.
    pub reason: Option<String>,
}

impl<I: TypedId> Target<I> {
    /// The target that an input names, or what is wrong with it.
    pub fn parse(id: &ID, expected_version: Option<i32>, reason: Option<&str>, key: Option<&str>) -> Result<Self> {
        let id = parse_id::<I>("input.id", id)?;
        let mut check = Check::new();
        check_key(&mut check, key);
        let reason = check.prose("input.reason", reason, 500);
        check.finish()?;
        Ok(Self { id, expected_version, reason })
    }
}

/// Makes the input of a mutation on one object: what all of them have, and what is its own.
macro_rules! target_input {
    ($(#[$doc:meta])* $name:ident for $id:ty { $($(#[$field_doc:meta])* $field:ident: $kind:ty,)* }) => {
        $crate::graphql::command::target_input! {
            @type $(#[$doc])* $name { $($(#[$field_doc])* $field: $kind,)* }
        }

        impl $name {
            /// What the input names, or what is wrong with it.
            pub fn target(&self) -> $crate::error::Result<$crate::graphql::command::Target<$id>> {
                let (reason, key) = (self.reason.as_deref(), self.idempotency_key.as_deref());
                $crate::graphql::command::Target::parse(&self.id, self.expected_version, reason, key)
            }
        }
    };
    (@type $(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $kind:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, async_graphql::InputObject)]
        pub struct $name {
            /// Which one.
            pub id: async_graphql::ID,
            $($(#[$field_doc])* pub $field: $kind,)*
            /// Why, for the audit trail: at most 500 characters.
            pub reason: Option<String>,
            /// Change it only if it still has this version.
            pub expected_version: Option<i32>,
            /// Makes the command safe to send again: at most 255 characters, new for every command.
            pub idempotency_key: Option<String>,
        }
    };
}
pub(crate) use target_input;
