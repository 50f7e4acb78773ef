//! Connections as clients see them: how many there may be, how long a body takes, and how the server takes its leave.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::Request;
use futures_util::{StreamExt as _, stream};
use serde_json::json;
use tessera::config::ServerConfig;
use tessera::http::serve;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{Edge, JSON};

struct Served {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    server: JoinHandle<std::io::Result<()>>,
    _edge: Edge,
}

impl Served {
    async fn start(config: ServerConfig) -> Self {
        let edge = Edge::start().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(serve(listener, edge.router.clone(), config, async { drop(stopped.await) }));
        Self { address, stop, server, _edge: edge }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

#[tokio::test]
async fn too_many_connections_are_refused_but_health_is_told() {
    let served = Served::start(ServerConfig { max_connections: 1, ..ServerConfig::default() }).await;
    let first = reqwest::Client::new();
    assert_eq!(first.get(served.url("/healthz")).send().await.expect("an answer").status(), 200);
    // A client of its own each: a connection of its own.
    for path in ["/healthz", "/readyz"] {
        assert_eq!(reqwest::get(served.url(path)).await.expect("an answer").status(), 200, "{path}");
    }
    let ask = reqwest::Client::new().post(served.url("/graphql")).header("content-type", JSON);
    let refused = ask.body(json!({ "query": "{ __typename }" }).to_string()).send().await.expect("an answer");
    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (503, &"1".parse().expect("a value")));
    assert_eq!(refused.headers()["connection"], "close");
    let body: serde_json::Value = refused.json().await.expect("JSON");
    assert_eq!(body["errors"][0]["extensions"], json!({ "code": "SERVICE_UNAVAILABLE", "retryAfterMs": 1000 }));
}

/// A client that is still sending when the server closes the connection sees no answer.
#[tokio::test]
async fn a_body_that_is_far_too_large_is_refused_in_words() {
    let served = Served::start(ServerConfig::default()).await;
    let client = reqwest::Client::new();
    for _ in 0..20 {
        let ask = client.post(served.url("/graphql")).header("content-type", JSON);
        let refused = ask.body(vec![b' '; 2_000_000]).send().await.expect("an answer");
        assert_eq!(refused.status(), 413);
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let limit = |_: &mut _, options: &mut tessera::http::Options| options.body_timeout = Duration::from_millis(10);
    let edge = Edge::start_with(limit).await;
    let half = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"{\"query\":"))]).chain(stream::pending());
    let request = Request::post("/graphql").header("content-type", JSON).body(Body::from_stream(half));
    let answer = edge.send(request.expect("a request")).await;
    assert_eq!((answer.status, answer.code()), (408, json!("REQUEST_TIMEOUT")));
    assert_eq!(answer.header("connection"), "close");
}

#[tokio::test]
async fn a_server_that_is_about_to_stop_is_not_ready() {
    let delay = Duration::from_secs(2);
    let served = Served::start(ServerConfig { shutdown_delay: delay, ..ServerConfig::default() }).await;
    let (ready, alive) = (served.url("/readyz"), served.url("/healthz"));
    assert_eq!(reqwest::get(&ready).await.expect("an answer").status(), 200);
    served.stop.send(()).expect("the server waits for it");
    let told = loop {
        let answer = reqwest::get(&ready).await.expect("still an answer");
        if answer.status() == 503 {
            break answer;
        }
    };
    assert_eq!(told.headers()["connection"], "close");
    assert_eq!(told.text().await.expect("a body"), json!({ "status": "stopping" }).to_string());
    assert_eq!(reqwest::get(&alive).await.expect("an answer").status(), 200, "it is alive all the same");
    served.server.await.expect("no panic").expect("ended in good order");
}
