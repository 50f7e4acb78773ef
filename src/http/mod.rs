//! The HTTP edge: router, GraphQL over HTTP, authentication, health, GraphiQL.
//!
//! The GraphQL handler is our own: async-graphql's would run mutations on GET and text bodies, and answers 200 to
//! everything.

mod accept;
mod admission;
mod bearer;
mod budget;
mod edge;
mod error;
mod graphiql;
mod graphql;
mod health;
mod host;
mod metrics;
mod parameters;
mod request_id;
mod server;
mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};

use self::admission::Admission;
use self::budget::Budgets;
use self::metrics::Metrics;
use crate::app::App;
use crate::config::{Config, RateConfig};

pub use graphiql::Persona;
pub use server::{serve, shutdown_signal};

/// What the router serves besides `/graphql`.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether GraphiQL is served at `/graphiql`.
    pub graphiql: bool,
    /// Whether the schema is served at `/schema.graphql`.
    pub introspection: bool,
    /// Whether figures for Prometheus are served at `/metrics`.
    pub metrics: bool,
    /// The callers that GraphiQL offers to act as. Holds tokens: for demos only.
    pub personas: Option<Vec<Persona>>,
    /// How long a request to `/graphql` may take, its body included.
    pub request_timeout: Duration,
    /// How long its body alone may take.
    pub body_timeout: Duration,
    /// How much callers may ask for.
    pub rates: RateConfig,
}

impl Options {
    /// The options that the configuration names; without personas.
    pub fn new(config: &Config) -> Self {
        Self {
            graphiql: config.graphiql,
            introspection: config.introspection,
            metrics: config.metrics,
            personas: None,
            request_timeout: Duration::from_secs(10),
            body_timeout: config.server.body_timeout,
            rates: config.rates,
        }
    }
}

/// What handlers have at hand.
#[derive(Clone)]
struct Served {
    app: App,
    request_timeout: Duration,
    body_timeout: Duration,
    admission: Admission,
    budgets: Arc<Budgets>,
    metrics: Arc<Metrics>,
}

impl FromRef<Served> for App {
    fn from_ref(served: &Served) -> Self {
        served.app.clone()
    }
}

/// The whole HTTP interface of the service.
pub fn router(app: App, options: Options) -> Router {
    let method_not_allowed = || async { error::HttpError::method_not_allowed().into_response() };
    let graphql = get(graphql::get).post(graphql::post).fallback(method_not_allowed);
    let mut router = Router::new()
        .route("/graphql", graphql)
        .route("/webhooks/{gateway}/{slug}", post(webhooks::post).fallback(method_not_allowed))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready));
    if options.metrics {
        router = router.route("/metrics", get(metrics::get));
    }
    if options.introspection {
        router = router.route("/schema.graphql", get(schema));
    }
    let is_demo = options.personas.is_some();
    if options.graphiql {
        router = router.route("/", get(async || Redirect::temporary("/graphiql")));
        router = router.merge(graphiql::routes(options.personas.map(Arc::from)));
    }
    let admission = Admission::default();
    let served = Served {
        metrics: Arc::new(Metrics::new(app.clone(), admission.clone())),
        app,
        request_timeout: options.request_timeout,
        body_timeout: options.body_timeout,
        admission,
        budgets: Arc::new(Budgets::new(options.rates)),
    };
    router = router.fallback(not_found);
    if is_demo {
        router = router.layer(from_fn(host::insist_on_address));
    }
    router.layer(from_fn(edge::observe)).with_state(served)
}

/// As plain text, which browsers show and every tool reads. The registered types are for requests and answers, and an
/// unknown `application/…` would be downloaded.
async fn schema(State(app): State<App>) -> impl IntoResponse {
    ([("content-type", "text/plain; charset=utf-8"), ("cache-control", "no-cache")], app.sdl())
}

async fn not_found() -> Response {
    error::HttpError::new(StatusCode::NOT_FOUND, "NOT_FOUND", "There is nothing at this address.").into_response()
}
