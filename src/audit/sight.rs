//! What of an entry a caller is shown. All of it is stored.

use serde_json::Value;

use crate::auth::{Caller, Role, Standing};
use crate::entity::StoredJson;
use crate::entity::audited::{Audience, audience};

/// The roles of the platform's own people, as entries have them.
pub const STAFF: [&str; 2] = [Role::Root.as_str(), Role::Support.as_str()];

/// Who acts in another's name, to those who are not told more. The platform lets its own people do that.
const SOMEBODY: &str = "PLATFORM";

/// A look at one entry.
#[derive(Clone, Copy)]
pub struct Sight<'a> {
    /// Who looks.
    pub caller: &'a Caller,
    /// The role of who acted.
    pub actor_role: &'a str,
    /// Whether somebody acted in its name.
    pub impersonated: bool,
}

impl Sight<'_> {
    fn is_staff(self) -> bool {
        self.caller.standing() == Standing::Platform
    }

    /// Who acted: of the platform's own people others see the role.
    pub fn actor(self, actor: String) -> String {
        if !self.is_staff() && STAFF.contains(&self.actor_role) { self.actor_role.to_owned() } else { actor }
    }

    /// Who acted in its name.
    pub fn impersonator(self, impersonator: Option<String>) -> Option<String> {
        if self.is_staff() { impersonator } else { impersonator.map(|_| SOMEBODY.to_owned()) }
    }

    /// What else tells of the person: the reason, the request, the address.
    pub fn personal(self, told: Option<String>) -> Option<String> {
        let hidden = !self.is_staff() && (self.impersonated || STAFF.contains(&self.actor_role));
        told.filter(|_| !hidden)
    }
}

/// What changed of a noun, as far as the caller may read it. What nobody has decided about is the platform's.
pub fn changes(caller: &Caller, noun: &str, changes: StoredJson) -> StoredJson {
    let StoredJson::Read(Value::Object(mut columns)) = changes else { return changes };
    columns.retain(|column, _| match audience(noun, column) {
        Some(Audience::Readers) => true,
        Some(Audience::Holders(permission)) => caller.may(permission),
        Some(Audience::Above) => matches!(caller.standing(), Standing::Platform | Standing::Reseller(_)),
        None => caller.standing() == Standing::Platform,
    });
    StoredJson::Read(Value::Object(columns))
}
