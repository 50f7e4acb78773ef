//! The one door to the database.
//!
//! Nothing else in the crate holds a connection. Reads go through [`Scope`], which adds what the caller may see to
//! every query; writes through [`Writer`] and [`Tx`], which keep to one tenant and leave an audit entry and an outbox
//! event behind. Work that concerns every tenant at once (the demo's data, the command line) goes through [`System`].

mod connection;
mod idempotency;
mod limits;
mod page;
mod scope;
mod system;
mod tx;
mod visible;
mod writer;

pub use connection::Store;
pub(crate) use connection::is_contention;
pub use idempotency::Command;
pub use page::{CursorError, Cursors, Order, PageRequest, Slice, SortKey, between};
pub use scope::{RequestMeta, Scope};
pub use system::System;
pub use tx::{Change, Tx};
pub(crate) use tx::{changed, created};
pub use visible::{Noun, Reach, Record, Visible};
pub use writer::Writer;
