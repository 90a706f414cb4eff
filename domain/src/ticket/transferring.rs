//! A ticket that changes hands (`rules.md` 20): until its holder is admitted, and not without end.

use crate::ticket::account::TicketAccount;
use crate::ticket::decide::Decision;
use crate::ticket::state::TicketPhase;
use crate::{TicketError, TicketEvent, Timestamp, UserId};

/// Holders are kept for ever: a ticket that wanders more than this is traded, not given.
const TRANSFERS_MAX: usize = 10;

impl TicketAccount {
    pub(super) fn transfer(&self, by: UserId, to: UserId, at: Timestamp) -> Decision {
        let from = self.holder();
        // The same request again, by whoever gave it away.
        if from == to && (by == to || self.was_held_by(by)) {
            return Ok(vec![]);
        }
        if by != from {
            return Err(TicketError::NotHolder);
        }
        // The bank's word may end this ticket: it stays with who paid.
        if self.is_disputed() {
            return Err(TicketError::NotTransferable);
        }
        match self.phase() {
            TicketPhase::Issued if self.transfers() < TRANSFERS_MAX => Ok(vec![TicketEvent::TicketTransferred {
                from,
                to,
                transferred_at: at,
            }]),
            TicketPhase::Refunded => Err(TicketError::Refunded),
            TicketPhase::Revoked => Err(TicketError::Revoked),
            TicketPhase::Unordered | TicketPhase::Ordered | TicketPhase::Lapsed => Err(TicketError::NotIssued),
            TicketPhase::Issued | TicketPhase::Admitted | TicketPhase::Settled => Err(TicketError::NotTransferable),
        }
    }
}
