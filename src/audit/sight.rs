//! What of an entry a caller is shown. All of it is stored.

use serde_json::Value;

use crate::auth::{Caller, Permission, Role, Standing};
use crate::entity::{Mutable, StoredJson, customer, organization, subscription};

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

/// What changed of a noun, without what the caller may not read of it: the notes of those who manage it, and which
/// organization is above.
pub fn changes(caller: &Caller, noun: &str, changes: StoredJson) -> StoredJson {
    let StoredJson::Read(Value::Object(mut columns)) = changes else { return changes };
    columns.retain(|column, _| match column.as_str() {
        "private_metadata" => manage(noun).is_some_and(|permission| caller.may(permission)),
        "parent_id" => matches!(caller.standing(), Standing::Platform | Standing::Reseller(_)),
        _ => true,
    });
    StoredJson::Read(Value::Object(columns))
}

/// The permission to manage a noun.
fn manage(noun: &str) -> Option<Permission> {
    [
        (organization::Model::NOUN, Permission::OrganizationsManage),
        (customer::Model::NOUN, Permission::CustomersManage),
        (subscription::Model::NOUN, Permission::SubscriptionsManage),
    ]
    .into_iter()
    .find_map(|(of, permission)| (of == noun).then_some(permission))
}
