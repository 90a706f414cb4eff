//! What can be asked of a room.

use std::sync::Arc;

use crate::payout::HostPermit;
use crate::room::entering::Entrant;
use crate::room::event::{HoldOptions, Interruption, PartBegan, PartEnded, PresenceInterval, Revision, SaleOptions};
use crate::room::prices::PriceWish;
use crate::shares::Share;
use crate::terms::{Channel, Customer, RefundPolicy};
use crate::{
    BasisPoints, Fingerprint, Money, Preset, RecordingId, Rollout, RoomId, SessionId, TicketId, Timestamp, UserId,
};

/// A command carries its time and every fact that was looked up for it. A repeat is accepted and records nothing.
#[derive(Clone, Debug)]
pub enum RoomCommand {
    Schedule(Box<ScheduleRoom>),
    HoldSeat(HoldSeat),
    /// A payment was captured (or the seat is free): sell the held seat, or say that it is gone.
    SellSeat {
        ticket_id: TicketId,
        buyer: UserId,
        at: Timestamp,
    },
    /// The buyer gives an unpaid hold back, or a full refund frees a sold seat.
    ReleaseSeat {
        ticket_id: TicketId,
        reason: SeatReturn,
        at: Timestamp,
    },
    /// Release every hold that expired at or before `at`.
    ReleaseLapsed {
        at: Timestamp,
    },
    /// The host's side comes in before the room opens. `session_id` is of the opening to come.
    OpenLobby {
        by: UserId,
        session_id: SessionId,
        at: Timestamp,
    },
    /// With the session of the lobby, if there is one.
    Open {
        by: UserId,
        session_id: SessionId,
        at: Timestamp,
    },
    End {
        by: Authority,
        at: Timestamp,
    },
    Cancel {
        by: Authority,
        at: Timestamp,
    },
    RequestToSpeak {
        user: UserId,
        at: Timestamp,
    },
    WithdrawRequest {
        user: UserId,
        at: Timestamp,
    },
    ApproveSpeaker {
        user: UserId,
        by: UserId,
        at: Timestamp,
    },
    DeclineRequest {
        user: UserId,
        by: UserId,
        at: Timestamp,
    },
    /// To the host's side, before the room opens or while it is live.
    AppointCoHost {
        user: UserId,
        by: UserId,
        at: Timestamp,
    },
    /// By the host, or by their own hand.
    DismissCoHost {
        user: UserId,
        by: UserId,
        at: Timestamp,
    },
    InviteSpeaker {
        user: UserId,
        by: UserId,
        at: Timestamp,
    },
    AcceptInvitation {
        user: UserId,
        at: Timestamp,
    },
    DeclineInvitation {
        user: UserId,
        at: Timestamp,
    },
    MuteSpeaker {
        user: UserId,
        by: UserId,
        at: Timestamp,
    },
    /// Everybody who is out of `by`'s rank.
    MuteAll {
        by: UserId,
        at: Timestamp,
    },
    Unmute {
        user: UserId,
        at: Timestamp,
    },
    /// A speaker to the audience, a co-host off the host's side.
    StepDown {
        user: UserId,
        at: Timestamp,
    },
    BanPerson {
        user: UserId,
        by: UserId,
        at: Timestamp,
    },
    /// Who was removed may come back, too.
    UnbanPerson {
        user: UserId,
        by: UserId,
        at: Timestamp,
    },
    /// Whom the host bans from all their rooms now, as the host's account has it.
    FollowBans {
        banned: Vec<UserId>,
        at: Timestamp,
    },
    /// Who of the host's side is to lead, as the room is attended.
    HandOver {
        to: UserId,
        at: Timestamp,
    },
    /// Another connection is there, as was seen: this one takes over the entry with this number.
    TakeOver {
        entrant: Entrant,
        from: u32,
        at: Timestamp,
    },
    /// Back to the audience: a speaker, an invited one, a co-host.
    DismissSpeaker {
        user: UserId,
        by: UserId,
        at: Timestamp,
    },
    /// Out of the room until it is over.
    RemovePerson {
        user: UserId,
        by: UserId,
        at: Timestamp,
    },
    RecordDelivery(RecordDelivery),
    /// Whether the host's side came. Records nothing as long as they may still come.
    JudgeComing(Box<JudgeComing>),
    /// An admin takes the room down.
    Moderate {
        at: Timestamp,
    },
    Revise(Box<ReviseRoom>),
    PauseSales {
        by: Authority,
        at: Timestamp,
    },
    ResumeSales {
        by: Authority,
        at: Timestamp,
    },
    /// The host was suspended: nothing is sold, whatever the host paused or not.
    SuspendSales {
        at: Timestamp,
    },
    /// The host was reinstated.
    ReinstateSales {
        at: Timestamp,
    },
    JoinWaitingList(JoinWaitingList),
    /// The ticket says that its holder is another one.
    TransferSeat {
        ticket_id: TicketId,
        from: UserId,
        to: UserId,
        at: Timestamp,
    },
    Reschedule(RescheduleRoom),
    /// The host says who is to share what the room earns; nobody, if there are none.
    ProposeShares {
        by: UserId,
        shares: Vec<Share>,
        at: Timestamp,
    },
    AgreeToShare {
        user: UserId,
        /// What they agree to.
        basis_points: BasisPoints,
        at: Timestamp,
    },
    /// Out of the line, or an open offer is declined.
    LeaveWaitingList {
        user: UserId,
        at: Timestamp,
    },
    ConsentToRecording {
        user: UserId,
        at: Timestamp,
    },
    StartRecording {
        recording_id: RecordingId,
        by: UserId,
        at: Timestamp,
    },
    StopRecording {
        by: UserId,
        at: Timestamp,
    },
    /// As a recorder was seen.
    BeginRecordingPart(PartBegan),
    EndRecordingPart(PartEnded),
    DeleteRecording {
        recording_id: RecordingId,
        by: Deletion,
        at: Timestamp,
    },
}

