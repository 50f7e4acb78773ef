//! Everyone who is measured, started and checked.

use serde_json::{Value, json};
use tessera_harness::{Context, Failure, Result};

use crate::dataset::{self, Copy};
use crate::equal;
use crate::floor;
use crate::keys::{self, typed, uuid};
use crate::load;
use crate::operation::{Asker, Operation};
use crate::options::{Contestant, Options};
use crate::progress;
use crate::server::{self, Server};

/// A server and how it is asked.
pub struct Entrant {
    /// Its servers, one or more.
    pub servers: Vec<Server>,
    /// How it is asked.
    pub asker: Asker,
    has_dashboard: bool,
}

/// Everyone who is measured.
pub struct Arena {
    /// Those who answer over HTTP. Before the data, because what is dropped first is stopped first.
    pub entrants: Vec<Entrant>,
    /// The databases.
    pub copy: Copy,
}

impl Entrant {
    /// One of its servers.
    pub fn server(&self) -> &Server {
        &self.servers[0]
    }
}

impl Arena {
    /// Starts everyone who takes part.
    pub fn open(options: &Options, operations: &[Operation]) -> Result<Self> {
        let copy = dataset::prepare(options)?;
        let expected = copy
            .database
            .query("SELECT concat(bench.customer_id(bench.large(12345)), bench.customer_id(bench.small(77, 5)))")?;
        let computed = [keys::large(12345), keys::small(77, 5)].map(|number| uuid(keys::customer(number)));
        if expected != computed.concat() {
            return Err(Failure::new("src/keys.rs and data/keys.sql compute different ids"));
        }
        let mut arena = Self { entrants: Vec::new(), copy };
        for contestant in Contestant::ALL.into_iter().filter(|contestant| *contestant != Contestant::Floor) {
            if options.wants(contestant) && operations.iter().any(|operation| operation.is_for(contestant)) {
                progress(format_args!("starting {}", contestant.name()));
                let entrant = arena.entrant(options, contestant, operations)?;
                arena.entrants.push(entrant);
            }
        }
        Ok(arena)
    }

    /// The address of the database for this contestant.
    pub fn database_url(&self, contestant: Contestant) -> String {
        match contestant {
            Contestant::Sqlite => format!("sqlite:{}", self.copy.sqlite.display()),
            other => self.copy.database.url(other.role()),
        }
    }

    fn entrant(&self, options: &Options, contestant: Contestant, operations: &[Operation]) -> Result<Entrant> {
        let url = self.database_url(contestant);
        let mut tokens = Vec::new();
        let mut servers = if contestant == Contestant::Postgraphile {
            server::install_postgraphile(options)?;
            vec![server::start_postgraphile(options, &self.copy.database)?]
        } else {
            let written = keys::WRITTEN.filter(|_| operations.contains(&Operation::M1));
            for number in [keys::LARGE, keys::SMALL, keys::MIDDLE].into_iter().chain(written) {
                tokens.push((number, server::token(options, &url, &typed("org", keys::organization(number)))?));
            }
            (0..contestant.processes()).map(|_| server::start_tessera(options, &url)).collect::<Result<_>>()?
        };
        let mut asker = Asker { contestant, tokens, cursor: None };
        let request = asker.request(Operation::Q1, 0)?;
        servers.iter_mut().try_for_each(|server| server.wait_for(&request.bytes))?;
        let server = &servers[0];
        if operations.contains(&Operation::Q3) && Operation::Q3.is_for(contestant) {
            asker.cursor = Some(deep_cursor(server, &asker)?);
        }
        let has_dashboard = contestant == Contestant::Postgraphile || knows_dashboard(server, &asker)?;
        Ok(Entrant { servers, asker, has_dashboard })
    }

    /// The server of this contestant, if it runs.
    pub fn of(&self, contestant: Contestant) -> Option<&Entrant> {
        self.entrants.iter().find(|entrant| entrant.asker.contestant == contestant)
    }

