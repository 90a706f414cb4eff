//! What a sale comes to when its room was delivered, whole or in part.

use uuid::Uuid;

use crate::room::Missing;
use crate::ticket::account::{Payment, TicketAccount};
use crate::ticket::decide::Decision;
use crate::ticket::event::{RefundInitiator, RefundOwed, RefundReason, TicketSettled};
use crate::ticket::state::TicketPhase;
use crate::{Money, RefundId, TicketError, TicketEvent, Timestamp};

impl TicketAccount {
    /// First the missing share of what is left of the money goes back, if a share is missing; what is left then is earned.
    pub(super) fn settle(&self, missing: Option<Missing>, at: Timestamp) -> Decision {
        match self.phase() {
            // What a lost dispute left of a sale is earned all the same.
            TicketPhase::Issued | TicketPhase::Admitted | TicketPhase::Revoked => {}
            TicketPhase::Unordered
            | TicketPhase::Ordered
            | TicketPhase::Lapsed
            | TicketPhase::Refunded
            | TicketPhase::Settled => return Ok(vec![]),
        }
        if self.was_settled() || self.is_disputed() {
            return Ok(vec![]);
        }
        let (Some((payment, fee)), Some(left)) = (self.standing(), self.left()) else {
            return Ok(vec![]);
        };
        if !left.is_positive() {
            return Ok(vec![]);
        }
        // Whose bank has taken the money back already is owed no share of what it left.
        let missing = missing.filter(|_| self.phase() != TicketPhase::Revoked);
        let back = missing.map_or(Ok(Money::zero(left.currency())), |missing| missing.of(left))?;
        let mut events = Vec::new();
        if back.is_positive() {
            events.push(self.owe_missing(payment, left, back, at)?);
        }
        let gross = left.checked_sub(back)?;
        if gross.is_positive() {
            events.push(self.earn(gross, fee, at)?);
        }
        Ok(events)
    }

    fn earn(&self, gross: Money, fee: Money, at: Timestamp) -> Result<TicketEvent, TicketError> {
        let terms = &self.sale().terms;
        let taken = terms.taken(gross, fee)?;
        Ok(TicketEvent::TicketSettled(TicketSettled {
            gross,
            tax: terms.tax_between(gross, Money::zero(gross.currency()))?,
            store_fee: terms.channel.is_store().then_some(taken.store_fee),
            provider_fee: taken.provider_fee,
            platform_fee: None,
            host_share: None,
            settled_at: at,
        }))
    }

    fn owe_missing(
        &self,
        payment: &Payment,
        left: Money,
        back: Money,
        at: Timestamp,
    ) -> Result<TicketEvent, TicketError> {
        let payment_id = payment.payment_id;
        Ok(TicketEvent::RefundOwed(RefundOwed {
            refund_id: RefundId::from_uuid(Uuid::new_v5(&payment_id.as_uuid(), b"missing-share")),
            payment_id,
            amount: back,
            reason: RefundReason::Crashed,
            initiated_by: RefundInitiator::System,
            in_full: back == left,
            was_issued: true,
            tax: self.sale().terms.tax_between(left, left.checked_sub(back)?)?,
            request: None,
            owed_at: at,
        }))
    }
}
