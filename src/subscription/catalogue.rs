//! Which tier an owner can have, and at what price.

use sea_orm::sea_query::Query;
use sea_orm::{ColumnTrait, Condition};

use super::lifecycle::Offer;
use crate::auth::Permission;
use crate::entity::{BillingCycle, OrganizationId, TierId, TierKind, organization, tier, tier_price};
use crate::error::{Code, Error, Refusal, Result, not_found};
use crate::store::UnitOfWork;

/// Sells the tiers that are on offer in a transaction's tenant to owners of one kind.
pub struct Seller<'a> {
    /// The transaction.
    pub unit: &'a UnitOfWork<'a>,
    /// The kind of the owner.
    pub kind: TierKind,
    /// Where the tier's id, cycle and currency stand in the input.
    pub path: &'a str,
}

/// What a price is for.
#[derive(Clone, Copy)]
pub struct Cost<'a> {
    /// How often it is charged.
    pub billing_cycle: BillingCycle,
    /// ISO 4217 code; the organization's default if not given.
    pub currency: Option<&'a str>,
}

impl Cost<'_> {
    /// The condition on the price: a tier has at most one. The default is looked up beside it, not before: the price
    /// tells its currency.
    fn condition(self, tenant: OrganizationId) -> Condition {
        let default = || {
            Query::select()
                .column(organization::Column::DefaultCurrency)
                .from(organization::Entity)
                .and_where(organization::Column::Id.eq(tenant))
                .take()
        };
        Condition::all().add(tier_price::Column::BillingCycle.eq(self.billing_cycle)).add(match self.currency {
            Some(currency) => tier_price::Column::Currency.eq(currency),
            None => tier_price::Column::Currency.in_subquery(default()),
        })
    }
}

/// A tier and its price, if it has one for what was asked.
pub struct Priced(pub tier::Model, Option<tier_price::Model>);

impl Seller<'_> {
    fn at(&self, field: &str) -> String {
        format!("{}.{field}", self.path)
    }

    /// The tier, if this owner can have it: of its kind, not archived, from the catalogue of the organization, of the
    /// one above or of the platform, and public unless the caller manages that catalogue.
    pub async fn tier(&self, id: TierId) -> Result<tier::Model> {
        let tier = self.unit.get::<tier::Entity>(id).await?;
        self.sold(tier.ok_or_else(|| self.no_tier())?).await
    }

    /// The same tier with its price.
    pub async fn priced_tier(&self, id: TierId, cost: Cost<'_>) -> Result<Priced> {
        let found = self.priced(tier::Column::Id.eq(id).into(), cost).await?;
        let (tier, price) = found.into_iter().next().ok_or_else(|| self.no_tier())?;
        Ok(Priced(self.sold(tier).await?, price))
    }

    async fn priced(&self, tiers: Condition, cost: Cost<'_>) -> Result<Vec<(tier::Model, Option<tier_price::Model>)>> {
        self.unit.all_with_part::<tier_price::Entity>(tiers, cost.condition(self.unit.tenant()?)).await
    }

    fn no_tier(&self) -> Error {
        not_found("tier", &self.at("tierId"))
    }

    async fn sold(&self, tier: tier::Model) -> Result<tier::Model> {
        let path = self.at("tierId");
        if tier.kind != self.kind {
            let message = format!("This tier is for owners of kind {}.", tier.kind.as_str());
            return Err(Refusal::new(Code::WrongTierKind, message).at(&path).into());
        }
        refuse_archived(&tier, &path)?;
        let organization = self.unit.organization().await?;
        let caller = self.unit.scope().caller()?;
        // Only tiers of these catalogues are sold: who is subscribed to another would not see it (`store/visible.rs`).
        // An organization sells to its customers, never to itself: it could give itself anything for nothing.
        let own = self.kind == TierKind::Customer && tier.tenant_id == Some(organization.id);
        let above = tier.tenant_id.is_none() || tier.tenant_id == organization.parent_id;
        let manages = match tier.tenant_id {
            None => caller.may(Permission::PlatformManage),
            Some(catalogue) => own || caller.organization() == Some(catalogue) || caller.organization().is_none(),
        };
        if (own || above) && (tier.public || manages) {
            self.unit.rely_on(&tier);
            return Ok(tier);
        }
        Err(Refusal::new(Code::TierNotAvailable, "This tier is not on offer for this owner.").at(&path).into())
    }

    /// The tier with this key that new owners start with: for customers the organization's own before the platform's.
    pub async fn default_tier(&self, key: &str, cost: Cost<'_>) -> Result<Priced> {
        let tiers = Condition::all()
            .add(tier::Column::Key.eq(key))
            .add(tier::Column::Kind.eq(self.kind))
            .add(tier::Column::ArchivedAt.is_null())
            .add(tier::Column::Public.eq(true));
        let mut tiers = self.priced(tiers, cost).await?;
        let own = if self.kind == TierKind::Customer { Some(self.unit.tenant()?) } else { None };
        let from = |catalogue| tiers.iter().position(|(tier, _)| tier.tenant_id == catalogue);
        let chosen = own.and_then(|own| from(Some(own))).or_else(|| from(None));
        let chosen = chosen.map(|index| tiers.swap_remove(index));
        chosen.iter().for_each(|(tier, _)| self.unit.rely_on(tier));
        chosen.map(|(tier, price)| Priced(tier, price)).ok_or_else(|| {
            let message = format!("There is no default tier `{key}` for this kind of owner: name a tier, or make that one with createTier.");
            Error::from(Refusal::new(Code::TierNotAvailable, message).at(self.path))
        })
    }

    /// The tier at its price, and the price's currency.
    pub async fn offer(&self, Priced(tier, price): Priced, cost: Cost<'_>) -> Result<(Offer, String)> {
        let billing_cycle = cost.billing_cycle;
        let Some(price) = price else {
            let currency = match cost.currency {
                Some(currency) => currency,
                None => &self.unit.organization().await?.default_currency,
            };
            let message = format!("The tier `{}` has no {} price in {currency}.", tier.key, billing_cycle.as_str());
            return Err(Refusal::new(Code::NoPrice, message).at(&self.at("billingCycle")).into());
        };
        Ok((Offer { tier_id: tier.id, amount_minor: price.amount_minor, billing_cycle }, price.currency))
    }

    /// The tier that a subscription has, on offer or not.
    pub async fn current(&self, id: TierId) -> Result<tier::Model> {
        let tier = self.unit.get::<tier::Entity>(id).await?;
        tier.ok_or_else(|| Error::Internal("a subscription's tier is missing".into()))
    }
}

/// Refuses a tier that is no longer sold.
pub fn refuse_archived(tier: &tier::Model, path: &str) -> Result<()> {
    if tier.archived_at.is_none() {
        return Ok(());
    }
    Err(Refusal::new(Code::TierArchived, "This tier is archived: it is no longer sold.").at(path).into())
}
