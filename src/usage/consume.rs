//! Consuming: the check and the count are one.

use std::collections::HashMap;

use futures_util::future::{join4, try_join};

use super::{FEATURE, Meter, OwnerId, Reading, owner, reused, threshold};
use crate::entity::{FeatureEnforcement, OperationalStatus, UsageRecordId, usage_record};
use crate::error::{Code, Contention, Error, Facts, Refusal, Result};
use crate::graphql::nested::OwnerKey;
use crate::graphql::scalar::MAX_SAFE_INT;
use crate::store::{Counted, UnitOfWork, Writer};
use crate::subscription::status::Policy;

/// What is to be consumed.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// By whom.
    pub owner: OwnerId,
    /// Of which feature.
    pub feature: String,
    /// How much.
    pub amount: i64,
    /// Whether less is taken where there is not as much.
    pub partial: bool,
    /// Counts once.
    pub key: Option<String>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Consumed {
    /// How much was counted.
    pub granted: i64,
    /// What the meter says now.
    pub meter: Reading,
}

/// What came of each command of a group, in their order.
type Answers = Vec<Result<Consumed>>;

/// Counts what a caller consumes of one feature by several commands at once, one after the other as far as the limit
/// allows: each all or nothing, unless less will do.
pub(super) async fn consume(writer: &Writer, policy: &Policy, group: &[Wanted]) -> Result<Answers> {
    let Some(first) = group.first() else { return Ok(Vec::new()) };
    let (owner, status) = owner(writer, first.owner).await?;
    check_operates(status)?;
    if let Some(answers) = take(writer, policy, owner, group, false).await? {
        return Ok(answers);
    }
    let answers = take(writer, policy, owner, group, true).await?;
    answers.ok_or_else(|| Error::Internal("what is over was given back".into()))
}

/// Refuses what an owner that may not operate would use.
pub(super) fn check_operates(status: OperationalStatus) -> Result<()> {
    if status == OperationalStatus::Active {
        return Ok(());
    }
    let message = format!("The owner is {}: it uses nothing.", status.as_str());
    Err(Refusal::new(Code::OwnerInactive, message).at(super::OWNER).into())
}

/// Counts; none where there is no room, but reservations are over that hold some: they are locked before the counter.
async fn take(
    writer: &Writer,
    policy: &Policy,
    owner: OwnerKey,
    group: &[Wanted],
    expire: bool,
) -> Result<Option<Answers>> {
    writer.tally(owner.tenant, super::OWNER, |unit| Box::pin(take_in(unit, policy, owner, group, expire))).await
}

async fn take_in(
    unit: &UnitOfWork<'_>,
    policy: &Policy,
    owner: OwnerKey,
    group: &[Wanted],
    expire: bool,
) -> Result<Option<Answers>> {
    let keys: Vec<_> = group.iter().filter_map(|wanted| wanted.key.as_deref()).collect();
    let feature = group.first().map_or("", |wanted| &wanted.feature);
    let (before, meter) = try_join(unit.recorded(&keys), Meter::find(unit, policy, owner, feature, unit.now())).await?;
    let mut turns = Turns::new(group, before, &meter);
    if let Err(refused) = meter.check_countable().and_then(|()| meter.check_granted()) {
        turns.refuse(&refused);
    }
    let counter = meter.counter(0, 0);
    let limit = hard_limit(&meter);
    let all = turns.new.iter().map(|place| group[*place].amount).sum();
    if expire {
        unit.expire_reservations(&counter).await?;
    }
    let start = if turns.new.is_empty() {
        unit.counted(&counter).await?
    } else if let Some(counted) = unit.count(vec![meter.counter(all, 0)], limit).await?.pop() {
        turns.grant(i64::MAX);
        Counted { used: counted.used - all, held: counted.held }
    } else if !expire && unit.has_expired(&counter).await? {
        return Ok(None);
    } else {
        // Where there is a counter, the refusal has locked it: nobody else counts until the end.
        let start = unit.counted(&counter).await?;
        let granted = turns.grant(limit - start.used - start.held);
        // There was none, and somebody else was the first to count.
        if granted > 0 && unit.count(vec![meter.counter(granted, 0)], limit).await?.is_empty() {
            return Err(Error::Contended(Contention::Race, "somebody else counted meanwhile".into()));
        }
        start
    };
    let records = turns.granted().map(|(wanted, granted)| record(unit, &meter, wanted, granted));
    let (records, granted) = (records.collect::<Result<Vec<_>>>()?, turns.granted().map(|(_, granted)| granted).sum());
    let days = if granted > 0 { vec![meter.day(unit.now(), granted)] } else { Vec::new() };
    let held = async { if start.held > 0 { unit.held(&counter).await } else { Ok(0) } };
    let change = (start.used, start.used + granted);
    // On their way together: the counter is locked until they are answered.
    let (recorded, summed, held, told) = join4(
        unit.record_each_once(records),
        unit.count_days(days),
        held,
        threshold::tell(unit, &counter, meter.limit(), change),
    )
    .await;
    recorded?;
    summed?;
    told?;
    Ok(Some(turns.answers(&meter, Counted { held: held?, ..start })))
}

