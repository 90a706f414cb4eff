//! Attempts to pay, and captures.
//!
//! The first capture stands for the ticket. A capture that comes when another stands is money taken twice: it is recorded,
//! since it happened, and owed back in the same decision.

use crate::ticket::account::{Payment, PaymentState, TicketAccount};
use crate::ticket::command::StartPayment;
use crate::ticket::decide::Decision;
use crate::ticket::event::{RefundInitiator, RefundOwed, RefundReason};
use crate::ticket::refunding::refund_of_second_charge;
use crate::ticket::state::TicketPhase;
use crate::{Money, MoneyError, PaymentId, TicketError, TicketEvent, Timestamp, text};

/// A ticket has no more attempts to pay: who was declined so often guesses cards, and each attempt costs the provider a
/// call and the log a fact for ever.
pub const PAYMENT_ATTEMPTS_MAX: u32 = 20;

impl TicketAccount {
    pub(super) fn start_payment(&self, start: StartPayment) -> Decision {
        if let Some(payment) = self.payment(start.payment_id) {
            let is_repeat = payment.request == start.request;
            return if is_repeat {
                Ok(vec![])
            } else {
                Err(TicketError::KeyReused)
            };
        }
        self.require_payable()?;
        let attempts = u32::try_from(self.payments().count()).unwrap_or(u32::MAX);
        if attempts >= PAYMENT_ATTEMPTS_MAX {
            let limit = PAYMENT_ATTEMPTS_MAX;
            return Err(TicketError::TooManyAttempts { limit });
        }
        Ok(vec![TicketEvent::PaymentStarted {
            payment_id: start.payment_id,
            attempt: attempts.saturating_add(1),
            provider: start.provider,
            amount: self.sale().terms.total,
            request: start.request,
            started_at: start.at,
        }])
    }

    fn require_payable(&self) -> Result<(), TicketError> {
        match self.phase() {
            TicketPhase::Refunded => Err(TicketError::Refunded),
            TicketPhase::Revoked => Err(TicketError::Revoked),
            TicketPhase::Issued | TicketPhase::Admitted | TicketPhase::Settled => Err(TicketError::AlreadyPaid),
            TicketPhase::Ordered | TicketPhase::Lapsed if self.standing().is_some() => Err(TicketError::AlreadyPaid),
            TicketPhase::Lapsed => Err(TicketError::HoldExpired),
            // A free seat is claimed, not paid.
            TicketPhase::Ordered if self.sale().terms.total.is_zero() => Err(TicketError::AlreadyPaid),
            TicketPhase::Ordered => Ok(()),
            TicketPhase::Unordered => Err(TicketError::NotOrdered),
        }
    }

    /// The first reference stays. It is recorded even after the verdict, since a refund needs it.
    pub(super) fn record_accepted(&self, payment_id: PaymentId, provider_ref: String, at: Timestamp) -> Decision {
        let payment = self.known_payment(payment_id)?;
        if payment.provider_ref.is_some() {
            return Ok(vec![]);
        }
        Ok(vec![TicketEvent::PaymentAccepted {
            payment_id,
            provider_ref,
            accepted_at: at,
        }])
    }

    /// Money that came is recorded whatever became of the ticket meanwhile; even an attempt once declined or called off may succeed.
    pub(super) fn record_capture(
        &self,
        payment_id: PaymentId,
        amount: Money,
        provider_fee: Money,
        at: Timestamp,
    ) -> Decision {
        let payment = self.known_payment(payment_id)?;
        if amount != payment.amount {
            return Err(TicketError::WrongAmount {
                captured: amount,
                expected: payment.amount,
            });
        }
        if payment.is_captured() {
            return Ok(vec![]);
        }
        let terms = &self.sale().terms;
        let store_fee = terms.store_fee_in(amount)?;
        // What arrives is the amount less both fees: it must be an amount.
        require_fee(provider_fee, amount.checked_sub(store_fee)?)?;
        let captured = TicketEvent::PaymentCaptured {
            payment_id,
            amount,
            provider_fee,
            store_fee: terms.channel.is_store().then_some(store_fee),
            captured_at: at,
        };
        let mut events = vec![captured];
        if self.standing().is_some() {
            events.push(TicketEvent::RefundOwed(self.second_charge(payment_id, amount, at)));
        }
        Ok(events)
    }

    fn second_charge(&self, payment_id: PaymentId, amount: Money, at: Timestamp) -> RefundOwed {
        RefundOwed {
            refund_id: refund_of_second_charge(payment_id),
            payment_id,
            amount,
            reason: RefundReason::ChargedTwice,
            initiated_by: RefundInitiator::System,
            // The ticket stays what it is; of a refunded one, everything still goes back.
            in_full: self.phase() == TicketPhase::Refunded,
            was_issued: false,
            tax: None,
            request: None,
            owed_at: at,
        }
    }

    pub(super) fn record_decline(&self, payment_id: PaymentId, reason: &str, at: Timestamp) -> Decision {
        match self.known_payment(payment_id)?.state {
            PaymentState::Started | PaymentState::Accepted => Ok(vec![TicketEvent::PaymentDeclined {
                payment_id,
                reason: text::recordable(reason),
                declined_at: at,
            }]),
            // Late news of an earlier try: the money is here, or nobody waits for it.
            PaymentState::Captured { .. } | PaymentState::Declined | PaymentState::Cancelled => Ok(vec![]),
        }
    }

    pub(super) fn record_cancelled(&self, payment_id: PaymentId, at: Timestamp) -> Decision {
        match self.known_payment(payment_id)?.state {
            PaymentState::Started | PaymentState::Accepted => Ok(vec![TicketEvent::PaymentCancelled {
                payment_id,
                cancelled_at: at,
            }]),
            // It has its verdict: the money that came stays, and what was declined is over.
            PaymentState::Captured { .. } | PaymentState::Declined | PaymentState::Cancelled => Ok(vec![]),
        }
    }

    fn known_payment(&self, payment_id: PaymentId) -> Result<&Payment, TicketError> {
        self.payment(payment_id).ok_or(TicketError::UnknownPayment)
    }
}

fn require_fee(fee: Money, amount: Money) -> Result<(), MoneyError> {
    // What arrives is amount − fee: it must be an amount.
    amount.checked_sub(fee)?;
    if fee.amount_minor() < 0 {
        Err(MoneyError::Negative)
    } else {
        Ok(())
    }
}
