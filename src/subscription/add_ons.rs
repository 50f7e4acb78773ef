//! The add-ons of a subscription: which it has now, and which once a change that waits has happened.

use std::collections::BTreeSet;

use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};

use super::catalogue::Seller;
use super::change_tier::ChangeTiming;
use super::lifecycle::{self, Action, Charging, Step};
use super::preview::{self, Token};
use super::{Settings, actions, change, kind_of};
use crate::entity::subscription::{AddOnLine, AddOns};
use crate::entity::{AddOnId, BillingCycle, Proration, SubscriptionId, add_on, subscription, tier};
use crate::error::{Code, Refusal, Result, not_found};
use crate::graphql::command::Target;
use crate::graphql::scalar::MAX_SAFE_INT;
use crate::store::{Command, UnitOfWork, Writer};
use crate::tier::rules;

/// How many add-ons a subscription has at most.
const MOST: usize = 20;

/// How many of an add-on a subscription is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantity {
    /// The add-on.
    pub id: AddOnId,
    /// How many; 0 for none.
    pub quantity: i32,
}

/// Which add-ons a subscription is to have, and how.
#[derive(Clone, Copy)]
pub struct AddOnWish<'a> {
    /// How many of which; what is not named stays.
    pub wanted: &'a [Quantity],
    /// When; more now and less at the end of what is paid for if not given.
    pub timing: Option<ChangeTiming>,
    /// How it is charged; as the tier says if not given.
    pub proration: Option<Proration>,
    /// The preview that it must come to.
    pub token: Option<Token<'a>>,
}

/// What one of an add-on is charged for.
#[derive(Clone, Copy)]
struct Charge<'a> {
    cycle: BillingCycle,
    /// ISO 4217 code.
    currency: &'a str,
}

/// The lines of an order: add-ons that go with its tier, at their prices. `path` is where they stand in the input.
pub(crate) async fn ordered(
    unit: &UnitOfWork<'_>,
    tier: &tier::Model,
    (cycle, currency): (BillingCycle, &str),
    wanted: &[Quantity],
    path: &str,
) -> Result<AddOns> {
    let offer = Offered::find(unit, wanted).await?;
    let mut lines = AddOns::default();
    for (place, wanted) in wanted.iter().enumerate() {
        lines.put(offer.line(*wanted, tier, Charge { cycle, currency }, &format!("{path}.{place}"))?);
    }
    check_count(&lines, path)?;
    Ok(lines)
}

/// Refuses an amount that cannot be told.
pub(crate) fn check_amount(of_tier: i64, add_ons: &AddOns, path: &str) -> Result<()> {
    if of_tier.saturating_add(add_ons.amount_minor()) <= MAX_SAFE_INT {
        return Ok(());
    }
    let message = format!("What it would cost each cycle is more than {MAX_SAFE_INT} minor units.");
    Err(Refusal::new(Code::OutOfRange, message).at(path).into())
}

/// Gives a subscription these quantities of add-ons; it keeps what is not named. Without a timing, more is added now, and
/// less waits for the end of what is paid for.
pub async fn change_add_ons(
    writer: &Writer,
    settings: &Settings,
    command: &Command,
    target: &Target<SubscriptionId>,
    wish: AddOnWish<'_>,
) -> Result<subscription::Model> {
    change(writer, settings, command, target, Action::ChangeAddOns, &|unit, row| Box::pin(to_add_ons(unit, row, wish)))
        .await
}

