//! The file system that the data is on has no room for a while.

use std::time::Duration;

use tessera_harness::{Context, Failure, Result, run};

use crate::database::Kind;
use crate::ground::{Acknowledged, Ground, ask, ready, until_good};
use crate::load::{Outcomes, closed};
use crate::report::Line;
use crate::small::FileSystem;

const CLIENTS: usize = 8;
const LENGTH: Duration = Duration::from_secs(1);
/// How long it is written to then, again and again until nothing can be written.
const FULL: Duration = Duration::from_secs(2);
const MOST: usize = 10;
const ROUNDS: usize = 3;
const BACK: Duration = Duration::from_secs(1);

/// Puts the database onto the file system: SQLite's file, or PostgreSQL's tables and indexes. PostgreSQL's log stays
/// where it is: without room for that PostgreSQL ends, and that is an outage.
fn move_to(ground: &Ground, small: &FileSystem) -> Result<()> {
    match ground.kind() {
        Kind::Sqlite => {
            let (file, there) = (ground.file(), small.dir().join("data.db"));
            ground.sql(&format!("VACUUM INTO '{}'", there.display()))?;
            for ending in ["", "-wal", "-shm"] {
                let old = std::path::PathBuf::from(format!("{}{ending}", file.display()));
                if old.exists() {
                    std::fs::remove_file(old)?;
                }
            }
            Ok(std::os::unix::fs::symlink(there, file)?)
        }
        Kind::Postgres => {
            let dir = small.dir();
            run(std::process::Command::new("chown").arg("--reference").arg(ground.database.dir()).arg(dir))?;
            let sql = |statement: &str| ground.database.sql("postgres", statement);
            sql(&format!("CREATE TABLESPACE small LOCATION '{}'", dir.display()))?;
            sql(&format!("ALTER DATABASE {} SET TABLESPACE small", ground.name())).map(|_| ())
        }
    }
}

pub fn prove(ground: &Ground) -> Result<Vec<Line>> {
    let small = FileSystem::mount(&ground.database.dir().join("small"))?;
    move_to(ground, &small)?;
    let lines = break_it(ground, &small);
    if ground.kind() == Kind::Postgres {
        ground.database.sql("postgres", &format!("DROP DATABASE {} WITH (FORCE)", ground.name()))?;
        ground.database.sql("postgres", "DROP TABLESPACE small")?;
    }
    lines
}

fn break_it(ground: &Ground, small: &FileSystem) -> Result<Vec<Line>> {
    let server = ground.serve(&[])?;
    let (mut acknowledged, mut meanwhile, mut slowest) = (Acknowledged::default(), Outcomes::default(), Duration::ZERO);
    let mut create = |name: String, length| {
        let outcomes = closed(server.address, length, CLIENTS, &Ground::creating(&ground.acme, &name))?;
        acknowledged.add(&name, &outcomes);
        Ok::<_, Failure>(outcomes)
    };
    let (mut readiness, mut read) = (Vec::new(), 0);
    for round in 0..ROUNDS {
        create(format!("before {round}"), LENGTH)?;
        small.fill()?;
        // What has been allocated is used up first.
        for part in 0..MOST {
            let outcomes = create(format!("full {round} {part}"), FULL)?;
            let is_full = outcomes.between(FULL / 2, FULL).good() == 0;
            meanwhile.add(outcomes);
            if is_full {
                break;
            }
        }
        read += usize::from(ask(&server, &Ground::read(&ground.acme))?.is_good());
        readiness.push(ready(&server)?);
        small.make_room()?;
        slowest = slowest.max(until_good(&server, &Ground::create(&ground.acme, &format!("again {round}")))?);
        readiness.push(ready(&server)?);
    }
    create("after".to_owned(), LENGTH)?;
    let mut lines = vec![
        ground.nothing_is_lost(&acknowledged)?,
        meanwhile.all_are_answered("while the disk is full"),
        Line::new("what can be read is read", format_args!("{read} of {ROUNDS}"), read == ROUNDS),
        Line::new(
            "`/readyz` is 503 while the disk is full, and 200 again",
            format_args!("{readiness:?}"),
            readiness.chunks(2).all(|pair| pair == [503, 200]) && meanwhile.shed() > 0,
        ),
        Line::new(
            "requests are carried out within 1 s after there is room",
            format_args!("{} ms at most, {} were refused before", slowest.as_millis(), meanwhile.shed()),
            slowest <= BACK,
        ),
    ];
    server.signal("KILL")?;
    drop(server);
    let again = ground.serve(&[])?;
    until_good(&again, &Ground::create(&ground.acme, "restarted")).context("after the restart")?;
    let line = ground.nothing_is_lost(&acknowledged)?;
    lines.extend([line.saying("after the server was killed and started again"), ground.invariants_hold()?]);
    Ok(lines)
}
