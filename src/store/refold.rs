//! The keys that text is found and sorted by, of the rows that are there.

use sea_orm::{DbBackend, DbErr, IdenStatic as _, Iterable as _, ModelTrait, Statement, TryIntoModel};

use super::database::Whose;
use super::executor::Executor as _;
use super::flush::Flush;
use super::text::Text;
use super::write::Write;
use super::{Noun, Store, System, contention};
use crate::entity::{Derived, customer, member, organization, payment, subscription, tier};
use crate::text::KEYS_VERSION;

/// How many rows are read and written at once.
const AT_ONCE: u64 = 200;

impl Store {
    /// Whether the keys of the rows are of this program's version, or of a later one.
    pub async fn keys_are_current(&self) -> Result<bool, DbErr> {
        let asked = Statement::from_string(self.backend(), "SELECT version FROM text_keys");
        let rows = self.0.database.rows(asked).await?;
        let version = rows.iter().next().map(|row| row.integer(0)).transpose()?.flatten();
        Ok(version.is_some_and(|version| version >= KEYS_VERSION.into()))
    }
}

impl System<'_> {
    /// Whether the database's trigrams leave out all but ASCII, so that other texts are looked for in every row.
    pub async fn finds_ascii_only(&self) -> Result<bool, DbErr> {
        if self.0.backend() == DbBackend::Sqlite {
            return Ok(false);
        }
        let asked = "SELECT datctype FROM pg_database WHERE datname = current_database()";
        let rows = self.0.0.database.rows(Statement::from_string(self.0.backend(), asked)).await?;
        let locale = rows.iter().next().map(|row| row.text(0).map(|text| text.map(str::to_owned))).transpose()?;
        Ok(locale.flatten().is_some_and(|locale| ["C", "POSIX"].contains(&locale.as_str())))
    }

    /// Makes the keys anew wherever they are not what this program makes, and tells of how many rows. Others may read
    /// and write meanwhile.
    pub async fn refold(&self) -> Result<u64, DbErr> {
        let refolded = self.refold_table::<organization::Entity>().await?
            + self.refold_table::<member::Entity>().await?
            + self.refold_table::<customer::Entity>().await?
            + self.refold_table::<tier::Entity>().await?
            + self.refold_table::<subscription::Entity>().await?
            + self.refold_table::<payment::Entity>().await?;
        let transaction = self.0.0.database.begin(Whose::default()).await?;
        let set = vec![("version", KEYS_VERSION.into())];
        let write = Write::Update { table: "text_keys", set, of: Vec::new() };
        transaction.execute(Text::statement(self.0.backend(), |text| text.write(write))).await?;
        transaction.commit(Flush::default()).await?;
        Ok(refolded)
    }

    async fn refold_table<E>(&self) -> Result<u64, DbErr>
    where
        E: Noun,
        E::Model: Derived + ModelTrait<Entity = E>,
        E::ActiveModel: TryIntoModel<E::Model>,
    {
        let (mut refolded, mut last) = (0, None);
        loop {
            let rows = self.page_behind::<E>(last.clone(), AT_ONCE).await?;
            match self.refold_rows::<E>(&rows).await {
                Ok(count) => refolded += count,
                // Somebody else changed one of them: its keys are looked at again.
                Err(error) if contention(&error).is_some() => continue,
                Err(error) => return Err(error),
            }
            match rows.last() {
                Some(row) => last = Some(row.get(E::id())),
                None => return Ok(refolded),
            }
        }
    }

    async fn refold_rows<E>(&self, rows: &[E::Model]) -> Result<u64, DbErr>
    where
        E: Noun,
        E::Model: Derived + ModelTrait<Entity = E>,
    {
        let updates: Vec<_> = rows.iter().filter_map(update::<E>).collect();
        if updates.is_empty() {
            return Ok(0);
        }
        let transaction = self.0.0.database.begin(Whose::default()).await?;
        let mut refolded = 0;
        for update in updates {
            refolded += transaction.execute(Text::statement(self.0.backend(), |text| text.write(update))).await?;
        }
        transaction.commit(Flush::default()).await?;
        Ok(refolded)
    }
}

/// What brings the keys of a row up to date; none if they are. A row that was written since it was read has them.
fn update<E>(row: &E::Model) -> Option<Write>
where
    E: Noun,
    E::Model: Derived + ModelTrait<Entity = E>,
{
    let mut derived = row.clone();
    derived.derive();
    let changed = E::Column::iter().filter(|column| row.get(*column) != derived.get(*column));
    let set: Vec<_> = changed.map(|column| (column.as_str(), derived.get(column))).collect();
    let same = E::Column::iter().filter(|column| ["id", "version"].contains(&column.as_str()));
    let of = same.map(|column| (column.as_str(), Some(row.get(column)))).collect();
    (!set.is_empty()).then_some(Write::Update { table: E::default().table_name(), set, of })
}
