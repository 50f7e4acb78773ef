//! The program's commands, run by themselves, on databases that are not as they should be.

use std::net::TcpListener;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use secrecy::ExposeSecret;
use serde_json::json;
use tessera::auth::{Part, Permission};
use tessera::error::Error;

use crate::support::{Backend, World, empty};

/// What takes longer hangs.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs a command with a database. It must end.
async fn run(arguments: &'static [&'static str], database: &str) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tessera"));
    command
        .args(arguments)
        .env("TESSERA_DATABASE_URL", database)
        .env("TESSERA_DATABASE_ACQUIRE_TIMEOUT", "200ms")
        .env("TESSERA_LISTEN", "127.0.0.1:0")
        .env("TESSERA_AUTH_ISSUER", "https://issuer.example.com")
        .env("TESSERA_AUTH_AUDIENCE", "tessera")
        .env("TESSERA_AUTH_HS256_SECRET", "a secret for tests that is long enough to be one")
        .env("TESSERA_CURSOR_SECRET", "another secret for tests, which signs cursors")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let (mut child, started) = (command.spawn().expect("it runs"), Instant::now());
    while child.try_wait().expect("it is a child").is_none() {
        if started.elapsed() > LIMIT {
            child.kill().expect("it can be killed");
            panic!("{arguments:?} does not end");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let Output { status, stdout, stderr } = child.wait_with_output().expect("it has ended");
    let told = [stdout, stderr].map(|text| String::from_utf8(text).expect("UTF-8")).concat();
    (status.code(), told)
}

/// Runs each command that opens a database: it must fail, and say this.
async fn all_fail_with(database: &str, text: &str) {
    for arguments in [&["serve"][..], &["doctor"], &["migrate", "up"], &["migrate", "status"]] {
        let (code, told) = run(arguments, database).await;
        assert_eq!(code, Some(1), "{arguments:?}: {told}");
        assert!(told.contains(text), "{arguments:?}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_says_nothing_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        let _silent: Vec<_> = listener.incoming().collect();
    });
    for mode in ["disable", "require"] {
        let url = format!("postgres://tessera@127.0.0.1:{port}/tessera?sslmode={mode}");
        all_fail_with(&url, "the server did not answer within 200ms").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn why_a_database_cannot_be_used_is_told() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    all_fail_with(&format!("postgres://tessera@{free}/tessera"), "Connection refused").await;

    let dir = tempfile::tempdir().expect("a directory");
    let file = |name: &str| (dir.path().join(name), format!("sqlite://{}", dir.path().join(name).display()));
    let (path, url) = file("text.db");
    std::fs::write(path, "no database\n".repeat(1000)).expect("written");
    all_fail_with(&url, "the file is no SQLite database").await;

    let (path, url) = file("foreign.db");
    let foreign = rusqlite::Connection::open(path).expect("opened");
    foreign.execute_batch("CREATE TABLE songs (title TEXT)").expect("made");
    all_fail_with(&url, "the file is the database of another program").await;

    let (path, url) = file("damaged.db");
    let (code, told) = run(&["migrate", "up"], &url).await;
    assert_eq!(code, Some(0), "{told}");
    let mut bytes = std::fs::read(&path).expect("read");
    let after_header = 100;
    bytes[after_header..].fill(0xa5);
    std::fs::write(path, bytes).expect("written");
    all_fail_with(&url, "the file is damaged").await;

    let (_, url) = file("missing/missing.db");
    all_fail_with(&url, "unable to open database file").await;
}

/// Several at once migrate an empty database.
async fn migrate_at_once(backend: Backend) {
    let database = empty(backend).await;
    let url = database.config.url.expose_secret();
    let told = futures_util::future::join_all((0..4).map(|_| run(&["migrate", "up"], url))).await;
    assert!(told.iter().all(|(code, _)| *code == Some(0)), "{told:?}");
    let (applied, idle): (Vec<_>, Vec<_>) = told.iter().partition(|(_, told)| told.contains("applied m"));
    assert_eq!((applied.len(), idle.len()), (1, 3), "{told:?}");
    assert!(idle.iter().all(|(_, told)| told.contains("nothing to do")), "{told:?}");
    assert_eq!(run(&["migrate", "status"], url).await.0, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_that_migrate_one_does_on_sqlite() {
    migrate_at_once(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_that_migrate_one_does_on_postgres() {
    migrate_at_once(Backend::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_program_changes_nothing_in_a_newer_schema() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let world = World::new(backend).await;
        world.sql("INSERT INTO seaql_migrations (version, applied_at) VALUES ('m29991231_000001_later', 0)").await;
        let (code, told) = run(&["migrate", "up"], world.config.database.url.expose_secret()).await;
        assert_eq!((code, told.as_str()), (Some(0), "nothing to do: the schema is up to date\n"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_is_content_with_what_is_good() {
    let world = World::new(Backend::Sqlite).await;
    let (code, told) = run(&["doctor"], world.config.database.url.expose_secret()).await;
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("ok      writes: possible"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_tells_why_nothing_can_be_written() {
    let world = World::new(Backend::Postgres).await;
    let url = world.config.database.url.expose_secret();
    let name = url.rsplit_once('/').expect("a URL with a database").1;
    world.sql(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on")).await;
    let (code, told) = run(&["doctor"], url).await;
    assert_eq!(code, Some(1), "{told}");
    let reason = "failed  writes: the database is read-only: default_transaction_read_only is on";
    assert!(told.contains(reason), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_revoked_where_nobody_can_sign_in() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let world = World::new(backend).await;
        let database = world.config.database.url.expose_secret().to_owned();
        let (admin, elsewhere) = (world.admin(world.alpha), world.admin(world.beta));
        let (code, told) =
            run(&["revoke", "--subject", "admin@example.com", "--organization", "alpha"], &database).await;
        assert_eq!(code, Some(0), "{told}");
        assert!(told.contains("Refused from now on"), "{told}");
        // The clock of a test stands still, and its tokens are older than any command.
        world.store.learn_revoked().await.expect("the database answers");
        assert!(world.app.verifier().verify(admin.token()).await.is_err());
        assert!(world.app.verifier().verify(elsewhere.token()).await.is_ok());
        let trail = "{ auditEvents(where: { action: { eq: \"revocation.create\" } }) {
            nodes { actor actorRole reason organization { id } changes } } }";
        let entries = world.root().ok(trail, json!({})).await["auditEvents"]["nodes"].clone();
        assert_eq!(entries.as_array().map(Vec::len), Some(1), "{entries}");
        let entry = &entries[0];
        assert_eq!(
            (&entry["actor"], &entry["actorRole"], &entry["organization"]["id"]),
            (&json!("command-line"), &json!("SYSTEM"), &json!(world.alpha.id.to_string()))
        );
        assert_eq!(entry["changes"]["subject"]["to"], "admin@example.com");
        for wrong in [
            &["revoke"][..],
            &["revoke", "--subject", "x", "--token", "y"],
            &["revoke", "--subject", "x", "--organization", "none"],
        ] {
            assert_eq!(run(wrong, &database).await.0, Some(2), "{wrong:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_may_do_what_its_line_says() {
    let world = World::new(Backend::Sqlite).await;
    for (part, may) in [(Part::CommandLine, true), (Part::Scheduler, false), (Part::Demo, false)] {
        let writer = world.store.acting_as(part).writer(Permission::MembersManage);
        assert_eq!(writer.is_ok(), may, "{part:?}");
        assert_eq!(matches!(writer, Err(Error::Forbidden(Permission::MembersManage))), !may, "{part:?}");
    }
}
