//! What can have happened to a host's account.

use cqrs_es::DomainEvent;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::payout::monthly::{PayoutSchedule, RollOverReason};
use crate::{
    Channel, FailedFact, Fingerprint, HostFacts, Label, Money, PayoutId, RoomId, TaxPart, TermsHash, TicketId,
    Timestamp, UserId,
};

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum PayoutEvent {
    HostApplied {
        host: UserId,
        applied_at: Timestamp,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        application: Option<Box<Application>>,
    },
    /// By an admin, or else by the rules.
    HostApproved {
        host: UserId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<UserId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Label>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        verdict: Option<Box<Verdict>>,
        approved_at: Timestamp,
    },
    HostWaitlisted(HostDecision),
    HostDeclined(HostDecision),
    /// The host may neither schedule nor sell nor be paid.
    HostSuspended {
        by: UserId,
        reason: Label,
        suspended_at: Timestamp,
    },
    /// The host is again what they were before.
    HostReinstated {
        by: UserId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Label>,
        reinstated_at: Timestamp,
    },
    /// By the host: from all their rooms, now and later.
    GuestBanned {
        user: UserId,
        banned_at: Timestamp,
    },
    GuestUnbanned {
        user: UserId,
        unbanned_at: Timestamp,
    },
    /// What an admin knows about an applicant; it takes the place of what was stated before.
    FactsStated {
        facts: HostFacts,
        by: UserId,
        stated_at: Timestamp,
    },
    /// The terms of hosting, by the SHA-256 of their text.
    TermsAccepted {
        terms_sha256: TermsHash,
        accepted_at: Timestamp,
    },
    /// Where payouts go: the provider's opaque name of the account, never a bank number.
    DestinationLinked {
        #[schemars(with = "crate::words::ProviderRef")]
        destination: String,
        linked_at: Timestamp,
    },
    EarningCredited(EarningCredited),
    /// A sale is disputed: what is there of its earning waits in the reserve.
    EarningHeld(HeldEarning),
    /// The dispute was won: what was held is available again.
    EarningReleased(HeldEarning),
    /// The dispute was lost: the host gives back what the sale had brought.
    EarningReversed(EarningReversed),
    PayoutRequested {
        payout_id: PayoutId,
        amount: Money,
        /// The provider that pays, and whose balance the money leaves.
        #[schemars(with = "crate::words::ShopWord")]
        provider: String,
        #[schemars(with = "crate::words::ProviderRef")]
        destination: String,
        request: Fingerprint,
        requested_at: Timestamp,
    },
    PayoutSent {
        payout_id: PayoutId,
        #[schemars(with = "crate::words::ProviderRef")]
        provider_ref: String,
        sent_at: Timestamp,
    },
    PayoutPaid {
        payout_id: PayoutId,
        amount: Money,
        paid_at: Timestamp,
    },
    PayoutFailed {
        payout_id: PayoutId,
        amount: Money,
        #[schemars(with = "crate::words::ProviderReason")]
        reason: String,
        failed_at: Timestamp,
    },
    /// A part of what a sale of another host's brought.
    ShareCredited(ShareCredited),
    PayoutScheduleChosen {
        schedule: PayoutSchedule,
        chosen_at: Timestamp,
    },
    /// The first of a month came, and nothing was paid: it waits for the next.
    PayoutRolledOver {
        available: Money,
        minimum: Money,
        reason: RollOverReason,
        due_at: Timestamp,
        rolled_over_at: Timestamp,
    },
    /// A payout that was paid came back, or so much of it. It is available again.
    PayoutReturned {
        payout_id: PayoutId,
        amount: Money,
        #[schemars(with = "crate::words::ProviderReason")]
        reason: String,
        returned_at: Timestamp,
    },
    /// What was pending is available: everything whose days were over by then.
    EarningsMatured {
        amount: Money,
        matured_at: Timestamp,
    },
    /// The same for the rolling reserve.
    ReserveReleased {
        amount: Money,
        released_at: Timestamp,
    },
    /// Money came back to a host who owes: it pays that first.
    ReceivableNetted {
        amount: Money,
        netted_at: Timestamp,
    },
}

