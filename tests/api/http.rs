//! GraphQL over HTTP: methods, media types, statuses, authentication; and the other addresses.

mod addresses;
mod answers;
mod connections;
mod overload;
mod process;
mod rates;
mod requests;
mod tokens;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request};
use serde_json::Value;
use tempfile::TempDir;
use tessera::app::App;
use tessera::clock::Clock;
use tessera::config::{Config, DemoSecrets};
use tessera::http::{Options, router};
use tessera::store::Store;
use tower::ServiceExt;

const GRAPHQL: &str = "application/graphql-response+json";
const JSON: &str = "application/json";

/// The router of an empty installation.
struct Edge {
    router: Router,
    config: Config,
    _dir: TempDir,
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    fn code(&self) -> Value {
        self.json()["errors"][0]["extensions"]["code"].clone()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }
}

impl Edge {
    async fn start() -> Self {
        Self::start_with(|_, _| {}).await
    }

    async fn start_with(change: impl FnOnce(&mut Config, &mut Options)) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let secrets = DemoSecrets::load_or_create(dir.path()).expect("secrets");
        let mut config = Config::demo(([127, 0, 0, 1], 0).into(), dir.path(), &secrets);
        let mut options = Options::new(&config);
        change(&mut config, &mut options);
        let store = Store::open(&config.database, Clock::system()).await.expect("opened");
        store.migrate_up().await.expect("migrated");
        let app = App::start(&config, Clock::system()).await.unwrap_or_else(|error| panic!("{error}"));
        Self { router: router(app, options), config, _dir: dir }
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.router.clone().oneshot(request).await.expect("infallible").into_parts();
        let body = to_bytes(body, usize::MAX).await.expect("a body");
        let body = String::from_utf8(body.to_vec()).expect("UTF-8");
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    async fn post(&self, accept: &str, body: impl ToString) -> Answer {
        let request = Request::post("/graphql").header("accept", accept).header("content-type", JSON);
        self.send(request.body(body.to_string().into()).expect("a request")).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).expect("a request")).await
    }
}
