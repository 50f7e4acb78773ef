//! Who calls, what it may do, and how its token is verified.

mod caller;
mod claims;
mod issuer;
mod jwks;
mod jws;
mod key;
mod permission;
mod principal;
mod revoked;
#[cfg(test)]
mod test_keys;
mod token;

pub use caller::{Caller, Part};
pub use claims::{Actor, Audience, Claims};
pub use issuer::{Grant, IssueError, TokenIssuer};
pub(crate) use key::check_public_key;
pub use permission::{Permission, Permissions, Role};
pub use principal::{Membership, Principal, Standing};
pub use revoked::{Named, Revocation, Revoked};
pub use token::{TokenError, TokenVerifier};