/// Money that is not available before `until`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Later {
    pub amount: Money,
    pub until: Timestamp,
}

/// What an application rests on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Application {
    #[schemars(with = "crate::words::ShopWord")]
    pub preset: String,
    pub preset_version: u32,
    #[serde(default, skip_serializing_if = "HostFacts::is_empty")]
    pub facts: HostFacts,
    /// Where the applicant would like to sell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<Channel>,
}

/// What the rules of a preset say about an applicant.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    #[schemars(with = "crate::words::ShopWord")]
    pub preset: String,
    pub preset_version: u32,
    /// Each fact that does not meet the rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<FailedFact>,
}

/// By an admin, or else by the rules.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct HostDecision {
    pub host: UserId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Label>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    pub decided_at: Timestamp,
}

/// One settled sale, credited to its host.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct EarningCredited {
    pub ticket_id: TicketId,
    pub room_id: RoomId,
    pub gross: Money,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax: Option<TaxPart>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store_fee: Option<Money>,
    pub provider_fee: Money,
    pub platform_fee: Money,
    /// What the hosts have of it, together.
    pub host_share: Money,
    /// The parts of those who share it. They are credited to accounts of their own; the rest is the host's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub co_hosts: Vec<CoHostPart>,
    /// The part of the host's share that pays what the host owed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub netted: Option<Money>,
    /// The part that goes into the rolling reserve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserved: Option<Later>,
    /// The part that is pending: all the rest, where a preset has pending days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Later>,
    pub credited_at: Timestamp,
}

impl EarningCredited {
    /// What the host of the room has of it.
    pub fn own_share(&self) -> Money {
        let parts = self.co_hosts.iter().map(|part| part.amount.amount_minor());
        let own = parts.fold(self.host_share.amount_minor(), i64::saturating_sub);
        Money::new(own, self.host_share.currency())
    }

    /// What the others have.
    pub fn shared(&self) -> Money {
        let own = self.own_share().amount_minor();
        let shared = self.host_share.amount_minor().saturating_sub(own);
        Money::new(shared, self.host_share.currency())
    }
}

/// Somebody's part of an earning, or of what is given back of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CoHostPart {
    pub user: UserId,
    pub amount: Money,
}

/// Somebody's part of one settled sale.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ShareCredited {
    pub ticket_id: TicketId,
    pub room_id: RoomId,
    /// Whose sale it was.
    pub host: UserId,
    pub share: Money,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub netted: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserved: Option<Later>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Later>,
    pub credited_at: Timestamp,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct HeldEarning {
    pub ticket_id: TicketId,
    #[schemars(with = "crate::words::ProviderRef")]
    pub dispute: String,
    pub amount: Money,
    /// The part of it that was pending, or is again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Money>,
    /// What of the dispute those have to bear who share the sale.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub co_hosts: Vec<CoHostPart>,
    pub at: Timestamp,
}

/// What comes from all these places and the receivable is what goes back of the sale's earning.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct EarningReversed {
    pub ticket_id: TicketId,
    #[schemars(with = "crate::words::ProviderRef")]
    pub dispute: String,
    /// What the dispute held.
    pub from_reserve: Money,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_pending: Option<Money>,
    pub from_available: Money,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_rolling_reserve: Option<Money>,
    /// What is no longer there: the host owes it, and the next earnings pay it.
    pub receivable: Money,
    /// What those give back who share the sale.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub co_hosts: Vec<CoHostPart>,
    pub reversed_at: Timestamp,
}

