//! What the statements answer with.

use domain::tax::TaxRule;
use domain::{
    Channel, Country, CountryEvidence, Currency, Money, PayoutId, RefundId, RoomId, Terms, TicketId, Timestamp,
};

use crate::convert::words;

words! {
    /// What moved a host's money.
    pub enum LineKind {
        Earning = "earning",
        PayoutRequested = "payout_requested",
        PayoutPaid = "payout_paid",
        PayoutFailed = "payout_failed",
        DisputeHeld = "dispute_held",
        DisputeReleased = "dispute_released",
        DisputeReversed = "dispute_reversed",
        Share = "share",
        PayoutReturned = "payout_returned",
        PayoutRolledOver = "payout_rolled_over",
        EarningsMatured = "earnings_matured",
        ReserveReleased = "reserve_released",
        ReceivableNetted = "receivable_netted",
    }
}

/// One line. Of what is no sale, gross and fees are zero.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StatementLine {
    pub position: u64,
    /// When the log recorded it.
    pub at: Timestamp,
    pub kind: LineKind,
    pub room_id: Option<RoomId>,
    pub ticket_id: Option<TicketId>,
    pub payout_id: Option<PayoutId>,
    /// The provider's name of the payout, as far as it was known then, or of the dispute.
    pub reference: Option<String>,
    pub gross: Money,
    pub tax: Money,
    pub store_fee: Money,
    pub provider_fee: Money,
    pub platform_fee: Money,
    /// What those have who share it.
    pub co_hosts: Money,
    /// What it did to what the host is owed: [`Parts::net`] of its parts.
    pub net: Money,
    /// What it did to each part of the account.
    pub parts: Parts,
    /// Of a sale: the rules it was made under.
    pub terms: Option<SaleTerms>,
}

/// What a statement tells of the terms of a sale.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SaleTerms {
    pub channel: Channel,
    pub preset: String,
    pub preset_version: u32,
    pub tax: Option<TaxRule>,
    pub evidence: Vec<CountryEvidence>,
}

impl SaleTerms {
    /// Where the customer is, as far as the shop had to know.
    pub fn country(&self) -> Option<Country> {
        let proven = self.evidence.first().map(|piece| piece.country);
        self.tax.map(|tax| tax.country).or(proven)
    }
}

impl From<Terms> for SaleTerms {
    fn from(terms: Terms) -> Self {
        Self {
            channel: terms.channel,
            preset: terms.preset,
            preset_version: terms.preset_version,
            tax: terms.rules.tax,
            evidence: terms.rules.evidence,
        }
    }
}

/// Parts of a host's account in one currency, or what moved them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Parts {
    /// Earned, and not available before its days are over.
    pub pending: Money,
    /// What a payout can be asked of.
    pub available: Money,
    /// Requested and neither paid nor failed.
    pub pending_payout: Money,
    pub paid_out: Money,
    /// Held for disputes, and the rolling reserve.
    pub reserved: Money,
    /// What the host owes.
    pub receivable: Money,
}

impl Parts {
    /// What the host is owed: all parts together, without what was paid out or is on its way.
    pub fn net(&self) -> Money {
        let has = self.pending.amount_minor() + self.available.amount_minor() + self.reserved.amount_minor();
        let minor = has - self.receivable.amount_minor();
        Money::new(minor, self.available.currency())
    }
}

/// The sums of a stretch in one currency.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Totals {
    pub currency: Currency,
    /// How many sales were earned.
    pub sales: u64,
    pub gross: Money,
    pub tax: Money,
    pub store_fee: Money,
    pub provider_fee: Money,
    pub platform_fee: Money,
    /// What those have who share it.
    pub co_hosts: Money,
    /// What the stretch did to each part of the account; of a stretch from the beginning, the parts themselves.
    pub parts: Parts,
}

/// Money that went back to a buyer of this host's before the sale was earned, or that a bank took back: the host never had it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RefundLine {
    pub position: u64,
    pub at: Timestamp,
    /// Of a refund.
    pub refund_id: Option<RefundId>,
    /// Of a dispute that was lost: the provider's name of it.
    pub dispute: Option<String>,
    pub ticket_id: TicketId,
    pub room_id: RoomId,
    pub amount: Money,
    /// As the event has it; `dispute_lost` of a dispute.
    pub reason: String,
}
