//! The one place where the parts meet: configuration, database, tokens and schema become something that answers
//! requests.

use std::sync::Arc;

use async_graphql::parser::parse_query;
use async_graphql::{Request, Response};
use chrono::TimeDelta;
use thiserror::Error;

use crate::auth::{Principal, TokenVerifier};
use crate::clock::Clock;
use crate::config::Config;
use crate::graphql::context::RequestContext;
use crate::graphql::{self, Schema, cost, variables};
pub use crate::store::RequestMeta;
use crate::store::{Cursors, Scope, Store};
use crate::subscription::Settings;
use crate::subscription::status::Policy;

/// A running Tessera, without the network around it.
#[derive(Clone)]
pub struct App {
    store: Store,
    schema: Schema,
    verifier: Arc<TokenVerifier>,
    cursors: Cursors,
    settings: Arc<Settings>,
}

/// Why Tessera does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The database cannot be opened or asked.
    #[error("the database cannot be used: {0}")]
    Database(#[from] sea_orm::DbErr),
    /// The keys that tokens are verified with cannot be used.
    #[error("tokens cannot be verified: {0}")]
    Keys(String),
    /// The database is older than this program.
    #[error("{0} migrations are missing: run `tessera migrate up`")]
    Migrations(usize),
}

impl App {
    /// Opens the database, checks that it is up to date, and builds the schema.
    pub async fn start(config: &Config, clock: Clock) -> Result<Self, StartError> {
        let store = Store::open(&config.database, clock).await?;
        let missing = store.migration_status().await?.iter().filter(|(_, applied)| !applied).count();
        if missing > 0 {
            return Err(StartError::Migrations(missing));
        }
        Self::with_store(config, store)
    }

    /// Builds everything else around an open database.
    pub fn with_store(config: &Config, store: Store) -> Result<Self, StartError> {
        let policy = &config.policy;
        let settings = Settings {
            policy: Policy {
                expiring_soon: TimeDelta::days(policy.expiring_soon_days.into()),
                renewal_tolerance: TimeDelta::hours(policy.renewal_tolerance_hours.into()),
            },
            pending_for: TimeDelta::hours(policy.pending_hours.into()),
        };
        Ok(Self {
            schema: graphql::schema(config.introspection),
            verifier: Arc::new(TokenVerifier::new(&config.auth, store.clock().clone()).map_err(StartError::Keys)?),
            cursors: Cursors::new(&config.cursor_secret),
            settings: Arc::new(settings),
            store,
        })
    }

    /// Answers a GraphQL request of a caller; none when it carried no token.
    pub async fn execute(&self, request: Request, caller: Option<Principal>, meta: RequestMeta) -> Response {
        let (request_id, query) = (meta.id.clone(), request.query.clone());
        let mut response = match checked(request) {
            Ok(request) => {
                let scope = Scope::new(self.store.clone(), caller, meta);
                let context = RequestContext::new(scope, self.cursors.clone(), Arc::clone(&self.settings));
                let loaders = context.loaders();
                loaders.drive(self.schema.execute(request.data(context))).await
            }
            Err(refusal) => *refusal,
        };
        graphql::error::finish(&mut response, &query, &request_id);
        response
    }

    /// Verifies tokens.
    pub fn verifier(&self) -> &TokenVerifier {
        &self.verifier
    }

    /// The database.
    pub fn store(&self) -> &Store {
        &self.store
    }
}

/// The request with its document parsed, or the refusal of one that is malformed, incomplete or too costly.
fn checked(mut request: Request) -> Result<Request, Box<Response>> {
    let document = parse_query(&request.query).map_err(|error| Box::new(graphql::error::unparsable(error.into())))?;
    if let Some(error) =
        variables::missing(&document, &request).or_else(|| variables::unusable_text(&document, &request))
    {
        return Err(Box::new(graphql::error::invalid(error)));
    }
    let cost = cost::cost(&document, &request.variables);
    if cost > cost::MAX_COST {
        return Err(Box::new(graphql::error::too_complex(cost)));
    }
    request.set_parsed_query(document);
    Ok(request)
}
