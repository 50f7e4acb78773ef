//! The program, run by itself on a world's database.

use std::net::TcpListener;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use reqwest::Client;
use secrecy::ExposeSecret;
use tessera::config::KeySource;
use tokio::time::sleep;

use super::World;

/// The file of the program.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_tessera");

/// A running program. It is killed when this is dropped.
pub struct Program {
    child: Child,
    address: String,
    pub http: Client,
}

impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }
}

impl Program {
    /// Serves the world's database with a command that runs the program, and waits until it answers.
    pub async fn serving(world: &World, command: &mut Command) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").to_string();
        let KeySource::Hs256(secret) = &world.config.auth.key else { panic!("tests have a secret") };
        let child = command
            .env("TESSERA_LISTEN", &free)
            .env("TESSERA_DATABASE_URL", world.config.database.url.expose_secret())
            .env("TESSERA_AUTH_ISSUER", &world.config.auth.issuer)
            .env("TESSERA_AUTH_AUDIENCE", &world.config.auth.audience)
            .env("TESSERA_AUTH_HS256_SECRET", secret.expose_secret())
            .env("TESSERA_CURSOR_SECRET", world.config.cursor_secret.expose_secret())
            .env("TESSERA_LOG", "off")
            .spawn()
            .expect("it starts");
        let program = Self { child, address: format!("http://{free}"), http: Client::new() };
        let deadline = Instant::now() + Duration::from_secs(60);
        while program.http.get(program.url("healthz")).send().await.is_err() {
            assert!(Instant::now() < deadline, "it does not answer");
            sleep(Duration::from_millis(20)).await;
        }
        program
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.address)
    }

    /// The process' number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}
