//! The one place where the parts meet: configuration, database, tokens and schema become something that answers
//! requests.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::parser::types::OperationType;
use async_graphql::{Pos, Request, Response, Variables};
use chrono::TimeDelta;
use thiserror::Error;

use crate::auth::{Caller, Principal, TokenVerifier};
use crate::clock::Clock;
use crate::config::Config;
use crate::gateway::applier::Applier;
use crate::gateway_account::Gateways;
use crate::graphql::batch::Batches;
use crate::graphql::context::RequestContext;
use crate::graphql::document::{Documents, Operation, Refused};
use crate::graphql::{self, Schema, cost};
use crate::read;
use crate::scheduler::{Retention, Scheduler};
pub use crate::store::RequestMeta;
use crate::store::{Cursors, Scope, Store};
use crate::subscription::Settings;
use crate::subscription::ends::Patience;
use crate::subscription::status::Policy;
use crate::usage::together::Together;

/// How long it takes at most until all replicas know of a revocation.
const LEARN_EVERY: Duration = Duration::from_secs(5);

/// A running Tessera, without the network around it.
#[derive(Clone)]
pub struct App(Arc<Parts>);

struct Parts {
    store: Store,
    schema: Schema,
    verifier: TokenVerifier,
    gateways: Gateways,
    cursors: Cursors,
    settings: Arc<Settings>,
    documents: Documents,
    scheduler: Scheduler,
    applier: Applier,
    together: Together,
}

/// The answer to a request.
#[derive(Debug)]
pub enum Answer {
    /// The whole answer: written by the read path.
    Written {
        /// The answer.
        json: Vec<u8>,
        /// The code of its first error.
        error: Option<String>,
    },
    /// The whole answer: made by the resolvers.
    Resolved {
        /// Why not by the read path.
        because: &'static str,
        /// The answer.
        json: Vec<u8>,
        /// The code of its first error.
        error: Option<String>,
    },
    /// Why there is no answer.
    Refused(Response),
    /// Why nothing can be answered now.
    Unavailable(Response),
    /// The caller has asked for too much lately.
    TooOften(TooOften),
    /// It is a mutation, and only queries were allowed.
    IsMutation,
}

impl Answer {
    /// The code of the first error; `OK` if there is none.
    pub fn outcome(&self) -> Cow<'static, str> {
        let error = match self {
            Self::Written { error, .. } | Self::Resolved { error, .. } => error.clone(),
            Self::Refused(answer) | Self::Unavailable(answer) => answer.errors.first().and_then(graphql::error::code),
            Self::TooOften(_) => return Cow::Borrowed("RATE_LIMITED"),
            Self::IsMutation => return Cow::Borrowed("METHOD_NOT_ALLOWED"),
        };
        error.map_or(Cow::Borrowed("OK"), Cow::Owned)
    }
}

/// A caller has asked for too much lately, and may ask again after this time.
#[derive(Clone, Copy, Debug)]
pub struct TooOften(pub Duration);

/// Why an operation is not executed.
enum Stopped {
    Refused(Refused),
    TooOften(TooOften),
}

impl From<Refused> for Stopped {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<TooOften> for Stopped {
    fn from(too_often: TooOften) -> Self {
        Self::TooOften(too_often)
    }
}

/// Which operations are executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// All.
    Everything,
    /// Queries, past the resolvers where that is possible.
    Queries,
    /// All, and by the resolvers alone: the reference that the read path is compared with.
    EverythingByResolvers,
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
    /// The clients of payment gateways cannot be made.
    #[error("payment gateways cannot be asked: {0}")]
    Gateways(String),
    /// The schema does not describe itself well: a fault of this program.
    #[error("the schema is not valid: {0}")]
    Schema(String),
    /// The database is older than this program.
    #[error("{0} migrations are missing: run `tessera migrate up`")]
    Migrations(usize),
    /// Rows have keys for searching and sorting that an earlier version of this program made.
    #[error("the keys that text is found by are of an earlier version: run `tessera migrate up`")]
    Text,
}