/// The step that gives a subscription these quantities.
pub(super) async fn to_add_ons(
    unit: &UnitOfWork<'_>,
    row: &subscription::Model,
    AddOnWish { wanted, timing, proration, token }: AddOnWish<'_>,
) -> Result<Step> {
    let at = preview::second(token, unit.now())?;
    let management = unit.organization().await?.subscription_management;
    let from_above = actions::managed_from_above(unit.scope().caller()?, row, management);
    let is_paid_for = lifecycle::paid_until(row, unit.now()).is_some();
    let seller = Seller { unit, kind: kind_of(row), path: "input" };
    let tier = seller.current(row.tier_id).await?;
    let later_tier = match row.scheduled_tier_id {
        Some(id) if id != row.tier_id => Some(seller.current(id).await?),
        _ => None,
    };
    let waits = row.scheduled_at.is_some();
    let stays = later_tier.is_none() && row.scheduled_billing_cycle.is_none_or(|cycle| cycle == row.billing_cycle);
    let later_cycle = row.scheduled_billing_cycle.unwrap_or(row.billing_cycle);
    let offer = Offered::find(unit, wanted).await?;
    let mut now = row.add_ons.clone();
    let mut later = if waits { row.scheduled_add_ons.clone() } else { now.clone() };
    for (place, &Quantity { id, quantity }) in wanted.iter().enumerate() {
        let path = format!("input.addOns.{place}");
        let more = quantity > now.quantity(id);
        let at_once = match timing {
            Some(timing) => timing == ChangeTiming::Now,
            None => !from_above && (more || !is_paid_for),
        };
        if from_above && (more || at_once) {
            return Err(actions::own_account(&path).into());
        }
        let charge = |cycle| Charge { cycle, currency: &row.currency };
        let (wanted, held) = (Quantity { id, quantity }, now.quantity(id).max(later.quantity(id)));
        if at_once {
            let has = Has { line: now.line(id), held };
            now.put(offer.changed(has, wanted, &tier, charge(row.billing_cycle), &path)?);
        }
        // What was to be removed and stays keeps its price.
        let kept = now.line(id).filter(|_| stays);
        let has = Has { line: later.line(id).or(kept), held };
        let later_tier = later_tier.as_ref().unwrap_or(&tier);
        later.put(offer.changed(has, wanted, later_tier, charge(later_cycle), &path)?);
    }
    check_count(&now, "input.addOns")?;
    check_count(&later, "input.addOns")?;
    check_amount(row.amount_minor - row.add_ons.amount_minor(), &now, "input.addOns")?;
    let base = row.scheduled_amount_minor.unwrap_or(row.amount_minor);
    let counted = if waits { &row.scheduled_add_ons } else { &row.add_ons };
    check_amount(base - counted.amount_minor(), &later, "input.addOns")?;
    let waits = later != now || waits;
    let (now, later) = ((now != row.add_ons).then_some(now), waits.then_some(later));
    let charging = Charging { rule: rule(proration, tier.proration)?, at };
    let step = Step::ChangeAddOns { now, later, charging };
    preview::check(unit, row, &step, token).await?;
    Ok(step)
}

/// How a change of add-ons is charged: as the caller says, or else the tier. No new period begins for it.
fn rule(asked: Option<Proration>, usual: Proration) -> Result<Proration> {
    match (asked, usual) {
        (Some(Proration::Full), _) => {
            let message = "No new period begins for add-ons: choose PRORATE or NONE.";
            Err(Refusal::new(Code::Conflict, message).at("input.proration").into())
        }
        (Some(asked), _) => Ok(asked),
        (None, Proration::None) => Ok(Proration::None),
        (None, Proration::Prorate | Proration::Full) => Ok(Proration::Prorate),
    }
}

/// Refuses to drop what the subscription does not have.
pub(super) fn check_dropped(row: &subscription::Model, dropped: &[AddOnId]) -> Result<()> {
    match dropped.iter().position(|id| row.add_ons.line(*id).is_none()) {
        Some(place) => Err(not_found("add-on of this subscription", &format!("input.dropAddOns.{place}"))),
        None => Ok(()),
    }
}

/// The add-ons that go along to another tier or cycle, at the price that they have; in another cycle, at that of the
/// catalogue. What does not go with the tier has to be dropped.
pub(super) async fn carried(
    unit: &UnitOfWork<'_>,
    row: &subscription::Model,
    tier: &tier::Model,
    cycle: BillingCycle,
    dropped: &[AddOnId],
) -> Result<AddOns> {
    let path = "input.dropAddOns";
    let kept: Vec<_> = row.add_ons.0.iter().filter(|line| !dropped.contains(&line.add_on_id)).collect();
    if kept.is_empty() {
        return Ok(AddOns::default());
    }
    // Who has an add-on may not see it any more.
    let rows = unit.add_ons(kept.iter().map(|line| line.add_on_id)).await?;
    let mut lines = AddOns::default();
    for has in kept {
        let fits = |row: &&add_on::Model| row.id == has.add_on_id && row.goes_with(tier);
        let Some(add_on) = rows.iter().find(fits) else {
            let message = format!("The add-on `{}` does not go with this tier: drop it.", has.key);
            return Err(Refusal::new(Code::AddOnNotAvailable, message).at(path).into());
        };
        let same = cycle == row.billing_cycle;
        let charge = Charge { cycle, currency: &row.currency };
        lines.put(if same { has.clone() } else { line(add_on, has.quantity, charge, path)? });
    }
    Ok(lines)
}

