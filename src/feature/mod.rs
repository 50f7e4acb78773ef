//! Features: what the tiers of a catalogue can grant. Each key is declared once in its catalogue.

pub mod graphql;
pub mod input;
pub mod mutation;

use async_graphql::MaybeUndefined;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::entity::{FeatureEnforcement, FeatureId, FeatureKind, FeatureReset, OrganizationId, feature};
use crate::error::{Code, Refusal, Result};
use crate::graphql::command::Target;
use crate::graphql::input::{Check, check_version, updated};
use crate::store::{Change, Command, UnitOfWork, Writer};
use crate::tier::rules;

/// How many characters a name has at most.
const MAX_NAME: usize = 200;
/// How many characters a description has at most.
const MAX_DESCRIPTION: usize = 2_000;
/// How many characters a unit has at most.
const MAX_UNIT: usize = 40;

/// A feature to be declared.
#[derive(Clone, Debug)]
pub struct NewFeature {
    /// Unique in its catalogue.
    pub key: String,
    /// Shown to people.
    pub name: String,
    /// Shown to people.
    pub description: Option<String>,
    /// How it is measured.
    pub kind: FeatureKind,
    /// What is counted.
    pub unit: Option<String>,
    /// When a meter begins at 0 again.
    pub resets: Option<FeatureReset>,
    /// What happens at the limit.
    pub enforcement: FeatureEnforcement,
}

impl NewFeature {
    /// What a tier grants that nobody has declared.
    fn granted(key: &str, kind: FeatureKind) -> Self {
        Self {
            key: key.to_owned(),
            name: key.to_owned(),
            description: None,
            kind,
            unit: None,
            resets: usual_reset(kind),
            enforcement: FeatureEnforcement::Hard,
        }
    }
}

/// When a feature of this kind begins at 0 again, if nobody says.
pub fn usual_reset(kind: FeatureKind) -> Option<FeatureReset> {
    (kind == FeatureKind::Meter).then_some(FeatureReset::Monthly)
}

/// Notes what does not fit a feature of this kind.
fn check_kind(
    check: &mut Check,
    kind: FeatureKind,
    unit: Option<&str>,
    resets: Option<FeatureReset>,
    enforcement: FeatureEnforcement,
) {
    if kind != FeatureKind::Meter && resets.is_some() {
        check.refuse("input.resets", Code::Conflict, "Only the use of a meter begins at 0 again.");
    }
    if kind == FeatureKind::Switch && unit.is_some() {
        check.refuse("input.unit", Code::Conflict, "A switch counts nothing: it has no unit.");
    }
    if kind == FeatureKind::Switch && enforcement == FeatureEnforcement::Soft {
        check.refuse("input.enforcement", Code::Conflict, "A switch has no limit to go beyond.");
    }
}

/// Declares a feature in the catalogue of an organization; without one, in the platform's.
pub async fn create(
    writer: &Writer,
    command: &Command,
    catalogue: Option<OrganizationId>,
    new: &NewFeature,
) -> Result<feature::Model> {
    match catalogue {
        Some(organization) => {
            let path = "input.organizationId";
            writer.write_in(command, organization, path, |unit| Box::pin(insert_new(unit, new))).await
        }
        None => writer.write_platform(command, |unit| Box::pin(insert_new(unit, new))).await,
    }
}

async fn insert_new(unit: &UnitOfWork<'_>, new: &NewFeature) -> Result<feature::Model> {
    if unit.exists(feature::Entity::find().filter(feature::Column::Key.eq(new.key.as_str()))).await? {
        let message = "Another feature of the catalogue has this key.";
        return Err(Refusal::new(Code::Duplicate, message).at("input.key").into());
    }
    insert(unit, new.clone(), Change::new("create")).await
}

async fn insert(unit: &UnitOfWork<'_>, new: NewFeature, change: Change) -> Result<feature::Model> {
    let NewFeature { key, name, description, kind, unit: counted, resets, enforcement } = new;
    let row = feature::Model {
        id: FeatureId::generate(),
        tenant_id: None,
        key,
        name,
        description,
        kind,
        unit: counted,
        resets,
        enforcement,
        created_at: unit.now(),
        updated_at: unit.now(),
        version: 1,
    };
    unit.insert(row, change).await
}

