//! One turn of one contestant: what was counted, and what it cost.

use std::time::Duration;

use tessera_harness::Result;

use crate::database::Database;
use crate::options::Contestant;
use crate::process;

/// CPU seconds.
#[derive(Clone, Copy, Default)]
pub struct Usage {
    /// Of the server that is measured.
    pub server: f64,
    /// Of PostgreSQL.
    pub database: f64,
    /// Of whoever asks.
    pub client: f64,
    /// Of the whole machine.
    pub machine: f64,
}

impl Usage {
    /// What was used since `earlier`.
    pub fn since(self, earlier: Self) -> Self {
        Self {
            server: self.server - earlier.server,
            database: self.database - earlier.database,
            client: self.client - earlier.client,
            machine: self.machine - earlier.machine,
        }
    }
}

/// Reads what the parties of a turn have used so far.
pub struct Meter<'a> {
    /// Who is measured.
    pub contestant: Contestant,
    /// Its processes; none for the floor, which has no server.
    pub servers: Vec<u32>,
    /// The process that asks, if it is not this one.
    pub client: Option<u32>,
    /// The database.
    pub database: &'a Database,
}

impl Meter<'_> {
    /// What they have used so far.
    pub fn read(&self) -> Usage {
        Usage {
            server: self.servers.iter().copied().map(process::cpu_of_tree).sum(),
            database: process::cpu_of_tree(self.database.pid),
            client: self.client.map_or_else(process::cpu_of_self, process::cpu_of_tree),
            machine: process::cpu_of_machine(),
        }
    }

    /// Statements that the contestant has sent so far.
    pub fn statements(&self) -> Result<u64> {
        self.database.statements_of(self.contestant.role())
    }
}

/// What came out of a turn.
pub struct Slice {
    /// How long was measured.
    pub elapsed: Duration,
    /// CPU seconds while measured.
    pub usage: Usage,
    /// Statements for each request, those before and after the measurement included.
    pub statements: f64,
    /// Requests, those before and after the measurement included.
    pub all: u64,
    /// Mean size of an answer's body; 0 if it is not known.
    pub bytes: f64,
    /// Microseconds that each measured request took, in no order.
    pub latencies: Vec<u32>,
}

/// The figures of a turn.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    /// Requests a second.
    pub rate: f64,
    /// Median latency in milliseconds.
    pub p50: f64,
    /// 99th percentile of latency in milliseconds.
    pub p99: f64,
    /// Milliseconds of the server's CPU for a request.
    pub server_cpu: f64,
    /// Milliseconds of PostgreSQL's CPU for a request.
    pub database_cpu: f64,
    /// Share of one core that the client took.
    pub client_share: f64,
    /// Share of one core that processes took which have nothing to do with the measurement.
    pub others_share: f64,
    /// Statements for a request.
    pub statements: f64,
    /// Bytes of an answer's body.
    pub bytes: f64,
}

impl Slice {
    /// Its figures.
    pub fn figures(mut self) -> Figures {
        self.latencies.sort_unstable();
        let requests = self.latencies.len().max(1) as f64;
        let percentile = |share: f64| {
            let index = (share * (requests - 1.0)).round() as usize;
            f64::from(self.latencies.get(index).copied().unwrap_or(0)) / 1000.0
        };
        let seconds = self.elapsed.as_secs_f64();
        Figures {
            rate: self.latencies.len() as f64 / seconds,
            p50: percentile(0.50),
            p99: percentile(0.99),
            server_cpu: self.usage.server * 1000.0 / requests,
            database_cpu: self.usage.database * 1000.0 / requests,
            client_share: self.usage.client / seconds,
            others_share: (self.usage.machine - self.usage.server - self.usage.database - self.usage.client).max(0.0)
                / seconds,
            statements: self.statements,
            bytes: self.bytes,
        }
    }
}
