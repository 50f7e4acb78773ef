//! Over sockets, with limits so short that they are reached at once.

use std::sync::atomic::{AtomicBool, Ordering};

use axum::Extension;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::routing::get;
use hyper::client::conn::http2;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use super::*;

const LONG: Duration = Duration::from_secs(3600);
const SHORT: Duration = Duration::from_millis(100);
const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: test\r\n\r\n";

/// Limits that are not reached.
fn patient() -> ServerConfig {
    ServerConfig {
        max_connections: 100,
        header_timeout: LONG,
        body_timeout: LONG,
        idle_timeout: LONG,
        write_timeout: LONG,
        shutdown_delay: Duration::ZERO,
    }
}

struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    server: JoinHandle<io::Result<()>>,
}

impl Running {
    async fn start(config: ServerConfig, router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(serve(listener, router, config, async { drop(stopped.await) }));
        Self { address, stop, server }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("connected")
    }
}

/// Says what kind of connection it is asked on.
fn hello() -> Router {
    let hello = async |Extension(peer): Extension<Arc<Peer>>| if peer.is_surplus() { "surplus" } else { "hello" };
    Router::new().route("/", get(hello))
}

/// Answers with so many bytes, or says that it does not.
fn lengthy(bytes: usize) -> Router {
    let send = async move |Extension(peer): Extension<Arc<Peer>>| {
        peer.send(vec![b'a'; bytes]).unwrap_or_else(|| "too much".into())
    };
    Router::new().route("/", get(send))
}

/// One whole answer with a body of known length; nothing if the connection ends before.
async fn answer(stream: &mut TcpStream) -> Option<String> {
    let mut text = String::new();
    loop {
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
            if body.len() == length.parse::<usize>().expect("a number") {
                return Some(text);
            }
        }
        let mut bytes = [0; 4096];
        match stream.read(&mut bytes).await {
            Ok(count @ 1..) => text.push_str(std::str::from_utf8(&bytes[..count]).expect("text")),
            _ => return None,
        }
    }
}

/// Whether nothing more comes.
async fn is_closed(stream: &mut TcpStream) -> bool {
    matches!(stream.read(&mut [0]).await, Ok(0) | Err(_))
}

#[tokio::test]
async fn half_a_head_and_silence_are_closed() {
    let server = Running::start(ServerConfig { header_timeout: SHORT, ..patient() }, hello()).await;
    for half in [&b""[..], b"G", b"GET / HTTP/1.1\r\nhost: te", b"PRI * HT"] {
        let mut stream = server.connect().await;
        stream.write_all(half).await.expect("sent");
        assert!(is_closed(&mut stream).await, "{half:?}");
    }
    // The second head of a connection has the same limit as the first.
    let mut stream = server.connect().await;
    stream.write_all(GET).await.expect("sent");
    answer(&mut stream).await.expect("an answer");
    stream.write_all(b"GET /").await.expect("sent");
    assert!(is_closed(&mut stream).await);
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let server = Running::start(ServerConfig { idle_timeout: SHORT, ..patient() }, hello()).await;
    let mut stream = server.connect().await;
    stream.write_all(GET).await.expect("sent");
    assert!(answer(&mut stream).await.expect("an answer").ends_with("hello"));
    assert!(is_closed(&mut stream).await);
    let (mut client, connection) = http2(&server).await;
    let connection = tokio::spawn(connection);
    client.send_request(request()).await.expect("an answer");
    connection.await.expect("no panic").expect("it was told to go");
}

#[tokio::test]
async fn time_limits_do_not_end_what_is_being_handled() {
    let slow = get(async || {
        tokio::time::sleep(SHORT * 5).await;
        "slow"
    });
    let limits = ServerConfig { header_timeout: SHORT, idle_timeout: SHORT, ..patient() };
    let server = Running::start(limits, Router::new().route("/", slow)).await;
    let mut stream = server.connect().await;
    stream.write_all(GET).await.expect("sent");
    assert!(answer(&mut stream).await.expect("an answer").ends_with("slow"));
}

