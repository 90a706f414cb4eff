//! Why a room says no. Only business refusals; infrastructure has its own errors elsewhere.

use thiserror::Error;

use crate::Timestamp;
use crate::room::prices::Quota;

#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum RoomError {
    #[error("no such room")]
    NotScheduled,
    /// A field of the command is out of its range. `field` is the field's path in the request.
    #[error("{field}: {reason}")]
    InvalidField { field: &'static str, reason: String },
    #[error("the host is not approved for priced rooms")]
    HostNotApproved,
    #[error("the host is suspended")]
    HostSuspended,
    #[error("the host has not accepted the terms of hosting that are in force")]
    TermsNotAccepted,
    #[error("the host has linked no payout destination")]
    NoDestination,
    #[error("the host may not sell through any channel yet")]
    NotRolledOut,
    #[error("the host may not sell through this channel")]
    ChannelClosed,
    #[error("the idempotency key was used for another request")]
    KeyReused,
    #[error("all {capacity} seats are held or sold")]
    SoldOut { capacity: u32 },
    /// The room may have seats, and this price has none.
    #[error("all {limit} seats of {} are held or sold", .quota.name())]
    QuotaExhausted { quota: Quota, limit: u32 },
    #[error("{taken} seats of this tier or code are held or sold")]
    QuotaBelowTaken { taken: u32 },
    #[error("this promo code {}", .reason.text())]
    PromoCodeRefused { reason: PromoCodeRefusal },
    #[error("sales open at {opens_at}")]
    SalesNotOpen { opens_at: Timestamp },
    #[error("sales closed at {closed_at}")]
    SalesClosed { closed_at: Timestamp },
    #[error("the host has paused the sales")]
    SalesPaused,
    #[error("not everybody has agreed to share what the room earns")]
    SharesNotAgreed,
    #[error("this room is not shared with you")]
    NotSharing,
    #[error("your share is {basis_points} basis points")]
    ShareDiffers { basis_points: u16 },
    #[error("{taken} seats are held or sold")]
    CapacityBelowSold { taken: u32 },
    /// Buyers rely on it. `field` is the field's path in the request.
    #[error("{field} stays as it was at the first sale")]
    FrozenAfterFirstSale { field: &'static str },
    #[error("a buyer may have {limit} tickets of this room")]
    TicketLimitReached { limit: u32 },
    #[error("tickets of this room stay with who bought them")]
    NotTransferable,
    #[error("{limit} people wait already")]
    WaitingListFull { limit: usize },
    /// The hold of this ticket is over, or there never was one.
    #[error("no seat is held by this ticket")]
    HoldExpired,
    #[error("the seat is paid")]
    SeatIsSold,
    /// The caller may not do this here, and may not learn more.
    #[error("not the host of this room")]
    NotHost,
    #[error("the room is not live")]
    NotLive,
    #[error("the lobby opens at {opens_at}")]
    LobbyNotYet { opens_at: Timestamp },
    #[error("this entry was taken over {limit} times")]
    TakeOversFull { limit: u32 },
    #[error("the room is over")]
    RoomOver,
    #[error("the room is {state}")]
    WrongState { state: &'static str },
    #[error("this person is not in the room")]
    NotInRoom,
    #[error("this person did not ask to speak")]
    NoRequest,
    #[error("the stage has room for {limit} speakers")]
    StageFull { limit: usize },
    #[error("a room has at most {limit} co-hosts")]
    CoHostsFull { limit: usize },
    #[error("{limit} people ask to speak already")]
    RequestsFull { limit: usize },
    #[error("{limit} people are invited already")]
    InvitationsFull { limit: usize },
    #[error("{limit} people are banned already")]
    BansFull { limit: usize },
    #[error("this person was not invited to speak")]
    NotInvited,
    #[error("this person is not on the stage")]
    NotOnStage,
    /// The caller has the power, and not over this person.
    #[error("this person is not below you here")]
    OutOfReach,
    #[error("this room is not recorded")]
    RecordingNotAllowed,
    #[error("somebody who would be recorded did not agree to it")]
    ConsentMissing,
    #[error("there is no such recording")]
    NoSuchRecording,
    #[error("a room has at most {limit} recordings")]
    RecordingsFull { limit: usize },
    #[error("a recording has at most {limit} parts")]
    PartsFull { limit: u32 },
    #[error("this person was removed from the room")]
    Removed,
    #[error("this person is banned from the room")]
    Banned,
}

/// Why a promo code changes no price.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PromoCodeRefusal {
    /// Or it was mistyped.
    Unknown,
    NotYet,
    Expired,
    /// It is for a tier that the buyer did not choose.
    OtherTier,
    /// The buyer has used it as often as one may.
    BuyerLimit {
        limit: u32,
    },
}

impl PromoCodeRefusal {
    fn text(self) -> String {
        match self {
            Self::Unknown => "is not one of this room".to_owned(),
            Self::NotYet => "is not good yet".to_owned(),
            Self::Expired => "is not good any more".to_owned(),
            Self::OtherTier => "is for another tier".to_owned(),
            Self::BuyerLimit { limit } => format!("may be used for {limit} tickets by a buyer"),
        }
    }
}

impl Quota {
    const fn name(self) -> &'static str {
        match self {
            Self::Tier => "this tier",
            Self::PromoCode => "this promo code",
        }
    }
}
