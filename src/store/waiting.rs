//! The writes of a transaction, until they are sent.

use std::fmt::Write as _;

use sea_orm::DbBackend;

use super::database::Transaction;
use super::executor::Executor as _;
use super::flush::{Flush, Found};
use super::text::{Text, put};
use super::trail::{self, Entry};
use super::write::Write;
use crate::error::{Contention, Error, Result};

/// The writes to rows that wait, in order.
///
/// The parts of one statement do not see each other, and nothing is said about their order. So a table is among them
/// either with inserts or with one update: no row is written twice, and no value is given back by one part and taken
/// by another.
#[derive(Default)]
pub(super) struct Waiting(Vec<Write>);

impl Waiting {
    /// Adds a write, and gives back what must be sent before it.
    pub(super) fn push(&mut self, write: Write) -> Self {
        let apart = |earlier: &Write| earlier.table() == write.table() && (earlier.is_update() || write.is_update());
        let ahead = if self.0.iter().any(apart) { std::mem::take(self) } else { Self::default() };
        self.0.push(write);
        ahead
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sends these writes.
    pub(super) async fn send(self, db: &Transaction) -> Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        if one_by_one(db) {
            return one_after_the_other(db, self.0, &[]).await;
        }
        db.execute(Flush { writes: self.0, ..Flush::default() }.statement(None)).await?;
        Ok(())
    }

    /// Sends these writes, the trail of all that the transaction wrote, and the record of its command, and commits.
    /// Nothing is written if one of the organizations is not as it was found: SQLite lets nobody else write meanwhile.
    pub(super) async fn commit(
        self,
        db: Transaction,
        trail: Vec<Entry>,
        record: Option<Write>,
        relied_on: Vec<Found>,
    ) -> Result<()> {
        let mut writes = self.0;
        writes.extend(record);
        let mut last = Flush::default();
        if one_by_one(&db) {
            one_after_the_other(&db, writes, &trail).await?;
        } else {
            last = Flush { writes, trail, relied_on };
        }
        Ok(db.commit(last).await?)
    }
}

/// Whether the database has no statements with several writes in them. SQLite has none, nor round trips to save.
fn one_by_one(db: &Transaction) -> bool {
    db.backend() != DbBackend::Postgres
}

async fn one_after_the_other(db: &Transaction, writes: Vec<Write>, trail: &[Entry]) -> Result<()> {
    for write in writes {
        let is_update = write.is_update();
        let changed = db.execute(Text::statement(db.backend(), |text| text.write(write))).await?;
        if is_update && changed != 1 {
            return Err(Error::Contended(Contention::Race, "a row changed meanwhile".into()));
        }
    }
    for copy in trail::copies().iter().filter(|_| !trail.is_empty()) {
        let copying = |text: &mut Text| {
            put!(text, "WITH ");
            text.trail(trail);
            put!(text, " ");
            text.copy(copy);
        };
        db.execute(Text::statement(db.backend(), copying)).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_statement_cannot_order_is_sent_apart() {
        let insert = |table| Write::Insert { table, columns: vec!["id"], rows: vec![vec![1.into()]] };
        let update = |table| Write::Update { table, set: vec![("version", 2.into())], of: vec![("id", None)] };
        let sent_before = |writes: Vec<Write>| {
            let mut waiting = Waiting::default();
            writes.into_iter().map(|write| waiting.push(write).0.len()).collect::<Vec<_>>()
        };
        assert_eq!(sent_before(vec![insert("a"), insert("a"), update("b")]), [0, 0, 0]);
        assert_eq!(sent_before(vec![insert("a"), insert("b"), update("a")]), [0, 0, 2]);
        assert_eq!(sent_before(vec![update("a"), insert("a"), insert("a")]), [0, 1, 0]);
        assert_eq!(sent_before(vec![update("a"), update("a"), update("a")]), [0, 1, 1]);
    }
}