#[tokio::test]
async fn connections_beyond_the_limit_are_told_so_and_closed() {
    let server = Running::start(ServerConfig { max_connections: 1, ..patient() }, hello()).await;
    let mut first = server.connect().await;
    first.write_all(GET).await.expect("sent");
    assert!(answer(&mut first).await.expect("an answer").ends_with("hello"));

    let mut second = server.connect().await;
    second.write_all(GET).await.expect("sent");
    let told = answer(&mut second).await.expect("an answer");
    assert!(told.ends_with("surplus") && told.contains("connection: close"), "{told}");
    assert!(is_closed(&mut second).await);
    // More of them than there are at all: they wait for those before them, which are not served for ever.
    let waiting: Vec<_> = futures_util::future::join_all((0..2 * SURPLUS).map(|_| server.connect())).await;
    drop(waiting);

    drop(first);
    loop {
        let mut third = server.connect().await;
        third.write_all(GET).await.expect("sent");
        // Until the server has noticed that the first one is gone.
        if answer(&mut third).await.expect("an answer").ends_with("hello") {
            break;
        }
    }
}

type Http2 = http2::Connection<TokioIo<TcpStream>, Body, TokioExecutor>;

async fn http2(server: &Running) -> (http2::SendRequest<Body>, Http2) {
    http2::handshake(TokioExecutor::new(), TokioIo::new(server.connect().await)).await.expect("HTTP/2")
}

fn request() -> Request {
    Request::get("http://test/").body(Body::empty()).expect("a request")
}

#[tokio::test]
async fn http2_is_spoken_with_who_knows_it() {
    let (entered, release) = (Arc::new(Semaphore::new(0)), Arc::new(Notify::new()));
    let handler = {
        let (entered, release) = (Arc::clone(&entered), Arc::clone(&release));
        async move || {
            let released = release.notified();
            entered.add_permits(1);
            released.await;
            "answered"
        }
    };
    let server = Running::start(patient(), Router::new().route("/", get(handler))).await;
    let (mut client, connection) = http2(&server).await;
    let connection = tokio::spawn(connection);
    // On one connection at the same time, and answered though the server is told to stop.
    let requests: Vec<_> = (0..3).map(|_| tokio::spawn(client.send_request(request()))).collect();
    drop(entered.acquire_many(3).await.expect("all are handled"));
    let Running { stop, server, .. } = server;
    stop.send(()).expect("the server waits for it");
    release.notify_waiters();
    for request in requests {
        let answer = request.await.expect("no panic").expect("an answer");
        assert_eq!(answer.version(), hyper::Version::HTTP_2);
        let body = to_bytes(Body::new(answer.into_body()), 100).await.expect("a body");
        assert_eq!(&*body, b"answered");
    }
    connection.await.expect("no panic").expect("ended in good order");
    server.await.expect("no panic").expect("ended in good order");
}

#[tokio::test]
async fn what_is_in_flight_is_answered_before_the_server_stops() {
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let handler = {
        let (entered, release) = (entered.clone(), release.clone());
        async move || {
            entered.notify_one();
            release.notified().await;
            "answered"
        }
    };
    let server = Running::start(patient(), Router::new().route("/", get(handler))).await;
    let mut stream = server.connect().await;
    stream.write_all(GET).await.expect("sent");
    entered.notified().await;
    let (mut idle, address) = (server.connect().await, server.address);
    server.stop.send(()).expect("the server waits for it");
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(is_closed(&mut idle).await, "nothing was asked on it");
    release.notify_one();
    let answer = answer(&mut stream).await.expect("an answer");
    assert!(answer.ends_with("answered") && answer.contains("connection: close"), "{answer}");
    server.server.await.expect("no panic").expect("ended in good order");
}

/// For the configured time, whoever asks is answered and told not to ask here again.
#[tokio::test]
async fn load_balancers_have_time_to_notice() {
    let server = Running::start(ServerConfig { shutdown_delay: SHORT * 5, ..patient() }, hello()).await;
    let mut before = server.connect().await;
    before.write_all(GET).await.expect("sent");
    assert!(!answer(&mut before).await.expect("an answer").contains("connection: close"));
    let Running { address, stop, server } = server;
    stop.send(()).expect("the server waits for it");
    loop {
        let mut after = TcpStream::connect(address).await.expect("still connected");
        after.write_all(GET).await.expect("sent");
        let answer = answer(&mut after).await.expect("an answer");
        if answer.contains("connection: close") {
            break;
        }
    }
    before.write_all(GET).await.expect("sent");
    assert!(answer(&mut before).await.expect("an answer").contains("connection: close"));
    assert!(is_closed(&mut before).await);
    server.await.expect("no panic").expect("ended in good order");
}

