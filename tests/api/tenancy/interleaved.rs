//! Several callers on one connection, with the same documents: each is answered for itself.

use std::sync::Arc;

use serde_json::{Value, json};
use tessera::auth::{Permission, Role};
use tessera::config::ServerConfig;
use tessera::http::{Options, router, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::support::estate::Estate;
use crate::support::{Client, World, ask, on_both};

const PAGE: &str = "query($n: Int) { viewer { subject role organization { slug } customer { name } }
    customers(first: $n) { nodes { id name email metadata subscription { externalId tier { key } payments { nodes { id } } } } } }";
const DOCUMENTS: [&str; 4] = [
    PAGE,
    "query($id: ID!) { node(id: $id) { id ... on Customer { name subscription { externalId } } } customer(id: $id) { email } }",
    "{ subscriptions { nodes { id externalId owner { ... on Customer { name } ... on Organization { slug } } } } tiers { nodes { key } } }",
    "{ organization { slug } members { nodes { email } } auditEvents(first: 3) { nodes { id actor changes } } }",
];

/// A request as it goes over the wire.
fn request(client: &Client, document: &str, variables: &Value) -> String {
    let body = json!({"query": document, "variables": variables}).to_string();
    let authorization = match client.token() {
        "" => String::new(),
        token => format!("authorization: Bearer {token}\r\n"),
    };
    format!(
        "POST /graphql HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\naccept: application/json\r\n{authorization}\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The bodies of so many answers.
async fn bodies(stream: &mut TcpStream, count: usize) -> Vec<String> {
    let (mut text, mut found) = (Vec::new(), Vec::new());
    while found.len() < count {
        let end = text.windows(4).position(|window| window == b"\r\n\r\n").map(|place| place + 4);
        let head = end.map(|end| String::from_utf8_lossy(&text[..end]).to_lowercase());
        let length: Option<usize> =
            head.as_ref().and_then(|head| head.split("content-length: ").nth(1)?.lines().next()?.parse().ok());
        if let (Some(end), Some(length)) = (end, length)
            && text.len() >= end + length
        {
            let rest: Vec<u8> = text.split_off(end + length);
            found.push(String::from_utf8(text.split_off(end)).expect("text"));
            text = rest;
            continue;
        }
        let mut bytes = [0; 16 * 1024];
        let read = stream.read(&mut bytes).await.expect("the server answers");
        assert!(read > 0, "the server has closed behind {} of {count} answers", found.len());
        text.extend_from_slice(&bytes[..read]);
    }
    found
}

#[on_both]
async fn callers_on_one_connection_are_answered_for_themselves(world: &World) {
    let alpha = Estate::fill(world, world.alpha, "zqalpha").await;
    let beta = Estate::fill(world, world.beta, "zqbeta").await;
    let gamma = Estate::fill(world, world.gamma, "zqgamma").await;
    let callers = [
        world.admin(world.alpha),
        world.admin(world.beta),
        world.customer(world.alpha, &alpha.customer.id),
        world.customer(world.beta, &beta.customer.id),
        world.caller(Role::Worker, world.alpha),
        world.service(world.beta, &[Permission::CustomersRead]),
        world.caller(Role::Reseller, world.gamma),
        world.caller(Role::Support, world.alpha),
        world.nobody(),
    ];
    let ids = [&alpha.customer.id, &beta.customer.id, &gamma.customer.id];
    let mut asked = Vec::new();
    for (number, client) in callers.iter().enumerate() {
        for document in DOCUMENTS {
            let id = ids[number % ids.len()];
            let variables = if document.contains("$id") {
                json!({"id": id})
            } else if document.contains("$n") {
                json!({"n": 5})
            } else {
                json!({})
            };
            // By a program that has seen nothing before.
            let alone = tessera::app::App::with_store(&world.config, world.store.clone()).expect("an app");
            let expected = ask(&client.clone().with_app(alone), document, &variables).await.value();
            asked.push((request(client, document, &variables), expected));
        }
    }
    let shown = |mark: &str| asked.iter().filter(|(_, answer)| answer.to_string().contains(mark)).count();
    assert!(["zqalpha", "zqbeta", "zqgamma"].into_iter().all(|mark| (2..asked.len()).contains(&shown(mark))));

    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel::<()>();
    let routes = router(world.app.clone(), Options::new(&world.config));
    let config = ServerConfig { shutdown_delay: std::time::Duration::ZERO, ..ServerConfig::default() };
    let server = tokio::spawn(serve(listener, routes, config, async { drop(stopped.await) }));
    let asked = Arc::new(asked);
    // Two connections at once, each with all callers, in an order of its own; twice, so that every document is new
    // to somebody and known to somebody.
    let connection = |step: usize| {
        let asked = Arc::clone(&asked);
        async move {
            let mut stream = TcpStream::connect(address).await.expect("connected");
            for round in 0..2 {
                let order: Vec<usize> = (0..asked.len()).map(|place| (place * step + round) % asked.len()).collect();
                for group in order.chunks(6) {
                    let requests: String = group.iter().map(|place| asked[*place].0.as_str()).collect();
                    stream.write_all(requests.as_bytes()).await.expect("sent");
                    for (place, body) in group.iter().zip(bodies(&mut stream, group.len()).await) {
                        let got: Value = serde_json::from_str(&body).expect("JSON");
                        assert_eq!(got, asked[*place].1, "{}", asked[*place].0);
                    }
                }
            }
        }
    };
    // Steps without a common factor with the number of requests: each order has all of them.
    futures_util::future::join(connection(5), connection(7)).await;
    assert!(asked.len() % 5 != 0 && asked.len() % 7 != 0);
    drop(stop);
    server.await.expect("no panic").expect("it stops");
}
