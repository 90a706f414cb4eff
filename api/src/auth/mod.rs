//! Who calls: bearer tokens, checked against a development secret or an identity provider's keys.

mod checked;
mod claims;
mod development;
mod facts;
mod jwks;
mod verifier;

#[cfg(test)]
mod tests;

pub use claims::{Role, Roles};
pub use development::{MintError, Minting, mint_development_token};
pub use facts::{ClaimNames, ClaimedFacts};
pub use jwks::JwksConfig;
pub use verifier::{Auth, AuthError, Identity, SubjectIds};
