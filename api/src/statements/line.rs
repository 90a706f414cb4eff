//! The lines of a statement.

use domain::{CountryEvidence, Currency, Money};
use projections::statements::{Parts, RefundLine, SaleTerms, StatementLine};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::extract::Moment;
use crate::shapes::{ChannelName, MoneyBody};

/// What moved a host's money, or went back before it was the host's.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StatementLine)]
pub(super) struct LineBody {
    pub(super) position: u64,
    pub(super) at: Moment,
    /// `earning`, `share`, `dispute_held`, `dispute_released`, `dispute_reversed`, `payout_requested`, `payout_paid`,
    /// `payout_failed`, `payout_returned`, `payout_rolled_over`, `earnings_matured`, `reserve_released`,
    /// `receivable_netted`, or `refund` and `dispute_lost`: this went back to the buyer before it was earned.
    pub(super) kind: &'static str,
    pub(super) room_id: Option<Uuid>,
    pub(super) ticket_id: Option<Uuid>,
    pub(super) payout_id: Option<Uuid>,
    pub(super) refund_id: Option<Uuid>,
    /// The provider's name of the payout, once it was told, or of the dispute.
    pub(super) reference: Option<String>,
    /// What the buyer paid and did not get back, tax in it.
    pub(super) gross: MoneyBody,
    pub(super) tax: MoneyBody,
    pub(super) store_fee: MoneyBody,
    pub(super) provider_fee: MoneyBody,
    pub(super) platform_fee: MoneyBody,
    /// What those have who share it.
    pub(super) co_hosts: MoneyBody,
    /// What it did to what the host is owed.
    pub(super) net: MoneyBody,
    /// What went back to the buyer before it was earned.
    pub(super) refunded: MoneyBody,
    /// Why it went back.
    pub(super) reason: Option<String>,
    /// What it did to each part of the host's account.
    pub(super) parts: PartsBody,
    /// The rules of the sale.
    pub(super) sale: Option<SaleBody>,
}

/// The parts of a host's account in one currency.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccountParts)]
pub(super) struct PartsBody {
    /// Earned, and not available before its days are over.
    pending: MoneyBody,
    /// What a payout can be asked of.
    available: MoneyBody,
    /// Requested, and neither paid nor failed.
    pending_payout: MoneyBody,
    /// Held for disputes, and the rolling reserve.
    reserved: MoneyBody,
    /// What the host owes: the next earnings pay it first.
    receivable: MoneyBody,
    /// What the host is owed, without what is on its way.
    pub(super) balance: MoneyBody,
}

impl From<Parts> for PartsBody {
    fn from(parts: Parts) -> Self {
        Self {
            pending: parts.pending.into(),
            available: parts.available.into(),
            pending_payout: parts.pending_payout.into(),
            reserved: parts.reserved.into(),
            receivable: parts.receivable.into(),
            balance: parts.net().into(),
        }
    }
}

impl PartsBody {
    pub(super) fn zero(currency: Currency) -> Self {
        let zero = MoneyBody::from(Money::zero(currency));
        Self {
            pending: zero,
            available: zero,
            pending_payout: zero,
            reserved: zero,
            receivable: zero,
            balance: zero,
        }
    }
}

/// The rules a sale was made under, and where its customer is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SaleRules)]
pub(super) struct SaleBody {
    pub(super) channel: ChannelName,
    pub(super) preset: String,
    pub(super) preset_version: u32,
    /// ISO 3166-1 alpha-2, where the shop had to know it.
    pub(super) tax_country: Option<String>,
    pub(super) tax_rate_basis_points: Option<u16>,
    pub(super) tax_version: Option<u32>,
    /// What speaks for the country: its kind, and the country it speaks for.
    #[schema(value_type = Vec<Object>)]
    pub(super) tax_evidence: Vec<CountryEvidence>,
}

impl From<SaleTerms> for SaleBody {
    fn from(terms: SaleTerms) -> Self {
        Self {
            channel: terms.channel.into(),
            tax_country: terms.country().map(|country| country.to_string()),
            tax_rate_basis_points: terms.tax.map(|rule| rule.rate.points()),
            tax_version: terms.tax.map(|rule| rule.version),
            preset: terms.preset,
            preset_version: terms.preset_version,
            tax_evidence: terms.evidence,
        }
    }
}

impl From<StatementLine> for LineBody {
    fn from(line: StatementLine) -> Self {
        Self {
            position: line.position,
            at: line.at.into(),
            kind: line.kind.as_str(),
            room_id: line.room_id.map(|id| id.as_uuid()),
            ticket_id: line.ticket_id.map(|id| id.as_uuid()),
            payout_id: line.payout_id.map(|id| id.as_uuid()),
            refund_id: None,
            reference: line.reference,
            gross: line.gross.into(),
            tax: line.tax.into(),
            store_fee: line.store_fee.into(),
            provider_fee: line.provider_fee.into(),
            platform_fee: line.platform_fee.into(),
            co_hosts: line.co_hosts.into(),
            net: line.net.into(),
            refunded: Money::zero(line.net.currency()).into(),
            reason: None,
            parts: line.parts.into(),
            sale: line.terms.map(SaleBody::from),
        }
    }
}

impl From<RefundLine> for LineBody {
    fn from(line: RefundLine) -> Self {
        let zero = MoneyBody::from(Money::zero(line.amount.currency()));
        Self {
            position: line.position,
            at: line.at.into(),
            kind: if line.dispute.is_some() {
                "dispute_lost"
            } else {
                "refund"
            },
            room_id: Some(line.room_id.as_uuid()),
            ticket_id: Some(line.ticket_id.as_uuid()),
            payout_id: None,
            refund_id: line.refund_id.map(|id| id.as_uuid()),
            reference: line.dispute,
            gross: zero,
            tax: zero,
            store_fee: zero,
            provider_fee: zero,
            platform_fee: zero,
            co_hosts: zero,
            net: zero,
            refunded: line.amount.into(),
            reason: Some(line.reason),
            parts: PartsBody::zero(line.amount.currency()),
            sale: None,
        }
    }
}
