//! The test clock: how far the time of the rules is ahead of the machine's. It lives in the database, so that all
//! processes agree, and goes forward only.

use std::sync::atomic::Ordering;

use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{EntityTrait as _, QueryTrait as _, Set};

use super::executor::Executor as _;
use super::{Store, System};
use crate::clock::Timestamp;
use crate::entity::test_clock;
use crate::error::Result;

impl Store {
    /// Learns how far the test clock is ahead by now, whoever moved it.
    pub(crate) async fn learn_test_clock(&self) -> Result<()> {
        let row = self.0.database.one(test_clock::Entity::find()).await?;
        self.ahead().fetch_max(row.map_or(0, |row| row.ahead), Ordering::SeqCst);
        Ok(())
    }
}

impl System<'_> {
    /// Moves the test clock forward to a moment. It stays where it is if it is further already.
    pub async fn move_test_clock(&self, to: Timestamp) -> Result<()> {
        use test_clock::Column::{Ahead, Id};
        let ahead = to.since(self.0.real_now()).num_microseconds().map_or(i64::MAX, |ahead| Ord::max(ahead, 0));
        let row = test_clock::ActiveModel { id: Set(1), ahead: Set(ahead) };
        let own = Expr::col((test_clock::Entity, Ahead));
        let further = Expr::case(own.clone().lt(ahead), ahead).finally(own);
        let conflict = OnConflict::column(Id).value(Ahead, further).to_owned();
        let insert = test_clock::Entity::insert(row).on_conflict(conflict);
        self.execute(self.0.backend().build(insert.as_query())).await?;
        self.0.learn_test_clock().await
    }
}
