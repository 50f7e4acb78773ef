//! What is known of gateways' objects, what is asked of gateways, and what they told us. No request reads or writes these
//! but through [`crate::gateway`].

mod events;
mod intents;
mod objects;

use std::fmt::Write as _;

use sea_orm::{
    ColumnTrait, Condition, EntityTrait, IdenStatic as _, Iterable as _, QueryFilter as _, Select, Statement,
    TryIntoModel,
};

use super::database::{Transaction, Whose};
use super::executor::Executor as _;
use super::text::{Text, put};
use super::{System, UnitOfWork};
use crate::clock::Timestamp;
use crate::entity::{
    AddOnId, BillingCycle, CheckoutState, GatewayAccountId, GatewayObjectKind, OrganizationId, PaymentId,
    SubscriptionId, TierId, checkout, gateway_account, gateway_object, gateway_price,
};
use crate::error::Result;
use crate::graphql::nested::OwnerKey;

/// Names an object at a gateway.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ObjectKey {
    /// The account that it is in.
    pub account: GatewayAccountId,
    /// What it is.
    pub kind: GatewayObjectKind,
    /// Its id there.
    pub id: String,
}

impl From<&gateway_object::Model> for ObjectKey {
    fn from(row: &gateway_object::Model) -> Self {
        Self { account: row.account_id, kind: row.kind, id: row.external_id.clone() }
    }
}

/// What of ours an object concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concerns {
    /// Whose it is.
    pub owner: OwnerKey,
    /// The subscription.
    pub subscription: Option<SubscriptionId>,
    /// The payment.
    pub payment: Option<PaymentId>,
}

impl Concerns {
    /// What a row of the registry says.
    pub fn of(row: &gateway_object::Model) -> Option<Self> {
        let owner = OwnerKey { tenant: row.tenant_id?, customer: row.customer_id };
        Some(Self { owner, subscription: row.subscription_id, payment: row.payment_id })
    }
}

/// What becomes of a leased object, if not its application.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It is tried again at a moment.
    Again(Timestamp, String),
    /// It waits until a moment for whoever knows whose it is, and is looked at again at another.
    Waits(Timestamp, Timestamp),
    /// It changes nothing of ours, for a reason.
    Skipped(&'static str),
    /// It is given up.
    Dead(String),
}

impl Text {
    pub(super) fn object_is(&mut self, key: &ObjectKey) {
        put!(self, r#""account_id" = "#);
        self.value(key.account);
        put!(self, r#" AND "kind" = "#);
        self.value(key.kind);
        put!(self, r#" AND "external_id" = "#);
        self.value(key.id.as_str());
    }

    pub(super) fn returning<E: EntityTrait>(&mut self) {
        put!(self, " RETURNING ");
        self.columns(E::Column::iter().map(|column| column.as_str()));
    }

    pub(super) fn skip_locked(&mut self) {
        if !self.is_sqlite() {
            put!(self, " FOR UPDATE SKIP LOCKED");
        }
    }
}

pub(super) async fn models<E>(transaction: &Transaction, statement: Statement) -> Result<Vec<E::Model>>
where
    E: EntityTrait<ActiveModel: TryIntoModel<E::Model>>,
{
    let rows = transaction.returning(statement).await?;
    rows.iter().map(|row| Ok(row.model::<E>(0..)?)).collect()
}

impl System<'_> {
    pub(super) async fn transaction(&self) -> Result<Transaction> {
        Ok(self.0.0.database.begin(Whose::default()).await?)
    }

    pub(super) fn text(&self, put: impl FnOnce(&mut Text)) -> Statement {
        Text::statement(self.0.backend(), put)
    }

    /// The gateway account with this id.
    pub async fn gateway_account(&self, id: GatewayAccountId) -> Result<Option<gateway_account::Model>> {
        Ok(self.0.0.database.one(gateway_account::Entity::find_by_id(id)).await?)
    }

    /// The gateway account whose news comes to this address.
    pub async fn gateway_account_at(&self, slug: &str) -> Result<Option<gateway_account::Model>> {
        let found = gateway_account::Entity::find().filter(gateway_account::Column::Slug.eq(slug));
        Ok(self.0.0.database.one(found).await?)
    }

    /// The accounts of a seller, or the one of them with this id; no seller stands for the platform.
    pub async fn accounts_of_seller(
        &self,
        seller: Option<OrganizationId>,
        id: Option<GatewayAccountId>,
    ) -> Result<Vec<gateway_account::Model>> {
        use gateway_account::Column::{Id, TenantId};
        let of_seller = match seller {
            Some(seller) => TenantId.eq(seller),
            None => TenantId.is_null(),
        };
        let found = gateway_account::Entity::find().filter(of_seller);
        let found = found.filter(Condition::all().add_option(id.map(|id| Id.eq(id))));
        Ok(self.0.0.database.all(found).await?)
    }

    /// The attempts of an owner to pay that are open.
    pub async fn open_checkouts(&self, owner: OwnerKey) -> Result<Vec<checkout::Model>> {
        use checkout::Column::{CustomerId, State, TenantId};
        let of_owner = match owner.customer {
            Some(customer) => CustomerId.eq(customer),
            None => CustomerId.is_null(),
        };
        let found = checkout::Entity::find().filter(TenantId.eq(owner.tenant)).filter(of_owner);
        Ok(self.0.0.database.all(found.filter(State.eq(CheckoutState::Open))).await?)
    }

    /// What an account calls the prices of a tier and of add-ons, for a cycle in a currency.
    pub async fn gateway_prices(&self, wanted: &PricesWanted<'_>) -> Result<Vec<gateway_price::Model>> {
        Ok(self.0.0.database.all(wanted.query()).await?)
    }
}

/// Which prices of an account are looked for.
#[derive(Clone, Copy, Debug)]
pub struct PricesWanted<'a> {
    /// The account.
    pub account: GatewayAccountId,
    /// Of this tier.
    pub tier: Option<TierId>,
    /// And of these add-ons.
    pub add_ons: &'a [AddOnId],
    /// How often they are charged.
    pub cycle: BillingCycle,
    /// ISO 4217 code.
    pub currency: &'a str,
}

impl PricesWanted<'_> {
    fn query(&self) -> Select<gateway_price::Entity> {
        use gateway_price::Column as Price;
        let sold = Condition::any()
            .add_option(self.tier.map(|id| Price::TierId.eq(id)))
            .add_option((!self.add_ons.is_empty()).then(|| Price::AddOnId.is_in(self.add_ons.iter().copied())));
        gateway_price::Entity::find()
            .filter(Price::AccountId.eq(self.account))
            .filter(sold)
            .filter(Price::BillingCycle.eq(self.cycle))
            .filter(Price::Currency.eq(self.currency))
    }
}

impl UnitOfWork<'_> {
    /// The same, whoever asks: they are told to nobody.
    pub(crate) async fn gateway_prices(&self, wanted: &PricesWanted<'_>) -> Result<Vec<gateway_price::Model>> {
        Ok(self.settled().await?.all(wanted.query()).await?)
    }

    /// The machine's time, for what is asked of gateways.
    pub(crate) fn real_now(&self) -> Timestamp {
        self.scope().store.real_now()
    }
}