/// Declares those of these keys that the catalogue does not declare yet, along with the change that grants them, and
/// refuses a kind that is not the declared one, at the path of its place.
pub(crate) async fn declare(
    unit: &UnitOfWork<'_>,
    granted: &[(&str, FeatureKind)],
    of: &Change,
    path: impl Fn(usize) -> String,
) -> Result<()> {
    if granted.is_empty() {
        return Ok(());
    }
    let declared = unit.declared_features(granted.iter().map(|(key, _)| *key)).await?;
    let mut check = Check::new();
    for (place, (key, kind)) in granted.iter().enumerate() {
        match declared.iter().find(|feature| feature.key == *key) {
            Some(feature) if feature.kind != *kind => {
                let message = format!("The catalogue declares `{key}` as {}.", feature.kind.as_str());
                check.refuse(&path(place), Code::Conflict, message);
            }
            _ => {}
        }
    }
    check.finish()?;
    for (key, kind) in granted {
        if !declared.iter().any(|feature| feature.key == *key) {
            insert(unit, NewFeature::granted(key, *kind), of.along("create")).await?;
        }
    }
    Ok(())
}

/// What to change: an omitted field is unchanged, null clears it. Key, kind and catalogue never change.
#[derive(Clone, Debug)]
pub struct Update {
    /// Shown to people.
    pub name: Option<String>,
    /// Shown to people.
    pub description: MaybeUndefined<String>,
    /// What is counted.
    pub unit: MaybeUndefined<String>,
    /// When a meter begins at 0 again.
    pub resets: Option<FeatureReset>,
    /// What happens at the limit.
    pub enforcement: Option<FeatureEnforcement>,
}

/// Changes a feature of a catalogue that the caller manages.
pub async fn update(
    writer: &Writer,
    command: &Command,
    target: &Target<FeatureId>,
    wanted: &Update,
) -> Result<feature::Model> {
    rules::authorize_change::<feature::Entity>(writer, target.id).await?;
    writer
        .change::<feature::Entity, _>(command, target.id, "input.id", |unit, row| {
            Box::pin(async move {
                check_version(target.expected_version, row.version)?;
                let next = changed(&row, wanted)?;
                unit.update(&row, next, Change::new("update").because(target.reason.clone())).await
            })
        })
        .await
}

fn changed(row: &feature::Model, update: &Update) -> Result<feature::Model> {
    let mut check = Check::new();
    let mut next = row.clone();
    if let Some(name) = &update.name {
        next.name = check.text("input.name", name, MAX_NAME);
    }
    next.description = updated(&row.description, update.description.clone());
    next.description = check.prose("input.description", next.description.as_deref(), MAX_DESCRIPTION);
    next.unit = updated(&row.unit, update.unit.clone());
    next.unit = check.optional_text("input.unit", next.unit.as_deref(), MAX_UNIT);
    next.resets = update.resets.or(row.resets);
    next.enforcement = update.enforcement.unwrap_or(row.enforcement);
    check_kind(&mut check, next.kind, next.unit.as_deref(), next.resets, next.enforcement);
    check.finish()?;
    Ok(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn only_what_counts_has_a_unit_a_limit_and_only_a_meter_resets() {
        let paths = |kind, unit, resets, enforcement| {
            let mut check = Check::new();
            check_kind(&mut check, kind, unit, resets, enforcement);
            match check.finish() {
                Err(Error::Refused(refusals)) => refusals.iter().map(|one| one.path.join(".")).collect(),
                _ => Vec::new(),
            }
        };
        let (monthly, soft) = (Some(FeatureReset::Monthly), FeatureEnforcement::Soft);
        assert!(paths(FeatureKind::Meter, Some("GB"), monthly, soft).is_empty());
        assert_eq!(paths(FeatureKind::Limit, Some("GB"), monthly, soft), ["input.resets"]);
        assert_eq!(
            paths(FeatureKind::Switch, Some("GB"), monthly, soft),
            ["input.resets", "input.unit", "input.enforcement"]
        );
    }
}