impl DomainEvent for PayoutEvent {
    fn event_type(&self) -> String {
        self.name().to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

impl PayoutEvent {
    /// The name this event is stored under. Written out, so that renaming a variant does not rename history.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::HostApplied { .. } => "host_applied",
            Self::HostApproved { .. } => "host_approved",
            Self::HostWaitlisted(_) => "host_waitlisted",
            Self::HostDeclined(_) => "host_declined",
            Self::HostSuspended { .. } => "host_suspended",
            Self::HostReinstated { .. } => "host_reinstated",
            Self::GuestBanned { .. } => "guest_banned",
            Self::GuestUnbanned { .. } => "guest_unbanned",
            Self::FactsStated { .. } => "facts_stated",
            Self::TermsAccepted { .. } => "terms_accepted",
            Self::DestinationLinked { .. } => "destination_linked",
            Self::EarningCredited(_) => "earning_credited",
            Self::EarningHeld(_) => "earning_held",
            Self::EarningReleased(_) => "earning_released",
            Self::EarningReversed(_) => "earning_reversed",
            Self::PayoutRequested { .. } => "payout_requested",
            Self::PayoutSent { .. } => "payout_sent",
            Self::PayoutPaid { .. } => "payout_paid",
            Self::PayoutFailed { .. } => "payout_failed",
            Self::ShareCredited(_) => "share_credited",
            Self::PayoutScheduleChosen { .. } => "payout_schedule_chosen",
            Self::PayoutRolledOver { .. } => "payout_rolled_over",
            Self::PayoutReturned { .. } => "payout_returned",
            Self::EarningsMatured { .. } => "earnings_matured",
            Self::ReserveReleased { .. } => "reserve_released",
            Self::ReceivableNetted { .. } => "receivable_netted",
        }
    }

    /// The sale it is about, if it is about one.
    pub const fn ticket_id(&self) -> Option<TicketId> {
        match self {
            Self::EarningCredited(earning) => Some(earning.ticket_id),
            Self::EarningHeld(held) | Self::EarningReleased(held) => Some(held.ticket_id),
            Self::EarningReversed(reversed) => Some(reversed.ticket_id),
            Self::ShareCredited(share) => Some(share.ticket_id),
            Self::HostApplied { .. }
            | Self::HostApproved { .. }
            | Self::HostWaitlisted(_)
            | Self::HostDeclined(_)
            | Self::HostSuspended { .. }
            | Self::HostReinstated { .. }
            | Self::GuestBanned { .. }
            | Self::GuestUnbanned { .. }
            | Self::FactsStated { .. }
            | Self::TermsAccepted { .. }
            | Self::DestinationLinked { .. }
            | Self::PayoutRequested { .. }
            | Self::PayoutSent { .. }
            | Self::PayoutPaid { .. }
            | Self::PayoutFailed { .. }
            | Self::PayoutScheduleChosen { .. }
            | Self::PayoutRolledOver { .. }
            | Self::PayoutReturned { .. }
            | Self::EarningsMatured { .. }
            | Self::ReserveReleased { .. }
            | Self::ReceivableNetted { .. } => None,
        }
    }

    /// The payout it is about, if it is about one.
    pub const fn payout_id(&self) -> Option<PayoutId> {
        match self {
            Self::PayoutRequested { payout_id, .. }
            | Self::PayoutSent { payout_id, .. }
            | Self::PayoutPaid { payout_id, .. }
            | Self::PayoutFailed { payout_id, .. }
            | Self::PayoutReturned { payout_id, .. } => Some(*payout_id),
            Self::HostApplied { .. }
            | Self::HostApproved { .. }
            | Self::HostWaitlisted(_)
            | Self::HostDeclined(_)
            | Self::HostSuspended { .. }
            | Self::HostReinstated { .. }
            | Self::GuestBanned { .. }
            | Self::GuestUnbanned { .. }
            | Self::FactsStated { .. }
            | Self::TermsAccepted { .. }
            | Self::DestinationLinked { .. }
            | Self::EarningCredited(_)
            | Self::EarningHeld(_)
            | Self::EarningReleased(_)
            | Self::EarningReversed(_)
            | Self::ShareCredited(_)
            | Self::PayoutScheduleChosen { .. }
            | Self::PayoutRolledOver { .. }
            | Self::EarningsMatured { .. }
            | Self::ReserveReleased { .. }
            | Self::ReceivableNetted { .. } => None,
        }
    }
}
