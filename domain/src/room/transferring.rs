//! A sold seat whose ticket changes hands. The ticket decides whether it may (`rules.md` 20); the room follows.

use crate::room::decide::Decision;
use crate::room::seats::Seat;
use crate::{Room, RoomError, RoomEvent, TicketId, Timestamp, UserId};

impl Room {
    /// Whether a ticket of this room may go to somebody now. The ticket's own decision follows.
    pub fn may_receive(&self, to: UserId) -> Result<(), RoomError> {
        let facts = self.facts().ok_or(RoomError::NotScheduled)?;
        let sales = self.sales().ok_or(RoomError::RoomOver)?;
        if !facts.transferable {
            return Err(RoomError::NotTransferable);
        }
        // A ticket of somebody who was sent out would admit nobody.
        self.require_welcome(to)?;
        sales.require_allowance(to, &[])
    }

    /// The old holder has no more say here than anybody else.
    pub(super) fn transfer_seat(&self, ticket_id: TicketId, from: UserId, to: UserId, at: Timestamp) -> Decision {
        let seats = self.seats().ok_or(RoomError::NotScheduled)?;
        let is_theirs = matches!(seats.seat(ticket_id), Some(Seat::Sold { buyer }) if buyer == from);
        if !is_theirs || from == to {
            return Ok(vec![]);
        }
        let leaves_stage = if seats.bought_by(from) == 1 {
            self.leave_stage(from, at)
        } else {
            None
        };
        let transferred = RoomEvent::SeatTransferred {
            ticket_id,
            from,
            to,
            transferred_at: at,
        };
        Ok(leaves_stage.into_iter().chain([transferred]).collect())
    }
}
