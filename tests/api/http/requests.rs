//! How requests come: methods, bodies and their limits, parameters in the URL.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::json;

use super::{Edge, JSON};

#[tokio::test]
async fn a_body_is_json_in_utf8_or_refused() {
    let edge = Edge::start().await;
    let send = async |content_type: Option<&str>, encoding: Option<&str>| {
        let mut request = Request::post("/graphql");
        for (name, value) in [("content-type", content_type), ("content-encoding", encoding)] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        edge.send(request.body(json!({ "query": "{ __typename }" }).to_string().into()).expect("a request")).await
    };
    for right in ["application/json", "application/json; charset=utf-8", "Application/JSON;charset=\"UTF-8\""] {
        assert_eq!(send(Some(right), None).await.status, 200, "{right}");
    }
    for wrong in [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        "application/graphql-response+json",
        "application/json; charset=iso-8859-1",
        "application/jsonp",
        "text/plain; application/json",
    ] {
        let answer = send(Some(wrong), None).await;
        assert_eq!((answer.status, answer.code()), (415, json!("UNSUPPORTED_MEDIA_TYPE")), "{wrong}");
    }
    assert_eq!(send(None, None).await.status, 415);
    assert_eq!(send(Some(JSON), Some("gzip")).await.status, 415);
}

#[tokio::test]
async fn a_large_body_is_refused() {
    let edge = Edge::start().await;
    let body = |length: usize| {
        let body = json!({ "query": "{ __typename }" }).to_string();
        let padding = " ".repeat(length - body.len());
        body + &padding
    };
    assert_eq!(edge.post(JSON, body(128 * 1024)).await.status, 200);
    let answer = edge.post(JSON, body(128 * 1024 + 1)).await;
    assert_eq!((answer.status, answer.code()), (413, json!("PAYLOAD_TOO_LARGE")));

    // Announced only, and not announced at all.
    let announced = Request::post("/graphql").header("content-type", JSON).header("content-length", "10000000");
    assert_eq!(edge.send(announced.body(Body::empty()).expect("a request")).await.status, 413);
    let chunks = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(" ".repeat(1000)));
    let endless = Request::post("/graphql").header("content-type", JSON);
    assert_eq!(edge.send(endless.body(Body::from_stream(chunks)).expect("a request")).await.status, 413);
}

#[tokio::test]
async fn get_runs_queries_and_nothing_else() {
    let edge = Edge::start().await;
    // query q($n: String!) { __type(name: $n) { name } }
    let query = "/graphql?query=query%20q%28%24n%3AString%21%29%7B__type%28name%3A%24n%29%7Bname%7D%7D";
    let others = "operationName=q&variables=%7B%22n%22%3A%22Query%22%7D&extensions=%7B%7D";
    let answer = edge.get(&format!("{query}&{others}")).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "data": { "__type": { "name": "Query" } } })));

    for (what, path, status, allow) in [
        ("a mutation", "/graphql?query=mutation%7B__typename%7D", 405, "POST"),
        (
            "one of several",
            "/graphql?query=query%20a%7B__typename%7Dmutation%20b%7B__typename%7D&operationName=b",
            405,
            "POST",
        ),
        ("no parameters", "/graphql", 400, ""),
        ("no query", "/graphql?variables=%7B%7D", 400, ""),
        ("a query twice", "/graphql?query=%7B__typename%7D&query=%7B__typename%7D", 400, ""),
        ("variables no JSON", "/graphql?query=%7B__typename%7D&variables=a", 400, ""),
        ("variables a list", "/graphql?query=%7B__typename%7D&variables=%5B%5D", 400, ""),
    ] {
        let answer = edge.get(path).await;
        assert_eq!((answer.status, answer.header("allow")), (status, allow), "{what}: {}", answer.body);
        assert!(answer.code().is_string(), "{what}");
    }
    let brackets = format!("/graphql?query={}", "%7Ba".repeat(5_000));
    assert_eq!(edge.get(&brackets).await.code(), "GRAPHQL_PARSE_FAILED");
}

/// A client that persists queries sends the hash alone first, and the document when it is told this.
#[tokio::test]
async fn a_hash_without_a_document_is_answered_so_that_the_document_follows() {
    let edge = Edge::start().await;
    let hash =
        json!({ "version": 1, "sha256Hash": "ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38" });
    let extensions = json!({ "persistedQuery": hash });
    for query in [json!({ "extensions": extensions }), json!({ "query": null, "extensions": extensions })] {
        let answer = edge.post(JSON, &query).await;
        assert_eq!((answer.status, answer.code()), (200, json!("PERSISTED_QUERY_NOT_SUPPORTED")));
        assert_eq!(answer.json()["errors"][0]["message"], "PersistedQueryNotSupported");
    }
    let answer = edge.get("/graphql?extensions=%7B%22persistedQuery%22%3A%7B%22version%22%3A1%7D%7D").await;
    assert_eq!((answer.status, answer.code()), (200, json!("PERSISTED_QUERY_NOT_SUPPORTED")));
    let both = edge.post(JSON, json!({ "query": "{ __typename }", "extensions": extensions })).await;
    assert_eq!(both.json(), json!({ "data": { "__typename": "Query" } }));
}

#[tokio::test]
async fn other_methods_are_refused() {
    let edge = Edge::start().await;
    for method in [Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS] {
        let request = Request::builder().method(&method).uri("/graphql").body(Body::empty()).expect("a request");
        let answer = edge.send(request).await;
        assert_eq!((answer.status, answer.header("allow")), (405, "GET, HEAD, POST"), "{method}");
        assert_eq!(answer.code(), "METHOD_NOT_ALLOWED");
    }
}