    /// Whether this contestant can be asked this operation.
    pub fn supports(&self, contestant: Contestant, operation: Operation) -> bool {
        if contestant == Contestant::Floor {
            return operation.is_for(contestant);
        }
        let dashboard = matches!(operation, Operation::Q4 | Operation::Q4Large);
        self.of(contestant).is_some_and(|entrant| operation.is_for(contestant) && (entrant.has_dashboard || !dashboard))
    }

    /// Compares the answers of all contestants; the first difference is an error.
    pub fn compare(&self, operations: &[Operation]) -> Result<usize> {
        let mut compared = 0;
        for &operation in operations.iter().filter(|operation| !matches!(operation, Operation::M1One | Operation::U1)) {
            let customers = match operation {
                Operation::Q1 | Operation::A1 | Operation::A2 => vec![0, 1, 2, 10_000, 31_415, 59_999],
                Operation::Q1Small => vec![0, 39],
                _ => vec![0],
            };
            for k in customers {
                compared += self.compare_one(operation, k)?;
            }
            if operation == Operation::M1 {
                self.copy.database.run_file(&crate::source("data/clean.sql"))?;
            }
        }
        Ok(compared)
    }

    fn compare_one(&self, operation: Operation, k: u64) -> Result<usize> {
        let mut answers: Vec<(&str, Value)> = Vec::new();
        if self.supports(Contestant::Floor, operation) && operation != Operation::M1 {
            let rows = floor::answer(&self.copy.database, operation, k)?;
            answers.push((Contestant::Floor.name(), equal::from_rows(operation, &rows)?));
        }
        for entrant in &self.entrants {
            let contestant = entrant.asker.contestant;
            if self.supports(contestant, operation) {
                let body = load::ask(entrant.server().address, &entrant.asker.request(operation, k)?.bytes)
                    .context(format_args!("{} does not answer {}", contestant.name(), operation.name()))?;
                answers.push((contestant.name(), equal::common(contestant, operation, &body)?));
            }
        }
        let Some(((first, expected), others)) = answers.split_first() else { return Ok(0) };
        for (name, answer) in others {
            if let Some(difference) = equal::difference("", expected, answer) {
                let operation = operation.name();
                return Err(Failure::new(format_args!(
                    "{first} and {name} answer {operation} differently: {difference}"
                )));
            }
        }
        Ok(others.len())
    }
}

/// The cursor of the 50,000th newest customer: PostGraphile can count to it, Tessera walks there.
fn deep_cursor(server: &Server, asker: &Asker) -> Result<String> {
    let organization = keys::organization(keys::LARGE);
    if asker.contestant == Contestant::Postgraphile {
        let request = asker.post("cursor", keys::LARGE, json!({ "organization": uuid(organization) }))?;
        return cursor(&load::ask(server.address, &request.bytes)?);
    }
    let organization = typed("org", organization);
    let mut after = Value::Null;
    for _ in 0..500 {
        let variables = json!({ "organization": organization, "after": after });
        after = cursor(&load::ask(server.address, &asker.post("cursor", keys::LARGE, variables)?.bytes)?)?.into();
    }
    Ok(after.as_str().unwrap_or_default().to_owned())
}

fn cursor(body: &[u8]) -> Result<String> {
    let answer: Value = serde_json::from_slice(body)?;
    let root = answer["data"].as_object().and_then(|data| data.values().next());
    let cursor = root.and_then(|root| root["pageInfo"]["endCursor"].as_str());
    Ok(cursor.context(format_args!("no cursor in {answer}"))?.to_owned())
}

fn knows_dashboard(server: &Server, asker: &Asker) -> Result<bool> {
    let request = asker.raw("{ __type(name: \"Query\") { fields { name } } }", keys::LARGE, json!({}));
    let answer: Value = serde_json::from_slice(&load::ask(server.address, &request.bytes)?)?;
    let fields = answer["data"]["__type"]["fields"].as_array();
    Ok(fields.is_some_and(|fields| fields.iter().any(|field| field["name"] == "dashboard")))
}
