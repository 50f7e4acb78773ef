//! Listening, and stopping in good order.

mod activity;
mod connection;
mod peer;
mod signal;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use axum::Router;
use futures_util::FutureExt as _;
use hyper_util::rt::TokioExecutor;
use hyper_util::server::conn::auto::Builder;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use self::activity::Limits;
pub(super) use self::peer::Peer;
pub use self::signal::shutdown_signal;
use crate::config::ServerConfig;

/// How long requests in flight may go on when the server closes: longer than a request may take.
const DRAIN_LIMIT: Duration = Duration::from_secs(15);
/// How long connections stay open when no more are taken, so that what was sent before is read.
const LAST_MOMENT: Duration = Duration::from_millis(100);
/// How many connections are taken beyond the limit: each to be told so, or to ask how the server is.
const SURPLUS: usize = 64;

/// What the server is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Answering.
    Serving,
    /// Answering still, but each connection's next answer is its last, and `/readyz` says so.
    Leaving,
    /// No more requests: what is idle is closed.
    Closing,
}

struct Server {
    router: Router,
    protocol: Arc<Builder<TokioExecutor>>,
    limits: Limits,
    /// As many as there may be connections.
    permits: Arc<Semaphore>,
    /// As many as there may be beyond.
    surplus: Arc<Semaphore>,
    /// Each connection has a receiver.
    phase: watch::Sender<Phase>,
    /// How many bytes of answers are not sent, on all connections.
    unsent: Arc<AtomicUsize>,
}

/// Serves until `shutdown` completes, and for as long afterwards as is configured. Then takes no more connections, and
/// returns when what is in flight is answered, or 15 s have passed.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    config: ServerConfig,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let server = Server {
        router,
        protocol: Arc::new(connection::protocol()),
        limits: Limits { header: config.header_timeout, idle: config.idle_timeout, write: config.write_timeout },
        permits: Arc::new(Semaphore::new(config.max_connections)),
        surplus: Arc::new(Semaphore::new(SURPLUS)),
        phase: watch::Sender::new(Phase::Serving),
        unsent: Arc::default(),
    };
    let leave = async {
        shutdown.await;
        tracing::info!("stopping");
        server.phase.send_replace(Phase::Leaving);
        tokio::time::sleep(config.shutdown_delay).await;
    };
    tokio::select! {
        never = server.accept_all(&listener) => match never {},
        () = leave => {}
    }
    // Those that have connected, but whose turn has not come.
    while server.accept(&listener).now_or_never().is_some_and(|accepted| accepted.is_ok()) {}
    drop(listener);
    tokio::time::sleep(LAST_MOMENT).await;
    server.phase.send_replace(Phase::Closing);
    if tokio::time::timeout(DRAIN_LIMIT, server.phase.closed()).await.is_err() {
        tracing::warn!("requests were still in flight");
    }
    Ok(())
}

impl Server {
    async fn accept_all(&self, listener: &TcpListener) -> std::convert::Infallible {
        loop {
            match self.accept(listener).await {
                // It left before its turn came.
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) => {}
                Err(error) => {
                    tracing::error!(%error, "a connection cannot be accepted");
                    // There are too many open files. It would fail again at once.
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                Ok(()) => {}
            }
        }
    }

    /// Begins to serve the next connection.
    async fn accept(&self, listener: &TcpListener) -> io::Result<()> {
        // Before there is a connection, so that none is lost if this is given up.
        let beyond = Arc::clone(&self.surplus).acquire_owned().await.map_err(io::Error::other)?;
        let (stream, address) = listener.accept().await?;
        match Arc::clone(&self.permits).try_acquire_owned() {
            Ok(permit) => self.begin(stream, address, permit, false),
            Err(_) => self.begin(stream, address, beyond, true),
        }
        Ok(())
    }

    fn begin(&self, stream: TcpStream, address: SocketAddr, permit: OwnedSemaphorePermit, surplus: bool) {
        if let Err(error) = set_options(&stream) {
            tracing::debug!(%error, "the options of a connection could not be set");
        }
        let peer = Peer::new(address.ip(), surplus, self.phase.subscribe(), Arc::clone(&self.unsent));
        let (protocol, router, limits) = (Arc::clone(&self.protocol), self.router.clone(), self.limits);
        tokio::spawn(async move {
            connection::drive(&protocol, stream, peer, router, limits).await;
            drop(permit);
        });
    }
}

fn set_options(stream: &TcpStream) -> io::Result<()> {
    // Answers are small and written at once: waiting to fill a packet only adds latency.
    stream.set_nodelay(true)?;
    let keep_alive = TcpKeepalive::new().with_time(Duration::from_secs(60)).with_interval(Duration::from_secs(15));
    SockRef::from(stream).set_tcp_keepalive(&keep_alive)
}

#[cfg(test)]
mod tests;
