//! Disputes: a buyer's bank takes the money back, and somebody decides whether it stays there.
//!
//! While a dispute is open nothing else happens to the ticket's money: it is not earned and not refunded. A lost one takes
//! what is left of the sale, if it was not earned yet; what it takes beyond that is a loss.

use uuid::Uuid;

use crate::ticket::account::{Dispute, DisputeState, TicketAccount};
use crate::ticket::decide::Decision;
use crate::ticket::event::{DisputeLost, DisputeOpened, RefundInitiator, RefundOwed, RefundReason};
use crate::ticket::state::TicketPhase;
use crate::{Money, MoneyError, PaymentId, RefundId, TicketError, TicketEvent, Timestamp, text};

impl TicketAccount {
    /// The provider has the money and says so: recorded whatever became of the ticket.
    pub(super) fn record_dispute(
        &self,
        dispute: &str,
        payment_id: PaymentId,
        amount: Money,
        reason: &str,
        at: Timestamp,
    ) -> Decision {
        if self.dispute(dispute).is_some() {
            return Ok(vec![]);
        }
        let payment = self.payment(payment_id).ok_or(TicketError::UnknownPayment)?;
        if !payment.is_captured() {
            return Err(TicketError::UnknownPayment);
        }
        let left = payment.amount.checked_sub(amount)?;
        if !amount.is_positive() || left.amount_minor() < 0 {
            return Err(TicketError::WrongAmount {
                captured: payment.amount,
                expected: amount,
            });
        }
        Ok(vec![TicketEvent::DisputeOpened(DisputeOpened {
            dispute: text::recordable(dispute),
            payment_id,
            amount,
            reason: text::recordable(reason),
            opened_at: at,
        })])
    }

    pub(super) fn record_dispute_won(&self, dispute: &str, at: Timestamp) -> Decision {
        let known = self.known_dispute(dispute)?;
        match known.state {
            DisputeState::Open => Ok(vec![TicketEvent::DisputeWon {
                dispute: known.dispute.clone(),
                payment_id: known.payment_id,
                amount: known.amount,
                won_at: at,
            }]),
            DisputeState::Won => Ok(vec![]),
            DisputeState::Lost => Err(TicketError::DisputeEnded),
        }
    }

    pub(super) fn record_dispute_lost(&self, dispute: &str, fee: Money, at: Timestamp) -> Decision {
        let known = self.known_dispute(dispute)?;
        match known.state {
            DisputeState::Open => {}
            DisputeState::Lost => return Ok(vec![]),
            DisputeState::Won => return Err(TicketError::DisputeEnded),
        }
        if fee.amount_minor() < 0 {
            return Err(TicketError::Money(MoneyError::Negative));
        }
        known.amount.checked_add(fee)?;
        let zero = Money::zero(known.amount.currency());
        let standing = self.standing().map(|(payment, _)| payment.payment_id);
        let left = self.left().unwrap_or(zero);
        let taken = if standing != Some(known.payment_id) {
            zero
        } else if known.amount.amount_minor() < left.amount_minor() {
            known.amount
        } else {
            left
        };
        let tax = if self.was_issued() {
            self.sale().terms.tax_between(left, left.checked_sub(taken)?)?
        } else {
            None
        };
        let lost = TicketEvent::DisputeLost(DisputeLost {
            dispute: known.dispute.clone(),
            payment_id: known.payment_id,
            amount: known.amount,
            fee,
            covered: if self.was_settled() { zero } else { taken },
            was_issued: self.was_issued(),
            tax: tax.filter(|tax| !tax.amount.is_zero()),
            store_fee: None,
            lost_at: at,
        });
        let mut events = vec![lost];
        // What never became a ticket will not become one any more: the rest of it goes back, also when the dispute was about
        // another charge.
        let rest = left.checked_sub(taken)?;
        if let Some(payment_id) = standing
            && !self.was_issued()
            && rest.is_positive()
        {
            events.push(TicketEvent::RefundOwed(rest_of_disputed(payment_id, rest, at)));
        }
        Ok(events)
    }

    /// Whether the standing capture became a ticket, whatever became of that.
    pub(super) fn was_issued(&self) -> bool {
        match self.phase() {
            // Of what was refunded or revoked nothing is left that could be anywhere else.
            TicketPhase::Issued
            | TicketPhase::Admitted
            | TicketPhase::Settled
            | TicketPhase::Refunded
            | TicketPhase::Revoked => true,
            TicketPhase::Unordered | TicketPhase::Ordered | TicketPhase::Lapsed => false,
        }
    }

    fn known_dispute(&self, dispute: &str) -> Result<&Dispute, TicketError> {
        self.dispute(dispute).ok_or(TicketError::UnknownDispute)
    }
}

fn rest_of_disputed(payment_id: PaymentId, amount: Money, at: Timestamp) -> RefundOwed {
    RefundOwed {
        refund_id: RefundId::from_uuid(Uuid::new_v5(&payment_id.as_uuid(), b"rest-of-disputed")),
        payment_id,
        amount,
        reason: RefundReason::SeatGone,
        initiated_by: RefundInitiator::System,
        in_full: true,
        was_issued: false,
        tax: None,
        request: None,
        owed_at: at,
    }
}
