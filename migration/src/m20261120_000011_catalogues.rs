//! Indexes by which tiers are found where each of many organizations has a catalogue of its own.
//!
//! A caller finds the tiers of few catalogues; the platform's own people find all there are, in any order.

crate::step!(
    r#"
CREATE INDEX tiers_catalogue ON tiers (tenant_id);
CREATE INDEX tiers_created ON tiers (created_at, id);
CREATE INDEX tiers_rank ON tiers (rank, id);
CREATE INDEX tiers_by_key ON tiers (key, id);
CREATE INDEX tiers_sort_order ON tiers (sort_order, id);
CREATE INDEX tiers_archived ON tiers (created_at, id) WHERE archived_at IS NOT NULL;
"#,
    "DROP INDEX tiers_archived;\nDROP INDEX tiers_sort_order;\nDROP INDEX tiers_by_key;\nDROP INDEX tiers_rank;\nDROP INDEX tiers_created;\nDROP INDEX tiers_catalogue;\n"
);
