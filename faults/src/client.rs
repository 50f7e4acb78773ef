//! The least that HTTP/1.1 needs for one request after the other on a kept connection.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection to a server.
pub struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Whether the server ends it with its last answer.
    pub is_last: bool,
}

/// What a server answered.
pub struct Answer {
    /// The HTTP status code.
    pub status: u16,
    /// Whether it says when to try again.
    pub says_when: bool,
    /// The body.
    pub body: String,
}

impl Answer {
    /// Whether it was executed without errors and without refusals.
    pub fn is_good(&self) -> bool {
        self.status == 200 && !["\"errors\":", "\"userErrors\":[{"].iter().any(|found| self.body.contains(found))
    }

    /// Whether it cannot be executed now, and says when to try again.
    pub fn is_refused(&self) -> bool {
        self.status == 503 && self.says_when && self.body.contains("\"code\":\"SERVICE_UNAVAILABLE\"")
    }
}

fn invalid(message: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

/// A request with this document as JSON.
pub fn post(token: &str, body: &str) -> Vec<u8> {
    let head = format!(
        "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: application/json\r\n\
         Authorization: Bearer {token}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    (head + body).into_bytes()
}

/// A request for what is at a path.
pub fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes()
}

impl Client {
    /// Connects.
    pub async fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(4096), is_last: false })
    }

    /// Sends a whole request.
    pub async fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.stream.write_all(request).await
    }

    /// Reads a whole answer.
    pub async fn receive(&mut self) -> io::Result<Answer> {
        self.buffer.clear();
        let (mut head, mut end, mut says_when) = (0, usize::MAX, false);
        while self.buffer.len() < end {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(invalid("the connection was closed before the answer was complete"));
            }
            if head == 0
                && let Some(found) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n")
            {
                let length;
                (length, says_when) = self.read_head(found)?;
                (head, end) = (found + 4, found + 4 + length);
            }
        }
        let status = std::str::from_utf8(&self.buffer[9..12]).ok().and_then(|digits| digits.parse().ok());
        let body = String::from_utf8_lossy(&self.buffer[head..end]).into_owned();
        Ok(Answer { status: status.ok_or_else(|| invalid("no status"))?, says_when, body })
    }

    /// Sends a request and reads its answer.
    pub async fn ask(&mut self, request: &[u8]) -> io::Result<Answer> {
        self.send(request).await?;
        self.receive().await
    }

    /// The length of the body, and whether the answer says when to try again.
    fn read_head(&mut self, end: usize) -> io::Result<(usize, bool)> {
        let head = std::str::from_utf8(&self.buffer[..end]).map_err(|_| invalid("the head is no text"))?;
        let field = |name: &str| {
            head.lines().skip(1).find_map(|line| {
                let (found, value) = line.split_once(':')?;
                found.eq_ignore_ascii_case(name).then(|| value.trim())
            })
        };
        self.is_last = field("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        let length = field("content-length").and_then(|value| value.parse().ok());
        Ok((length.ok_or_else(|| invalid("no Content-Length"))?, field("retry-after").is_some()))
    }
}
