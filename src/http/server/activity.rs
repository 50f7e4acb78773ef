//! What a connection is doing, as far as time limits are concerned.

use std::time::{Duration, Instant};

/// How patient the server is with a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// From the first byte of a head to its last; on a new connection from the start.
    pub(super) header: Duration,
    /// Without a request.
    pub(super) idle: Duration,
    /// Until an answer is sent.
    pub(super) write: Duration,
}

/// How HTTP/2 begins, with prior knowledge (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2";

/// What a connection is doing.
#[derive(Debug)]
pub(super) struct Activity {
    /// How many requests are being handled.
    handled: usize,
    /// Whether there was a request.
    used: bool,
    /// Whether it is HTTP/2; not known before the first byte.
    http2: Option<bool>,
    /// Since when a head is coming. HTTP/2 has many at once, and knows none.
    head: Option<Instant>,
    /// When the last answer was made or written.
    last: Instant,
    /// How many bytes of answers are made and not sent.
    unsent: usize,
    /// Since when no answer was sent to its end, if there is one to be sent.
    sending: Option<Instant>,
}

impl Activity {
    pub(super) fn new(now: Instant) -> Self {
        Self { handled: 0, used: false, http2: None, head: None, last: now, unsent: 0, sending: None }
    }

    /// Bytes have come.
    pub(super) fn read(&mut self, bytes: &[u8], now: Instant) {
        let http2 = *self.http2.get_or_insert_with(|| bytes.starts_with(PREFACE));
        if !http2 && self.handled == 0 && self.head.is_none() {
            self.head = Some(now);
        }
    }

    /// Bytes were sent.
    pub(super) fn wrote(&mut self, now: Instant) {
        self.last = now;
    }

    /// The head of a request is complete.
    pub(super) fn begins(&mut self) {
        self.handled += 1;
        self.used = true;
        self.head = None;
    }

    /// A request is answered, or given up.
    pub(super) fn ends(&mut self, now: Instant) {
        self.handled -= 1;
        self.last = now;
    }

    /// An answer of so many bytes is to be sent.
    pub(super) fn sends(&mut self, bytes: usize, now: Instant) {
        self.unsent += bytes;
        self.sending.get_or_insert(now);
    }

    /// An answer was sent to its end, or given up.
    pub(super) fn sent(&mut self, bytes: usize, now: Instant) {
        self.unsent -= bytes;
        self.sending = (self.unsent > 0).then_some(now);
    }

    /// How many bytes of answers are made and not sent.
    pub(super) fn unsent(&self) -> usize {
        self.unsent
    }

    /// When the connection has taken too long.
    pub(super) fn due(&self, limits: Limits) -> Option<Instant> {
        let sent = self.sending.map(|since| since + limits.write);
        sent.into_iter().chain(self.asked_due(limits)).min()
    }

    /// When a request has taken too long to come; never while one is handled, which has a limit of its own.
    fn asked_due(&self, limits: Limits) -> Option<Instant> {
        let new = !self.used && self.http2 != Some(true);
        match self.head {
            _ if self.handled > 0 => None,
            Some(since) => Some(since + limits.header),
            None if new => Some(self.last + limits.header),
            None => Some(self.last + limits.idle),
        }
    }

    /// Whether nothing of a request has come that is not answered.
    pub(super) fn is_idle(&self) -> bool {
        self.handled == 0 && self.head.is_none()
    }

    pub(super) fn is_http2(&self) -> bool {
        self.http2 == Some(true)
    }

    pub(super) fn is_used(&self) -> bool {
        self.used
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits =
        Limits { header: Duration::from_secs(10), idle: Duration::from_secs(75), write: Duration::from_secs(30) };

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_head_has_its_time_from_the_first_byte() {
        let start = Instant::now();
        let mut activity = Activity::new(start);
        assert_eq!(activity.due(LIMITS), Some(start + s(10)), "nothing was sent yet");
        activity.read(b"GE", start + s(3));
        activity.read(b"T /", start + s(9));
        assert_eq!(activity.due(LIMITS), Some(start + s(13)), "more bytes buy no time");
        assert!(!activity.is_idle());
        activity.begins();
        assert_eq!(activity.due(LIMITS), None);
        activity.read(b"body", start + s(14));
        activity.ends(start + s(20));
        activity.wrote(start + s(21));
        assert!(activity.is_idle());
        assert_eq!(activity.due(LIMITS), Some(start + s(96)));
        activity.read(b"GET", start + s(90));
        assert_eq!(activity.due(LIMITS), Some(start + s(100)), "the next head");
    }

    #[test]
    fn an_answer_has_its_time_to_be_sent() {
        let start = Instant::now();
        let mut activity = Activity::new(start);
        activity.read(b"GET", start);
        activity.begins();
        activity.sends(1_000, start + s(1));
        activity.sends(500, start + s(2));
        assert_eq!(activity.due(LIMITS), Some(start + s(31)), "though a request is handled");
        activity.wrote(start + s(30));
        assert_eq!(activity.due(LIMITS), Some(start + s(31)), "some bytes buy no time");
        activity.sent(1_000, start + s(30));
        assert_eq!((activity.due(LIMITS), activity.unsent()), (Some(start + s(60)), 500), "the next answer");
        activity.sent(500, start + s(31));
        assert_eq!((activity.due(LIMITS), activity.unsent()), (None, 0));
    }

    #[test]
    fn http2_is_idle_without_requests() {
        let start = Instant::now();
        let mut activity = Activity::new(start);
        activity.read(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", start);
        assert!(activity.is_http2() && activity.is_idle() && !activity.is_used());
        assert_eq!(activity.due(LIMITS), Some(start + s(75)));
        activity.begins();
        activity.begins();
        activity.ends(start + s(5));
        assert_eq!(activity.due(LIMITS), None, "another one is handled");
        activity.ends(start + s(6));
        activity.read(b"a ping", start + s(70));
        assert_eq!(activity.due(LIMITS), Some(start + s(81)));
    }
}