impl App {
    /// Opens the database, checks that it is up to date, and builds the schema.
    pub async fn start(config: &Config, clock: Clock) -> Result<Self, StartError> {
        let store = Store::open(&config.database, clock).await?;
        let missing = store.missing_migrations().await?.len();
        if missing > 0 {
            return Err(StartError::Migrations(missing));
        }
        if !store.keys_are_current().await? {
            return Err(StartError::Text);
        }
        store.learn_revoked().await?;
        Self::with_store(config, store)
    }

    /// Learns every few seconds which tokens were revoked on other replicas, for as long as the program is used.
    pub fn keep_learning(&self) {
        let parts = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(LEARN_EVERY).await;
                let Some(store) = parts.upgrade().map(|parts| parts.store.clone()) else { return };
                if let Err(error) = store.learn_revoked().await {
                    tracing::warn!(%error, "it cannot be learned which tokens are revoked; the last ones stay so");
                }
            }
        });
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
            patience: Patience { grace_days: policy.grace_days.into(), unpaid_days: policy.unpaid_days.into() },
            has_test_clock: config.scheduler.has_test_clock,
            management: policy.subscription_management,
        };
        let retention = Retention::new(config.scheduler.idempotency_days);
        let settings = Arc::new(settings);
        let gateways = Gateways::new(&config.gateways).map_err(StartError::Gateways)?;
        Ok(Self(Arc::new(Parts {
            schema: graphql::schema(config.introspection),
            documents: Documents::new(&graphql::sdl(config.scheduler.has_test_clock), config.introspection)
                .map_err(StartError::Schema)?,
            verifier: TokenVerifier::new(&config.auth, store.clock().clone())
                .map_err(StartError::Keys)?
                .refusing(store.revoked()),
            applier: Applier::new(store.clone(), gateways.clone()),
            gateways,
            cursors: Cursors::new(&config.cursor_secret),
            together: Together::new(config.database.usage_group, settings.policy),
            settings,
            scheduler: Scheduler::new(store.clone(), retention, config.scheduler.has_test_clock),
            store,
        })))
    }

    /// Answers a GraphQL request of a caller; none when it carried no token.
    pub async fn execute(
        &self,
        request: Request,
        allowed: Allowed,
        caller: Option<Arc<Principal>>,
        meta: RequestMeta,
    ) -> Answer {
        match self.operation(request, allowed, &meta.id, |_| Ok(())) {
            Ok(operation) => self.run(operation, allowed, caller, meta).await,
            Err(refused) => *refused,
        }
    }

    /// The operation of a request, if it is valid, allowed and not too costly; otherwise the answer that says so. `charge`
    /// is told what it costs before anything is done for it, and may refuse.
    pub fn operation(
        &self,
        request: Request,
        allowed: Allowed,
        request_id: &str,
        mut charge: impl FnMut(u64) -> Result<(), TooOften>,
    ) -> Result<Operation, Box<Answer>> {
        let attempt = || {
            let (query, name) = (&request.query, request.operation_name.as_deref());
            let judged = || charge(cost::of_text(query.len())).map_err(Stopped::from);
            let operation = self.0.documents.operation(query, name, request.variables, judged)?;
            let cost = cost::cost(operation.definition(), &operation.variables);
            if cost > cost::MAX_COST {
                return Err(graphql::error::too_complex(cost).into());
            }
            if allowed == Allowed::Queries && operation.definition().ty == OperationType::Mutation {
                return Ok(None);
            }
            charge(cost)?;
            Ok(Some(operation))
        };
        match attempt() {
            Ok(Some(operation)) => Ok(operation),
            Ok(None) => Err(Box::new(Answer::IsMutation)),
            Err(Stopped::TooOften(too_often)) => Err(Box::new(Answer::TooOften(too_often))),
            Err(Stopped::Refused(refused)) => {
                Err(Box::new(Answer::Refused(finished(graphql::error::refused(refused), request_id))))
            }
        }
    }

    /// Answers an operation.
    pub async fn run(
        &self,
        operation: Operation,
        allowed: Allowed,
        caller: Option<Arc<Principal>>,
        meta: RequestMeta,
    ) -> Answer {
        let request_id = Arc::clone(&meta.id);
        if self.0.settings.has_test_clock
            && let Err(error) = self.0.store.learn_test_clock().await
        {
            tracing::warn!(error = error.told_inside(), "it cannot be learned how far the test clock is ahead");
        }
        let scope = Scope::new(self.0.store.clone(), caller.map(Caller::Token), meta);
        let context = RequestContext::new(scope, self.0.cursors.clone(), Arc::clone(&self.0.settings));
        let mut because = "asked_for";
        if allowed != Allowed::EverythingByResolvers {
            match read::answer(&context, operation.definition(), &operation.variables).await {
                Ok(answered) => return short(written(answered, &request_id), &operation, &request_id),
                Err(unplanned) => because = unplanned.as_str(),
            }
        }
        let document = match self.0.documents.bound(&operation) {
            Ok(document) => document,
            Err(refused) => return Answer::Refused(finished(graphql::error::refused(refused), &request_id)),
        };
        let (batches, loader) = Batches::new(context.scope.clone());
        let mut request = Request::new("").variables(Variables::default()).data(context).data(loader);
        request = request.data(self.0.scheduler.clone()).data(self.0.together.clone());
        request = request.data(self.0.gateways.clone()).data(self.0.applier.clone());
        request.set_parsed_query(document);
        // In a box, because it is large and most requests do without it.
        let response = Box::pin(batches.drive(self.0.schema.execute(request))).await;
        short(resolved(finished(response, &request_id), because, &request_id), &operation, &request_id)
    }

    /// Verifies tokens.
    pub fn verifier(&self) -> &TokenVerifier {
        &self.0.verifier
    }

    /// The schema that documents are judged by, in GraphQL's schema definition language.
    pub fn sdl(&self) -> String {
        graphql::sdl(self.0.settings.has_test_clock)
    }

    /// What brings about what is due.
    pub fn scheduler(&self) -> &Scheduler {
        &self.0.scheduler
    }

    /// What applies what gateways are like.
    pub fn applier(&self) -> &Applier {
        &self.0.applier
    }

    /// The gateways that can be asked.
    pub fn gateways(&self) -> &Gateways {
        &self.0.gateways
    }

    /// The database.
    pub fn store(&self) -> &Store {
        &self.0.store
    }
}

