//! Which account a seller bills an owner with.

use super::intent::Asker;
use crate::entity::{GatewayAccountId, GatewayKind, OrganizationId, gateway_account};
use crate::error::{Code, Refusal, Result, not_found};
use crate::graphql::nested::OwnerKey;

/// The field of the input that names the account.
pub const ACCOUNT: &str = "input.gatewayAccountId";

/// Who sells to an owner: its organization to a customer, the platform to an organization.
pub fn seller(owner: OwnerKey) -> Option<OrganizationId> {
    owner.customer.map(|_| owner.tenant)
}

impl Asker<'_> {
    /// The accounts of an owner's seller, oldest first.
    pub async fn accounts_of_seller(&self, owner: OwnerKey) -> Result<Vec<gateway_account::Model>> {
        let mut accounts = self.store.system().accounts_of_seller(seller(owner), None).await?;
        accounts.sort_by_key(|account| (account.created_at, account.id));
        Ok(accounts)
    }

    /// The account of an owner's seller that was named, or the only one that a gateway is behind. A disabled account begins
    /// nothing new.
    pub async fn account_for(
        &self,
        owner: OwnerKey,
        named: Option<GatewayAccountId>,
    ) -> Result<gateway_account::Model> {
        let mut accounts = self.store.system().accounts_of_seller(seller(owner), named).await?;
        let takes_new = |account: &gateway_account::Model| account.disabled_at.is_none();
        let refuse = |code, message: &str| Err(Refusal::new(code, message).at(ACCOUNT).into());
        if named.is_some() {
            let found = accounts.pop().ok_or_else(|| not_found("gateway account", ACCOUNT))?;
            return match found.kind {
                GatewayKind::Manual => {
                    refuse(Code::Conflict, "No gateway is behind this account: it is for payments by hand.")
                }
                _ if !takes_new(&found) => refuse(Code::Conflict, "This account is disabled: it begins nothing new."),
                _ => Ok(found),
            };
        }
        accounts.retain(|account| account.kind != GatewayKind::Manual && takes_new(account));
        match (accounts.pop(), accounts.is_empty()) {
            (Some(account), true) => Ok(account),
            (Some(_), false) => refuse(Code::Required, "The seller has several accounts at gateways: name one."),
            (None, _) => {
                let message = "The seller has no account at a gateway that takes something new.";
                refuse(Code::GatewayUnavailable, message)
            }
        }
    }
}
