//! The databases that things are broken on: a directory with SQLite's files, or a private PostgreSQL.

use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::ValueEnum;

use crate::failure::{Context, Failure, Result};

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

/// Runs a program to its end and returns what it printed.
pub fn run(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output =
        command.stderr(Stdio::piped()).stdout(Stdio::piped()).output().context(format_args!("cannot run {name}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    } else {
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned());
        Err(Failure::new(format_args!("{name} failed: {}", said.join("\n"))))
    }
}

/// A port that nobody listens on.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The script that makes, starts and stops clusters.
fn cluster(command: &str, dir: &Path) -> Command {
    let mut script = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../bench/postgres"));
    script.arg(command).arg(dir);
    script
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
            run(&mut cluster("init", dir))?;
            // Unlike in the benchmark, what is acknowledged must be on the disk.
            let settings = "synchronous_commit = on\nautovacuum = on\n";
            let file = dir.join("data/postgresql.conf");
            std::fs::OpenOptions::new().append(true).open(file)?.write_all(settings.as_bytes())?;
            database.start_again()?;
        }
        Ok(database)
    }

    /// Starts PostgreSQL.
    pub fn start_again(&self) -> Result<()> {
        // Not captured: the server would keep the pipe open.
        let started = cluster("start", &self.dir).arg(self.port.to_string()).status()?;
        let failed = || Failure::new(format_args!("PostgreSQL did not start: see {}/data/log", self.dir.display()));
        if started.success() { Ok(()) } else { Err(failed()) }
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
            self.sql("postgres", &format!("CREATE DATABASE {name}"))?;
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

impl Drop for Database {
    fn drop(&mut self) {
        if self.kind == Kind::Postgres
            && let Err(error) = run(&mut cluster("stop", &self.dir))
        {
            crate::progress(format_args!("PostgreSQL was not stopped: {error}"));
        }
    }
}
