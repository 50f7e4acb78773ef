//! A connection, as requests and the server see it.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::Phase;
use super::activity::Activity;

/// How many bytes of answers a connection holds that are not sent: two of the longest.
const UNSENT: usize = 8 * 1024 * 1024;
/// How many all connections hold.
const ALL_UNSENT: usize = 64 * 1024 * 1024;

/// Who is at the other end of a connection. Requests carry it among their extensions.
pub(in crate::http) struct Peer {
    address: IpAddr,
    /// Whether the connection is one more than there may be.
    surplus: bool,
    phase: watch::Receiver<Phase>,
    activity: Mutex<Activity>,
    /// How many bytes of answers are not sent, on all connections.
    all_unsent: Arc<AtomicUsize>,
}

impl Peer {
    pub(super) fn new(
        address: IpAddr,
        surplus: bool,
        phase: watch::Receiver<Phase>,
        all_unsent: Arc<AtomicUsize>,
    ) -> Arc<Self> {
        Arc::new(Self { address, surplus, phase, activity: Mutex::new(Activity::new(Instant::now())), all_unsent })
    }

    /// An answer to be sent. None if clients have left too much unread.
    pub(in crate::http) fn send(self: &Arc<Self>, answer: Vec<u8>) -> Option<Bytes> {
        let bytes = answer.len();
        let mut activity = self.activity();
        let all = self.all_unsent.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if activity.unsent() + bytes > UNSENT || all > ALL_UNSENT {
            self.all_unsent.fetch_sub(bytes, Ordering::Relaxed);
            return None;
        }
        activity.sends(bytes, Instant::now());
        drop(activity);
        Some(Bytes::from_owner(Unsent { answer, peer: Arc::clone(self) }))
    }

    /// The address it connected from.
    pub(in crate::http) fn address(&self) -> IpAddr {
        self.address
    }

    /// Whether there are so many connections that this one should not do any work.
    pub(in crate::http) fn is_surplus(&self) -> bool {
        self.surplus
    }

    /// Whether the server is about to stop.
    pub(in crate::http) fn is_left(&self) -> bool {
        *self.phase.borrow() != Phase::Serving
    }

    pub(super) fn phases(&self) -> watch::Receiver<Phase> {
        self.phase.clone()
    }

    pub(super) fn activity(&self) -> MutexGuard<'_, Activity> {
        self.activity.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether an answer is the connection's last one.
    pub(super) fn is_last(&self) -> bool {
        self.surplus || self.is_left()
    }

    /// Whether the connection should be told to end. One of HTTP/1.1 on which something is going on ends by
    /// itself, with its next answer.
    pub(super) fn should_end(&self) -> bool {
        let phase = *self.phase.borrow();
        if phase == Phase::Serving && !self.surplus {
            return false;
        }
        let activity = self.activity();
        match phase {
            Phase::Closing => activity.is_http2() || activity.is_idle(),
            Phase::Serving | Phase::Leaving => activity.is_http2() && activity.is_used(),
        }
    }
}

/// An answer that is not sent to its end.
struct Unsent {
    answer: Vec<u8>,
    peer: Arc<Peer>,
}

impl AsRef<[u8]> for Unsent {
    fn as_ref(&self) -> &[u8] {
        &self.answer
    }
}

impl Drop for Unsent {
    fn drop(&mut self) {
        let bytes = self.answer.len();
        self.peer.all_unsent.fetch_sub(bytes, Ordering::Relaxed);
        self.peer.activity().sent(bytes, Instant::now());
    }
}

/// A request that is being handled. It ends when this is dropped.
pub(super) struct Handled(Arc<Peer>);

impl Handled {
    pub(super) fn begin(peer: &Arc<Peer>) -> Self {
        peer.activity().begins();
        Self(Arc::clone(peer))
    }
}

impl Drop for Handled {
    fn drop(&mut self) {
        self.0.activity().ends(Instant::now());
    }
}

/// The bytes of a connection, with a note of when they come and go.
pub(super) struct Observed {
    pub(super) stream: TcpStream,
    pub(super) peer: Arc<Peer>,
}

impl Observed {
    fn note(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(1..)) = written {
            self.peer.activity().wrote(Instant::now());
        }
        written
    }
}

impl AsyncRead for Observed {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let read = &buffer.filled()[before..];
        if !read.is_empty() {
            self.peer.activity().read(read, Instant::now());
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Observed {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.note(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.note(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
