//! Whoever pays, as a gateway knows it: made when it is first needed, and never twice.

use tessera_gateway::{CustomerId, NewCustomer, Reference};

use super::intent::{Asker, Wanted};
use super::refused;
use super::request::Request;
use crate::entity::{customer, gateway_account, organization};
use crate::error::{Error, Result, not_found};
use crate::graphql::nested::OwnerKey;
use crate::store::Scope;
use crate::usage::OwnerId;

/// An owner, as a gateway is told of it.
#[derive(Clone, Debug)]
pub struct Payer {
    /// Who it is.
    pub owner: OwnerKey,
    /// Our name for it at gateways.
    pub reference: Reference,
    /// For receipts.
    pub name: String,
    /// For receipts.
    pub email: Option<String>,
}

impl From<&customer::Model> for Payer {
    fn from(row: &customer::Model) -> Self {
        Self {
            owner: OwnerKey { tenant: row.tenant_id, customer: Some(row.id) },
            reference: Reference(row.id.to_string()),
            name: row.name.clone(),
            email: row.email.clone(),
        }
    }
}

impl From<&organization::Model> for Payer {
    fn from(row: &organization::Model) -> Self {
        Self {
            owner: OwnerKey { tenant: row.id, customer: None },
            reference: Reference(row.id.to_string()),
            name: row.name.clone(),
            email: row.billing_email.clone(),
        }
    }
}

/// An owner that the caller sees, as gateways are told of it. `path` is the input field that names it.
pub async fn find_payer(scope: &Scope, owner: OwnerId, path: &str) -> Result<Payer> {
    let found = match owner {
        OwnerId::Customer(id) => scope.get::<customer::Entity>(id).await?.as_ref().map(Payer::from),
        OwnerId::Organization(id) => scope.get::<organization::Entity>(id).await?.as_ref().map(Payer::from),
    };
    found.ok_or_else(|| not_found("owner", path))
}

impl Asker<'_> {
    /// The account's customer that an owner is, made if there is none. Two that ask at the same time get the same one.
    pub async fn ensure_customer(
        &self,
        account: &gateway_account::Model,
        payer: &Payer,
        path: &str,
    ) -> Result<CustomerId> {
        let system = self.store.system();
        if let Some(known) = system.gateway_customer(account.id, payer.owner).await? {
            return Ok(known.into());
        }
        let new = NewCustomer {
            reference: payer.reference.clone(),
            name: Some(payer.name.clone()),
            email: payer.email.clone(),
        };
        let wanted = Wanted {
            request: Request::CreateCustomer(new),
            reference: payer.reference.clone(),
            owner: payer.owner,
            subscription: None,
        };
        let remote = self.gateways.of(account)?;
        let intent = system.open_intent(wanted.intent(account, self.store.real_now())?).await?;
        // Somebody else may have been first: then its intent is closed, and its customer known, before this one is open.
        if let Some(known) = system.gateway_customer(account.id, payer.owner).await? {
            system.fail_intent(&intent, "the customer is known already").await?;
            return Ok(known.into());
        }
        self.carry_out(&remote, &intent).await?.map_err(|error| refused(&error, path))?;
        let known = system.gateway_customer(account.id, payer.owner).await?;
        known.map(Into::into).ok_or_else(|| Error::Internal("a customer was made and is not known".into()))
    }
}