#[derive(Clone, Debug)]
pub struct ScheduleRoom {
    pub room_id: RoomId,
    pub host: UserId,
    /// Looked up in the host's payout stream.
    pub permit: HostPermit,
    pub title: String,
    pub description: String,
    pub language: String,
    pub starts_at: Timestamp,
    pub planned_minutes: u32,
    pub price: Money,
    pub capacity: u32,
    /// Default: from scheduling on.
    pub sales_open_at: Option<Timestamp>,
    /// Default: the planned end.
    pub sales_close_at: Option<Timestamp>,
    pub tickets_per_buyer: u32,
    pub hold_seconds: u32,
    pub refund_policy: RefundPolicy,
    pub no_show_minutes: u32,
    pub sale: SaleOptions,
    pub preset: Preset,
    pub request: Fingerprint,
    pub at: Timestamp,
}

/// What is asked to be otherwise. What is so already is left out of the record.
#[derive(Clone, Debug)]
pub struct ReviseRoom {
    pub by: Authority,
    pub wish: Revision,
    /// Looked up in the host's payout stream.
    pub permit: HostPermit,
    pub preset: Preset,
    pub at: Timestamp,
}

#[derive(Clone, Debug)]
pub struct HoldSeat {
    pub ticket_id: TicketId,
    pub buyer: UserId,
    /// A tier or a promo code; the room's price, if absent.
    pub wish: Option<Box<PriceWish>>,
    pub channel: Channel,
    /// Who may sell where; nothing where everybody may.
    pub rollout: Option<Arc<Rollout>>,
    pub customer: Customer,
    pub options: Option<Box<HoldOptions>>,
    pub request: Fingerprint,
    pub at: Timestamp,
}

/// Another time for a room that has not opened.
#[derive(Clone, Copy, Debug)]
pub struct RescheduleRoom {
    pub by: Authority,
    pub starts_at: Timestamp,
    /// As before, if absent.
    pub planned_minutes: Option<u32>,
    /// How long holders may decline, if the room does not start before that.
    pub decline_hours: u32,
    pub at: Timestamp,
}

/// `ticket_id` is the ticket that an offer will be.
#[derive(Clone, Debug)]
pub struct JoinWaitingList {
    pub user: UserId,
    pub ticket_id: TicketId,
    /// Who may sell where; nothing where everybody may. Offers are made on the web.
    pub rollout: Option<Arc<Rollout>>,
    pub customer: Customer,
    pub request: Fingerprint,
    pub at: Timestamp,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SeatReturn {
    GivenBack { by: UserId },
    Refunded,
}

/// Who ends or cancels: the host of this room, or an admin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Authority {
    User(UserId),
    Admin,
}

/// Why a recording is to be deleted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Deletion {
    By(Authority),
    /// It was kept as long as was said.
    Due,
}

/// What was seen of an opening that is over, cut at its ends.
#[derive(Clone, Debug)]
pub struct RecordDelivery {
    pub session_id: SessionId,
    /// Looked up: when the room opened.
    pub opened_at: Timestamp,
    pub intervals: Vec<PresenceInterval>,
    pub interruptions: Vec<Interruption>,
    pub at: Timestamp,
}

#[derive(Clone, Debug)]
pub struct JudgeComing {
    /// Looked up, of a room that is live.
    pub seen: Option<SeenSoFar>,
    pub at: Timestamp,
}

/// What was seen of an opening up to now. Stays of the host's side are enough.
#[derive(Clone, Debug)]
pub struct SeenSoFar {
    pub session_id: SessionId,
    pub opened_at: Timestamp,
    pub intervals: Vec<PresenceInterval>,
    pub interruptions: Vec<Interruption>,
}
