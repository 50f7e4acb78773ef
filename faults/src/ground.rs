//! A fresh installation to break things on.

use std::fs::File;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use crate::client::{Answer, Client, post};
use crate::database::{Database, Kind, run};
use crate::failure::{Context, Failure, Result};
use crate::server::Server;

/// A migrated database with the organizations `acme` and `globex`, and their administrators.
pub struct Ground<'a> {
    /// What it stands on.
    pub database: &'a Database,
    /// Its name there.
    name: &'static str,
    tessera: PathBuf,
    /// An older program, if there is one.
    pub old: Option<PathBuf>,
    /// The token of an administrator of `acme`.
    pub acme: String,
    /// The token of an administrator of `globex`.
    pub globex: String,
}

impl<'a> Ground<'a> {
    /// Makes it.
    pub fn prepare(database: &'a Database, tessera: PathBuf, old: Option<PathBuf>, name: &'static str) -> Result<Self> {
        database.create(name)?;
        let mut ground = Self { database, name, tessera, old, acme: String::new(), globex: String::new() };
        run(ground.tessera().args(["migrate", "up"]))?;
        let server = ground.serve(&[])?;
        let root = run(ground.tessera().args(["token", "--role", "ROOT", "--expires", "1d"]))?;
        let ask = |query: String| {
            let answer = ask(&server, &post(&root, &json!({ "query": query }).to_string()))?;
            if answer.is_good() { Ok(()) } else { Err(Failure::new(format_args!("{query}: {}", answer.body))) }
        };
        for kind in ["ORGANIZATION", "CUSTOMER"] {
            let price = "{ billingCycle: MONTHLY, currency: \"USD\", amountMinor: 900 }";
            ask(format!(
                "mutation {{ createTier(input: {{ key: \"starter\", kind: {kind}, name: \"Starter\", rank: 10, \
                 public: true, prices: [{price}] }}) {{ userErrors {{ code message path }} }} }}"
            ))?;
        }
        for slug in ["acme", "globex"] {
            ask(format!(
                "mutation {{ createOrganization(input: {{ name: \"{slug}\", slug: \"{slug}\" }}) \
                 {{ userErrors {{ code message path }} }} }}"
            ))?;
        }
        let token =
            |slug| run(ground.tessera().args(["token", "--role", "ADMIN", "--expires", "1d", "--organization", slug]));
        (ground.acme, ground.globex) = (token("acme")?, token("globex")?);
        Ok(ground)
    }

    /// The kind of database.
    pub fn kind(&self) -> Kind {
        self.database.kind()
    }

    /// The address of its database.
    pub fn url(&self) -> String {
        self.database.url(self.name)
    }

    /// A command of Tessera here, configured as in production but for what tests need.
    pub fn tessera(&self) -> Command {
        let mut command = Command::new(&self.tessera);
        command
            .env("TESSERA_DATABASE_URL", self.url())
            .env("TESSERA_AUTH_ISSUER", "https://issuer.example")
            .env("TESSERA_AUTH_AUDIENCE", "tessera")
            .env("TESSERA_AUTH_HS256_SECRET", "a secret of the faults, which signs their tokens")
            .env("TESSERA_CURSOR_SECRET", "a secret of the faults, which authenticates cursors")
            .env("TESSERA_METRICS", "true")
            .env("TESSERA_SHUTDOWN_DELAY", "0ms")
            .env("TESSERA_LOG", "warn");
        command
    }

    /// Starts a server, with these variables besides.
    pub fn serve(&self, variables: &[(&str, &str)]) -> Result<Server> {
        let log =
            File::options().create(true).append(true).open(self.database.dir().join(format!("{}.log", self.name)));
        Server::start(self.tessera().envs(variables.iter().copied()), log.context("no log")?)
    }

    /// Runs statements past Tessera, and returns what they answer, columns separated by `|`.
    pub fn sql(&self, statements: &str) -> Result<String> {
        self.database.sql(self.name, statements)
    }

    /// How many rows a table has, with a condition.
    pub fn count(&self, table_and_condition: &str) -> Result<usize> {
        self.sql(&format!("SELECT count(*) FROM {table_and_condition}"))?.parse().context("no number")
    }

    /// Makes creating a customer so slow that about 300 are made in a second.
    pub fn slow_down(&self) -> Result<()> {
        let statements = match self.kind() {
            // Five connections, each of which sleeps.
            Kind::Postgres => {
                "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS \
                 $$ BEGIN PERFORM pg_sleep(0.016); RETURN NEW; END $$; \
                 CREATE TRIGGER slow BEFORE INSERT ON customers FOR EACH ROW EXECUTE FUNCTION slow();"
            }
            // One writer, which has something to count. It cannot sleep.
            Kind::Sqlite => {
                "CREATE VIEW slow AS WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number \
                 WHERE n < 25000) SELECT count(*) AS counted FROM number; \
                 CREATE TRIGGER slow BEFORE INSERT ON customers BEGIN SELECT counted FROM slow; END;"
            }
        };
        self.sql(statements).map(|_| ())
    }

    /// A request that creates a customer.
    pub fn create(token: &str, key: &str) -> Vec<u8> {
        let query = "mutation($input: CreateCustomerInput!) { createCustomer(input: $input) \
                     { customer { id } userErrors { code message path } } }";
        let input = json!({ "name": key, "idempotencyKey": key });
        post(token, &json!({ "query": query, "variables": { "input": input } }).to_string())
    }
}

/// A runtime for the clients, on one thread: the machine is shared with the server.
pub fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

/// The answer to one request, on a connection of its own.
pub fn ask(server: &Server, request: &[u8]) -> Result<Answer> {
    runtime()?.block_on(async {
        let answer = async { Client::connect(server.address).await?.ask(request).await };
        let answer = tokio::time::timeout(Duration::from_secs(30), answer).await.context("no answer within 30 s")?;
        answer.context("no answer")
    })
}

/// A figure of the server's metrics.
pub fn figure(server: &Server, name: &str) -> Result<f64> {
    let text = ask(server, &crate::client::get("/metrics"))?.body;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.and_then(|value| value.parse().ok()).context(format_args!("no figure {name}"))
}
