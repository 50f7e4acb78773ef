//! The least that HTTP/1.1 needs for one request after the other on a kept connection.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpStream;

/// A connection to a server.
pub struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What a server answered.
pub struct Answer<'a> {
    /// The HTTP status code.
    pub status: u16,
    /// The body.
    pub body: &'a [u8],
}

fn invalid(message: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

impl Client {
    /// Connects.
    pub async fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; 64 * 1024] })
    }

    /// Sends a whole request and reads the whole answer.
    pub async fn send(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        let mut sent = 0;
        while sent < request.len() {
            match self.stream.try_write(&request[sent..]) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.stream.writable().await?,
                Err(error) => return Err(error),
            }
        }
        let (mut filled, mut head, mut end) = (0, 0, usize::MAX);
        while filled < end {
            if filled == self.buffer.len() {
                self.buffer.resize(filled * 2, 0);
            }
            self.stream.readable().await?;
            match self.stream.try_read(&mut self.buffer[filled..]) {
                Ok(0) => return Err(invalid("the connection was closed before the answer was complete")),
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error),
            }
            if head == 0
                && let Some(found) = self.buffer[..filled].windows(4).position(|four| four == b"\r\n\r\n")
            {
                head = found + 4;
                end = head + content_length(&self.buffer[..head]).ok_or_else(|| invalid("no Content-Length"))?;
            }
        }
        let status = std::str::from_utf8(&self.buffer[9..12]).ok().and_then(|digits| digits.parse().ok());
        Ok(Answer { status: status.ok_or_else(|| invalid("no status"))?, body: &self.buffer[head..end] })
    }
}

fn content_length(head: &[u8]) -> Option<usize> {
    let head = std::str::from_utf8(head).ok()?;
    head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    })
}

impl Answer<'_> {
    /// Whether this is data, not null and without errors, told from both ends of the body: reading all of it would cost the client
    /// more than the server needs for small answers. Both servers put errors at an end.
    pub fn is_good(&self) -> bool {
        const ERRORS: &[u8] = b"\"errors\":";
        const REACH: usize = 400;
        let start = &self.body[..self.body.len().min(REACH)];
        let end = &self.body[self.body.len().saturating_sub(REACH)..];
        let has_errors = |part: &[u8]| part.windows(ERRORS.len()).any(|window| window == ERRORS);
        let is_something = !self.body.trim_ascii_end().ends_with(b":null}}");
        let is_data = self.status == 200 && self.body.starts_with(b"{\"data\":{") && is_something;
        is_data && !has_errors(start) && !has_errors(end)
    }
}
