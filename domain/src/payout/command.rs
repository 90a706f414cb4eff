//! What can be asked of a host's account.

use crate::fees::{EarningRules, PlatformFee};
use crate::payout::monthly::PayoutSchedule;
use crate::{
    Channel, Currency, Fingerprint, HostFacts, Label, Money, PayoutId, Preset, RoomId, Share, TaxPart, TermsHash,
    TicketId, Timestamp, UserId,
};

/// A command carries its time and every fact that was looked up for it. A repeat is accepted and records nothing.
#[derive(Clone, Debug)]
pub enum PayoutCommand {
    Apply(Box<ApplyAsHost>),
    /// An admin may approve a host who did not apply.
    Approve(DecideOnHost),
    Waitlist(DecideOnHost),
    Decline(DecideOnHost),
    Suspend {
        by: UserId,
        reason: Label,
        at: Timestamp,
    },
    Reinstate {
        by: UserId,
        reason: Option<Label>,
        at: Timestamp,
    },
    StateFacts(Box<StateFacts>),
    /// From all rooms of the host, whose account this is.
    BanGuest {
        host: UserId,
        user: UserId,
        at: Timestamp,
    },
    UnbanGuest {
        user: UserId,
        at: Timestamp,
    },
    AcceptTerms {
        terms_sha256: TermsHash,
        at: Timestamp,
    },
    LinkDestination {
        destination: String,
        at: Timestamp,
    },
    CreditEarning(Box<SettledSale>),
    /// A sale is disputed. Nothing is held of what was not earned.
    HoldEarning(DisputedEarning),
    ReleaseEarning(DisputedEarning),
    ReverseEarning(DisputedEarning),
    /// A part of what another host's room earned. The same for it: `dispute` is followed as the host's account has it.
    CreditShare(Box<SharedEarning>),
    HoldShare(DisputedShare),
    ReleaseShare(DisputedShare),
    ReverseShare(DisputedShare),
    /// What has waited long enough becomes available.
    MatureEarnings {
        at: Timestamp,
    },
    RequestPayout(RequestPayout),
    ChooseSchedule {
        schedule: PayoutSchedule,
        at: Timestamp,
    },
    /// The first of a month has come, for a host who is paid by the month.
    RequestMonthly(MonthlyPayout),
    RecordReturned(ReturnedPayout),
    RecordSent {
        payout_id: PayoutId,
        provider_ref: String,
        at: Timestamp,
    },
    RecordPaid {
        payout_id: PayoutId,
        at: Timestamp,
    },
    RecordFailed {
        payout_id: PayoutId,
        reason: String,
        at: Timestamp,
    },
}

#[derive(Clone, Debug)]
pub struct ApplyAsHost {
    pub host: UserId,
    /// From the applicant's claims, and counted in the log.
    pub facts: HostFacts,
    pub channels: Vec<Channel>,
    /// The terms of hosting that the applicant accepts with it.
    pub terms_sha256: Option<TermsHash>,
    pub preset: Preset,
    pub at: Timestamp,
}

#[derive(Clone, Debug)]
pub struct DecideOnHost {
    pub host: UserId,
    pub by: UserId,
    pub reason: Option<Label>,
    pub at: Timestamp,
}

/// What an admin knows about a host. What is absent is not stated any more.
#[derive(Clone, Debug)]
pub struct StateFacts {
    pub host: UserId,
    pub by: UserId,
    pub facts: HostFacts,
    pub preset: Preset,
    pub at: Timestamp,
}

/// The earning of a sale that its buyer's bank disputes.
#[derive(Clone, Debug)]
pub struct DisputedEarning {
    pub ticket_id: TicketId,
    pub dispute: String,
    /// What is disputed of the sale.
    pub amount: Money,
    pub at: Timestamp,
}

/// A sale that was settled. How the rest is divided between platform and host is decided by the account.
#[derive(Clone, Debug)]
pub struct SettledSale {
    pub ticket_id: TicketId,
    pub room_id: RoomId,
    pub gross: Money,
    pub tax: Option<TaxPart>,
    pub store_fee: Option<Money>,
    pub provider_fee: Money,
    /// From the terms of the sale.
    pub platform_fee: PlatformFee,
    pub earning: EarningRules,
    /// Whose account this is.
    pub host: UserId,
    /// From the terms of the sale: whose it is how much. Empty where it is the host's alone.
    pub shares: Vec<Share>,
    pub at: Timestamp,
}

/// Somebody's part of a sale, as the host's account divided it.
#[derive(Clone, Debug)]
pub struct SharedEarning {
    pub ticket_id: TicketId,
    pub room_id: RoomId,
    pub host: UserId,
    pub share: Money,
    pub earning: EarningRules,
    pub at: Timestamp,
}

/// Somebody's part of what is disputed, as the host's account divided it.
#[derive(Clone, Debug)]
pub struct DisputedShare {
    pub ticket_id: TicketId,
    pub dispute: String,
    pub amount: Money,
    pub at: Timestamp,
}

#[derive(Clone, Debug)]
pub struct MonthlyPayout {
    /// The same for the same host, currency and month.
    pub payout_id: PayoutId,
    pub currency: Currency,
    /// The first of the month.
    pub due_at: Timestamp,
    /// From the preset, in minor units; and how hosts are paid who did not choose.
    pub minimum_minor: i64,
    pub default: PayoutSchedule,
    /// The provider that is to pay.
    pub provider: String,
    pub at: Timestamp,
}

/// A payout came back, in part or all of it.
#[derive(Clone, Debug)]
pub struct ReturnedPayout {
    pub payout_id: PayoutId,
    /// So much of it, by now.
    pub in_all: Money,
    pub reason: String,
    pub at: Timestamp,
}

#[derive(Clone, Debug)]
pub struct RequestPayout {
    pub payout_id: PayoutId,
    pub currency: Currency,
    /// All that is available, if absent.
    pub amount: Option<Money>,
    /// From the preset, in minor units.
    pub minimum_minor: i64,
    /// The provider that is to pay.
    pub provider: String,
    pub request: Fingerprint,
    pub at: Timestamp,
}
