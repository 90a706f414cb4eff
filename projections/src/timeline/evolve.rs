//! What an event adds to a room's timeline.
//!
//! Here nothing is decided about variants: every event of a room and of its tickets is a line of the timeline.
#![deny(clippy::wildcard_enum_match_arm)]

use domain::{AnyEvent, RoomId, TicketEvent, TicketId};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TimelineChange {
    OfRoom {
        room: RoomId,
    },
    OfTicket {
        ticket: TicketId,
        /// The ticket's first event says which room it is of.
        begins_in: Option<RoomId>,
    },
}

pub(crate) fn evolve(event: &AnyEvent) -> Option<TimelineChange> {
    match event {
        AnyEvent::Room(room, _) => Some(TimelineChange::OfRoom { room: *room }),
        AnyEvent::Ticket(ticket, event) => Some(TimelineChange::OfTicket {
            ticket: *ticket,
            begins_in: if let TicketEvent::TicketOrdered { room_id, .. } = event {
                Some(*room_id)
            } else {
                None
            },
        }),
        // The account is the host's, not the room's.
        AnyEvent::Payout(..) | AnyEvent::Shop(..) => None,
    }
}
