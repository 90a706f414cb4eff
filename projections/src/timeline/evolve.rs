//! What an event adds to a room's timeline.
//!
//! Here nothing is decided about variants: every event of a room and of its tickets is a line of the timeline.
#![deny(clippy::wildcard_enum_match_arm)]

use domain::{AnyEvent, RoomEvent, RoomId, TicketEvent, TicketId};
use event_log::Recorded;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum TimelineChange<'a> {
    OfRoom {
        room: RoomId,
        event: &'a RoomEvent,
        /// The event names a ticket for the first time.
        begins: Option<TicketId>,
    },
    OfTicket {
        ticket: TicketId,
        event: &'a TicketEvent,
    },
}

pub(crate) fn evolve(recorded: &Recorded) -> Option<TimelineChange<'_>> {
    match &recorded.event {
        AnyEvent::Room(room, event) => {
            let begins = if let RoomEvent::SeatHeld(held) = event {
                Some(held.ticket_id)
            } else {
                None
            };
            Some(TimelineChange::OfRoom {
                room: *room,
                event,
                begins,
            })
        }
        AnyEvent::Ticket(ticket, event) => Some(TimelineChange::OfTicket { ticket: *ticket, event }),
        AnyEvent::Payout(..) => None, // the account is the host's, not the room's
    }
}
