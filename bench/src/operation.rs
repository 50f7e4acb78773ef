//! What is asked: each operation with how each contestant is asked it.

use std::path::PathBuf;
use std::rc::Rc;

use serde_json::{Value, json};
use tessera_harness::{Context, Result};

use crate::keys::{self, Chance, typed, uuid};
use crate::load::Request;
use crate::options::Contestant;

/// An operation of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// A customer with subscription and tier, of a tenant with 60,000.
    Q1,
    /// The same of a tenant with 40.
    Q1Small,
    /// A page of 50 customers with subscription, tier, default method and last 3 payments, of a tenant with 60,000.
    Q2,
    /// The same of a tenant with 80.
    Q2Small,
    /// The same page as Q2, 50,000 rows deep.
    Q3,
    /// The dashboard of a tenant with 40 customers.
    Q4,
    /// The dashboard of a tenant with 60,000 customers.
    Q4Large,
    /// Makes a customer with its subscription; the floor in four round trips.
    M1,
    /// The floor of M1 in one statement.
    M1One,
    /// What one customer's subscription is worth.
    A1,
    /// What one customer may do with five features.
    A2,
    /// Consumes from one counter.
    U1,
}

impl Operation {
    /// All of them, writes last.
    pub const ALL: [Self; 12] = [
        Self::Q1,
        Self::Q1Small,
        Self::Q2,
        Self::Q2Small,
        Self::Q3,
        Self::Q4,
        Self::Q4Large,
        Self::A1,
        Self::A2,
        Self::U1,
        Self::M1,
        Self::M1One,
    ];

    /// Its name in the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Q1 => "Q1",
            Self::Q1Small => "Q1-small",
            Self::Q2 => "Q2",
            Self::Q2Small => "Q2-small",
            Self::Q3 => "Q3",
            Self::Q4 => "Q4",
            Self::Q4Large => "Q4-large",
            Self::M1 => "M1",
            Self::M1One => "M1-one",
            Self::A1 => "A1",
            Self::A2 => "A2",
            Self::U1 => "U1",
        }
    }

    /// Whether `--only` names it: by its name, or by the part before the dash.
    pub fn is_named(self, names: &[String]) -> bool {
        let family = self.name().split('-').next().unwrap_or_default();
        names.is_empty()
            || names.iter().any(|name| name.eq_ignore_ascii_case(self.name()) || name.eq_ignore_ascii_case(family))
    }

    /// Whether this contestant is asked it.
    pub fn is_for(self, contestant: Contestant) -> bool {
        match contestant {
            Contestant::Floor => !matches!(self, Self::Q1Small | Self::Q2Small),
            Contestant::Tessera => self != Self::M1One,
            Contestant::Postgraphile => {
                !matches!(self, Self::Q1Small | Self::Q2Small | Self::M1One | Self::A2 | Self::U1)
            }
            Contestant::Sqlite => matches!(self, Self::Q1 | Self::Q2),
            Contestant::Replicas => matches!(self, Self::Q1 | Self::Q2 | Self::M1 | Self::U1),
        }
    }

    /// The floor's script, and what `:organization` is in it.
    pub fn script(self) -> (PathBuf, u64) {
        let (name, organization) = match self {
            Self::Q1 | Self::Q1Small => ("q1", keys::LARGE),
            Self::Q2 | Self::Q2Small => ("q2", keys::LARGE),
            Self::Q3 => ("q3", keys::LARGE),
            Self::Q4 => ("q4", keys::SMALL),
            Self::Q4Large => ("q4", keys::LARGE),
            Self::M1 => ("m1_trips", keys::LARGE),
            Self::M1One => ("m1_single", keys::LARGE),
            Self::A1 => ("a1", keys::LARGE),
            Self::A2 => ("a2", keys::LARGE),
            Self::U1 => ("u1", keys::LARGE),
        };
        (crate::source(&format!("sql/{name}.sql")), organization)
    }

    fn document(self) -> &'static str {
        match self {
            Self::Q1 | Self::Q1Small => "q1",
            Self::Q2 | Self::Q2Small | Self::Q3 => "q2",
            Self::Q4 | Self::Q4Large => "q4",
            Self::M1 | Self::M1One => "m1",
            Self::A1 => "a1",
            Self::A2 => "a2",
            Self::U1 => "u1",
        }
    }

    fn organization(self) -> u64 {
        match self {
            Self::Q1Small | Self::Q4 => keys::SMALL,
            Self::Q2Small => keys::MIDDLE,
            _ => keys::LARGE,
        }
    }
}

