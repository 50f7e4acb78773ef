//! The data set: made once, kept under `target`, copied for every run.

use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use tessera_harness::{Context, Failure, Result, postgres, run};

use crate::database::Database;
use crate::options::{Contestant, Options};
use crate::progress;
use crate::server::tessera;

/// A fresh copy of the data set.
pub struct Copy {
    /// PostgreSQL, running.
    pub database: Database,
    /// The SQLite file.
    pub sqlite: PathBuf,
}

/// Copies the data set, making it first if there is none of this version.
pub fn prepare(options: &Options) -> Result<Copy> {
    let kept = options.dir.join(format!("data-{:016x}", version()?));
    if !kept.join("complete").exists() {
        progress("making the data set; it is kept for the next run");
        remove_all(&options.dir)?;
        fs::create_dir_all(&kept)?;
        make(options, &kept)?;
        fs::write(kept.join("complete"), "")?;
    }
    let copy = options.dir.join("run");
    if copy.join("postgres/data/postmaster.pid").exists() {
        // An interrupted run left it behind; its process may be gone.
        let _ = run(&mut postgres("stop", copy.join("postgres")));
    }
    if copy.exists() {
        fs::remove_dir_all(&copy)?;
    }
    fs::create_dir_all(&copy)?;
    run(postgres("copy", kept.join("postgres")).arg(copy.join("postgres")))?;
    let sqlite = copy.join("tessera.db");
    fs::copy(kept.join("tessera.db"), &sqlite)?;
    Ok(Copy { database: Database::start(&copy.join("postgres"))?, sqlite })
}

/// Data sets of other versions, and those that were not completed.
fn remove_all(dir: &Path) -> Result<()> {
    for entry in fs::read_dir(dir)?.flatten() {
        if entry.file_name().to_string_lossy().starts_with("data-") {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// A number that changes with everything the data set is made from.
fn version() -> Result<u64> {
    let mut files = vec![crate::source("postgres")];
    for dir in ["data", "../migration/src"] {
        let dir = crate::source(dir);
        let entries = fs::read_dir(&dir).context(dir.display())?;
        files.extend(entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()));
    }
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        hasher.write(&fs::read(file)?);
    }
    Contestant::ALL.iter().for_each(|contestant| hasher.write(contestant.role().as_bytes()));
    Ok(hasher.finish())
}

fn make(options: &Options, into: &Path) -> Result<()> {
    let cluster = into.join("postgres");
    run(&mut postgres("init", &cluster))?;
    let database = Database::start(&cluster)?;
    database.create(&Contestant::ALL.map(Contestant::role))?;
    run(tessera(options, &database.url("bench")).args(["migrate", "up"]))?;
    for file in ["data/keys.sql", "data/rows.sql", "data/postgraphile.sql"] {
        database.run_file(&crate::source(file))?;
    }
    database.query("VACUUM (FREEZE, ANALYZE)")?;
    let sqlite = into.join("tessera.db");
    run(tessera(options, &format!("sqlite:{}", sqlite.display())).args(["migrate", "up"]))?;
    database.pipe_file(&crate::source("data/to_sqlite.sql"), Command::new("sqlite3").arg("-bail").arg(&sqlite))?;
    let counts = |table: &str| format!("SELECT count(*) FROM {table}");
    for table in ["organizations", "tiers", "customers", "subscriptions", "payments", "payment_methods"] {
        let there = run(Command::new("sqlite3").arg(&sqlite).arg(counts(table)))?;
        if there.trim() != database.query(&counts(table))? {
            return Err(Failure::new(format_args!("{table} differs between PostgreSQL and SQLite")));
        }
    }
    database.query("CHECKPOINT")?;
    Ok(())
}
