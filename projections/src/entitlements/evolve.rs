//! What an event changes about who may be where.
#![deny(clippy::wildcard_enum_match_arm)]

use domain::{AnyEvent, RoomEvent, RoomId, SessionId, TicketEvent, TicketId, Timestamp, UserId};
use uuid::Uuid;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum EntitlementChange {
    KnowRoom {
        room: RoomId,
        host: UserId,
        capacity: u32,
        may_be_recorded: bool,
    },
    /// What is absent stays.
    Revise {
        room: RoomId,
        capacity: Option<u32>,
        may_be_recorded: Option<bool>,
    },
    OpenLobby {
        room: RoomId,
        session: SessionId,
    },
    Open {
        room: RoomId,
        session: SessionId,
        at: Timestamp,
    },
    Close {
        room: RoomId,
    },
    KnowTicket {
        ticket: TicketId,
        room: RoomId,
        holder: UserId,
    },
    Entitle {
        ticket: TicketId,
    },
    GiveTo {
        ticket: TicketId,
        holder: UserId,
    },
    /// Its money went back.
    Revoke {
        ticket: TicketId,
    },
    /// A dispute about it was lost.
    Bar {
        ticket: TicketId,
    },
    /// Stands at the doors, which let in so many a second.
    Present {
        ticket: TicketId,
        per_second: u32,
        at: Timestamp,
    },
    TakeOver {
        room: RoomId,
        entrant: Uuid,
        is_ticket: bool,
        entry: u32,
        at: Timestamp,
    },
    Stand {
        room: RoomId,
        person: UserId,
        stands: Stands,
    },
    /// Back to the audience, or out of the host's side.
    Leave {
        room: RoomId,
        person: UserId,
    },
    Mute {
        room: RoomId,
        person: UserId,
        muted: bool,
    },
    Exclude {
        room: RoomId,
        person: UserId,
        reason: Exclusion,
    },
    LetBack {
        room: RoomId,
        person: UserId,
        everywhere: bool,
    },
    Lead {
        room: RoomId,
        person: UserId,
    },
    Record {
        room: RoomId,
        runs: bool,
    },
}

/// Where somebody stands who does not just listen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stands {
    Asks,
    Invited,
    Speaks,
    CoHost,
}

impl Stands {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Asks => "asks",
            Self::Invited => "invited",
            Self::Speaks => "speaks",
            Self::CoHost => "co_host",
        }
    }
}

/// Why somebody may not be in a room, whatever tickets they have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Exclusion {
    Removed,
    Banned,
    /// From all rooms of the host.
    BannedEverywhere,
}

impl Exclusion {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Removed => "removed",
            Self::Banned => "banned",
            Self::BannedEverywhere => "banned_everywhere",
        }
    }
}

pub(crate) fn evolve(event: &AnyEvent) -> Option<EntitlementChange> {
    match event {
        AnyEvent::Room(room, event) => evolve_room(*room, event),
        AnyEvent::Ticket(ticket, event) => evolve_ticket(*ticket, event),
        AnyEvent::Payout(..) | AnyEvent::Shop(..) => None,
    }
}

fn evolve_room(room: RoomId, event: &RoomEvent) -> Option<EntitlementChange> {
    match event {
        RoomEvent::RoomScheduled(_)
        | RoomEvent::RoomRevised(_)
        | RoomEvent::LobbyOpened { .. }
        | RoomEvent::RoomOpened { .. }
        | RoomEvent::EntryTakenOver { .. }
        | RoomEvent::RoomEnded { .. }
        | RoomEvent::RoomCancelled { .. }
        | RoomEvent::RoomVoided { .. } => evolve_doors(room, event),
        RoomEvent::RecordingStarted(_) => Some(EntitlementChange::Record { room, runs: true }),
        RoomEvent::RecordingStopped(_) => Some(EntitlementChange::Record { room, runs: false }),
        RoomEvent::SpeakRequested { user, .. } => stand(room, *user, Stands::Asks),
        RoomEvent::SpeakerInvited { user, .. } => stand(room, *user, Stands::Invited),
        RoomEvent::SpeakerApproved { user, .. } | RoomEvent::InvitationAccepted { user, .. } => {
            stand(room, *user, Stands::Speaks)
        }
        RoomEvent::CoHostAppointed { user, .. } => stand(room, *user, Stands::CoHost),
        RoomEvent::SpeakRequestWithdrawn { user, .. }
        | RoomEvent::SpeakRequestDeclined { user, .. }
        | RoomEvent::InvitationDeclined { user, .. }
        | RoomEvent::CoHostDismissed { user, .. }
        | RoomEvent::SpeakerDismissed { user, .. } => Some(EntitlementChange::Leave { room, person: *user }),
        RoomEvent::SpeakerMuted { user, .. } => mute(room, *user, true),
        RoomEvent::SpeakerUnmuted { user, .. } => mute(room, *user, false),
        RoomEvent::PersonRemoved { user, .. } => exclude(room, *user, Exclusion::Removed),
        RoomEvent::PersonBanned { user, everywhere, .. } => {
            let reason = if *everywhere {
                Exclusion::BannedEverywhere
            } else {
                Exclusion::Banned
            };
            exclude(room, *user, reason)
        }
        RoomEvent::PersonUnbanned { user, everywhere, .. } => Some(EntitlementChange::LetBack {
            room,
            person: *user,
            everywhere: *everywhere,
        }),
        RoomEvent::HostHandedOver { to, .. } => Some(EntitlementChange::Lead { room, person: *to }),
        // Entry comes with the ticket's TicketIssued and goes with its RefundOwed, not with the seat.
        RoomEvent::SeatHeld(_)
        | RoomEvent::SeatSold(_)
        | RoomEvent::SeatReleased(_)
        | RoomEvent::SalesPaused { .. }
        | RoomEvent::SalesSuspended { .. }
        | RoomEvent::SalesReinstated { .. }
        | RoomEvent::SalesResumed { .. }
        | RoomEvent::WaitingListJoined { .. }
        | RoomEvent::WaitingListLeft { .. }
        | RoomEvent::SeatAwaited { .. }
        | RoomEvent::SeatTransferred { .. }
        | RoomEvent::RoomRescheduled(_)
        | RoomEvent::SharesProposed { .. }
        | RoomEvent::ShareAgreed { .. }
        | RoomEvent::SeatDenied { .. }
        | RoomEvent::RecordingConsented { .. }
        | RoomEvent::RecordingPartBegan(_)
        | RoomEvent::RecordingPartEnded(_)
        | RoomEvent::RecordingDeleted(_)
        | RoomEvent::PresenceRecorded { .. }
        | RoomEvent::DeliveryRecorded(_) => None,
    }
}

