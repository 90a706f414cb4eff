//! What is told of an event, and to whom.

use domain::{AnyEvent, RoomEvent, RoomId, TicketEvent, TicketId, UserId};
use uuid::Uuid;

/// One event, as those who listen hear of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Note {
    pub(super) position: u64,
    pub(super) kind: &'static str,
    pub(super) room: Option<RoomId>,
    pub(super) ticket: Option<TicketId>,
}

/// Who hears of an event.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Audience {
    /// Everybody who looks at this room: nobody is named to them.
    pub(super) room: Option<RoomId>,
    /// These people, and whoever holds the note's ticket.
    pub(super) people: Vec<UserId>,
}

/// `None` for what is told to nobody: evidence is for the books.
pub(super) fn of(position: u64, event: &AnyEvent) -> Option<(Note, Audience)> {
    let note = |kind, room, ticket| Note {
        position,
        kind,
        room,
        ticket,
    };
    match event {
        AnyEvent::Room(_, RoomEvent::PresenceRecorded { .. }) | AnyEvent::Shop(..) => None,
        AnyEvent::Room(room, event) => {
            let (ticket, people) = concerned(event);
            let audience = Audience {
                room: is_public(event).then_some(*room),
                people,
            };
            Some((note(event.name(), Some(*room), ticket), audience))
        }
        AnyEvent::Ticket(ticket, event) => {
            let (room, people) = match event {
                TicketEvent::TicketOrdered { room_id, buyer, .. } => (Some(*room_id), vec![*buyer]),
                TicketEvent::TicketTransferred { from, to, .. } => (None, vec![*from, *to]),
                _ => (None, vec![]),
            };
            let audience = Audience { room: None, people };
            Some((note(event.name(), room, Some(*ticket)), audience))
        }
        AnyEvent::Payout(host, event) => {
            let audience = Audience {
                room: None,
                people: vec![*host],
            };
            Some((note(event.name(), None, None), audience))
        }
    }
}

/// Who waits, or comes with another device, is nobody else's business.
const fn is_public(event: &RoomEvent) -> bool {
    !matches!(
        event,
        RoomEvent::WaitingListJoined { .. }
            | RoomEvent::WaitingListLeft { .. }
            | RoomEvent::SeatAwaited { .. }
            | RoomEvent::SeatDenied { .. }
            | RoomEvent::SeatTransferred { .. }
            | RoomEvent::EntryTakenOver { .. }
    )
}

/// Whether an event of this kind changes who is on the stage, or would be.
pub(super) fn is_about_stage(kind: &str) -> bool {
    const KINDS: [&str; 21] = [
        "room_opened",
        "room_ended",
        "room_voided",
        "speak_requested",
        "speak_request_withdrawn",
        "speak_request_declined",
        "speaker_approved",
        "speaker_dismissed",
        "speaker_invited",
        "invitation_accepted",
        "invitation_declined",
        "speaker_muted",
        "speaker_unmuted",
        "co_host_appointed",
        "co_host_dismissed",
        "host_handed_over",
        "person_removed",
        "person_banned",
        "recording_started",
        "recording_stopped",
        "room_revised",
    ];
    KINDS.contains(&kind)
}

fn concerned(event: &RoomEvent) -> (Option<TicketId>, Vec<UserId>) {
    match event {
        RoomEvent::SeatHeld(held) => (Some(held.ticket_id), vec![held.buyer]),
        RoomEvent::SeatSold(sold) => (Some(sold.ticket_id), vec![sold.buyer]),
        RoomEvent::SeatReleased(released) => (Some(released.ticket_id), vec![released.buyer]),
        RoomEvent::SeatDenied { ticket_id, buyer, .. } | RoomEvent::SeatAwaited { ticket_id, buyer, .. } => {
            (Some(*ticket_id), vec![*buyer])
        }
        RoomEvent::SeatTransferred {
            ticket_id, from, to, ..
        } => (Some(*ticket_id), vec![*from, *to]),
        RoomEvent::WaitingListJoined { user, .. }
        | RoomEvent::WaitingListLeft { user, .. }
        | RoomEvent::SpeakRequested { user, .. }
        | RoomEvent::SpeakRequestWithdrawn { user, .. }
        | RoomEvent::SpeakRequestDeclined { user, .. }
        | RoomEvent::SpeakerApproved { user, .. }
        | RoomEvent::SpeakerDismissed { user, .. }
        | RoomEvent::CoHostAppointed { user, .. }
        | RoomEvent::CoHostDismissed { user, .. }
        | RoomEvent::SpeakerInvited { user, .. }
        | RoomEvent::InvitationAccepted { user, .. }
        | RoomEvent::InvitationDeclined { user, .. }
        | RoomEvent::SpeakerMuted { user, .. }
        | RoomEvent::SpeakerUnmuted { user, .. }
        | RoomEvent::PersonBanned { user, .. }
        | RoomEvent::PersonUnbanned { user, .. }
        | RoomEvent::RecordingConsented { user, .. }
        | RoomEvent::PersonRemoved { user, .. } => (None, vec![*user]),
        RoomEvent::EntryTakenOver { user, ticket_id, .. } => (*ticket_id, vec![*user]),
        RoomEvent::LobbyOpened { by, .. } => (None, vec![*by]),
        RoomEvent::HostHandedOver { from, to, .. } => (None, vec![*from, *to]),
        RoomEvent::RoomScheduled(scheduled) => (None, vec![scheduled.host]),
        _ => (None, vec![]),
    }
}

/// What somebody listens for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Topic {
    Room(Uuid),
    Person(Uuid),
}
