//! Whether a receipt holds, and if not, the first thing that is wrong.

use sha2::{Digest as _, Sha256};
use thiserror::Error;
use uuid::Uuid;

use super::{Entry, FORMAT, Receipt, Refusal, StatementError, Subject};
use crate::note::{Checkpoint, CheckpointError, SignedNote, VerifierKey};
use crate::tree::{ProofError, verify_inclusion};

/// Events by which somebody has a ticket, of the ticket's own stream.
const OF_TICKET: [&str; 3] = ["ticket_ordered", "ticket_issued", "ticket_transferred"];
/// The event of the room's stream by which a seat is held.
const OF_ROOM: &str = "seat_held";
/// So much of a promo code's SHA-256 is on the log.
const CODE_HASH_BYTES: usize = 8;

/// Why a receipt proves nothing.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum ReceiptError {
    #[error("the receipt's format is `{0}`, which this program does not know")]
    UnknownFormat(String),
    #[error("the event's {0} is not what its hash stands for: it was changed")]
    OtherContent(&'static str),
    #[error("the event is not about {0}")]
    OtherSubject(String),
    #[error("the checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    #[error("the event at position {position} is not in the log of the checkpoint: {source}")]
    NotInLog { position: u64, source: ProofError },
    #[error("the statement about the room: {0}")]
    Statement(#[from] StatementError),
    #[error("the statement is about another event than the one that is proved")]
    OtherStatement,
    #[error("by the statement seats were free")]
    SeatsWereFree,
    #[error("by the statement the promo code was not used up")]
    CodeWasFree,
    #[error("the statement is about another promo code than the receipt")]
    OtherCode,
}

/// What a receipt proves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verified {
    pub checkpoint: Checkpoint,
    /// The checkpoint's note: ask it for the signatures of witnesses.
    pub note: SignedNote,
    /// What the room was, if the receipt is of a refusal.
    pub refusal: Option<Refusal>,
}

impl Receipt {
    /// Checks everything that the receipt says against the key of the log.
    pub fn verify(&self, key: &VerifierKey) -> Result<Verified, ReceiptError> {
        if self.format != FORMAT {
            return Err(ReceiptError::UnknownFormat(self.format.clone()));
        }
        let leaf = self.entry.leaf()?;
        let refusal = match &self.subject {
            Subject::Ticket { ticket_id } => {
                self.entry.is_about_ticket(ticket_id)?;
                None
            }
            Subject::Refusal {
                room_id,
                statement,
                promo_code,
            } => Some(self.refusal(room_id, (statement, promo_code.as_deref()), key)?),
        };
        let opened = Checkpoint::open(&self.checkpoint, key)?;
        let checkpoint = opened.checkpoint;
        let position = self.entry.position;
        let not_in_log = |source| ReceiptError::NotInLog { position, source };
        let index = position.checked_sub(1).ok_or_else(|| {
            not_in_log(ProofError::NotInTree {
                index: 0,
                size: checkpoint.size,
            })
        })?;
        verify_inclusion(&leaf, index, checkpoint.size, &self.proof, &checkpoint.root).map_err(not_in_log)?;
        Ok(Verified {
            checkpoint,
            note: opened.note,
            refusal,
        })
    }

    fn refusal(
        &self,
        room_id: &str,
        (statement, promo_code): (&str, Option<&str>),
        key: &VerifierKey,
    ) -> Result<Refusal, ReceiptError> {
        let entry = &self.entry;
        if entry.aggregate_type != "room" || entry.aggregate_id != room_id {
            return Err(ReceiptError::OtherSubject(format!("room {room_id}")));
        }
        let refusal = Refusal::open(statement, key)?;
        let is_same =
            (refusal.room_id.as_str(), refusal.position, refusal.sequence) == (room_id, entry.position, entry.sequence);
        if !is_same {
            return Err(ReceiptError::OtherStatement);
        }
        let stated = refusal.code.as_ref().map(|(hash, _)| hash.as_str());
        let asked = promo_code.map(|code| code_hash(room_id, code)).transpose()?;
        if stated != asked.as_deref() {
            return Err(ReceiptError::OtherCode);
        }
        match (refusal.exhausted(), stated) {
            (Some(_), _) => Ok(refusal),
            (None, Some(_)) => Err(ReceiptError::CodeWasFree),
            (None, None) => Err(ReceiptError::SeatsWereFree),
        }
    }
}

/// What the log keeps of a promo code, written down a second time after `docs/LOG-FORMAT.md`.
fn code_hash(room_id: &str, code: &str) -> Result<String, ReceiptError> {
    let room: Uuid = room_id
        .parse()
        .map_err(|_| ReceiptError::OtherSubject(format!("room {room_id}")))?;
    let digest = Sha256::new()
        .chain_update(room.as_bytes())
        .chain_update(code.trim().to_uppercase())
        .finalize();
    let first = digest.iter().take(CODE_HASH_BYTES);
    Ok(first.fold(String::new(), |text, byte| format!("{text}{byte:02x}")))
}

impl Entry {
    fn is_about_ticket(&self, ticket_id: &str) -> Result<(), ReceiptError> {
        let is_its_own = self.aggregate_type == "ticket" && self.aggregate_id == ticket_id;
        let is_about = if self.aggregate_type == "room" {
            self.event_type == OF_ROOM && self.held_ticket().as_deref() == Some(ticket_id)
        } else {
            is_its_own && OF_TICKET.contains(&self.event_type.as_str())
        };
        if is_about {
            Ok(())
        } else {
            Err(ReceiptError::OtherSubject(format!("ticket {ticket_id}")))
        }
    }

    fn held_ticket(&self) -> Option<String> {
        let payload: serde_json::Value = serde_json::from_str(self.payload.as_deref()?).ok()?;
        payload.get("ticket_id")?.as_str().map(str::to_owned)
    }
}
