//! The type `GatewayAccount` and the queries for it.

use async_graphql::{Enum, ID, InputObject};
use declare::{object, queries};
use sea_orm::{ColumnTrait, Condition, IdenStatic};
use tessera_gateway::{Capabilities, Stripe};

use crate::clock::Timestamp;
use crate::entity::{GatewayAccountId, GatewayKind, GatewayMode, OrganizationId, gateway_account};
use crate::error::Result;
use crate::graphql::connection::{connection, sort_order};
use crate::graphql::context::RequestContext;
use crate::graphql::input::parse_optional_id;
use crate::organization::graphql::{self as organization, Organization};
use crate::read::facts::Facts;
use crate::read::json::{Json, ToJson};
use crate::read::relation::One;

/// An account of a seller at a payment gateway: of the platform, which sells to organizations, or of an organization, which
/// sells to its customers. Its key and its secrets are never shown.
#[object(noun = gateway_account)]
pub struct GatewayAccount {
    /// Globally unique.
    id: GatewayAccountId,
    /// Which gateway. Never changes.
    kind: GatewayKind,
    /// Whether it moves real money. Never changes.
    mode: GatewayMode,
    /// Shown to people.
    name: String,
    /// The gateway's id of the account; null for MANUAL.
    gateway_account_id: Option<String>,
    /// What can be asked of it.
    #[computed(capabilities, from(Kind))]
    capabilities: Vec<GatewayCapability>,
    /// Where the gateway sends its news: a path of this server. Whoever knows it and a secret can send some. Null for MANUAL.
    #[computed(webhook_path, from(Kind, Slug))]
    webhook_path: Option<String>,
    /// When the key was last replaced; null for MANUAL.
    key_changed_at: Option<Timestamp>,
    /// When the webhook secrets were last replaced; null if there never were any.
    secrets_changed_at: Option<Timestamp>,
    /// How to pay by hand; shown to the payer.
    instructions: Option<String>,
    /// Since when nothing new begins with it.
    disabled_at: Option<Timestamp>,
    /// When it was made.
    created_at: Timestamp,
    /// When it was last changed.
    updated_at: Timestamp,
    /// Counts changes, from 1. Pass it as `expectedVersion` to change only what you saw.
    version: i32,
    /// The organization that sells; null for the platform, and for callers that cannot see the organization.
    #[one(organization::seen, TenantId)]
    seller: Option<Organization>,
    /// Whether the caller may change it.
    #[computed(viewer_can_manage, from(TenantId))]
    viewer_can_manage: bool,
}

/// The gateway account that a column names, for who manages it.
pub fn seen(account: impl IdenStatic) -> One<gateway_account::Entity> {
    One::new("gateway account", gateway_account::Column::Id, account).or_null()
}

/// What can be asked of a gateway account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum GatewayCapability {
    /// A hosted page on which a subscription is bought.
    Checkout,
    /// Trials.
    Trials,
    /// Stopping charges while the subscription goes on.
    Pause,
    /// What a change of price costs, before it is made.
    Previews,
    /// Invoices as objects of their own.
    Invoices,
    /// Refunds of a part.
    PartialRefunds,
    /// Payment methods that the customer manages.
    Methods,
    /// A page on which the customer looks after everything.
    Portal,
    /// Signed news.
    SignedWebhooks,
}

impl ToJson for GatewayCapability {
    fn to_json(self) -> Json {
        Json::text(async_graphql::resolver_utils::enum_value(self).to_string())
    }
}

impl GatewayCapability {
    fn of(capabilities: &Capabilities) -> Vec<Self> {
        [
            (capabilities.checkout, Self::Checkout),
            (capabilities.trials, Self::Trials),
            (capabilities.pause, Self::Pause),
            (capabilities.previews, Self::Previews),
            (capabilities.invoices, Self::Invoices),
            (capabilities.partial_refunds, Self::PartialRefunds),
            (capabilities.methods, Self::Methods),
            (capabilities.portal, Self::Portal),
            (capabilities.signed_webhooks, Self::SignedWebhooks),
        ]
        .into_iter()
        .filter_map(|(can, capability)| can.then_some(capability))
        .collect()
    }
}

fn capabilities(facts: &Facts<'_>) -> Result<Vec<GatewayCapability>> {
    Ok(match facts.filled::<GatewayKind>(0)? {
        GatewayKind::Stripe | GatewayKind::Simulator => GatewayCapability::of(&Stripe::CAPABILITIES),
        GatewayKind::Manual => Vec::new(),
    })
}

fn webhook_path(facts: &Facts<'_>) -> Result<Option<String>> {
    let kind = match facts.filled::<GatewayKind>(0)? {
        GatewayKind::Stripe => "stripe",
        GatewayKind::Simulator => "simulator",
        GatewayKind::Manual => return Ok(None),
    };
    Ok(Some(format!("/webhooks/{kind}/{}", facts.filled::<String>(1)?)))
}

fn viewer_can_manage(facts: &Facts<'_>) -> Result<bool> {
    Ok(super::obstacle(facts.request.scope.caller()?, facts.get(0)?).is_none())
}

/// Which gateway accounts to find. Everything given must hold; a null is refused.
#[derive(Clone, Debug, InputObject)]
pub struct GatewayAccountFilter {
    /// Of this gateway.
    kind: Option<GatewayKind>,
    /// Of this mode.
    mode: Option<GatewayMode>,
    /// Of this organization.
    organization_id: Option<ID>,
    /// Whether of the platform.
    platform: Option<bool>,
    /// Whether disabled.
    disabled: Option<bool>,
}

impl GatewayAccountFilter {
    fn condition(&self, _request: &RequestContext) -> Result<Condition> {
        use gateway_account::Column::{DisabledAt, Kind, Mode, TenantId};
        let seller = parse_optional_id::<OrganizationId>("where.organizationId", self.organization_id.as_ref())?;
        let of_platform = |platform: bool| if platform { TenantId.is_null() } else { TenantId.is_not_null() };
        let disabled = |disabled: bool| if disabled { DisabledAt.is_not_null() } else { DisabledAt.is_null() };
        Ok(Condition::all()
            .add_option(self.kind.map(|kind| Kind.eq(kind)))
            .add_option(self.mode.map(|mode| Mode.eq(mode)))
            .add_option(seller.map(|id| TenantId.eq(id)))
            .add_option(self.platform.map(of_platform))
            .add_option(self.disabled.map(disabled)))
    }
}

sort_order!(GatewayAccountOrder, GatewayAccountSort of gateway_account {
    /// When it was made.
    CreatedAt => CreatedAt,
});

connection!(
    GatewayAccountConnection, GatewayAccountEdge, GatewayAccount of gateway_account, "gatewayAccounts",
    GatewayAccountFilter, GatewayAccountOrder
);

/// Queries for gateway accounts.
#[derive(Default)]
pub struct GatewayAccountQuery;

#[queries]
impl GatewayAccountQuery {
    /// The gateway account with this id; null if there is none that the caller can see. Needs `payments.manage`; the
    /// platform's own people do not.
    #[by_id("The gateway account.")]
    fn gateway_account() -> Option<GatewayAccount>;

    /// The gateway accounts of the sellers that the caller manages; for the platform's own people, of all. Needs
    /// `payments.manage`; the platform's own people do not.
    #[list]
    fn gateway_accounts() -> Option<GatewayAccountConnection>;
}
