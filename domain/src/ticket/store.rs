//! Purchases that an app store collects: it says that the money came, and whether it went back (`rules.md` 23).
//!
//! A payment is started before the buyer sees the store's sheet, so that a purchase always finds its sale, however late its
//! word comes. Stores refund purchases as a whole.

use uuid::Uuid;

use crate::ticket::account::{Payment, Refund, RefundState, TicketAccount};
use crate::ticket::decide::Decision;
use crate::ticket::event::{DisputeLost, DisputeOpened, RefundInitiator, RefundOwed, RefundReason};
use crate::ticket::state::TicketPhase;
use crate::{Money, RefundId, TicketError, TicketEvent, Timestamp, text};

impl TicketAccount {
    /// One transaction is one payment, once.
    pub(super) fn record_purchase(&self, transaction: &str, amount: Money, at: Timestamp) -> Decision {
        let transaction = text::recordable(transaction);
        let is_open = |payment: &&Payment| payment.provider_ref.is_none() && !payment.is_captured();
        let mut started = self.payments().filter(|payment| payment.is_by_store());
        let payment = self.purchase(&transaction).or_else(|| started.find(is_open));
        let payment_id = payment.ok_or(TicketError::UnknownPayment)?.payment_id;
        let captured = self.record_capture(payment_id, amount, Money::zero(amount.currency()), at)?;
        let accepted = self.record_accepted(payment_id, transaction, at)?;
        Ok(accepted.into_iter().chain(captured).collect())
    }

    /// The store has given the money back already. A sale that was not earned yet pays for it; of one that was, the host's
    /// account does, as for a dispute that is lost.
    pub(super) fn record_store_refund(&self, transaction: &str, at: Timestamp) -> Decision {
        let payment = self.purchase(&text::recordable(transaction));
        let payment = payment.filter(|payment| payment.is_captured());
        let payment = payment.ok_or(TicketError::UnknownPayment)?;
        let mut refunds = self.refunds().filter(|refund| refund.payment_id == payment.payment_id);
        if let Some(refund) = refunds.next() {
            return match refund.state {
                RefundState::Owed | RefundState::Sent | RefundState::Failed => Ok(vec![self.complete(refund, at)?]),
                RefundState::Completed => Ok(vec![]),
            };
        }
        match self.phase() {
            TicketPhase::Settled => self.lose_purchase(payment, at),
            TicketPhase::Ordered | TicketPhase::Lapsed | TicketPhase::Issued | TicketPhase::Admitted => {
                self.give_purchase_back(payment, at)
            }
            TicketPhase::Unordered | TicketPhase::Refunded | TicketPhase::Revoked => Ok(vec![]),
        }
    }

    fn purchase(&self, transaction: &str) -> Option<&Payment> {
        let mut payments = self.payments().filter(|payment| payment.is_by_store());
        payments.find(|payment| payment.provider_ref.as_deref() == Some(transaction))
    }

    fn give_purchase_back(&self, payment: &Payment, at: Timestamp) -> Decision {
        let amount = payment.amount;
        let was_issued = self.was_issued();
        let tax = if was_issued {
            self.sale().terms.tax_between(amount, Money::zero(amount.currency()))?
        } else {
            None
        };
        let owed = RefundOwed {
            refund_id: RefundId::from_uuid(Uuid::new_v5(&payment.payment_id.as_uuid(), b"store-refunded")),
            payment_id: payment.payment_id,
            amount,
            reason: RefundReason::StoreRefunded,
            initiated_by: RefundInitiator::Store,
            in_full: true,
            was_issued,
            tax,
            request: None,
            owed_at: at,
        };
        let refund = Refund {
            refund_id: owed.refund_id,
            payment_id: owed.payment_id,
            amount,
            request: None,
            state: RefundState::Owed,
        };
        Ok(vec![TicketEvent::RefundOwed(owed), self.complete(&refund, at)?])
    }

    /// The store takes the price back, and gives its own fee.
    fn lose_purchase(&self, payment: &Payment, at: Timestamp) -> Decision {
        let terms = &self.sale().terms;
        let amount = payment.amount;
        let zero = Money::zero(amount.currency());
        let dispute = format!("store:{}", payment.provider_ref.as_deref().unwrap_or_default());
        let opened = DisputeOpened {
            dispute: dispute.clone(),
            payment_id: payment.payment_id,
            amount,
            reason: "store_refunded".to_owned(),
            opened_at: at,
        };
        let lost = DisputeLost {
            dispute,
            payment_id: payment.payment_id,
            amount,
            fee: zero,
            covered: zero,
            was_issued: true,
            tax: terms.tax_between(amount, zero)?.filter(|tax| !tax.amount.is_zero()),
            store_fee: Some(terms.store_fee_in(amount)?),
            lost_at: at,
        };
        Ok(vec![TicketEvent::DisputeOpened(opened), TicketEvent::DisputeLost(lost)])
    }
}
