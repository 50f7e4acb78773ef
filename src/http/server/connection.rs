//! One connection, from its first byte to its last.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Version, header};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpStream;
use tokio::time::sleep_until;
use tower::Service as _;

use super::activity::Limits;
use super::peer::{Handled, Observed, Peer};

/// How much of a request's head and of an answer is held for a connection at once.
const BUFFER: usize = 64 * 1024;
/// How many requests a client of HTTP/2 may have under way on one connection.
const STREAMS: u32 = 100;
/// How often an HTTP/2 client is asked whether it is there.
const PING_INTERVAL: Duration = Duration::from_secs(30);
/// How long it may take to say so; also how long a connection that was told to end may take to do it.
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// Speaks HTTP/1.1, and HTTP/2 with clients that know that it does (h2c with prior knowledge).
pub(super) fn protocol() -> Builder<TokioExecutor> {
    let mut protocol = Builder::new(TokioExecutor::new());
    // Waiting for heads is limited here, for both protocols: see `Activity`.
    protocol.http1().timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(BUFFER);
    protocol
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_send_buf_size(BUFFER)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT);
    protocol
}

/// Serves a connection until it ends.
pub(super) async fn drive(
    protocol: &Builder<TokioExecutor>,
    stream: TcpStream,
    peer: Arc<Peer>,
    router: Router,
    limits: Limits,
) {
    let service = {
        let peer = Arc::clone(&peer);
        service_fn(move |request| answer(request, Arc::clone(&peer), router.clone()))
    };
    let observed = Observed { stream, peer: Arc::clone(&peer) };
    let mut connection = pin!(protocol.serve_connection(TokioIo::new(observed), service));
    let mut phases = peer.phases();
    // Completes never, and wakes this task when the server's phase changes.
    let mut changed = pin!(async { while phases.changed().await.is_ok() {} });
    let mut is_gone = false;
    let mut alarm = pin!(sleep_until((Instant::now() + limits.header).into()));
    let (mut told, mut given_up) = (false, None::<Instant>);

    poll_fn(|cx| {
        loop {
            if connection.as_mut().poll(cx).is_ready() {
                // If it ended with an error, that is the client's: it left, or does not speak HTTP.
                return Poll::Ready(());
            }
            is_gone = is_gone || changed.as_mut().poll(cx).is_ready();
            if !told && peer.should_end() {
                told = true;
                connection.as_mut().graceful_shutdown();
                continue;
            }
            let Some(due) = given_up.or_else(|| peer.activity().due(limits)) else { return Poll::Pending };
            // Set anew only when it would come too late: most requests are answered long before it.
            if due < alarm.deadline().into_std() {
                alarm.as_mut().reset(due.into());
            }
            if alarm.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            if Instant::now() < due {
                alarm.as_mut().reset(due.into());
            } else if given_up.is_some() || !peer.activity().is_http2() {
                return Poll::Ready(());
            } else {
                given_up = Some(Instant::now() + PING_TIMEOUT);
                connection.as_mut().graceful_shutdown();
            }
        }
    })
    .await;
}

async fn answer(
    request: hyper::Request<Incoming>,
    peer: Arc<Peer>,
    mut router: Router,
) -> Result<Response, Infallible> {
    let _handled = Handled::begin(&peer);
    let version = request.version();
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(Arc::clone(&peer));
    let mut response = router.call(request).await?;
    // HTTP/2 says it in another way, which hyper does.
    if version < Version::HTTP_2 && peer.is_last() {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}