/// Whom to ask over HTTP, and with what.
pub struct Asker {
    /// Who is asked.
    pub contestant: Contestant,
    /// The token of each organization that is asked for; none where nobody checks.
    pub tokens: Vec<(u64, String)>,
    /// The cursor of the 50,000th newest customer of the large tenant.
    pub cursor: Option<String>,
}

impl Asker {
    fn api_id(&self, prefix: &str, id: u128) -> String {
        if self.contestant == Contestant::Postgraphile { uuid(id) } else { typed(prefix, id) }
    }

    /// One request of this operation for the `k`th customer, or in the `k`th of the organizations that are written.
    pub fn request(&self, operation: Operation, k: u64) -> Result<Request> {
        let organization = match operation {
            Operation::M1 => keys::WRITTEN.start() + k % (keys::WRITTEN.end() - keys::WRITTEN.start() + 1),
            other => other.organization(),
        };
        let customer = match operation.organization() {
            keys::SMALL => keys::small(keys::SMALL, k),
            _ => keys::large(k),
        };
        let mut variables = json!({ "organization": self.api_id("org", keys::organization(organization)) });
        match operation {
            Operation::Q1 | Operation::Q1Small | Operation::A1 | Operation::A2 => {
                variables["customer"] = self.api_id("cus", keys::customer(customer)).into();
            }
            Operation::U1 => {
                variables["customer"] = self.api_id("cus", keys::customer(keys::large(keys::BUSY))).into();
            }
            Operation::Q3 => variables["after"] = self.cursor.clone().context("no cursor")?.into(),
            Operation::M1 | Operation::M1One => {
                variables["tier"] = self.api_id("tier", keys::tier(keys::WRITTEN_TIER)).into();
                variables["name"] = "New customer".into();
                variables["email"] = "new@example.org".into();
                variables["key"] = SERIAL.into();
            }
            Operation::Q2 | Operation::Q2Small | Operation::Q4 | Operation::Q4Large => {}
        }
        self.post(operation.document(), organization, variables)
    }

    /// A request with the document of this name, as an administrator of this organization.
    pub fn post(&self, document: &str, organization: u64, variables: Value) -> Result<Request> {
        let dir = if self.contestant == Contestant::Postgraphile { "postgraphile/queries" } else { "queries" };
        let file = crate::source(&format!("{dir}/{document}.graphql"));
        let query = std::fs::read_to_string(&file).context(file.display())?;
        Ok(self.raw(&query, organization, variables))
    }

    /// A request with this document.
    pub fn raw(&self, query: &str, organization: u64, variables: Value) -> Request {
        let variables = used(query, variables);
        let body = json!({ "query": query, "variables": variables }).to_string();
        let token = self.tokens.iter().find(|(of, _)| *of == organization);
        let authorization = token.map_or(String::new(), |(_, token)| format!("Authorization: Bearer {token}\r\n"));
        let bytes = format!(
            "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Accept: application/json\r\n{authorization}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes();
        let serial_at = bytes.windows(SERIAL.len()).position(|window| window == SERIAL.as_bytes());
        Request { bytes, serial_at }
    }

    /// The requests of this operation that a turn goes round: as many as it takes that no cache of answers would help.
    pub fn requests(&self, operation: Operation) -> Result<Rc<[Request]>> {
        let mut chance = Chance(operation as u64);
        let (many, customers) = match operation {
            Operation::Q1 | Operation::A1 | Operation::A2 => (4096, keys::LARGE_CUSTOMERS),
            Operation::Q1Small => (40, keys::SMALL_CUSTOMERS),
            Operation::M1 => (keys::WRITTEN.count() as u64, u64::MAX),
            _ => (1, 1),
        };
        let mut at = |number| if operation == Operation::M1 { number } else { chance.below(customers) };
        (0..many).map(&mut at).map(|k| self.request(operation, k)).collect()
    }
}

/// Stands where a serial number is written into the request.
const SERIAL: &str = "00000000000000000000";

/// Servers refuse variables that the document does not declare, or may.
fn used(query: &str, mut variables: Value) -> Value {
    if let Some(all) = variables.as_object_mut() {
        all.retain(|name, _| query.contains(&format!("${name}:")));
    }
    variables
}
