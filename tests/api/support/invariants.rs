//! What must hold of every database, whatever a test did.

use tessera::entity::{TenantKey, audit_event, outbox_event};
use uuid::Uuid;

use super::World;

impl World {
    /// Fails if something does not hold. `#[on_both]` asks after every test.
    pub async fn check_invariants(&self) {
        let system = self.store.system();
        let mut broken = system.invariants().await;
        broken.retain(|invariant| !invariant.holds());
        assert!(broken.is_empty(), "what must hold does not: {broken:#?}");

        // Nothing removes either of them here, as operators may.
        let audits = system.all::<audit_event::Entity>().await.expect("the database answers");
        let events = system.all::<outbox_event::Entity>().await.expect("the database answers");
        let trail = |mut list: Vec<(TenantKey, String, Uuid)>| {
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
