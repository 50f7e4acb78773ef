//! Puts load on an HTTP server: a fixed number of connections, each of which asks again as soon as it has its answer.
//!
//! All on one thread of this process, so that the client takes as little as possible of what it measures.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tessera_harness::{Context, Failure, Result};
use tokio::task::LocalSet;

use crate::client::Client;
use crate::measure::{Meter, Slice};

/// A request, ready to be sent.
#[derive(Clone)]
pub struct Request {
    /// The whole request, head and body.
    pub bytes: Vec<u8>,
    /// Where twenty digits stand that must differ in every request.
    pub serial_at: Option<usize>,
}

/// How long a turn lasts.
#[derive(Clone, Copy)]
pub struct Turn {
    /// How many connections.
    pub concurrency: usize,
    /// Load before the measurement.
    pub warm_up: Duration,
    /// The measurement.
    pub length: Duration,
}

struct Shared {
    requests: Rc<[Request]>,
    next: Cell<usize>,
    serial: Cell<u64>,
    measuring: Cell<bool>,
    stopped: Cell<bool>,
    all: Cell<u64>,
    latencies: RefCell<Vec<u32>>,
    bytes: Cell<u64>,
}

/// Loads the servers for one turn; they share the connections.
pub fn load(
    addresses: &[SocketAddr],
    requests: Rc<[Request]>,
    first_serial: u64,
    turn: Turn,
    meter: &Meter,
) -> Result<Slice> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let shared = Rc::new(Shared {
        requests,
        next: Cell::new(0),
        serial: Cell::new(first_serial),
        measuring: Cell::new(false),
        stopped: Cell::new(false),
        all: Cell::new(0),
        latencies: RefCell::new(Vec::with_capacity(1 << 20)),
        bytes: Cell::new(0),
    });
    LocalSet::new().block_on(&runtime, async {
        let statements = meter.statements()?;
        let mut connections = Vec::new();
        for address in addresses.iter().cycle().take(turn.concurrency) {
            let client = Client::connect(*address).await.context("cannot connect")?;
            connections.push(tokio::task::spawn_local(ask_on(client, Rc::clone(&shared))));
        }
        tokio::time::sleep(turn.warm_up).await;
        let before = meter.read();
        shared.measuring.set(true);
        let started = Instant::now();
        tokio::time::sleep(turn.length).await;
        let elapsed = started.elapsed();
        shared.measuring.set(false);
        let usage = meter.read().since(before);
        shared.stopped.set(true);
        for connection in connections {
            connection.await.context("a connection's task failed")??;
        }
        let statements = meter.statements()? - statements;
        let latencies = shared.latencies.take();
        let answers = latencies.len().max(1) as f64;
        Ok(Slice {
            elapsed,
            usage,
            statements: statements as f64 / shared.all.get().max(1) as f64,
            all: shared.all.get(),
            bytes: shared.bytes.get() as f64 / answers,
            latencies,
        })
    })
}

async fn ask_on(mut client: Client, shared: Rc<Shared>) -> Result<()> {
    let mut numbered = Vec::new();
    while !shared.stopped.get() {
        let index = shared.next.get();
        shared.next.set((index + 1) % shared.requests.len());
        let request = &shared.requests[index];
        let bytes = match request.serial_at {
            None => &request.bytes,
            Some(at) => {
                let serial = shared.serial.replace(shared.serial.get() + 1);
                numbered.clone_from(&request.bytes);
                numbered[at..at + 20].copy_from_slice(format!("{serial:020}").as_bytes());
                &numbered
            }
        };
        let asked = Instant::now();
        let answer = client.send(bytes).await.context("a request failed")?;
        let micros = asked.elapsed().as_micros();
        if !answer.is_good() {
            let body = String::from_utf8_lossy(&answer.body[..answer.body.len().min(1000)]);
            return Err(Failure::new(format_args!("a request was answered with {}: {body}", answer.status)));
        }
        shared.all.set(shared.all.get() + 1);
        if shared.measuring.get() {
            shared.bytes.set(shared.bytes.get() + answer.body.len() as u64);
            shared.latencies.borrow_mut().push(u32::try_from(micros).unwrap_or(u32::MAX));
        }
    }
    Ok(())
}

/// One request on a connection of its own: its answer's body.
pub fn ask(address: SocketAddr, request: &[u8]) -> Result<Vec<u8>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut client = Client::connect(address).await.context("cannot connect")?;
        let answer = client.send(request).await.context("a request failed")?;
        if answer.status == 200 {
            Ok(answer.body.to_vec())
        } else {
            Err(Failure::new(format_args!("answered with {}: {}", answer.status, String::from_utf8_lossy(answer.body))))
        }
    })
}
