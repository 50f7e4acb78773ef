//! What the figures should be, and whether they are: at 32 connections unless the target says otherwise.

use crate::operation::Operation;
use crate::options::Contestant::{self, Floor, Postgraphile, Replicas, Sqlite, Tessera};
use crate::rounds::Results;
use crate::startup::Startup;

/// The number of connections that most targets are about.
const LOADED: usize = 32;

/// A figure, what it must be, and what it is meant to be.
pub struct Verdict {
    /// What is compared.
    pub what: String,
    /// The figure; none if it was not measured.
    pub value: Option<f64>,
    must: Option<Bound>,
    aim: Option<Bound>,
}

#[derive(Clone, Copy)]
enum Bound {
    AtLeast(f64),
    AtMost(f64),
}
use Bound::{AtLeast, AtMost};

impl Bound {
    fn holds(self, value: f64) -> bool {
        match self {
            AtLeast(least) => value >= least,
            AtMost(most) => value <= most,
        }
    }

    fn text(self) -> String {
        match self {
            AtLeast(least) => format!("≥ {least}"),
            AtMost(most) => format!("≤ {most}"),
        }
    }
}

impl Verdict {
    /// What it must be, for people.
    pub fn must(&self) -> String {
        self.must.map_or_else(|| "–".to_owned(), Bound::text)
    }

    /// What it is meant to be, for people.
    pub fn aim(&self) -> String {
        self.aim.map_or_else(|| "–".to_owned(), Bound::text)
    }

    /// How it stands.
    pub fn word(&self) -> &'static str {
        let Some(value) = self.value else { return "not measured" };
        match (self.must, self.aim) {
            (_, Some(aim)) if aim.holds(value) => "aim reached",
            (Some(must), _) if must.holds(value) => "ok",
            (None, _) => "aim missed",
            (Some(_), _) => "MISSED",
        }
    }
}

