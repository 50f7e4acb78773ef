//! The program as a process of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A server that was started as an operator would.
struct Program {
    child: Child,
    address: SocketAddr,
    _dir: TempDir,
}

impl Program {
    /// Starts it on a database of its own, and waits until it answers.
    fn start() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        // Free a moment ago.
        let address = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port");
        let mut command = Command::new(env!("CARGO_BIN_EXE_tessera"));
        command
            .env("TESSERA_DATABASE_URL", format!("sqlite:{}", dir.path().join("test.db").display()))
            .env("TESSERA_AUTH_ISSUER", "https://issuer.example.com")
            .env("TESSERA_AUTH_AUDIENCE", "tessera")
            .env("TESSERA_AUTH_HS256_SECRET", "a secret for tests that is long enough to be one")
            .env("TESSERA_CURSOR_SECRET", "another secret for tests, which signs cursors")
            .env("TESSERA_LISTEN", address.to_string())
            .env("TESSERA_SHUTDOWN_DELAY", "0ms")
            .env("TESSERA_METRICS", "true")
            .stdin(Stdio::null());
        assert!(command.args(["migrate", "up"]).output().expect("it runs").status.success());
        let mut serve = Command::new(command.get_program());
        serve.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let child = serve.arg("serve").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let program = Self { child: child.expect("it starts"), address, _dir: dir };
        while TcpStream::connect(address).is_err() {
            std::thread::sleep(Duration::from_millis(5));
        }
        program
    }

    /// Asks as often on one connection, and reads all answers.
    fn ask(&self, times: usize) {
        let mut stream = TcpStream::connect(self.address).expect("connected");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
        for _ in 0..times / 10 {
            stream.write_all(&b"GET /healthz HTTP/1.1\r\nhost: test\r\n\r\n".repeat(10)).expect("sent");
            let mut text = String::new();
            while text.matches("{\"status\":\"ok\"}").count() < 10 {
                let mut bytes = [0; 8192];
                let count = stream.read(&mut bytes).expect("the server answers");
                assert!(count > 0, "the server answers");
                text.push_str(std::str::from_utf8(&bytes[..count]).expect("text"));
            }
        }
    }

    fn terminate(&self) {
        let kill = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(kill.expect("it runs").success());
    }

    /// Whether it ends in good order before long.
    fn ends(&mut self) -> bool {
        let asked = Instant::now();
        while asked.elapsed() < Duration::from_secs(30) {
            if let Some(status) = self.child.try_wait().expect("it was started") {
                return status.success();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        false
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It has ended already, unless a test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// More lines than a pipe and the queue before it hold.
const LINES: usize = 8_000;

#[test]
fn a_log_that_nobody_reads_stops_nothing() {
    let mut program = Program::start();
    program.ask(LINES);
    program.terminate();
    assert!(program.ends(), "it ends in good order, though its last lines go nowhere");
}

#[test]
fn lines_that_were_dropped_are_counted_and_told_when_they_can_be() {
    let mut program = Program::start();
    program.ask(LINES);
    let log = BufReader::new(program.child.stderr.take().expect("a pipe"));
    let mut lines = log.lines().map(|line| line.expect("text")).inspect(|line| {
        serde_json::from_str::<serde_json::Value>(line).expect("each line is whole");
    });
    let told = lines.find(|line| line.contains("log lines were dropped")).expect("it is told");
    let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    let dropped = told["lines"].as_u64().expect("a number");
    assert!((1..LINES as u64).contains(&dropped), "{told}");
    program.terminate();
    assert!(lines.any(|line| line.contains("stopping")), "the last lines are written");
    assert!(program.ends());
}