/// What a subscription has of an add-on.
#[derive(Clone, Copy)]
struct Has<'a> {
    line: Option<&'a AddOnLine>,
    /// How many it has, now or later.
    held: i32,
}

/// Those of the wanted add-ons that the caller sees.
struct Offered<'a> {
    unit: &'a UnitOfWork<'a>,
    rows: Vec<add_on::Model>,
}

impl<'a> Offered<'a> {
    async fn find(unit: &'a UnitOfWork<'a>, wanted: &[Quantity]) -> Result<Self> {
        let ids: BTreeSet<_> = wanted.iter().map(|one| one.id).collect();
        let rows = match ids.is_empty() {
            true => Vec::new(),
            false => unit.all(add_on::Entity::find().filter(add_on::Column::Id.is_in(ids))).await?,
        };
        Ok(Self { unit, rows })
    }

    /// The line of an add-on that is sold with this tier.
    fn line(&self, wanted: Quantity, tier: &tier::Model, charge: Charge<'_>, path: &str) -> Result<AddOnLine> {
        let row = self.sold(wanted.id, tier, path)?;
        check_quantity(row, wanted.quantity, path)?;
        line(row, wanted.quantity, charge, path)
    }

    /// The line that takes the place of the one that is there: what one has keeps its price, and may become less whoever
    /// sells it still.
    fn changed(
        &self,
        Has { line, held }: Has<'_>,
        wanted: Quantity,
        tier: &tier::Model,
        charge: Charge<'_>,
        path: &str,
    ) -> Result<AddOnLine> {
        let Quantity { id, quantity } = wanted;
        match line {
            Some(has) if quantity <= held => Ok(AddOnLine { quantity, ..has.clone() }),
            Some(has) => {
                check_quantity(self.sold(id, tier, path)?, quantity, path)?;
                Ok(AddOnLine { quantity, ..has.clone() })
            }
            None => self.line(wanted, tier, charge, path),
        }
    }

    /// The add-on, if it is sold with this tier.
    fn sold(&self, id: AddOnId, tier: &tier::Model, path: &str) -> Result<&add_on::Model> {
        let path = format!("{path}.addOnId");
        let row = self.rows.iter().find(|row| row.id == id).ok_or_else(|| not_found("add-on", &path))?;
        let manages = rules::obstacle(self.unit.scope().caller()?, row.tenant_id).is_none();
        let why = if !row.goes_with(tier) {
            "does not go with the tier"
        } else if row.archived_at.is_some() {
            "is archived: it is no longer sold"
        } else if !row.public && !manages {
            "is not on offer"
        } else {
            self.unit.rely_on(row);
            return Ok(row);
        };
        let message = format!("The add-on `{}` {why}.", row.key);
        Err(Refusal::new(Code::AddOnNotAvailable, message).at(&path).into())
    }
}

fn check_count(lines: &AddOns, path: &str) -> Result<()> {
    if lines.0.len() <= MOST {
        return Ok(());
    }
    let message = format!("A subscription has at most {MOST} add-ons.");
    Err(Refusal::new(Code::OutOfRange, message).at(path).into())
}

fn check_quantity(row: &add_on::Model, quantity: i32, path: &str) -> Result<()> {
    if quantity <= row.max_quantity {
        return Ok(());
    }
    let message = format!("A subscription may have {} of the add-on `{}`.", row.max_quantity, row.key);
    Err(Refusal::new(Code::OutOfRange, message).at(&format!("{path}.quantity")).into())
}

fn line(row: &add_on::Model, quantity: i32, charge: Charge<'_>, path: &str) -> Result<AddOnLine> {
    let Some(unit_amount_minor) = row.price(charge.cycle, charge.currency) else {
        let message =
            format!("The add-on `{}` has no {} price in {}.", row.key, charge.cycle.as_str(), charge.currency);
        return Err(Refusal::new(Code::NoPrice, message).at(path).into());
    };
    Ok(AddOnLine { add_on_id: row.id, key: row.key.clone(), name: row.name.clone(), quantity, unit_amount_minor })
}
