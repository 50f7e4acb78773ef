//! Readings as SQL, for PostgreSQL and SQLite.

use std::fmt::Write as _;

use sea_orm::{EntityTrait, IdenStatic as _, Iterable as _};
use uuid::Uuid;

use super::{First, Lock, Reading, Source, Table};
use crate::store::text::{Text, put, render};

/// SQLite's own key of every table here.
const ROWID: &str = "rowid";

impl Text {
    /// Whole rows, which are locked until the end of the transaction if that is asked for.
    pub(in crate::store) fn models<E: EntityTrait>(&mut self, source: &Source, lock: Option<Lock>) {
        put!(self, "SELECT ");
        self.columns(E::Column::iter().map(|column| column.as_str()));
        self.rows_of(source);
        let clause = match lock.filter(|_| !self.is_sqlite()) {
            None => "",
            Some(Lock::KeyShare) => " FOR KEY SHARE",
            Some(Lock::Share) => " FOR SHARE",
            Some(Lock::NoKeyUpdate) => " FOR NO KEY UPDATE",
            Some(Lock::Update) => " FOR UPDATE",
        };
        put!(self, "{clause}");
    }

    pub(in crate::store) fn count(&mut self, source: &Source, cap: u64) {
        put!(self, "SELECT count(*) FROM (SELECT 1");
        self.rows_of(source);
        put!(self, " LIMIT ");
        self.value(cap.cast_signed());
        put!(self, r#") AS "found""#);
    }

    pub(in crate::store) fn counts(&mut self, source: &Source, parent: &str, parents: &[Uuid], cap: u64) {
        put!(self, "SELECT ");
        self.parents_id();
        put!(self, ", (SELECT count(*) FROM (SELECT 1");
        self.rows_of(source);
        put!(self, r#" AND "{}"."{parent}" = "#, source.table);
        self.parents_id();
        put!(self, " LIMIT ");
        self.value(cap.cast_signed());
        put!(self, r#") AS "found") FROM "#);
        self.parents(parents);
    }

    pub(in crate::store) fn reading(&mut self, reading: &Reading, parents: &[Uuid]) {
        put!(self, "SELECT ");
        if reading.parent.is_some() {
            self.parents_id();
        }
        if reading.parent.is_none() && reading.columns.is_empty() {
            put!(self, "1");
        }
        for (place, (Table(table), column)) in reading.columns.iter().enumerate() {
            let comma = if place > 0 || reading.parent.is_some() { ", " } else { "" };
            put!(self, r#"{comma}"t{table}"."{column}""#);
        }
        put!(self, " FROM ");
        match reading.parent {
            Some(column) => {
                self.parents(parents);
                self.join("INNER JOIN", Reading::BASE, reading, &reading.base, &reading.first, |text| {
                    put!(text, r#""{}"."{column}" = "#, reading.base.table);
                    text.parents_id();
                });
            }
            None => {
                put!(self, "(SELECT ");
                self.columns_of(Reading::BASE, reading);
                self.rows_of(&reading.base);
                self.sums(reading);
                self.first(&reading.first, reading.base.table);
                put!(self, r#") AS "t0""#);
            }
        }
        for (place, join) in reading.joins.iter().enumerate() {
            // Where there is one row at most, the limit keeps PostgreSQL from joining all rows there are.
            let first = First { keys: join.first_by.clone(), limit: Some(1) };
            self.join("LEFT JOIN", Table(place + 1), reading, &join.source, &first, |text| {
                let ((own, parents), Table(parent)) = (join.on, join.parent);
                put!(text, r#""{}"."{own}" = "t{parent}"."{parents}""#, join.source.table);
            });
        }
        self.first(&First { keys: reading.first.keys.clone(), limit: None }, "t0");
    }

    /// The parents' ids as a table.
    fn parents(&mut self, parents: &[Uuid]) {
        if self.is_sqlite() {
            // JSON holds no blobs.
            let hex: Vec<String> = parents.iter().map(|id| id.simple().to_string()).collect();
            put!(self, "json_each(");
            self.value(serde_json::json!(hex).to_string());
        } else {
            put!(self, "unnest(");
            self.value(parents.to_vec());
        }
        put!(self, r#") AS "parents""#);
    }

    fn parents_id(&mut self) {
        let id = if self.is_sqlite() { r#"unhex("parents"."value")"# } else { r#""parents"."parents""# };
        put!(self, "{id}");
    }

    /// Joins the first rows of a source, which refers to tables that the statement has already.
    ///
    /// PostgreSQL looks them up by a lateral subquery, which it flattens where there is no limit. SQLite has none, but
    /// follows a correlated subquery of row ids as well as an index: one id by an equality, whatever the table's size.
    fn join(
        &mut self,
        kind: &str,
        joined: Table,
        reading: &Reading,
        source: &Source,
        first: &First,
        on: impl FnOnce(&mut Self),
    ) {
        let Table(table) = joined;
        if self.is_sqlite() {
            let found = if kind == "LEFT JOIN" { "=" } else { "IN" };
            put!(
                self,
                r#" {kind} "{0}" AS "t{table}" ON "t{table}"."{ROWID}" {found} (SELECT "{0}"."{ROWID}""#,
                source.table
            );
        } else {
            put!(self, " {kind} LATERAL (SELECT ");
            self.columns_of(joined, reading);
        }
        self.rows_of(source);
        put!(self, " AND ");
        on(self);
        self.first(first, source.table);
        if self.is_sqlite() {
            put!(self, ")");
        } else {
            put!(self, r#") AS "t{table}" ON TRUE"#);
        }
    }

    /// The columns of a table that the rest of the statement refers to. Where the table stands in a subquery of its own,
    /// PostgreSQL computes all that the subquery selects, used or not.
    fn columns_of(&mut self, table: Table, reading: &Reading) {
        let selected = reading.columns.iter().filter(|(of, _)| *of == table).map(|(_, column)| *column);
        let followed = reading.joins.iter().filter(|join| join.parent == table).map(|join| join.on.1);
        let sorted = reading.first.keys.iter().filter(|_| table == Reading::BASE).map(|key| key.name);
        let mut needed: Vec<&str> = Vec::with_capacity(reading.columns.len());
        for column in selected.chain(followed).chain(sorted) {
            if !needed.contains(&column) {
                put!(self, "{}", if needed.is_empty() { "" } else { ", " });
                if table == Reading::BASE && reading.sums.as_ref().is_some_and(|(_, sum)| *sum == column) {
                    // PostgreSQL's sum of bigint is numeric.
                    put!(self, r#"CAST(sum("{column}") AS bigint) AS "{column}""#);
                } else {
                    put!(self, r#""{column}""#);
                }
                needed.push(column);
            }
        }
        if needed.is_empty() {
            put!(self, "1");
        }
    }

    /// Makes one row of those that differ only in the column that is summed up, if one is.
    fn sums(&mut self, reading: &Reading) {
        let Some((alike, sum)) = &reading.sums else { return };
        put!(self, " GROUP BY ");
        self.columns(alike.iter().copied());
        put!(self, r#" HAVING sum("{sum}") <> 0"#);
    }

    fn rows_of(&mut self, source: &Source) {
        put!(self, r#" FROM "{}" WHERE TRUE"#, source.table);
        if !source.visible.is_empty() {
            put!(self, " AND (");
            for (text, value) in source.visible.pieces() {
                put!(self, "{text}");
                value.into_iter().for_each(|value| self.value(value));
            }
            put!(self, ")");
        }
        for condition in &source.conditions {
            put!(self, " AND (");
            render(self.backend, condition, &mut self.sql);
            put!(self, ")");
        }
    }

    /// The order and the limit. `table` is what the statement calls the table.
    fn first(&mut self, first: &First, table: &str) {
        for (place, key) in first.keys.iter().enumerate() {
            put!(self, "{}", if place == 0 { " ORDER BY " } else { ", " });
            key.sort(&mut self.sql, table);
        }
        if let Some(limit) = first.limit {
            // Not a value: one plan serves all values, and would be made for a tenth of what there is.
            put!(self, " LIMIT {limit}");
        }
    }
}
