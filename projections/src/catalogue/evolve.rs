//! What an event changes in the catalogue.
#![deny(clippy::wildcard_enum_match_arm)]

use domain::room::{Revision, RoomRescheduled, RoomScheduled, SeatHeld, SeatReleased, VoidReason};
use domain::{AnyEvent, RoomEvent, RoomId, TicketId, Timestamp, UserId};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CatalogueChange<'a> {
    List(&'a RoomScheduled),
    /// `tier` is the one that it takes anew, if any.
    MoveSeat {
        room: RoomId,
        ticket: TicketId,
        from: Option<Seat>,
        to: Option<Seat>,
        tier: Option<&'a str>,
    },
    Open {
        room: RoomId,
        at: Timestamp,
    },
    End {
        room: RoomId,
        at: Timestamp,
    },
    Cancel {
        room: RoomId,
    },
    Void {
        room: RoomId,
        reason: VoidReason,
    },
    Revise {
        room: RoomId,
        revision: &'a Revision,
    },
    Reschedule {
        room: RoomId,
        new: &'a RoomRescheduled,
    },
    PauseSales {
        room: RoomId,
        paused: bool,
    },
    SuspendSales {
        room: RoomId,
        suspended: bool,
    },
    Deliver {
        room: RoomId,
    },
    /// Whoever agreed before is asked anew.
    ProposeShares {
        room: RoomId,
    },
    AgreeToShare {
        room: RoomId,
        user: UserId,
    },
    AppointCoHost {
        room: RoomId,
        user: UserId,
    },
    DismissCoHost {
        room: RoomId,
        user: UserId,
    },
    Record {
        room: RoomId,
        runs: bool,
    },
}

/// How a seat is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Seat {
    Held,
    Sold,
}

const fn held_if(was_held: bool, otherwise: Option<Seat>) -> Option<Seat> {
    if was_held { Some(Seat::Held) } else { otherwise }
}

/// Seats are the room's: what happens to a sale reaches them as the room's own events.
pub(crate) fn evolve(event: &AnyEvent) -> Option<CatalogueChange<'_>> {
    match event {
        AnyEvent::Room(room, event) => evolve_room(*room, event),
        AnyEvent::Ticket(..) | AnyEvent::Payout(..) | AnyEvent::Shop(..) => None,
    }
}

fn tier_of(held: &SeatHeld) -> Option<&str> {
    held.terms.pricing.as_deref()?.tier.as_deref()
}

fn release(room: RoomId, released: &SeatReleased) -> CatalogueChange<'_> {
    CatalogueChange::MoveSeat {
        room,
        ticket: released.ticket_id,
        from: held_if(released.was_held(), Some(Seat::Sold)),
        to: None,
        tier: None,
    }
}

fn evolve_room(room: RoomId, event: &RoomEvent) -> Option<CatalogueChange<'_>> {
    match event {
        RoomEvent::RoomScheduled(scheduled) => Some(CatalogueChange::List(scheduled)),
        RoomEvent::SeatHeld(held) => Some(CatalogueChange::MoveSeat {
            room,
            ticket: held.ticket_id,
            from: None,
            to: Some(Seat::Held),
            tier: tier_of(held),
        }),
        RoomEvent::SeatSold(sold) => Some(CatalogueChange::MoveSeat {
            room,
            ticket: sold.ticket_id,
            from: held_if(sold.was_held(), None),
            to: Some(Seat::Sold),
            tier: sold.retakes.as_deref().and_then(|retakes| retakes.tier.as_deref()),
        }),
        RoomEvent::SeatReleased(released) => Some(release(room, released)),
        RoomEvent::RoomOpened { opened_at, .. } => Some(CatalogueChange::Open { room, at: *opened_at }),
        RoomEvent::RoomEnded { ended_at } => Some(CatalogueChange::End { room, at: *ended_at }),
        RoomEvent::RoomCancelled { .. } => Some(CatalogueChange::Cancel { room }),
        RoomEvent::RoomVoided { reason, .. } => Some(CatalogueChange::Void { room, reason: *reason }),
        RoomEvent::RoomRevised(revised) => Some(CatalogueChange::Revise {
            room,
            revision: &revised.revision,
        }),
        RoomEvent::RoomRescheduled(new) => Some(CatalogueChange::Reschedule { room, new }),
        RoomEvent::SalesPaused { .. } => Some(CatalogueChange::PauseSales { room, paused: true }),
        RoomEvent::SalesResumed { .. } => Some(CatalogueChange::PauseSales { room, paused: false }),
        RoomEvent::SalesSuspended { .. } => Some(CatalogueChange::SuspendSales { room, suspended: true }),
        RoomEvent::SalesReinstated { .. } => Some(CatalogueChange::SuspendSales { room, suspended: false }),
        RoomEvent::DeliveryRecorded(delivery) if delivery.delivered => Some(CatalogueChange::Deliver { room }),
        RoomEvent::SharesProposed { .. } => Some(CatalogueChange::ProposeShares { room }),
        RoomEvent::ShareAgreed { user, .. } => Some(CatalogueChange::AgreeToShare { room, user: *user }),
        RoomEvent::CoHostAppointed { user, .. } => Some(CatalogueChange::AppointCoHost { room, user: *user }),
        RoomEvent::CoHostDismissed { user, .. } => Some(CatalogueChange::DismissCoHost { room, user: *user }),
        RoomEvent::RecordingStarted(_) => Some(CatalogueChange::Record { room, runs: true }),
        RoomEvent::RecordingStopped(_) => Some(CatalogueChange::Record { room, runs: false }),
        RoomEvent::SeatDenied { .. }
        | RoomEvent::SpeakRequested { .. }
        | RoomEvent::SpeakRequestWithdrawn { .. }
        | RoomEvent::SpeakRequestDeclined { .. }
        | RoomEvent::SpeakerApproved { .. }
        | RoomEvent::SpeakerDismissed { .. }
        | RoomEvent::WaitingListJoined { .. }
        | RoomEvent::WaitingListLeft { .. }
        | RoomEvent::SeatAwaited { .. }
        | RoomEvent::SeatTransferred { .. }
        | RoomEvent::PersonRemoved { .. }
        | RoomEvent::SpeakerInvited { .. }
        | RoomEvent::InvitationAccepted { .. }
        | RoomEvent::InvitationDeclined { .. }
        | RoomEvent::SpeakerMuted { .. }
        | RoomEvent::SpeakerUnmuted { .. }
        | RoomEvent::PersonBanned { .. }
        | RoomEvent::PersonUnbanned { .. }
        | RoomEvent::HostHandedOver { .. }
        | RoomEvent::LobbyOpened { .. }
        | RoomEvent::EntryTakenOver { .. }
        | RoomEvent::RecordingConsented { .. }
        | RoomEvent::RecordingPartBegan(_)
        | RoomEvent::RecordingPartEnded(_)
        | RoomEvent::RecordingDeleted(_)
        | RoomEvent::PresenceRecorded { .. }
        | RoomEvent::DeliveryRecorded(_) => None,
    }
}
