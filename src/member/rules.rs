//! Who among the members must stay.

use crate::entity::{MemberRole, member};

/// Roles that manage their organization.
pub const MANAGING: [MemberRole; 2] = [MemberRole::Admin, MemberRole::Reseller];

fn manages(row: &member::Model) -> bool {
    row.active && MANAGING.contains(&row.role)
}

/// Whether a change takes a member out of its organization's management. It must not be the last one there.
pub fn stops_managing(before: &member::Model, after: &member::Model) -> bool {
    manages(before) && !manages(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::entity::{MemberId, OrganizationId};

    const NOW: Timestamp = Timestamp::from_micros(0);

    #[test]
    fn only_an_active_manager_can_stop_managing() {
        let member = |role, active| member::Model {
            tenant_id: OrganizationId::generate(),
            id: MemberId::generate(),
            email: "ada@example.com".to_owned(),
            name: "Ada".to_owned(),
            name_key: String::new(),
            search_text: String::new(),
            role,
            active,
            created_at: NOW,
            updated_at: NOW,
            version: 1,
        };
        use MemberRole::{Admin, Reseller, Worker};
        assert!(stops_managing(&member(Admin, true), &member(Admin, false)));
        assert!(stops_managing(&member(Reseller, true), &member(Worker, true)));
        assert!(!stops_managing(&member(Reseller, true), &member(Admin, true)));
        assert!(!stops_managing(&member(Admin, false), &member(Worker, false)));
        assert!(!stops_managing(&member(Worker, true), &member(Worker, false)));
    }
}
