//! The databases that things are broken on: a directory with SQLite's files, or a private PostgreSQL.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use tessera_harness::{Context, Failure, Result, free_port, postgres, run};

/// A kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Embedded.
    Sqlite,
    /// A server.
    Postgres,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Sqlite, Self::Postgres];

    /// Its name in the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// A place for databases. PostgreSQL is stopped when this is dropped.
pub struct Database {
    kind: Kind,
    dir: PathBuf,
    port: u16,
}

impl Database {
    /// Makes the place, and starts PostgreSQL in it if that is the kind.
    pub fn start(kind: Kind, dir: &Path) -> Result<Self> {
        std::fs::create_dir_all(dir)?;
        let database = Self { kind, dir: dir.canonicalize()?, port: free_port()? };
        if kind == Kind::Postgres {
            // Its owner is another user, who must get there.
            if let Some(above) = dir.parent() {
                run(Command::new("chmod").arg("a+rx").arg(above))?;
            }
            run(&mut postgres("init", dir))?;
            // Unlike in the benchmark, what is acknowledged must be on the disk.
            let settings = "synchronous_commit = on\nautovacuum = on\n";
            let file = dir.join("data/postgresql.conf");
            std::fs::OpenOptions::new().append(true).open(file)?.write_all(settings.as_bytes())?;
            database.start_again(&[])?;
        }
        Ok(database)
    }

    /// Starts PostgreSQL with these variables, as soon as nothing is left of the one before.
    pub fn start_again(&self, variables: &[(&str, &Path)]) -> Result<()> {
        let asked = Instant::now();
        loop {
            // Not captured: the server would keep the pipe open.
            let mut start = postgres("start", &self.dir);
            let started = start.arg(self.port.to_string()).envs(variables.iter().copied()).stderr(Stdio::null());
            if started.status()?.success() {
                return Ok(());
            }
            if asked.elapsed() > Duration::from_secs(30) {
                let log = self.dir.join("data/log");
                return Err(Failure::new(format_args!("PostgreSQL did not start: see {}", log.display())));
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Stops PostgreSQL in a mode of `pg_ctl`.
    pub fn stop(&self, mode: &str) -> Result<()> {
        run(postgres("stop", &self.dir).arg(mode)).map(|_| ())
    }

    /// The processes of PostgreSQL: the one that starts the others first.
    pub fn processes(&self) -> Result<Vec<String>> {
        let file = std::fs::read_to_string(self.dir.join("data/postmaster.pid")).context("PostgreSQL does not run")?;
        let first = file.lines().next().context("no process")?.to_owned();
        let others = run(Command::new("ps").args(["-o", "pid=", "--ppid", &first]))?;
        let others = others.split_whitespace().map(str::to_owned);
        Ok(std::iter::once(first).chain(others).collect())
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Where it keeps its files.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The address of one of its databases.
    pub fn url(&self, name: &str) -> String {
        match self.kind {
            Kind::Sqlite => format!("sqlite:{}", self.file(name).display()),
            Kind::Postgres => format!("postgres://bench@127.0.0.1:{}/{name}", self.port),
        }
    }

    /// The file of one of SQLite's databases.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.db"))
    }

    /// An empty database.
    pub fn create(&self, name: &str) -> Result<()> {
        if self.kind == Kind::Postgres {
            self.sql("postgres", &format!("DROP DATABASE IF EXISTS {name}"))?;
            let locale = "LOCALE 'C.UTF-8' TEMPLATE template0";
            self.sql("postgres", &format!("CREATE DATABASE {name} {locale}"))?;
        }
        Ok(())
    }

    /// Runs statements past Tessera, and returns what they answer, columns separated by `|`.
    pub fn sql(&self, name: &str, statements: &str) -> Result<String> {
        match self.kind {
            Kind::Sqlite => run(Command::new("sqlite3").arg(self.file(name)).arg(statements)),
            Kind::Postgres => {
                let psql = ["-XAtq", "-v", "ON_ERROR_STOP=1", "-c", statements];
                run(Command::new("psql").args(psql).arg(self.url(name)))
            }
        }
    }
}

/// Sends a signal to processes, such as `KILL`.
pub fn signal(name: &str, processes: &[String]) -> Result<()> {
    run(Command::new("kill").arg(format!("-{name}")).args(processes)).map(|_| ())
}

impl Drop for Database {
    fn drop(&mut self) {
        if self.kind == Kind::Postgres
            && let Err(error) = run(&mut postgres("stop", &self.dir))
        {
            crate::progress(format_args!("PostgreSQL was not stopped: {error}"));
        }
    }
}
