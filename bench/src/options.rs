//! What to measure, for how long, and where things are.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Measures Tessera against hand-written SQL (pgbench) and PostGraphile 5, alternating in one run on one machine
#[derive(Clone, Debug, Parser)]
pub struct Options {
    /// Operations to measure, such as Q1,Q2; all if not given
    #[arg(long, value_name = "LIST", value_delimiter = ',', ignore_case = true)]
    pub only: Vec<String>,
    /// Contestants to measure; all if not given, but for --quick
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub contestants: Vec<Contestant>,
    /// How many connections ask at the same time
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "1,32")]
    pub concurrency: Vec<usize>,
    /// How often each contestant has its turn; the report shows medians
    #[arg(long, value_name = "NUMBER", default_value_t = 5)]
    pub rounds: usize,
    /// Seconds of measurement in a turn
    #[arg(long, value_name = "SECONDS", default_value_t = 4.0)]
    pub seconds: f64,
    /// Seconds of load before the measurement of a turn
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    pub warm_up: f64,
    /// Short turns, for daily work: two rounds of one second each, warm-up included; without replicas, unless named
    #[arg(long, conflicts_with_all = ["rounds", "seconds", "warm_up"])]
    pub quick: bool,
    /// Database connections of Tessera and of PostGraphile
    #[arg(long, value_name = "NUMBER", default_value_t = 8)]
    pub pool: usize,
    /// Node processes of PostGraphile, which share the connections
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub postgraphile_workers: usize,
    /// Load one operation (with --only) until interrupted, and print how to attach a profiler
    #[arg(long)]
    pub profile: bool,
    /// The server to measure; the one built beside this program if not given
    #[arg(long, value_name = "FILE", default_value_os_t = beside_this_program("tessera"))]
    pub tessera: PathBuf,
    /// Where data sets, PostGraphile and the report are kept
    #[arg(long, value_name = "DIR", default_value = "target/bench")]
    pub dir: PathBuf,
}

fn beside_this_program(name: &str) -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    program.with_file_name(name)
}

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ValueEnum)]
pub enum Contestant {
    /// Hand-written SQL by pgbench, with prepared statements: what the database alone costs
    Floor,
    /// Tessera on PostgreSQL
    Tessera,
    /// PostGraphile 5 on the same PostgreSQL
    Postgraphile,
    /// Tessera on SQLite
    Sqlite,
    /// Three processes of Tessera on the same PostgreSQL, each under the same load
    Replicas,
}

impl Contestant {
    /// Everyone, in the order of the first round.
    pub const ALL: [Self; 5] = [Self::Floor, Self::Tessera, Self::Postgraphile, Self::Sqlite, Self::Replicas];

    /// Its name in the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Tessera => "tessera",
            Self::Postgraphile => "postgraphile",
            Self::Sqlite => "sqlite",
            Self::Replicas => "replicas",
        }
    }

    /// How many processes it has.
    pub const fn processes(self) -> usize {
        if matches!(self, Self::Replicas) { 3 } else { 1 }
    }

    /// The role it has in PostgreSQL, by which its statements are counted.
    pub const fn role(self) -> &'static str {
        self.name()
    }
}

impl Options {
    /// With the settings of the short mode filled in.
    pub fn settled(mut self) -> Self {
        if self.quick {
            (self.rounds, self.seconds, self.warm_up) = (2, 0.8, 0.2);
        }
        if self.contestants.is_empty() {
            // How the server's CPU time grows with its processes is not for daily work.
            let everyone = Contestant::ALL.into_iter();
            self.contestants = everyone.filter(|who| !self.quick || *who != Contestant::Replicas).collect();
        }
        self
    }

    /// Whether this contestant takes part.
    pub fn wants(&self, contestant: Contestant) -> bool {
        self.contestants.contains(&contestant)
    }
}
