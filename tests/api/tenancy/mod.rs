//! No tenant learns anything of another one, and no caller more of its own than it may.
//!
//! The calls are made from the introspection, so that whatever is added to the schema is tried as well; what cannot be
//! classified fails. Everything that must stay hidden carries a mark that is found nowhere else.

mod asked;
mod classify;
mod document;
mod interleaved;
mod probe;
mod shown;
mod walk;