#[tokio::test]
async fn who_does_not_read_its_answer_is_left() {
    let config = ServerConfig { write_timeout: SHORT, ..patient() };
    let server = Running::start(config, lengthy(6 * 1024 * 1024)).await;
    let mut stream = server.connect().await;
    stream.write_all(GET).await.expect("sent");
    let mut some = [0; 1024];
    stream.read_exact(&mut some).await.expect("the answer begins");
    tokio::time::sleep(5 * SHORT).await;
    let mut rest = Vec::new();
    // It ends with an error, or with the bytes that the system had taken.
    drop(stream.read_to_end(&mut rest).await);
    assert!(rest.len() < 6 * 1024 * 1024 - some.len(), "{} bytes", rest.len());
    // Who reads gets the next one.
    let mut stream = server.connect().await;
    stream.write_all(GET).await.expect("sent");
    assert!(answer(&mut stream).await.is_some_and(|answer| answer.len() > 6 * 1024 * 1024));
}

#[tokio::test]
async fn answers_that_nobody_reads_are_bounded() {
    let server = Running::start(patient(), lengthy(6 * 1024 * 1024)).await;
    let mut unread = Vec::new();
    for _ in 0..15 {
        let mut stream = server.connect().await;
        stream.write_all(GET).await.expect("sent");
        let mut status = [0; 12];
        stream.read_exact(&mut status).await.expect("an answer");
        unread.push(stream);
    }
    // The system takes some of each, and most of them stay.
    let mut stream = server.connect().await;
    stream.write_all(GET).await.expect("sent");
    assert!(answer(&mut stream).await.is_some_and(|answer| answer.ends_with("too much")));
    drop(unread);
    let again = async {
        loop {
            stream.write_all(GET).await.expect("sent");
            if answer(&mut stream).await.is_some_and(|answer| answer.len() > 1024) {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), again).await.expect("what nobody waits for is forgotten");
}

/// What the system has received, and the server has not seen: a request on a kept connection, and one on a connection
/// that is not accepted yet.
#[tokio::test]
async fn what_has_arrived_is_answered_though_nobody_has_looked() {
    use std::io::{Read as _, Write as _};

    let server = Running::start(patient(), hello()).await;
    let mut kept = Vec::new();
    for _ in 0..20 {
        let mut stream = server.connect().await;
        stream.write_all(GET).await.expect("sent");
        answer(&mut stream).await.expect("an answer");
        kept.push(stream.into_std().expect("a stream"));
    }
    // There is one thread, and it does not return to the server between here and the signal.
    let new = (0..20).map(|_| std::net::TcpStream::connect(server.address).expect("connected"));
    let mut streams: Vec<_> = kept.into_iter().chain(new).collect();
    for stream in &mut streams {
        stream.set_nonblocking(false).expect("set");
        stream.write_all(GET).expect("sent");
    }
    server.stop.send(()).expect("the server waits for it");
    server.server.await.expect("no panic").expect("ended in good order");
    for (place, mut stream) in streams.into_iter().enumerate() {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("text");
        assert!(answer.ends_with("hello") && answer.contains("connection: close"), "{place}: {answer}");
    }
}

/// Clients ask one after the other on kept connections while the server stops. Whatever was sent before is answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_sent_before_the_signal_is_closed_unanswered() {
    for round in 0..25 {
        let server = Running::start(patient(), hello()).await;
        let (stopping, begun) = (Arc::new(AtomicBool::new(false)), Arc::new(Semaphore::new(0)));
        // All are connected before the signal: a connection that comes after it may be refused.
        let mut streams = Vec::new();
        for _ in 0..8 {
            streams.push(TcpStream::connect(server.address).await.expect("connected"));
        }
        let clients: Vec<_> = streams
            .into_iter()
            .map(|mut stream| {
                let (stopping, begun) = (Arc::clone(&stopping), Arc::clone(&begun));
                tokio::spawn(async move {
                    loop {
                        let sent = stream.write_all(GET).await;
                        let before = !stopping.load(Ordering::SeqCst);
                        let answer = if sent.is_ok() { answer(&mut stream).await } else { None };
                        match answer {
                            Some(answer) if !answer.contains("connection: close") => begun.add_permits(1),
                            Some(_) => break,
                            None => {
                                assert!(!before, "a request that was sent before was not answered");
                                break;
                            }
                        }
                    }
                })
            })
            .collect();
        drop(begun.acquire_many(20 + round).await.expect("the clients are in the middle of it"));
        stopping.store(true, Ordering::SeqCst);
        server.stop.send(()).expect("the server waits for it");
        for client in clients {
            client.await.expect("all is answered");
        }
        server.server.await.expect("no panic").expect("ended in good order");
    }
}
