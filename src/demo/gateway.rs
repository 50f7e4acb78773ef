//! The demo's payment gateway: a simulator beside the server, and at it an account of every seller, which has a price for
//! whatever is sold. It is set up as a client would set it up, by mutations of ROOT.

use std::net::SocketAddr;
use std::sync::Arc;

use async_graphql::{Request, Variables};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tessera_gateway::IdempotencyKey;
use tessera_gateway::simulator::{Options, Simulator};
use tokio::net::TcpListener;

use super::DemoError;
use crate::app::{Allowed, Answer, App};
use crate::auth::Principal;
use crate::config::GatewayConfig;
use crate::entity::{GatewayAccountId, TypedId as _};
use crate::gateway_account::seal::SealingKeys;
use crate::store::{RequestMeta, Store};

/// Where payers of the demo come back to.
const RETURN_URL: &str = "https://app.example.com/billing";

const ACCOUNTS: &str = "{ gatewayAccounts(where: { kind: SIMULATOR }, first: 100) { nodes { id webhookPath } } }";

const SELLERS: &str =
    "{ organizations(where: { status: { eq: ACTIVE } }, first: 50) { nodes { id slug parent { id } } }
    tiers(where: { archived: false }, first: 100) {
        nodes { tierId: id kind catalogue { id } prices { billingCycle amount { amountMinor currency } } } }
    addOns(where: { archived: false }, first: 100) {
        nodes { addOnId: id kind catalogue { id } prices { billingCycle amount { amountMinor currency } } } } }";

/// Starts a simulator whose time is the demo's: one port above the server's, or wherever there is room.
pub async fn start(server: SocketAddr, store: &Store) -> Result<Simulator, DemoError> {
    let above = SocketAddr::new(server.ip(), server.port().checked_add(1).unwrap_or(0));
    let listener = match TcpListener::bind(above).await {
        Ok(listener) => Ok(listener),
        Err(_) => TcpListener::bind(SocketAddr::new(server.ip(), 0)).await,
    };
    let failed = |error| DemoError::Listen(above, error);
    let clock = store.clone();
    let seconds = move || clock.now().micros().div_euclid(1_000_000);
    // What it knew before is forgotten: no id comes twice.
    let seed = format!("d{}", store.real_now().micros());
    Simulator::start(listener.map_err(failed)?, Options { now: Arc::new(seconds), seed, check: None }).map_err(failed)
}

/// How the demo asks its simulator. What seals the keys follows from a secret that it keeps anyway.
pub fn config(simulator: &Simulator, secret: &SecretString) -> Result<GatewayConfig, DemoError> {
    let key = STANDARD.encode(digest(&SHA256, secret.expose_secret().as_bytes()));
    let sealing = SealingKeys::parse(&format!("demo:{key}")).map_err(DemoError::Seed)?;
    let back = RETURN_URL.parse().map_err(|_| DemoError::Seed(format!("{RETURN_URL} is no address")))?;
    Ok(GatewayConfig {
        simulator: Some(simulator.base().clone()),
        return_urls: vec![back],
        sealing: Some(sealing),
        ..GatewayConfig::default()
    })
}

/// Makes the accounts and prices if there are none, and has the simulator, which remembers nothing, send its news here.
/// The demo can be used meanwhile.
pub async fn set_up(app: App, root: Option<String>, server: SocketAddr) {
    if let Err(error) = set_up_as(&app, &root.unwrap_or_default(), server).await {
        tracing::warn!(%error, "nothing can be bought in this demo");
    }
}

async fn set_up_as(app: &App, root: &str, server: SocketAddr) -> Result<(), DemoError> {
    let root = app.verifier().verify(root).await;
    let root = root.map_err(|_| DemoError::Seed("the token of ROOT is not accepted".to_owned()))?;
    let client = Client { app, root: &root };
    let mut accounts = client.ask(ACCOUNTS, json!({})).await?;
    if nodes(&accounts["gatewayAccounts"]).next().is_none() {
        client.make_accounts().await?;
        accounts = client.ask(ACCOUNTS, json!({})).await?;
    }
    for account in nodes(&accounts["gatewayAccounts"]) {
        let url = format!("http://{server}{}", text(&account["webhookPath"]));
        let secret = listen(app, text(&account["id"]), &url).await?;
        let secrets = json!({"id": account["id"], "webhookSecrets": [secret.expose_secret()]});
        client.mutate("updateGatewayAccount", "UpdateGatewayAccountInput", "gatewayAccount { id }", secrets).await?;
    }
    Ok(())
}