/// The commands of a group, one after the other.
struct Turns<'a> {
    group: &'a [Wanted],
    /// What comes of each.
    turns: Vec<Turn>,
    /// Those that are to be counted.
    new: Vec<usize>,
}

/// What comes of a command.
#[derive(Clone)]
enum Turn {
    /// It is counted: this much of it.
    Granted(i64),
    /// There is no room for it.
    NoRoom,
    /// It was counted before.
    Replayed(i64),
    /// One before it in the group has its key.
    As(usize),
    /// It is refused for something else.
    Refused(Error),
}

impl<'a> Turns<'a> {
    /// Tells those that were counted before from those that are new.
    fn new(group: &'a [Wanted], before: Vec<usage_record::Model>, meter: &Meter) -> Self {
        let before: HashMap<String, usage_record::Model> =
            before.into_iter().filter_map(|record| Some((record.key.clone()?, record))).collect();
        let (mut first, mut new) = (HashMap::new(), Vec::new());
        let turn = |(place, wanted): (usize, &'a Wanted)| {
            let key = wanted.key.as_deref();
            if let Some(record) = key.and_then(|key| before.get(key)) {
                let same = record.subscription_id == meter.subscription.id
                    && record.feature_key == wanted.feature
                    && record.asked == wanted.amount;
                return if same { Turn::Replayed(record.counted) } else { Turn::Refused(reused()) };
            }
            if let Some(earlier) = key.and_then(|key| first.get(key).copied()) {
                let same = group.get(earlier).is_some_and(|other: &Wanted| other.amount == wanted.amount);
                return if same { Turn::As(earlier) } else { Turn::Refused(reused()) };
            }
            key.map(|key| first.insert(key, place));
            new.push(place);
            Turn::NoRoom
        };
        let turns = group.iter().enumerate().map(turn).collect();
        Self { group, turns, new }
    }

    /// Refuses all that are new.
    fn refuse(&mut self, because: &Error) {
        for place in self.new.drain(..) {
            self.turns[place] = Turn::Refused(because.clone());
        }
    }

    /// Grants what there is room for, in order; tells how much that is together.
    fn grant(&mut self, room: i64) -> i64 {
        let mut left = room.max(0);
        for place in &self.new {
            let wanted = &self.group[*place];
            self.turns[*place] = match wanted.amount {
                amount if amount <= left => Turn::Granted(amount),
                _ if wanted.partial => Turn::Granted(left),
                _ => Turn::NoRoom,
            };
            if let Turn::Granted(amount) = self.turns[*place] {
                left -= amount;
            }
        }
        room.max(0) - left
    }

    /// Those that something came of, and how much is granted.
    fn granted(&self) -> impl Iterator<Item = (&Wanted, i64)> {
        self.group.iter().zip(&self.turns).filter_map(|(wanted, turn)| match turn {
            Turn::Granted(granted) => Some((wanted, *granted)),
            _ => None,
        })
    }

    /// What each is answered, when its counter said this before the first one.
    fn answers(self, meter: &Meter, mut counted: Counted) -> Answers {
        let mut answers: Answers = Vec::with_capacity(self.turns.len());
        for (wanted, turn) in self.group.iter().zip(self.turns) {
            if let Turn::Granted(granted) = turn {
                counted.used += granted;
            }
            let reading = meter.reading(counted);
            answers.push(match turn {
                Turn::Granted(granted) | Turn::Replayed(granted) => Ok(Consumed { granted, meter: reading }),
                Turn::As(earlier) => answers[earlier].clone(),
                Turn::NoRoom => Err(no_room(meter, &reading, wanted.amount).into()),
                Turn::Refused(error) => Err(error),
            });
        }
        answers
    }
}

/// How much may be counted.
fn hard_limit(meter: &Meter) -> i64 {
    let soft = meter.entitlement.enforcement == FeatureEnforcement::Soft;
    meter.limit().filter(|_| !soft).unwrap_or(MAX_SAFE_INT).min(MAX_SAFE_INT)
}

fn record(unit: &UnitOfWork<'_>, meter: &Meter, wanted: &Wanted, granted: i64) -> Result<usage_record::Model> {
    Ok(usage_record::Model {
        tenant_id: meter.subscription.tenant_id,
        id: UsageRecordId::generate(),
        subscription_id: meter.subscription.id,
        feature_key: meter.entitlement.key.clone(),
        key: wanted.key.clone(),
        asked: wanted.amount,
        counted: granted,
        actor: unit.scope().caller()?.name().to_owned(),
        occurred_at: unit.now(),
        created_at: unit.now(),
    })
}

/// The refusal where there is no room. It tells which tiers would help, if another tier would.
pub(super) fn no_room(meter: &Meter, reading: &Reading, amount: i64) -> Refusal {
    let Reading { feature, used, held, limit, .. } = reading;
    let limit = limit.unwrap_or(MAX_SAFE_INT);
    let message =
        format!("There is no room for {amount} more of `{feature}`: {used} of {limit} are used, {held} reserved.");
    let unlock = meter.unlock(used.saturating_add(*held).saturating_add(amount));
    let facts = Facts::LimitExceeded { feature: feature.clone(), limit, used: *used, unlock: unlock.map(Box::new) };
    Refusal::new(Code::LimitExceeded, message).at(FEATURE).with(facts)
}
