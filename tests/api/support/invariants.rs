//! What must hold of every database, whatever a test did.

use std::collections::BTreeMap;

use tessera::entity::{ManagementMode, OrganizationId, audit_event, organization, outbox_event, subscription, tier};

use super::World;

impl World {
    /// Fails if something does not hold. `on_both!` asks after every test.
    pub async fn check_invariants(&self) {
        let system = self.store.system();
        let rows = system.all::<subscription::Entity>().await.expect("the database answers");
        let tiers = system.all::<tier::Entity>().await.expect("the database answers");
        let tiers: BTreeMap<_, _> = tiers.into_iter().map(|row| (row.id, row.tenant_id)).collect();
        let above = system.all::<organization::Entity>().await.expect("the database answers");
        let above: BTreeMap<_, _> = above.into_iter().map(|row| (row.id, row.parent_id)).collect();
        let mut live = BTreeMap::new();
        for row in &rows {
            for tier in [Some(row.tier_id), row.scheduled_tier_id, row.overridden_tier_id].into_iter().flatten() {
                let catalogue = tiers[&tier];
                let is_near =
                    catalogue.is_none() || catalogue == Some(row.tenant_id) || catalogue == above[&row.tenant_id];
                assert!(is_near, "{} has a tier of a catalogue that it cannot see: {tier}", row.id);
            }
            let derived = tessera::subscription::lifecycle::settled(row.clone());
            assert_eq!(*row, derived, "what was foreseen for {} is stale", row.id);
            let overridden = row.mode == ManagementMode::Override;
            assert_eq!(row.overridden_state.is_some(), overridden, "{} does not know what it lies on", row.id);
            if row.ended_at.is_none() && row.deleted_at.is_none() {
                *live.entry((row.tenant_id, row.customer_id)).or_insert(0) += 1;
            }
        }
        assert!(live.values().all(|count| *count == 1), "an owner has several live subscriptions: {live:?}");
        assert_eq!(system.stale_totals().await.expect("the database answers"), 0, "totals are what there is");
        let audits = system.all::<audit_event::Entity>().await.expect("the database answers");
        let events = system.all::<outbox_event::Entity>().await.expect("the database answers");
        let trail = |list: Vec<(Option<OrganizationId>, String, uuid::Uuid)>| {
            let mut list = list;
            list.sort();
            list
        };
        assert_eq!(
            trail(audits.iter().map(|row| (row.tenant_id, row.action.clone(), row.entity_id)).collect()),
            trail(events.iter().map(|row| (row.tenant_id, row.topic.clone(), row.entity_id)).collect()),
            "every audit entry has its outbox event"
        );
    }
}
