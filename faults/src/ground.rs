//! A fresh installation to break things on.

use std::collections::HashSet;
use std::fs::File;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tessera_harness::{Context, Failure, Result, run};

use crate::client::{Answer, Client, get, post};
use crate::database::{Database, Kind};
use crate::load::{Make, Outcomes};
use crate::report::Line;
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

    /// What one program made, with the program of another one.
    pub fn of(made: &Ground<'a>, program: &Self) -> Self {
        let (acme, globex) = (made.acme.clone(), made.globex.clone());
        Self { database: made.database, name: made.name, tessera: program.tessera.clone(), old: None, acme, globex }
    }

    /// The name of its database.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The kind of database.
    pub fn kind(&self) -> Kind {
        self.database.kind()
    }

    /// The address of its database.
    pub fn url(&self) -> String {
        self.database.url(self.name)
    }

    /// The file of its database on SQLite.
    pub fn file(&self) -> PathBuf {
        self.database.file(self.name)
    }

    /// What its servers logged.
    pub fn log(&self) -> PathBuf {
        self.database.dir().join(format!("{}.log", self.name))
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
            // A few tenants ask for more than can be done.
            .env("TESSERA_TENANT_RATE", "0")
            .env("TESSERA_USER_RATE", "0")
            .env("TESSERA_LOG", "warn");
        command
    }

    /// Starts a server, with these variables besides.
    pub fn serve(&self, variables: &[(&str, &str)]) -> Result<Server> {
        let log = File::options().create(true).append(true).open(self.log());
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

    /// Requests that create customers with these names and a number.
    pub fn creating(token: &str, name: impl Into<String>) -> Make {
        let (token, name) = (token.to_owned(), name.into());
        Arc::new(move |number| Self::create(&token, &format!("{name} {number}")))
    }

    /// A request that creates a customer.
    pub fn create(token: &str, name: &str) -> Vec<u8> {
        let query = "mutation($input: CreateCustomerInput!) { createCustomer(input: $input) \
                     { customer { id } userErrors { code message path } } }";
        let input = json!({ "name": name, "idempotencyKey": name });
        post(token, &json!({ "query": query, "variables": { "input": input } }).to_string())
    }

    /// A request that reads customers with their subscriptions.
    pub fn read(token: &str) -> Vec<u8> {
        let query = "{ customers(first: 5) { nodes { name subscription { status tier { key } } } } }";
        post(token, &json!({ "query": query }).to_string())
    }

    /// The same, again and again.
    pub fn reading(token: &str) -> Make {
        let request = Self::read(token);
        Arc::new(move |_| request.clone())
    }

    /// Creates a customer, and gives the id of its subscription.
    pub fn subscribe(&self, server: &Server) -> Result<String> {
        let query = "mutation { createCustomer(input: { name: \"wanted\" }) { customer { subscription { id } } } }";
        let answer = ask(server, &post(&self.acme, &json!({ "query": query }).to_string()))?;
        let body: serde_json::Value = serde_json::from_str(&answer.body).context("no JSON")?;
        let id = body["data"]["createCustomer"]["customer"]["subscription"]["id"].as_str();
        id.map(str::to_owned).context(format_args!("no subscription: {body}"))
    }

    /// The line about what was acknowledged while customers were created, as another program reads it.
    pub fn nothing_is_lost(&self, acknowledged: &Acknowledged) -> Result<Line> {
        let stored = self.sql("SELECT name FROM customers")?;
        let stored: HashSet<_> = stored.lines().collect();
        let lost = acknowledged.0.iter().filter(|name| !stored.contains(name.as_str())).count();
        let figure = format!("{lost} of {} lost", acknowledged.0.len());
        Ok(Line::new("nothing that was acknowledged is lost", figure, lost == 0 && !acknowledged.0.is_empty()))
    }

    /// The line about what must hold of the data.
    pub fn invariants_hold(&self) -> Result<Line> {
        let doctor = self.tessera().args(["doctor", "--invariants"]).output().context("doctor")?;
        let text = String::from_utf8_lossy(&doctor.stdout);
        let wrong: Vec<_> = text.lines().filter(|line| !line.starts_with("ok ")).collect();
        let figure = match &wrong[..] {
            [] => format!("{} checks", text.lines().count()),
            wrong => wrong.join("; "),
        };
        Ok(Line::new("`doctor --invariants` finds nothing", figure, doctor.status.success()))
    }
}

/// The names of customers whose creation was acknowledged.
#[derive(Default)]
pub struct Acknowledged(Vec<String>);

impl Acknowledged {
    /// Adds those of a load that created customers with this name.
    pub fn add(&mut self, name: &str, outcomes: &Outcomes) {
        self.0.extend(outcomes.numbers().map(|number| format!("{name} {number}")));
    }
}

/// How long it takes until a request gets a good answer, asked again and again.
pub fn until_good(server: &Server, request: &[u8]) -> Result<Duration> {
    let begun = Instant::now();
    loop {
        let last = match ask(server, request) {
            Ok(answer) if answer.is_good() => return Ok(begun.elapsed()),
            Ok(answer) => answer.body,
            Err(failure) => failure.to_string(),
        };
        if begun.elapsed() > Duration::from_secs(30) {
            return Err(Failure::new(format_args!("no good answer within 30 s, but {last}")));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The status of `/readyz`.
pub fn ready(server: &Server) -> Result<u16> {
    Ok(ask(server, &get("/readyz"))?.status)
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
    let text = ask(server, &get("/metrics"))?.body;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.and_then(|value| value.parse().ok()).context(format_args!("no figure {name}"))
}
