//! Expressions of SQL, by the number of a row.

use uuid::Uuid;

use super::id::{A_MINUTE, FIRST, Table};
use crate::support::{Backend, World};

/// A column and its value.
pub type Column = (&'static str, String);

/// An expression that both databases write alike.
pub fn same(text: &str) -> String {
    text.to_owned()
}

/// Expressions that the two databases write differently.
pub struct Sql {
    backend: Backend,
    pub now: i64,
    pub alpha: String,
    pub beta: String,
    pub gamma: String,
    pub delta: String,
}

impl Sql {
    /// For the organizations and the time of the world.
    pub fn new(world: &World, backend: Backend) -> Self {
        let now = world.clock.now().micros();
        let mut sql =
            Sql { backend, now, alpha: String::new(), beta: String::new(), gamma: String::new(), delta: String::new() };
        let [alpha, beta, gamma, delta] =
            [world.alpha, world.beta, world.gamma, world.delta].map(|tenant| sql.literal(tenant.id.into()));
        (sql.alpha, sql.beta, sql.gamma, sql.delta) = (alpha, beta, gamma, delta);
        sql
    }

    /// The one that the database understands.
    pub fn pick(&self, postgres: String, sqlite: String) -> String {
        if self.backend == Backend::Postgres { postgres } else { sqlite }
    }

    fn literal(&self, id: Uuid) -> String {
        self.pick(format!("'{id}'::uuid"), format!("x'{}'", id.simple()))
    }

    /// What stands for the platform where a key has the organization in it.
    pub fn platform(&self) -> String {
        self.literal(Uuid::nil())
    }

    /// The id that [`super::id`] knows the row by.
    pub fn id(&self, table: Table, number: &str) -> String {
        let (millis, table) = (format!("(({FIRST} + ({number}) * {A_MINUTE}) / 1000)"), table as u32);
        self.pick(
            format!("(lpad(to_hex({millis}), 12, '0') || '7{table:03x}8000' || lpad(to_hex({number}), 12, '0'))::uuid"),
            format!("unhex(printf('%012x7{table:03x}8000%012x', {millis}, {number}))"),
        )
    }

    /// The letters that [`super::id::letters`] knows the row by.
    pub fn letters(&self, number: &str) -> String {
        let hash = format!("(({number}) * 2654435761 % 4294967296)");
        self.pick(format!("lpad(to_hex({hash}), 8, '0')"), format!("printf('%08x', {hash})"))
    }

    /// The organization of a customer.
    pub fn tenant(&self, customer: &str) -> String {
        let Self { alpha, beta, gamma, delta, .. } = self;
        let other = self.id(Table::Organization, &format!("({customer}) % 996 + 1"));
        format!(
            "CASE WHEN ({customer}) % 5 < 3 THEN {alpha} WHEN ({customer}) % 50 = 4 THEN {beta} \
             ELSE CASE ({customer}) % 1000 WHEN 13 THEN {gamma} WHEN 14 THEN {delta} ELSE {other} END END"
        )
    }

    /// An insertion of as many rows, numbered `n` from 1.
    pub fn insert(&self, table: &str, rows: u64, columns: &[(&str, String)]) -> String {
        let names: Vec<_> = columns.iter().map(|(name, _)| *name).collect();
        let values: Vec<_> = columns.iter().map(|(_, value)| value.as_str()).collect();
        let big = self.pick("bigint".to_owned(), "integer".to_owned());
        format!(
            "WITH RECURSIVE numbers (n) AS \
             (SELECT CAST(1 AS {big}) UNION ALL SELECT n + 1 FROM numbers WHERE n < {rows}) \
             INSERT INTO {table} ({}) SELECT {} FROM numbers ORDER BY n",
            names.join(", "),
            values.join(", ")
        )
    }

    /// The moment when a row was made.
    pub fn made(number: &str) -> String {
        format!("{FIRST} + ({number}) * {A_MINUTE}")
    }

    /// A moment that has nothing to do with the order in which rows were made.
    pub fn changed(number: &str) -> String {
        format!("{FIRST} + ({number}) * 7919 % 1000003 * {A_MINUTE}")
    }

    /// The columns, and those that tell when a row was made and changed.
    pub fn stamped(own: Vec<Column>) -> Vec<Column> {
        let stamps = [("created_at", Self::made("n")), ("updated_at", Self::changed("n")), ("version", same("1"))];
        [own, stamps.to_vec()].concat()
    }
}
