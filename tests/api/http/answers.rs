//! How answers come: their media types, their statuses, the id of the request.

use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use super::{Edge, GRAPHQL, JSON};

#[tokio::test]
async fn the_type_of_an_answer_is_negotiated() {
    let edge = Edge::start().await;
    let query = json!({ "query": "{ __typename }" });
    for (accept, status, content_type) in [
        (GRAPHQL, 200, "application/graphql-response+json; charset=utf-8"),
        (JSON, 200, "application/json; charset=utf-8"),
        ("*/*", 200, "application/graphql-response+json; charset=utf-8"),
        (
            "application/json, application/graphql-response+json",
            200,
            "application/graphql-response+json; charset=utf-8",
        ),
        ("application/graphql-response+json;q=0.1, application/json", 200, "application/json; charset=utf-8"),
        ("text/html", 406, "application/json; charset=utf-8"),
        ("application/json;q=0", 406, "application/json; charset=utf-8"),
    ] {
        let answer = edge.post(accept, &query).await;
        assert_eq!((answer.status, answer.header("content-type")), (status, content_type), "{accept}");
        if status == 200 {
            assert_eq!(answer.json(), json!({ "data": { "__typename": "Query" } }));
        } else {
            assert_eq!(answer.code(), "NOT_ACCEPTABLE");
        }
    }
    let unspecific = Request::post("/graphql").header("content-type", JSON);
    let answer = edge.send(unspecific.body(query.to_string().into()).expect("a request")).await;
    assert_eq!(answer.header("content-type"), "application/graphql-response+json; charset=utf-8");
}

#[tokio::test]
async fn statuses_follow_the_draft() {
    let edge = Edge::start().await;
    // As application/graphql-response+json, as application/json.
    for (what, body, graphql, json) in [
        ("no JSON", "{".to_owned(), 400, 400),
        ("nothing", String::new(), 400, 400),
        ("no object", r#""{ __typename }""#.into(), 400, 400),
        ("a query twice", r#"{"query":"{a}","query":"{b}"}"#.into(), 400, 400),
        ("nested without end", "[".repeat(100_000), 400, 400),
        ("no query", json!({}).to_string(), 400, 400),
        ("query null", json!({ "query": null }).to_string(), 400, 400),
        ("query a number", json!({ "query": 1 }).to_string(), 400, 400),
        ("query an object", json!({ "query": {} }).to_string(), 400, 400),
        ("operationName a number", json!({ "query": "{ __typename }", "operationName": 1 }).to_string(), 400, 400),
        ("variables a string", json!({ "query": "{ __typename }", "variables": "{}" }).to_string(), 400, 400),
        ("variables a list", json!({ "query": "{ __typename }", "variables": [] }).to_string(), 400, 400),
        ("extensions a number", json!({ "query": "{ __typename }", "extensions": 0 }).to_string(), 400, 400),
        ("a batch", json!([{ "query": "{ __typename }" }]).to_string(), 400, 400),
        ("an empty batch", " []".into(), 400, 400),
        (
            "a value that would exhaust the stack",
            json!({ "query": format!("{{ __type(name: {}{}) {{ name }} }}", "[".repeat(450), "]".repeat(450)) })
                .to_string(),
            400,
            200,
        ),
        ("brackets only", json!({ "query": "{a".repeat(5_000) }).to_string(), 400, 200),
        ("a document that cannot be parsed", json!({ "query": "{" }).to_string(), 400, 200),
        ("an empty document", json!({ "query": "" }).to_string(), 400, 200),
        ("a field that does not exist", json!({ "query": "{ noSuchField }" }).to_string(), 400, 200),
        (
            "an operation that does not exist",
            json!({ "query": "query a { __typename }", "operationName": "b" }).to_string(),
            400,
            200,
        ),
    ] {
        for (accept, status) in [(GRAPHQL, graphql), (JSON, json)] {
            let answer = edge.post(accept, &body).await;
            assert_eq!(answer.status, status, "{what} as {accept}: {}", answer.body);
            assert!(answer.header("content-type").starts_with(accept), "{what}");
            assert!(answer.json().get("data").is_none(), "{what}: {}", answer.body);
            assert!(answer.json()["errors"][0]["message"].is_string(), "{what}");
            if json == 400 {
                assert!(answer.code().is_string(), "{what}");
            }
        }
    }
    for (what, body) in [
        (
            "all parameters",
            json!({ "query": "query a { __typename }", "operationName": "a", "variables": {}, "extensions": {} }),
        ),
        ("nulls", json!({ "query": "{ __typename }", "operationName": null, "variables": null, "extensions": null })),
        ("a parameter of the future", json!({ "query": "{ __typename }", "onError": "NULL" })),
    ] {
        let answer = edge.post(GRAPHQL, &body).await;
        assert_eq!((answer.status, answer.json()), (200, json!({ "data": { "__typename": "Query" } })), "{what}");
    }
}

#[tokio::test]
async fn the_request_id_comes_back() {
    let edge = Edge::start().await;
    let send = async |id: &str| {
        let request = Request::get("/healthz").header("x-request-id", id).body(Body::empty());
        edge.send(request.expect("a request")).await.header("x-request-id").to_owned()
    };
    assert_eq!(send("trace-1").await, "trace-1");
    assert_ne!(send("two words").await, "two words");
    assert_eq!(edge.get("/healthz").await.header("x-request-id").len(), 36);
}
