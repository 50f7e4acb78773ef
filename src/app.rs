//! The one place where the parts meet: configuration, database, tokens and schema become something that answers
//! requests.

use std::sync::Arc;

use async_graphql::{Request, Response};
use chrono::TimeDelta;
use thiserror::Error;

use crate::auth::{Principal, TokenVerifier};
use crate::clock::Clock;
use crate::config::Config;
use crate::graphql::context::RequestContext;
use crate::graphql::document::{Document, Documents};
use crate::graphql::{self, Schema, cost, variables};
use crate::read;
pub use crate::store::RequestMeta;
use crate::store::{Cursors, Scope, Store};
use crate::subscription::Settings;
use crate::subscription::status::Policy;

/// A running Tessera, without the network around it.
#[derive(Clone)]
pub struct App(Arc<Parts>);

struct Parts {
    store: Store,
    schema: Schema,
    verifier: TokenVerifier,
    cursors: Cursors,
    settings: Arc<Settings>,
    documents: Documents,
}

/// The answer to a request.
#[derive(Debug)]
pub enum Answer {
    /// The whole answer as JSON, without errors: written by the read path.
    Written(Vec<u8>),
    /// What the resolvers made.
    Resolved(Response),
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
        Ok(Self(Arc::new(Parts {
            schema: graphql::schema(config.introspection),
            verifier: TokenVerifier::new(&config.auth, store.clock().clone()).map_err(StartError::Keys)?,
            cursors: Cursors::new(&config.cursor_secret),
            settings: Arc::new(settings),
            documents: Documents::new(),
            store,
        })))
    }

    /// Answers a GraphQL request of a caller; none when it carried no token.
    pub async fn execute(&self, request: Request, caller: Option<Arc<Principal>>, meta: RequestMeta) -> Answer {
        let request_id = Arc::clone(&meta.id);
        let document = match self.0.documents.parse(&request.query) {
            Ok(document) => document,
            Err(error) => {
                let mut refusal = graphql::error::unparsable(error);
                graphql::error::finish(&mut refusal, None, &request_id);
                return Answer::Resolved(refusal);
            }
        };
        let scope = Scope::new(self.0.store.clone(), caller, meta);
        let context = RequestContext::new(scope, self.0.cursors.clone(), Arc::clone(&self.0.settings));
        let mut response = match checked(&document, request) {
            Ok(request) => {
                let outcome = match document.valid_operation(request.operation_name.as_deref()) {
                    Some(operation) => {
                        read::answer(&context, &document.parsed, operation, &request.variables).await.ok()
                    }
                    None => None,
                };
                match outcome {
                    Some(read::Outcome::Data(data)) => return Answer::Written(data),
                    Some(read::Outcome::Failed(error)) => Response::from_errors(vec![error]),
                    None => {
                        let loaders = context.loaders();
                        let mut request = request.data(context);
                        request.set_parsed_query(document.parsed.clone());
                        // In a box, because it is large and most requests do without it.
                        Box::pin(loaders.drive(self.0.schema.execute(request))).await
                    }
                }
            }
            Err(refusal) => *refusal,
        };
        if response.is_ok() {
            document.mark_valid();
        }
        graphql::error::finish(&mut response, Some(&document.parsed), &request_id);
        Answer::Resolved(response)
    }

    /// Verifies tokens.
    pub fn verifier(&self) -> &TokenVerifier {
        &self.0.verifier
    }

    /// The database.
    pub fn store(&self) -> &Store {
        &self.0.store
    }
}

/// The request with its document and the defaults of its variables, or the refusal of one that is incomplete or too
/// costly.
fn checked(document: &Document, mut request: Request) -> Result<Request, Box<Response>> {
    let parsed = &document.parsed;
    if let Some(error) = variables::missing(parsed, &request).or_else(|| variables::unusable_text(parsed, &request)) {
        return Err(Box::new(graphql::error::invalid(error)));
    }
    variables::fill_defaults(parsed, &mut request);
    let cost = cost::cost(parsed, &request.variables);
    if cost > cost::MAX_COST {
        return Err(Box::new(graphql::error::too_complex(cost)));
    }
    Ok(request)
}
