//! What an update says of a field: nothing, that it is to be cleared, or another value.
//!
//! An update is made with `update_input!`, which takes only fields that know what null means for them.

use std::borrow::Cow;

use async_graphql::registry::Registry;
use async_graphql::{InputType, InputValueResult, MaybeUndefined, Value};

use super::input::Check;
use crate::error::Code;

/// A field of an update.
pub trait UpdateField {
    /// Whether it is null and has nothing to clear.
    fn is_refused(&self) -> bool;
}

/// Null clears it.
impl<T> UpdateField for MaybeUndefined<T> {
    fn is_refused(&self) -> bool {
        false
    }
}

/// A field that may be left out, but not be null: what it changes is never empty.
#[derive(Clone, Debug)]
pub struct Omittable<T>(MaybeUndefined<T>);

impl<T> UpdateField for Omittable<T> {
    fn is_refused(&self) -> bool {
        self.0.is_null()
    }
}

impl<T> Omittable<T> {
    /// The value, if there is one.
    pub fn given(self) -> Option<T> {
        self.0.take()
    }
}

impl<T: InputType> InputType for Omittable<T> {
    type RawValueType = T::RawValueType;

    fn type_name() -> Cow<'static, str> {
        MaybeUndefined::<T>::type_name()
    }

    fn qualified_type_name() -> String {
        MaybeUndefined::<T>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        MaybeUndefined::<T>::create_type_info(registry)
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        MaybeUndefined::parse(value).map(Self).map_err(async_graphql::InputValueError::propagate)
    }

    fn to_value(&self) -> Value {
        self.0.to_value()
    }

    fn as_raw_value(&self) -> Option<&Self::RawValueType> {
        self.0.as_raw_value()
    }
}

/// The list that takes the place of another one, if any does: null is an empty list.
pub fn list_given<T>(list: MaybeUndefined<Vec<T>>) -> Option<Vec<T>> {
    match list {
        MaybeUndefined::Undefined => None,
        list => Some(list.take().unwrap_or_default()),
    }
}

/// Notes a null where there is nothing to clear. `field` is the field's name in this program.
pub fn check_null(check: &mut Check, field: &str, value: &impl UpdateField) {
    if value.is_refused() {
        let message = "This cannot be cleared: give it a value, or leave it out to keep what it is.";
        check.refuse(&format!("input.{}", camel_case(field)), Code::Required, message);
    }
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let (initial, rest) = word.split_at_checked(1).unwrap_or_default();
        name + &initial.to_ascii_uppercase() + rest
    })
}

/// Makes the input of an update of one object. Its own fields are [`MaybeUndefined`] where null clears them and
/// [`Omittable`] where nothing can be cleared; others do not compile.
macro_rules! update_input {
    ($(#[$doc:meta])* $name:ident for $id:ty { $($(#[$field_doc:meta])* $field:ident: $kind:ty,)* }) => {
        $crate::graphql::command::target_input! {
            @type $(#[$doc])* $name { $($(#[$field_doc])* $field: $kind,)* }
        }

        impl $name {
            /// What the input names, or what is wrong with it; a null that clears nothing, too.
            pub fn target(&self) -> $crate::error::Result<$crate::graphql::command::Target<$id>> {
                let mut check = $crate::graphql::input::Check::new();
                $($crate::graphql::update::check_null(&mut check, stringify!($field), &self.$field);)*
                check.finish()?;
                let (reason, key) = (self.reason.as_deref(), self.idempotency_key.as_deref());
                $crate::graphql::command::Target::parse(&self.id, self.expected_version, reason, key)
            }
        }
    };
}
pub(crate) use update_input;