/// Whether anybody may be there at all, how many, and with which entry.
#[expect(clippy::wildcard_enum_match_arm, reason = "`evolve_room` decides about each")]
fn evolve_doors(room: RoomId, event: &RoomEvent) -> Option<EntitlementChange> {
    match event {
        RoomEvent::RoomScheduled(scheduled) => Some(EntitlementChange::KnowRoom {
            room,
            host: scheduled.host,
            capacity: scheduled.capacity,
            may_be_recorded: scheduled.sale.recording.is_some_and(|terms| terms.allowed),
        }),
        RoomEvent::RoomRevised(revised) => {
            let capacity = revised.revision.capacity;
            let may_be_recorded = revised.revision.recording.map(|terms| terms.allowed);
            let is_news = capacity.is_some() || may_be_recorded.is_some();
            is_news.then_some(EntitlementChange::Revise {
                room,
                capacity,
                may_be_recorded,
            })
        }
        RoomEvent::LobbyOpened { session_id, .. } => Some(EntitlementChange::OpenLobby {
            room,
            session: *session_id,
        }),
        RoomEvent::RoomOpened { session_id, opened_at } => Some(EntitlementChange::Open {
            room,
            session: *session_id,
            at: *opened_at,
        }),
        RoomEvent::EntryTakenOver {
            user,
            ticket_id,
            entry,
            taken_over_at,
        } => Some(EntitlementChange::TakeOver {
            room,
            entrant: ticket_id.map_or(user.as_uuid(), |ticket| ticket.as_uuid()),
            is_ticket: ticket_id.is_some(),
            entry: *entry,
            at: *taken_over_at,
        }),
        RoomEvent::RoomEnded { .. } | RoomEvent::RoomCancelled { .. } | RoomEvent::RoomVoided { .. } => {
            Some(EntitlementChange::Close { room })
        }
        _ => None,
    }
}

#[expect(clippy::unnecessary_wraps, reason = "an arm of `evolve_room`")]
const fn stand(room: RoomId, person: UserId, stands: Stands) -> Option<EntitlementChange> {
    Some(EntitlementChange::Stand { room, person, stands })
}

#[expect(clippy::unnecessary_wraps, reason = "an arm of `evolve_room`")]
const fn mute(room: RoomId, person: UserId, muted: bool) -> Option<EntitlementChange> {
    Some(EntitlementChange::Mute { room, person, muted })
}

#[expect(clippy::unnecessary_wraps, reason = "an arm of `evolve_room`")]
const fn exclude(room: RoomId, person: UserId, reason: Exclusion) -> Option<EntitlementChange> {
    Some(EntitlementChange::Exclude { room, person, reason })
}

fn evolve_ticket(ticket: TicketId, event: &TicketEvent) -> Option<EntitlementChange> {
    match event {
        TicketEvent::TicketOrdered { room_id, buyer, .. } => Some(EntitlementChange::KnowTicket {
            ticket,
            room: *room_id,
            holder: *buyer,
        }),
        TicketEvent::TicketIssued { .. } => Some(EntitlementChange::Entitle { ticket }),
        TicketEvent::TicketPresented {
            doors_per_second,
            presented_at,
        } => Some(EntitlementChange::Present {
            ticket,
            per_second: *doors_per_second,
            at: *presented_at,
        }),
        TicketEvent::RefundOwed(refund) if refund.in_full => Some(EntitlementChange::Revoke { ticket }),
        TicketEvent::TicketTransferred { to, .. } => Some(EntitlementChange::GiveTo { ticket, holder: *to }),
        TicketEvent::TicketReturned { .. } => Some(EntitlementChange::Revoke { ticket }),
        TicketEvent::DisputeLost(_) => Some(EntitlementChange::Bar { ticket }),
        TicketEvent::DisputeOpened(_)
        | TicketEvent::DisputeWon { .. }
        | TicketEvent::RefundOwed(_) // a part of the price went back, the ticket stays
        | TicketEvent::PaymentStarted { .. }
        | TicketEvent::PaymentAccepted { .. }
        | TicketEvent::PaymentCaptured { .. }
        | TicketEvent::PaymentDeclined { .. }
        | TicketEvent::PaymentCancelled { .. }
        | TicketEvent::TicketLapsed { .. }
        | TicketEvent::TicketAdmitted { .. }
        | TicketEvent::RefundSent { .. }
        | TicketEvent::RefundCompleted { .. }
        | TicketEvent::RefundFailed { .. }
        | TicketEvent::TicketSettled(_) => None,
    }
}
