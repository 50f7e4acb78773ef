//! Listening, and stopping in good order.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::signal;
use tokio::sync::oneshot;

/// How long requests in flight may go on after the signal to stop: longer than a request may take.
const DRAIN_LIMIT: Duration = Duration::from_secs(15);

/// Serves until `shutdown` completes; then accepts no more, and returns when what is in flight is answered or 15 s have
/// passed.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    // Answers are small and written at once: waiting to fill a packet only adds latency.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
    });
    let (begin, begun) = oneshot::channel();
    let server = axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(async move {
            shutdown.await;
            tracing::info!("stopping");
            // The receiver is gone only when the server has ended already.
            let _ = begin.send(());
        });
    let limit = async {
        if begun.await.is_ok() {
            tokio::time::sleep(DRAIN_LIMIT).await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        result = server => result,
        () = limit => {
            tracing::warn!("requests were still in flight");
            Ok(())
        }
    }
}

/// Completes on SIGTERM (what supervisors send) and on Ctrl-C.
pub async fn shutdown_signal() {
    let interrupt = async {
        if let Err(error) = signal::ctrl_c().await {
            tracing::warn!(%error, "Ctrl-C will not stop the server in good order");
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match signal::unix::signal(signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(error) => {
                tracing::warn!(%error, "SIGTERM will not stop the server in good order");
                std::future::pending::<()>().await;
            }
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::routing::get;
    use tokio::net::TcpStream;
    use tokio::sync::Notify;

    use super::*;

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
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel::<()>();
        let router = Router::new().route("/", get(handler));
        let server = tokio::spawn(serve(listener, router, async { drop(stopped.await) }));
        let request = tokio::spawn(reqwest::get(format!("http://{address}/")));

        entered.notified().await;
        stop.send(()).expect("the server waits for it");
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        release.notify_one();
        let answer = request.await.expect("no panic").expect("an answer");
        assert_eq!(answer.text().await.expect("a body"), "answered");
        server.await.expect("no panic").expect("ended in good order");
    }
}
