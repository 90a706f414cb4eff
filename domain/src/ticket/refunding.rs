//! Owing money back. Σ refunds of a capture ≤ what was captured, whatever races.

use chrono::TimeDelta;
use uuid::Uuid;

use crate::terms::RefundPolicy;
use crate::ticket::account::{Refund, RefundState, TicketAccount};
use crate::ticket::command::{DeclineReschedule, OweRefund};
use crate::ticket::decide::Decision;
use crate::ticket::event::{RefundInitiator, RefundOwed, RefundReason};
use crate::ticket::state::TicketPhase;
use crate::{Money, MoneyError, PaymentId, RefundId, TicketError, TicketEvent, Timestamp, text};

/// The refund of a charge that came twice: always the same for the same payment, so that it is owed once.
pub(super) fn refund_of_second_charge(payment_id: PaymentId) -> RefundId {
    RefundId::from_uuid(Uuid::new_v5(&payment_id.as_uuid(), b"charged-twice"))
}

impl TicketAccount {
    pub(super) fn owe_refund(&self, owe: &OweRefund) -> Decision {
        if let Some(refund) = self.refund(owe.refund_id) {
            return if is_repeat(refund, owe) {
                Ok(vec![])
            } else {
                Err(TicketError::KeyReused)
            };
        }
        let (Some((payment, _)), Some(left)) = (self.standing(), self.left()) else {
            return Err(TicketError::NotPaid);
        };
        // A process owes it all the same: nobody may keep the money of a room that was cancelled.
        if payment.is_by_store() && owe.by != RefundInitiator::System {
            return Err(TicketError::RefundedByStore);
        }
        if self.is_disputed() {
            return Err(TicketError::Disputed);
        }
        let was_issued = self.require_refundable(owe)?;
        let amount = amount_of(owe, left)?;
        let in_full = amount == left;
        // Before the ticket is issued its money is whole: it becomes a ticket, or it goes back.
        if !in_full && !was_issued {
            return Err(TicketError::NotIssued);
        }
        // Before it is issued, nothing of it is tax yet.
        let tax = if was_issued {
            self.sale().terms.tax_between(left, left.checked_sub(amount)?)?
        } else {
            None
        };
        Ok(vec![TicketEvent::RefundOwed(RefundOwed {
            refund_id: owe.refund_id,
            payment_id: payment.payment_id,
            amount,
            reason: owe.reason,
            initiated_by: owe.by,
            in_full,
            was_issued,
            tax,
            request: owe.request,
            owed_at: owe.at,
        })])
    }

    /// Everything goes back, whatever the refund policy says: the promise was another one (`rules.md` 8).
    pub(super) fn decline_reschedule(&self, decline: &DeclineReschedule) -> Decision {
        if self.holder() != decline.by {
            return Err(TicketError::NotHolder);
        }
        let is_free = self.sale().terms.total.is_zero();
        let is_repeat = is_free && self.phase() == TicketPhase::Refunded;
        if is_repeat || self.refund(decline.refund_id).is_some() {
            return Ok(vec![]);
        }
        if self.is_disputed() {
            return Err(TicketError::Disputed);
        }
        match self.phase() {
            TicketPhase::Issued => {}
            TicketPhase::Refunded => return Err(TicketError::Refunded),
            TicketPhase::Revoked => return Err(TicketError::Revoked),
            TicketPhase::Unordered | TicketPhase::Ordered | TicketPhase::Lapsed => return Err(TicketError::NotIssued),
            TicketPhase::Admitted | TicketPhase::Settled => return Err(TicketError::NotRefundable),
        }
        // Who bought after the change knew the new time.
        if decline.held_at >= decline.rescheduled_at || decline.at >= decline.decline_until {
            return Err(TicketError::NotRefundable);
        }
        if is_free {
            return Ok(vec![TicketEvent::TicketReturned {
                by: decline.by,
                returned_at: decline.at,
            }]);
        }
        let (Some((payment, _)), Some(amount)) = (self.standing(), self.left()) else {
            return Err(TicketError::NotPaid);
        };
        if payment.is_by_store() {
            return Err(TicketError::RefundedByStore);
        }
        Ok(vec![TicketEvent::RefundOwed(RefundOwed {
            refund_id: decline.refund_id,
            payment_id: payment.payment_id,
            amount,
            reason: RefundReason::RescheduleDeclined,
            initiated_by: RefundInitiator::Buyer,
            in_full: true,
            was_issued: true,
            tax: self.sale().terms.tax_between(amount, Money::zero(amount.currency()))?,
            request: None,
            owed_at: decline.at,
        })])
    }