/// Has the simulator send the news of an account to an address, and answers what it signs them with.
async fn listen(app: &App, account: &str, url: &str) -> Result<SecretString, DemoError> {
    let missing = || DemoError::Seed("an account of the demo is missing".to_owned());
    let id = GatewayAccountId::parse(account).ok_or_else(missing)?;
    let row = app.store().system().gateway_account(id).await?;
    let remote = app.gateways().of(&row.ok_or_else(missing)?)?;
    let key = IdempotencyKey("demo".to_owned());
    let endpoint = remote.call("register_webhook", |gateway| gateway.register_webhook(&key, url)).await;
    endpoint.map(|endpoint| endpoint.secret).map_err(|error| DemoError::Seed(error.to_string()))
}

fn nodes(list: &Value) -> impl Iterator<Item = &Value> {
    list["nodes"].as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The simulator's name for a price, which says what it is.
fn price_id(price: &Value) -> String {
    let (amount, currency) = (&price["amount"]["amountMinor"], text(&price["amount"]["currency"]).to_lowercase());
    let interval = if price["billingCycle"] == "YEARLY" { "year" } else { "month" };
    format!("price_{amount}_{currency}_{interval}")
}

/// Asks as ROOT.
struct Client<'a> {
    app: &'a App,
    root: &'a Arc<Principal>,
}

impl Client<'_> {
    /// An account of the platform and of each organization, with prices of the tiers and add-ons that it sells.
    async fn make_accounts(&self) -> Result<(), DemoError> {
        let sellers = self.ask(SELLERS, json!({})).await?;
        let none = Value::Null;
        let everybody = nodes(&sellers["organizations"]).map(Some);
        for seller in std::iter::once(None).chain(everybody) {
            let slug: String = seller.map_or("platform", |seller| text(&seller["slug"])).replace('-', "");
            let (own, above) = seller.map_or((&none, &none), |seller| (&seller["id"], &seller["parent"]["id"]));
            let account = json!({"organizationId": seller.map(|seller| &seller["id"]), "kind": "SIMULATOR",
                "mode": "TEST", "name": "Cards (simulated)", "apiKey": format!("sk_test_{slug}_1")});
            let shown = "gatewayAccount { id }";
            let made = self.mutate("createGatewayAccount", "CreateGatewayAccountInput", shown, account).await?;
            let kind = if seller.is_some() { "CUSTOMER" } else { "ORGANIZATION" };
            let sold = nodes(&sellers["tiers"]).chain(nodes(&sellers["addOns"]));
            for sold in sold.filter(|sold| {
                let catalogue = &sold["catalogue"]["id"];
                sold["kind"] == kind
                    && (seller.is_none() || catalogue.is_null() || catalogue == own || catalogue == above)
            }) {
                for price in sold["prices"].as_array().into_iter().flatten() {
                    let price = json!({"gatewayAccountId": made["gatewayAccount"]["id"], "tierId": sold["tierId"], "addOnId": sold["addOnId"],
                        "billingCycle": price["billingCycle"], "currency": price["amount"]["currency"],
                        "priceId": price_id(price)});
                    let shown = "accountPrice { priceId }";
                    self.mutate("setGatewayPrice", "SetGatewayPriceInput", shown, price).await?;
                }
            }
        }
        Ok(())
    }

    async fn mutate(&self, mutation: &str, input_type: &str, shown: &str, input: Value) -> Result<Value, DemoError> {
        let document = format!(
            "mutation($input: {input_type}!) {{ done: {mutation}(input: $input) {{ {shown} userErrors {{ message }} }} }}"
        );
        let done = self.ask(&document, json!({"input": input})).await?["done"].take();
        match done["userErrors"].as_array().is_none_or(Vec::is_empty) {
            true => Ok(done),
            false => Err(DemoError::Seed(format!("{mutation}: {}", done["userErrors"]))),
        }
    }

    async fn ask(&self, document: &str, variables: Value) -> Result<Value, DemoError> {
        let request = Request::new(document).variables(Variables::from_json(variables));
        let caller = Some(Arc::clone(self.root));
        let failed = |what: String| DemoError::Seed(what);
        match self.app.execute(request, Allowed::Everything, caller, RequestMeta::default()).await {
            Answer::Written { json, .. } | Answer::Resolved { json, .. } => {
                let mut answer: Value = serde_json::from_slice(&json).map_err(|error| failed(error.to_string()))?;
                match answer["errors"].is_null() {
                    true => Ok(answer["data"].take()),
                    false => Err(failed(answer["errors"].to_string())),
                }
            }
            other => Err(failed(other.outcome().into_owned())),
        }
    }
}
