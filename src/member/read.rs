//! How members are read in bulk.

use crate::clock::Timestamp;
use crate::entity::member::Column::{Active, CreatedAt, Email, Id, Name, Role, TenantId, UpdatedAt, Version};
use crate::entity::{MemberId, member};
use crate::organization;
use crate::read::shape::{Field, Page, Readable, column, object};
use crate::read::start::{Found, Root};

impl Readable for member::Entity {
    const OBJECT: &'static str = "Member";
    const KEY: member::Column = Id;

    fn field(name: &str) -> Option<Field> {
        match name {
            "id" => column::<MemberId>(Id),
            "email" => column::<String>(Email),
            "name" => column::<String>(Name),
            "role" => column::<String>(Role),
            "active" => column::<bool>(Active),
            "createdAt" => column::<Timestamp>(CreatedAt),
            "updatedAt" => column::<Timestamp>(UpdatedAt),
            "version" => column::<i32>(Version),
            "organization" => Some(Field::One(organization::read::seen(TenantId))),
            _ => None,
        }
    }
}

/// The queries that start from members.
pub fn root(name: &str) -> Option<Root> {
    match name {
        "member" => Some(Root::One(Found::by_id::<member::Entity, MemberId>)),
        "members" => Some(Root::Pages(object::<member::Entity>(), |request, arguments| {
            Page::of::<member::Entity>(request, "members", None, arguments)
        })),
        _ => None,
    }
}
