//! The one door to the database.
//!
//! Nothing else in the crate holds a connection. Reads go through [`Scope`], which adds what the caller may see to
//! every query; writes through [`Writer`] and [`UnitOfWork`], which keep to one tenant and leave an audit entry and an
//! outbox event behind. Work that concerns every tenant at once (maintenance, the demo's data) goes through [`System`].

mod around;
mod attempt;
mod bundle;
mod connection;
mod cursor;
mod database;
mod due;
mod executor;
mod flush;
mod gateway;
mod granted;
mod idempotency;
mod invariants;
mod limits;
mod lock_order;
mod migrate;
mod noun;
mod on_offer;
mod owners;
mod page;
mod part;
mod place;
mod postgres;
mod reach;
mod reading;
mod refold;
mod reservations;
mod retention;
mod rows;
mod scope;
mod sqlite;
mod system;
mod tally;
mod test_clock;
mod text;
mod trail;
mod trouble;
mod unit_of_work;
mod visible;
mod waiting;
mod writable;
mod write;
mod writer;

pub use connection::Store;
pub(crate) use connection::contention;
pub use cursor::{CursorError, Cursors};
pub use database::Connections;
pub use due::DueSubscription;
pub use gateway::{Concerns, ObjectKey, PricesWanted, Verdict};
pub use granted::Granted;
pub use idempotency::Command;
pub use invariants::Invariant;
pub use limits::LastSubscriptions;
pub use noun::{Noun, Record};
pub use on_offer::OnOffer;
pub use owners::{Counters, OwnerFound};
pub use page::{Extent, KeyColumn, Order, PageRequest, Slice, SortKey, between};
pub use reach::Reach;
pub use reading::{First, Reading, Source, Table};
pub use rows::{Row, Rows};
pub use scope::{RequestMeta, Scope};
pub use system::System;
pub use tally::{Counted, Tally};
pub use trail::Change;
pub(crate) use trail::{Changes, changed, created};
pub use trouble::Trouble;
pub(crate) use trouble::trouble;
pub use unit_of_work::UnitOfWork;
pub use visible::Visible;
pub use writable::Unwritable;
pub use writer::Writer;
