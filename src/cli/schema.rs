//! `tessera schema`: the contract, as `schema.graphql` holds it.

use super::{Failure, print};

pub fn run() -> Result<(), Failure> {
    print(tessera::graphql::sdl(false).trim_end())
}
