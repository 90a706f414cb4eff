//! The sandbox store: sells to everybody for play money, and says so.

use std::fmt;

use domain::{Channel, Money, TicketId, Timestamp};
use hmac::{Hmac, Mac};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::keys::{check, install_crypto};
use super::statement::{AUDIENCE, Claims, StatementName};
use super::{AppStore, Statement, StatementError};
use crate::signature::encode_hex;

const ISSUER: &str = "boxoffice-sandbox";

/// HS256 with a secret of its own, made of the sandbox's: the same purchase is the same statement.
#[derive(Clone)]
pub struct SandboxStore {
    key: Vec<u8>,
}

impl SandboxStore {
    pub fn new(secret: &SecretString) -> Self {
        install_crypto();
        let mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes());
        let mut mac = mac.expect("HMAC takes keys of any length");
        mac.update(b"boxoffice sandbox store");
        let key = mac.finalize().into_bytes().to_vec();
        Self { key }
    }

    /// A purchase as the store states it. A ticket is bought once: the transaction follows from it.
    pub fn purchase(&self, ticket_id: TicketId, channel: Channel, amount: Money, at: Timestamp) -> String {
        self.sign(&Claims {
            amount_minor: Some(amount.amount_minor()),
            currency: Some(amount.currency()),
            ..self.claims(ticket_id, channel, StatementName::Purchased, at)
        })
    }

    /// That the store gave the money of this ticket's purchase back.
    pub fn refund(&self, ticket_id: TicketId, channel: Channel, at: Timestamp) -> String {
        self.sign(&self.claims(ticket_id, channel, StatementName::Refunded, at))
    }

    fn claims(&self, ticket_id: TicketId, channel: Channel, statement: StatementName, at: Timestamp) -> Claims {
        let mac = Hmac::<Sha256>::new_from_slice(&self.key);
        let mut mac = mac.expect("HMAC takes keys of any length");
        mac.update(ticket_id.as_uuid().as_bytes());
        Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            iat: at.timestamp(),
            transaction: encode_hex(&mac.finalize().into_bytes()[..8]),
            ticket_id,
            channel,
            statement,
            amount_minor: None,
            currency: None,
        }
    }

    fn sign(&self, claims: &Claims) -> String {
        let key = EncodingKey::from_secret(&self.key);
        let signed = jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &key);
        signed.expect("strings, ids and integers are always JSON, and HS256 takes keys of any length")
    }
}

impl fmt::Debug for SandboxStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SandboxStore").finish_non_exhaustive()
    }
}

impl AppStore for SandboxStore {
    fn verify(&self, statement: &str) -> Result<Statement, StatementError> {
        let key = DecodingKey::from_secret(&self.key);
        check(statement, &key, Algorithm::HS256, ISSUER)
    }
}
