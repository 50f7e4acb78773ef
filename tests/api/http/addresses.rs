//! The other addresses: health, the schema, GraphiQL.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::json;
use tessera::http::Persona;

use super::Edge;

#[tokio::test]
async fn health_is_told() {
    let edge = Edge::start().await;
    for path in ["/healthz", "/readyz"] {
        let answer = edge.get(path).await;
        assert_eq!((answer.status, answer.json()), (200, json!({ "status": "ok" })), "{path}");
    }
}

#[tokio::test]
async fn the_schema_can_be_read_where_introspection_is_on() {
    let answer = Edge::start().await.get("/schema.graphql").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/plain; charset=utf-8"));
    // This one has a test clock, as the demo has.
    assert_eq!(answer.body, tessera::graphql::sdl(true));
    let closed = Edge::start_with(|_, options| options.introspection = false).await;
    assert_eq!(closed.get("/schema.graphql").await.status, 404);
}

#[tokio::test]
async fn graphiql_comes_from_this_server_alone() {
    let edge = Edge::start().await;
    let root = edge.get("/").await;
    assert_eq!((root.status, root.header("location")), (307, "/graphiql"));
    let page = edge.get("/graphiql").await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'self';") && !policy.contains("unsafe"), "{policy}");

    // Whatever the page names is served.
    let files: Vec<_> = page.body.split('"').filter(|text| text.starts_with("/graphiql/")).collect();
    assert!(files.len() >= 4, "{files:?}");
    for file in files {
        let answer = edge.get(file).await;
        let expected = if file.ends_with(".js") { "text/javascript; charset=utf-8" } else { "text/css; charset=utf-8" };
        assert_eq!((answer.status, answer.header("content-type")), (200, expected), "{file}");
        let again = Request::get(file).header("if-none-match", answer.header("etag")).body(Body::empty());
        let again = edge.send(again.expect("a request")).await;
        assert_eq!((again.status, again.body.as_str()), (304, ""), "{file}");
    }
    for absent in ["/graphiql/none.js", "/graphiql/..%2FCargo.toml", "/graphiql/personas.json", "/nothing"] {
        let answer = edge.get(absent).await;
        assert_eq!((answer.status, answer.code()), (404, json!("NOT_FOUND")), "{absent}");
    }
}

#[tokio::test]
async fn figures_are_served_where_they_are_wanted() {
    let edge = Edge::start_with(|_, options| options.metrics = false).await;
    assert_eq!(edge.get("/metrics").await.status, 404);
    let edge = Edge::start().await;
    assert!(edge.get("/metrics").await.body.ends_with("# EOF\n"));
}

#[tokio::test]
async fn graphiql_can_be_switched_off() {
    let edge = Edge::start_with(|_, options| options.graphiql = false).await;
    for path in ["/", "/graphiql", "/graphiql/app.js", "/graphiql/personas.json"] {
        assert_eq!(edge.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_demo_offers_its_personas() {
    let persona = Persona { name: "ROOT".into(), token: Some("t".into()), query: "{ __typename }".into() };
    let edge = Edge::start_with(|_, options| options.personas = Some(vec![persona])).await;
    let answer = edge.get("/graphiql/personas.json").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.json(), json!([{ "name": "ROOT", "token": "t", "query": "{ __typename }" }]));
}

/// A page of another site could have had its name point here.
#[tokio::test]
async fn a_demo_is_not_asked_by_another_name() {
    let persona = Persona { name: "ROOT".into(), token: Some("t".into()), query: "{ __typename }".into() };
    let demo = Edge::start_with(|_, options| options.personas = Some(vec![persona])).await;
    let server = Edge::start().await;
    for path in ["/", "/graphiql/personas.json", "/graphql?query={__typename}", "/healthz"] {
        let asked = |host: &str| {
            let request = Request::get(path).header("host", host).header("accept", "*/*");
            request.body(Body::empty()).expect("a request")
        };
        for host in ["localhost:8080", "127.0.0.1:8080", "[::1]", "192.0.2.1"] {
            assert!(demo.send(asked(host)).await.status < 400, "{host}{path}");
        }
        for host in ["evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example"] {
            let answer = demo.send(asked(host)).await;
            assert_eq!((answer.status, answer.code()), (421, json!("MISDIRECTED_REQUEST")), "{host}{path}");
            assert_ne!(server.send(asked(host)).await.status, 421, "{host}{path}");
        }
    }
}
