//! Use: what the features of a subscription are counted by.

pub mod window;