    /// Whether the money is in an issued ticket. Buyers are held to the terms of their sale; others judge for themselves,
    /// but nobody takes back what was earned.
    fn require_refundable(&self, owe: &OweRefund) -> Result<bool, TicketError> {
        let is_admitted = match self.phase() {
            TicketPhase::Refunded => return Err(TicketError::Refunded),
            TicketPhase::Settled => return Err(TicketError::NotRefundable),
            TicketPhase::Revoked => return Err(TicketError::Revoked),
            TicketPhase::Admitted => true,
            TicketPhase::Unordered | TicketPhase::Ordered | TicketPhase::Issued | TicketPhase::Lapsed => false,
        };
        match owe.by {
            RefundInitiator::Buyer if is_admitted || !self.policy_allows(owe) => Err(TicketError::NotRefundable),
            RefundInitiator::Buyer
            | RefundInitiator::Host
            | RefundInitiator::Admin
            | RefundInitiator::System
            | RefundInitiator::Store => Ok(is_admitted || self.phase() == TicketPhase::Issued),
        }
    }

    fn policy_allows(&self, owe: &OweRefund) -> bool {
        let last = match self.sale().terms.refund_policy {
            RefundPolicy::None => return false,
            RefundPolicy::UntilStart => Some(owe.room_starts_at),
            RefundPolicy::UntilHoursBefore { hours } => {
                let before = TimeDelta::hours(i64::from(hours));
                owe.room_starts_at.checked_sub_signed(before)
            }
        };
        !owe.room_has_opened && last.is_some_and(|last| owe.at < last)
    }

    pub(super) fn record_refund_sent(&self, refund_id: RefundId, provider_ref: String, at: Timestamp) -> Decision {
        match self.known_refund(refund_id)?.state {
            RefundState::Owed | RefundState::Failed => Ok(vec![TicketEvent::RefundSent {
                refund_id,
                provider_ref,
                sent_at: at,
            }]),
            RefundState::Sent | RefundState::Completed => Ok(vec![]),
        }
    }

    /// The provider's word that the money has left is final, and may overtake the note that it was sent.
    pub(super) fn record_refund_completed(&self, refund_id: RefundId, at: Timestamp) -> Decision {
        let refund = self.known_refund(refund_id)?;
        match refund.state {
            RefundState::Owed | RefundState::Sent | RefundState::Failed => Ok(vec![self.complete(refund, at)?]),
            RefundState::Completed => Ok(vec![]),
        }
    }

    pub(super) fn complete(&self, refund: &Refund, at: Timestamp) -> Result<TicketEvent, TicketError> {
        Ok(TicketEvent::RefundCompleted {
            refund_id: refund.refund_id,
            amount: refund.amount,
            store_fee: self.store_fee_back(refund)?,
            completed_at: at,
        })
    }

    /// The store's fee goes by what stays: what it gives back is the difference.
    fn store_fee_back(&self, refund: &Refund) -> Result<Option<Money>, MoneyError> {
        let terms = &self.sale().terms;
        let Some(payment) = self.payment(refund.payment_id).filter(|_| terms.channel.is_store()) else {
            return Ok(None);
        };
        let before = payment.amount.checked_sub(self.returned(refund.payment_id))?;
        let after = before.checked_sub(refund.amount)?;
        terms
            .store_fee_in(before)?
            .checked_sub(terms.store_fee_in(after)?)
            .map(Some)
    }

    pub(super) fn record_refund_failed(&self, refund_id: RefundId, reason: &str, at: Timestamp) -> Decision {
        match self.known_refund(refund_id)?.state {
            RefundState::Owed | RefundState::Sent => Ok(vec![TicketEvent::RefundFailed {
                refund_id,
                reason: text::recordable(reason),
                failed_at: at,
            }]),
            RefundState::Completed | RefundState::Failed => Ok(vec![]),
        }
    }

    fn known_refund(&self, refund_id: RefundId) -> Result<&Refund, TicketError> {
        self.refund(refund_id).ok_or(TicketError::UnknownRefund)
    }
}

fn is_repeat(refund: &Refund, owe: &OweRefund) -> bool {
    refund.request == owe.request && owe.amount.is_none_or(|amount| amount == refund.amount)
}

fn amount_of(owe: &OweRefund, left: Money) -> Result<Money, TicketError> {
    let Some(requested) = owe.amount else {
        return Ok(left);
    };
    let remaining = left.checked_sub(requested)?;
    if !requested.is_positive() {
        return Err(TicketError::Money(MoneyError::NotPositive));
    }
    if remaining.amount_minor() < 0 {
        return Err(TicketError::RefundExceedsCaptured { requested, left });
    }
    Ok(requested)
}
