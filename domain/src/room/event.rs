//! What can have happened to a room.

use cqrs_es::DomainEvent;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::room::details::is_false;
pub use crate::room::details::*;
pub use crate::room::evidence::*;
use crate::shares::Share;
use crate::terms::Customer;
use crate::{BasisPoints, Fingerprint, SessionId, TicketId, Timestamp, UserId};

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RoomEvent {
    RoomScheduled(RoomScheduled),
    SeatHeld(SeatHeld),
    SeatSold(SeatSold),
    SeatReleased(SeatReleased),
    /// A payment came when its seat was gone and no other was to be had, or from somebody who was sent out: the money goes
    /// back.
    SeatDenied {
        ticket_id: TicketId,
        buyer: UserId,
        reason: DenialReason,
        denied_at: Timestamp,
    },
    /// The host's side may be there from here on, and nobody else. The opening will be this one.
    LobbyOpened {
        session_id: SessionId,
        by: UserId,
        opened_at: Timestamp,
    },
    RoomOpened {
        session_id: SessionId,
        opened_at: Timestamp,
    },
    RoomEnded {
        ended_at: Timestamp,
    },
    RoomCancelled {
        cancelled_at: Timestamp,
    },
    SpeakRequested {
        user: UserId,
        requested_at: Timestamp,
    },
    SpeakRequestWithdrawn {
        user: UserId,
        withdrawn_at: Timestamp,
    },
    SpeakRequestDeclined {
        user: UserId,
        by: UserId,
        declined_at: Timestamp,
    },
    SpeakerApproved {
        user: UserId,
        by: UserId,
        approved_at: Timestamp,
    },
    SpeakerDismissed {
        user: UserId,
        by: UserId,
        dismissed_at: Timestamp,
    },
    PersonRemoved {
        user: UserId,
        by: UserId,
        removed_at: Timestamp,
    },
    /// One of the host's side, with or without a ticket.
    CoHostAppointed {
        user: UserId,
        by: UserId,
        appointed_at: Timestamp,
    },
    /// By the host, or by their own hand.
    CoHostDismissed {
        user: UserId,
        by: UserId,
        dismissed_at: Timestamp,
    },
    SpeakerInvited {
        user: UserId,
        by: UserId,
        invited_at: Timestamp,
    },
    /// The invited one speaks from here on.
    InvitationAccepted {
        user: UserId,
        accepted_at: Timestamp,
    },
    /// By the invited one, or taken back by who may invite.
    InvitationDeclined {
        user: UserId,
        by: UserId,
        declined_at: Timestamp,
    },
    /// Silent until the speaker's own word.
    SpeakerMuted {
        user: UserId,
        by: UserId,
        muted_at: Timestamp,
    },
    SpeakerUnmuted {
        user: UserId,
        unmuted_at: Timestamp,
    },
    /// Out of the room, and no seat of it is to be had.
    PersonBanned {
        user: UserId,
        by: UserId,
        /// From all rooms of the host, of which this is one.
        #[serde(default, skip_serializing_if = "is_false")]
        everywhere: bool,
        banned_at: Timestamp,
    },
    /// May come again. One who is banned in both ways is let in when both are over.
    PersonUnbanned {
        user: UserId,
        by: UserId,
        #[serde(default, skip_serializing_if = "is_false")]
        everywhere: bool,
        unbanned_at: Timestamp,
    },
    /// The host's side has another head: a co-host while the host is away, the host when they are back.
    HostHandedOver {
        from: UserId,
        to: UserId,
        handed_over_at: Timestamp,
    },
    /// Another connection of the same person came: the entries before this one are good no longer. The first is 1.
    EntryTakenOver {
        user: UserId,
        /// Nothing for the host's side, who need none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ticket_id: Option<TicketId>,
        entry: u32,
        taken_over_at: Timestamp,
    },
    /// A part of the delivery evidence: who was there when. Precedes `DeliveryRecorded`, at most 500 intervals each.
    PresenceRecorded {
        session_id: SessionId,
        intervals: Vec<PresenceInterval>,
    },
    DeliveryRecorded(DeliveryRecorded),
    /// Everybody gets everything back.
    RoomVoided {
        reason: VoidReason,
        voided_at: Timestamp,
    },
    /// The host changed what is sold from here on; what was sold keeps its terms.
    RoomRevised(RoomRevised),
    SalesPaused {
        paused_at: Timestamp,
    },
    SalesResumed {
        resumed_at: Timestamp,
    },
    /// The host was suspended.
    SalesSuspended {
        suspended_at: Timestamp,
    },
    /// The host was reinstated. What the host paused stays paused.
    SalesReinstated {
        reinstated_at: Timestamp,
    },
    /// A place at the end of the line. An offer, when it comes, is a hold of this ticket.
    WaitingListJoined {
        user: UserId,
        ticket_id: TicketId,
        request: Fingerprint,
        /// The price of an offer depends on it where the shop takes tax.
        #[serde(default, skip_serializing_if = "Customer::is_not_asked")]
        customer: Customer,
        joined_at: Timestamp,
    },
    /// Out of the line without an offer.
    WaitingListLeft {
        user: UserId,
        reason: LeaveReason,
        left_at: Timestamp,
    },
    /// A payment came when its seat was gone, from a buyer who asked to wait: in front of the line until then. `SeatSold` or
    /// `SeatDenied` follows.
    SeatAwaited {
        ticket_id: TicketId,
        buyer: UserId,
        until: Timestamp,
        awaited_at: Timestamp,
    },
    /// The ticket of a sold seat has a new holder.
    SeatTransferred {
        ticket_id: TicketId,
        from: UserId,
        to: UserId,
        transferred_at: Timestamp,
    },
    RoomRescheduled(RoomRescheduled),
    /// Who is to share what the room earns. All but the host are asked; nothing priced is sold meanwhile.
    SharesProposed {
        shares: Vec<Share>,
        proposed_at: Timestamp,
    },
    ShareAgreed {
        user: UserId,
        basis_points: BasisPoints,
        agreed_at: Timestamp,
    },
    /// May be heard on recordings of this room.
    RecordingConsented {
        user: UserId,
        consented_at: Timestamp,
    },
    /// From here on the room is to be recorded, whatever becomes of recorders.
    RecordingStarted(RecordingStarted),
    RecordingStopped(RecordingStopped),
    RecordingPartBegan(PartBegan),
    RecordingPartEnded(PartEnded),
    /// Nobody gets it any more; its files are erased.
    RecordingDeleted(RecordingDeleted),
}