fn finished(mut response: Response, request_id: &str) -> Response {
    graphql::error::finish(&mut response, request_id);
    response
}

/// The answer, if it is not too long.
fn short(answer: Answer, operation: &Operation, request_id: &str) -> Answer {
    match &answer {
        Answer::Written { json, .. } | Answer::Resolved { json, .. } if json.len() > cost::MAX_ANSWER => {
            let is_mutation = operation.definition().ty == OperationType::Mutation;
            Answer::Refused(finished(graphql::error::refused(graphql::error::too_long(is_mutation)), request_id))
        }
        _ => answer,
    }
}

/// An answer of the resolvers, and why it is not the read path's.
fn resolved(response: Response, because: &'static str, request_id: &str) -> Answer {
    if graphql::error::is_all_unavailable(&response) {
        return Answer::Unavailable(response);
    }
    let error = response.errors.first().and_then(graphql::error::code);
    match graphql::response::body(&response, true) {
        Ok(json) => Answer::Resolved { because, json, error },
        Err(error) => {
            let error = async_graphql::Error::from(crate::error::Error::Internal(error.to_string().into()));
            let failed = Response::from_errors(vec![error.into_server_error(Pos::default())]);
            Answer::Refused(finished(failed, request_id))
        }
    }
}

/// An answer of the read path with its errors, if there are any.
fn written(read::Answered { data: mut json, found, errors }: read::Answered, request_id: &str) -> Answer {
    let mut error = None;
    if !errors.is_empty() {
        let failed = finished(Response::from_errors(errors), request_id);
        if !found && graphql::error::is_all_unavailable(&failed) {
            return Answer::Unavailable(failed);
        }
        error = failed.errors.first().and_then(graphql::error::code);
        json.extend_from_slice(br#","errors":"#);
        json.extend_from_slice(&serde_json::to_vec(&failed.errors).unwrap_or_else(|_| b"[]".to_vec()));
    }
    json.push(b'}');
    Answer::Written { json, error }
}
