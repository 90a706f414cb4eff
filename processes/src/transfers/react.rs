//! What transfers make of events.

use domain::{AnyEvent, TicketEvent};
use event_log::Recorded;

use crate::{Job, NewJob};

pub fn react(recorded: &Recorded) -> Vec<NewJob> {
    if let AnyEvent::Ticket(ticket, TicketEvent::TicketTransferred { .. }) = &recorded.event {
        vec![NewJob::now(recorded, Job::FollowHolder { ticket: *ticket })]
    } else {
        vec![]
    }
}
