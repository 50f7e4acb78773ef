//! GraphQL over HTTP: methods, media types, statuses, authentication; and the other addresses.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tessera::app::App;
use tessera::auth::{Grant, Role, TokenIssuer};
use tessera::clock::Clock;
use tessera::config::{Config, DemoSecrets, KeySource, SignatureAlgorithm};
use tessera::http::{Options, Persona, router};
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

    /// With an `Authorization` header.
    async fn post_as(&self, authorization: &str) -> Answer {
        let request = Request::post("/graphql").header("content-type", JSON).header("authorization", authorization);
        self.send(request.body(json!({ "query": "{ __typename }" }).to_string().into()).expect("a request")).await
    }

    fn token(&self, expires_in: Duration, clock: Clock) -> String {
        let grant = Grant {
            subject: "ann".into(),
            role: Role::Root,
            organization: None,
            customer: None,
            permissions: None,
            expires_in,
            impersonator: None,
        };
        TokenIssuer::new(&self.config.auth, clock).expect("a shared secret").issue(grant).expect("issued")
    }
}

#[tokio::test]
async fn the_type_of_an_answer_is_negotiated() {
    let edge = Edge::start().await;
    let query = json!({ "query": "{ __typename }" });
    for (accept, status, content_type) in [
        (GRAPHQL, 200, "application/graphql-response+json; charset=utf-8"),
        (JSON, 200, "application/json; charset=utf-8"),
        ("*/*", 200, "application/json; charset=utf-8"),
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
    assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
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
            400,
        ),
        ("brackets only", json!({ "query": "{a".repeat(5_000) }).to_string(), 400, 400),
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
    let announced = Request::post("/graphql").header("content-type", JSON).header("content-length", "1000000");
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

#[tokio::test]
async fn a_token_is_valid_or_refused_but_never_ignored() {
    let edge = Edge::start().await;
    let token = edge.token(Duration::from_secs(60), Clock::system());
    for right in [format!("Bearer {token}"), format!("bearer {token}")] {
        assert_eq!(edge.post_as(&right).await.status, 200);
    }
    let past = Clock::manual(Clock::system().now().plus_days(-1));
    let expired = edge.token(Duration::from_secs(60), past);
    for (authorization, message) in [
        (format!("Bearer {expired}"), "The token has expired."),
        (format!("Bearer {token}x"), "The token is not valid."),
        ("Bearer x".into(), "The token is not valid."),
        ("Bearer ".into(), "The token is not valid."),
        ("Bearer".into(), "Send one header `Authorization: Bearer` with a token."),
        (format!("Basic {token}"), "Send one header `Authorization: Bearer` with a token."),
        (token.clone(), "Send one header `Authorization: Bearer` with a token."),
    ] {
        let answer = edge.post_as(&authorization).await;
        assert_eq!((answer.status, answer.code()), (401, json!("UNAUTHENTICATED")), "{authorization}");
        assert_eq!(answer.header("www-authenticate"), r#"Bearer error="invalid_token""#);
        assert_eq!(answer.json()["errors"][0]["message"], message);
        assert!(answer.json().get("data").is_none());
    }
    let twice =
        Request::post("/graphql").header("content-type", JSON).header("authorization", format!("Bearer {token}"));
    let twice = twice.header("authorization", "Bearer x").body(Body::from(r#"{"query":"{__typename}"}"#));
    assert_eq!(edge.send(twice.expect("a request")).await.status, 401);
}

#[tokio::test]
async fn a_token_that_nobody_can_look_at_is_not_called_invalid() {
    let edge = Edge::start_with(|config, _| {
        // Port 1 of this machine answers nobody.
        let (url, algorithms) = ("http://127.0.0.1:1/jwks".into(), vec![SignatureAlgorithm::Es256]);
        config.auth.key = KeySource::Jwks { url, algorithms };
    })
    .await;
    // Header {"alg":"ES256"}, payload {}.
    let answer = edge.post_as("Bearer eyJhbGciOiJFUzI1NiJ9.e30.AAAA").await;
    assert_eq!((answer.status, answer.code()), (503, json!("SERVICE_UNAVAILABLE")));
    assert_eq!(answer.header("retry-after"), "5");
    assert_eq!(answer.header("www-authenticate"), "");
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
    assert_eq!(answer.body, tessera::graphql::sdl());
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