/// All targets with what was measured.
pub fn verdicts(results: &Results, startup: &Startup) -> Vec<Verdict> {
    let rate = |operation, contestant| results.median(operation, LOADED, contestant).map(|figures| figures.rate);
    let over = |(operation, contestant), (base, other)| Some(rate(operation, contestant)? / rate(base, other)?);
    let p50 = |operation| {
        let of = |contestant| results.median(operation, 1, contestant).map(|figures| figures.p50);
        Some(of(Tessera)? / of(Postgraphile)?)
    };
    let of_tessera = |operation| results.median(operation, LOADED, Tessera);
    let mut all = Vec::new();
    let mut add = |what: &str, value: Option<f64>, must: Option<Bound>, aim: Option<Bound>| {
        all.push(Verdict { what: what.to_owned(), value, must, aim });
    };

    use Operation::{A1, A2, M1, M1One, Q1, Q1Small, Q2, Q2Small, Q3, Q4, Q4Large, U1};
    for (operation, name, floor, other) in [
        (Q1, "Q1", (0.6, 0.95), Some((6.0, 10.0))),
        (Q2, "Q2", (0.8, 1.4), Some((5.0, 8.0))),
        (Q4, "Q4", (0.6, 0.9), Some((5.0, 7.5))),
        (A1, "A1", (0.6, 0.95), None),
        (A2, "A2", (0.7, 0.9), None),
        (U1, "U1", (1.5, 3.0), None),
    ] {
        let value = over((operation, Tessera), (operation, Floor));
        add(&format!("{name}: requests/s ÷ floor"), value, Some(AtLeast(floor.0)), Some(AtLeast(floor.1)));
        if let Some((must, aim)) = other {
            let value = over((operation, Tessera), (operation, Postgraphile));
            add(&format!("{name}: requests/s ÷ PostGraphile"), value, Some(AtLeast(must)), Some(AtLeast(aim)));
        }
    }
    let value = over((Q4Large, Tessera), (Q4Large, Floor));
    add("Q4-large: requests/s ÷ floor that counts all rows", value, Some(AtLeast(20.0)), None);
    add("Q4: requests/s, small ÷ large tenant", over((Q4, Tessera), (Q4Large, Tessera)), None, Some(AtMost(1.2)));
    add("M1: requests/s ÷ floor in 4 trips", over((M1, Tessera), (M1, Floor)), Some(AtLeast(0.5)), None);
    add("M1: requests/s ÷ floor in one statement", over((M1, Tessera), (M1One, Floor)), None, Some(AtLeast(0.85)));
    add("M1: requests/s ÷ PostGraphile", over((M1, Tessera), (M1, Postgraphile)), Some(AtLeast(2.0)), None);
    let value = over((Q3, Tessera), (Q2, Tessera));
    add("Q3 ÷ own Q2: page depth", value, Some(AtLeast(0.9)), Some(AtLeast(0.95)));
    let value = over((Q2, Tessera), (Q2Small, Tessera));
    add("Q2 ÷ own Q2-small: tenant size", value, Some(AtLeast(0.9)), None);
    let value = over((Q1, Tessera), (Q1Small, Tessera));
    add("Q1 ÷ own Q1-small: tenant size", value, Some(AtLeast(0.9)), None);
    add("Q1: p50 ÷ PostGraphile, one connection", p50(Q1), Some(AtMost(0.6)), Some(AtMost(0.4)));
    add("Q2: p50 ÷ PostGraphile, one connection", p50(Q2), Some(AtMost(0.6)), Some(AtMost(0.3)));
    for (operation, name, most, aim) in [(Q1, "Q1", None, 1.0), (Q2, "Q2", Some(AtMost(4.05)), 1.0)] {
        let value = of_tessera(operation).map(|figures| figures.statements);
        // A hair above the whole number: a statement of a connection's start counts too.
        add(&format!("{name}: statements for a request"), value, most, Some(AtMost(aim + 0.05)));
    }
    for (operation, name, aim) in [(Q1, "Q1", 0.03), (Q2, "Q2", 0.2)] {
        let value = of_tessera(operation).map(|figures| figures.server_cpu);
        add(&format!("{name}: ms of server CPU for a request"), value, None, Some(AtMost(aim)));
    }
    for (operation, name) in [(Q1, "Q1"), (Q2, "Q2"), (M1, "M1")] {
        let cpu = |contestant| results.median(operation, LOADED, contestant).map(|figures| figures.server_cpu);
        let value = cpu(Replicas).zip(cpu(Tessera)).map(|(three, one)| three / one);
        add(&format!("{name}: server CPU for a request, three replicas ÷ one"), value, None, Some(AtMost(1.1)));
    }
    add("SQLite Q1: requests/s ÷ own PostgreSQL", over((Q1, Sqlite), (Q1, Tessera)), Some(AtLeast(1.0)), None);
    let value = over((Q2, Sqlite), (Q2, Tessera));
    add("SQLite Q2: requests/s ÷ own PostgreSQL", value, Some(AtLeast(1.0)), Some(AtLeast(1.5)));

    let first =
        |contestant: Contestant| startup.first_answer.iter().find(|(of, _)| *of == contestant).map(|(_, ms)| *ms);
    add("first answer after start, ms", first(Tessera), Some(AtMost(100.0)), Some(AtMost(50.0)));
    add("first answer after start on SQLite, ms", first(Sqlite), Some(AtMost(100.0)), Some(AtMost(50.0)));
    let resident = |contestant| results.resident.get(&contestant).copied();
    add("memory under load, MB", resident(Tessera), Some(AtMost(80.0)), Some(AtMost(40.0)));
    add("memory under load on SQLite, MB", resident(Sqlite), Some(AtMost(80.0)), Some(AtMost(40.0)));
    add("stripped program, MB", Some(startup.binary), Some(AtMost(40.0)), Some(AtMost(20.0)));
    all
}
