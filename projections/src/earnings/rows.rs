//! What the earnings view answers with.

use domain::{Channel, Currency, FailedFact, HostFacts, Money, PayoutId, TermsHash, Timestamp, UserId};

use crate::convert::words;

words! {
    /// What a host may do: only an approved host sells.
    pub enum Standing {
        None = "none",
        Applied = "applied",
        Waitlisted = "waitlisted",
        Approved = "approved",
        Declined = "declined",
        /// Whatever they were before.
        Suspended = "suspended",
    }
}

words! {
    pub enum PayoutState {
        Requested = "requested",
        Sent = "sent",
        Paid = "paid",
        Failed = "failed",
        Returned = "returned",
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HostRow {
    pub host: UserId,
    pub standing: Standing,
    /// A word of the admin who decided last.
    pub reason: Option<String>,
    pub decided_at: Option<Timestamp>,
    /// What kept the rules from approving.
    pub failed: Vec<FailedFact>,
    /// With the last application, and stated by an admin.
    pub facts: HostFacts,
    /// Where the host would like to sell.
    pub channels: Vec<Channel>,
    pub suspension: Option<Suspension>,
    pub terms: Option<TermsRow>,
    pub destination: Option<String>,
    /// One for each currency in which the host ever earned, by currency.
    pub balances: Vec<Balance>,
    /// The host's first event: the list's cursor.
    pub created_position: u64,
    /// The host's last event.
    pub position: u64,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Suspension {
    pub reason: String,
    pub since: Timestamp,
}

/// The terms of hosting that were accepted last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TermsRow {
    pub sha256: TermsHash,
    pub accepted_at: Timestamp,
}

/// Totals of one host in one currency. `available` is what a payout can be asked of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Balance {
    pub currency: Currency,
    pub available: Money,
    /// Earned, and not available before its days are over.
    pub pending: Money,
    /// Requested and neither paid nor failed.
    pub pending_payout: Money,
    pub paid_out: Money,
    /// What buyers paid and did not get back, tax in it.
    pub gross: Money,
    pub taxes: Money,
    pub store_fees: Money,
    pub provider_fees: Money,
    pub platform_fees: Money,
    /// Held for disputes, and the rolling reserve.
    pub reserved: Money,
    /// What the host owes: the next earnings pay it.
    pub receivable: Money,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PayoutRow {
    pub payout_id: PayoutId,
    pub host: UserId,
    pub amount: Money,
    pub state: PayoutState,
    /// Why it failed, or came back.
    pub reason: Option<String>,
    pub requested_at: Timestamp,
    pub updated_at: Timestamp,
    /// Where it was requested: the list's cursor.
    pub created_position: u64,
    /// Its last event.
    pub position: u64,
}
