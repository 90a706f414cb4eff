//! The claims of a statement.

use domain::{Channel, Currency, Money, TicketId, Timestamp};
use jsonwebtoken::dangerous::insecure_decode;
use serde::{Deserialize, Serialize};

use super::StatementError;

/// Whom statements are for: their `aud`.
pub(super) const AUDIENCE: &str = "boxoffice";

/// What a store says of one purchase.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Statement {
    /// The store's name of the purchase. A refund names the purchase it is of.
    pub transaction: String,
    pub ticket_id: TicketId,
    pub channel: Channel,
    pub stated_at: Timestamp,
    pub kind: StatementKind,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StatementKind {
    /// The store collected so much.
    Purchased { amount: Money },
    /// The store gave all of it back.
    Refunded,
}

/// As they are signed. What a later version adds is passed over.
#[derive(Serialize, Deserialize)]
pub(super) struct Claims {
    pub(super) iss: String,
    pub(super) aud: String,
    /// Unix seconds.
    pub(super) iat: i64,
    pub(super) transaction: String,
    pub(super) ticket_id: TicketId,
    pub(super) channel: Channel,
    pub(super) statement: StatementName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) amount_minor: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) currency: Option<Currency>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StatementName {
    Purchased,
    Refunded,
}

impl TryFrom<Claims> for Statement {
    type Error = StatementError;

    fn try_from(claims: Claims) -> Result<Self, StatementError> {
        let unreadable = |what: &str| StatementError::Unreadable(what.to_owned());
        if !claims.channel.is_store() {
            return Err(unreadable("channel is no store"));
        }
        if claims.transaction.is_empty() || claims.transaction.len() > TRANSACTION_BYTES_MAX {
            return Err(unreadable("transaction is no name of one"));
        }
        let kind = match (claims.statement, claims.amount_minor, claims.currency) {
            (StatementName::Purchased, Some(minor), Some(currency)) => StatementKind::Purchased {
                amount: Money::new(minor, currency),
            },
            (StatementName::Purchased, _, _) => return Err(unreadable("a purchase has amount_minor and currency")),
            (StatementName::Refunded, _, _) => StatementKind::Refunded,
        };
        Ok(Self {
            transaction: claims.transaction,
            ticket_id: claims.ticket_id,
            channel: claims.channel,
            stated_at: Timestamp::from_timestamp(claims.iat, 0).ok_or_else(|| unreadable("iat is out of range"))?,
            kind,
        })
    }
}

const TRANSACTION_BYTES_MAX: usize = 128;

/// What a statement says that was verified when it was taken in: its key may have been replaced since.
pub fn parse(statement: &[u8]) -> Result<Statement, StatementError> {
    let claims = insecure_decode::<Claims>(statement).map_err(|error| StatementError::Unreadable(error.to_string()))?;
    claims.claims.try_into()
}