impl DomainEvent for RoomEvent {
    fn event_type(&self) -> String {
        self.name().to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

impl RoomEvent {
    /// The name this event is stored under. Written out, so that renaming a variant does not rename history.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::RoomScheduled(_) => "room_scheduled",
            Self::SeatHeld(_) => "seat_held",
            Self::SeatSold(_) => "seat_sold",
            Self::SeatReleased(_) => "seat_released",
            Self::SeatDenied { .. } => "seat_denied",
            Self::LobbyOpened { .. } => "lobby_opened",
            Self::RoomOpened { .. } => "room_opened",
            Self::RoomEnded { .. } => "room_ended",
            Self::RoomCancelled { .. } => "room_cancelled",
            Self::SpeakRequested { .. } => "speak_requested",
            Self::SpeakRequestWithdrawn { .. } => "speak_request_withdrawn",
            Self::SpeakRequestDeclined { .. } => "speak_request_declined",
            Self::SpeakerApproved { .. } => "speaker_approved",
            Self::SpeakerDismissed { .. } => "speaker_dismissed",
            Self::PersonRemoved { .. } => "person_removed",
            Self::CoHostAppointed { .. } => "co_host_appointed",
            Self::CoHostDismissed { .. } => "co_host_dismissed",
            Self::SpeakerInvited { .. } => "speaker_invited",
            Self::InvitationAccepted { .. } => "invitation_accepted",
            Self::InvitationDeclined { .. } => "invitation_declined",
            Self::SpeakerMuted { .. } => "speaker_muted",
            Self::SpeakerUnmuted { .. } => "speaker_unmuted",
            Self::PersonBanned { .. } => "person_banned",
            Self::PersonUnbanned { .. } => "person_unbanned",
            Self::HostHandedOver { .. } => "host_handed_over",
            Self::EntryTakenOver { .. } => "entry_taken_over",
            Self::PresenceRecorded { .. } => "presence_recorded",
            Self::DeliveryRecorded(_) => "delivery_recorded",
            Self::RoomVoided { .. } => "room_voided",
            Self::RoomRevised(_) => "room_revised",
            Self::SalesPaused { .. } => "sales_paused",
            Self::SalesResumed { .. } => "sales_resumed",
            Self::SalesSuspended { .. } => "sales_suspended",
            Self::SalesReinstated { .. } => "sales_reinstated",
            Self::WaitingListJoined { .. } => "waiting_list_joined",
            Self::WaitingListLeft { .. } => "waiting_list_left",
            Self::SeatAwaited { .. } => "seat_awaited",
            Self::SeatTransferred { .. } => "seat_transferred",
            Self::RoomRescheduled(_) => "room_rescheduled",
            Self::SharesProposed { .. } => "shares_proposed",
            Self::ShareAgreed { .. } => "share_agreed",
            Self::RecordingConsented { .. } => "recording_consented",
            Self::RecordingStarted(_) => "recording_started",
            Self::RecordingStopped(_) => "recording_stopped",
            Self::RecordingPartBegan(_) => "recording_part_began",
            Self::RecordingPartEnded(_) => "recording_part_ended",
            Self::RecordingDeleted(_) => "recording_deleted",
        }
    }
}
