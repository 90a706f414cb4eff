//! One sale and its money: attempts to pay, what was captured, what is owed back.
//!
//! The first capture stands for the ticket; every later one is owed back as it comes. So what is left of the ticket's
//! money is the standing capture without its refunds.

use serde::{Deserialize, Serialize};

use crate::terms::Channel;
use crate::ticket::event::{DisputeOpened, RefundOwed};
use crate::ticket::state::TicketPhase;
use crate::{Fingerprint, Money, PaymentId, RefundId, RoomId, Terms, TicketEvent, TicketId, UserId};

/// Who bought what from whom, and on which terms.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Sale {
    pub ticket_id: TicketId,
    pub room_id: RoomId,
    pub host: UserId,
    pub buyer: UserId,
    pub terms: Terms,
}

/// One attempt to pay.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Payment {
    pub payment_id: PaymentId,
    pub attempt: u32,
    pub provider: String,
    pub amount: Money,
    pub request: Fingerprint,
    pub state: PaymentState,
    /// The provider's name of this payment, once it is known.
    pub provider_ref: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentState {
    Started,
    Accepted,
    Captured {
        fee: Money,
    },
    Declined,
    /// Called off before it was paid.
    Cancelled,
}

/// Money owed back to the buyer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Refund {
    pub refund_id: RefundId,
    pub payment_id: PaymentId,
    pub amount: Money,
    pub request: Option<Fingerprint>,
    pub state: RefundState,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundState {
    Owed,
    Sent,
    Completed,
    /// The provider could not pay it back. It is still owed.
    Failed,
}

/// A capture that the buyer's bank asks back.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Dispute {
    pub dispute: String,
    pub payment_id: PaymentId,
    pub amount: Money,
    pub state: DisputeState,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisputeState {
    Open,
    Won,
    Lost,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TicketAccount {
    sale: Sale,
    /// The buyer first, and the holder last.
    holders: Vec<UserId>,
    phase: TicketPhase,
    payments: Vec<Payment>,
    refunds: Vec<Refund>,
    disputes: Vec<Dispute>,
    was_settled: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    was_presented: bool,
    /// The capture that stands for the ticket: the first.
    standing: Option<PaymentId>,
}

impl TicketAccount {
    pub(super) fn new(sale: Sale) -> Self {
        Self {
            holders: vec![sale.buyer],
            sale,
            phase: TicketPhase::Ordered,
            payments: Vec::new(),
            refunds: Vec::new(),
            disputes: Vec::new(),
            was_settled: false,
            was_presented: false,
            standing: None,
        }
    }

    pub(crate) const fn phase(&self) -> TicketPhase {
        self.phase
    }

    pub(crate) const fn sale(&self) -> &Sale {
        &self.sale
    }

    /// Who may walk in with this ticket.
    pub(crate) fn holder(&self) -> UserId {
        self.holders.last().copied().unwrap_or(self.sale.buyer)
    }

    /// It has its place in line.
    pub(crate) const fn was_presented(&self) -> bool {
        self.was_presented
    }

    pub(crate) fn was_held_by(&self, user: UserId) -> bool {
        self.holder() != user && self.holders.contains(&user)
    }

    pub(crate) fn transfers(&self) -> usize {
        self.holders.len().saturating_sub(1)
    }

    pub(crate) fn payments(&self) -> impl Iterator<Item = &Payment> {
        self.payments.iter()
    }

    pub(crate) fn payment(&self, payment_id: PaymentId) -> Option<&Payment> {
        self.payments().find(|payment| payment.payment_id == payment_id)
    }

    pub(crate) fn refunds(&self) -> impl Iterator<Item = &Refund> {
        self.refunds.iter()
    }

    pub(crate) fn refund(&self, refund_id: RefundId) -> Option<&Refund> {
        self.refunds().find(|refund| refund.refund_id == refund_id)
    }

    pub(crate) fn disputes(&self) -> impl Iterator<Item = &Dispute> {
        self.disputes.iter()
    }

    pub(crate) fn dispute(&self, dispute: &str) -> Option<&Dispute> {
        self.disputes().find(|known| known.dispute == dispute)
    }

    pub(crate) const fn was_settled(&self) -> bool {
        self.was_settled
    }

    pub(crate) fn is_disputed(&self) -> bool {
        self.disputes().any(|dispute| dispute.state == DisputeState::Open)
    }

    pub(crate) fn captured(&self) -> Money {
        let captured = self.payments().filter(|payment| payment.is_captured());
        self.sum(captured.map(|payment| payment.amount))
    }

    pub(crate) fn owed_back(&self) -> Money {
        self.sum(self.refunds().map(|refund| refund.amount))
    }

    /// The capture that stands for the ticket, with the provider's fee.
    pub(crate) fn standing(&self) -> Option<(&Payment, Money)> {
        let payment = self.payment(self.standing?)?;
        match payment.state {
            PaymentState::Captured { fee } => Some((payment, fee)),
            PaymentState::Started | PaymentState::Accepted | PaymentState::Declined | PaymentState::Cancelled => None,
        }
    }

    /// What is left of the standing capture: neither owed back nor lost.
    pub(crate) fn left(&self) -> Option<Money> {
        let (payment, _) = self.standing()?;
        let owed = self.refunds().filter(|refund| refund.payment_id == payment.payment_id);
        let owed = self.sum(owed.map(|refund| refund.amount));
        let lost = self
            .disputes()
            .filter(|dispute| dispute.payment_id == payment.payment_id && dispute.state == DisputeState::Lost);
        let lost = self.sum(lost.map(|dispute| dispute.amount));
        let gone = owed.checked_add(lost).ok()?;
        let left = payment.amount.checked_sub(gone).ok()?;
        Some(if left.is_positive() {
            left
        } else {
            Money::zero(left.currency())
        })
    }

    /// What has left of a capture already.
    pub(crate) fn returned(&self, payment_id: PaymentId) -> Money {
        let left = self
            .refunds()
            .filter(|refund| refund.payment_id == payment_id && refund.state == RefundState::Completed);
        self.sum(left.map(|refund| refund.amount))
    }

    /// Amounts of one ticket are all in its currency and small; what cannot be added is left out.
    fn sum(&self, amounts: impl Iterator<Item = Money>) -> Money {
        let zero = Money::zero(self.sale.terms.total.currency());
        amounts.fold(zero, |sum, amount| sum.checked_add(amount).unwrap_or(sum))
    }

    pub(super) fn evolve(&mut self, event: TicketEvent) {
        match event {
            // Begins the account; never comes twice.
            TicketEvent::TicketOrdered { .. } => {}
            TicketEvent::PaymentStarted {
                payment_id,
                attempt,
                provider,
                amount,
                request,
                ..
            } => self.payments.push(Payment {
                payment_id,
                attempt,
                provider,
                amount,
                request,
                state: PaymentState::Started,
                provider_ref: None,
            }),
            TicketEvent::PaymentAccepted {
                payment_id,
                provider_ref,
                ..
            } => self.with_payment(payment_id, |payment| payment.accept(provider_ref)),
            TicketEvent::PaymentCaptured {
                payment_id,
                provider_fee,
                ..
            } => {
                self.standing.get_or_insert(payment_id);
                self.with_payment(payment_id, |payment| {
                    payment.state = PaymentState::Captured { fee: provider_fee };
                });
            }
            TicketEvent::PaymentDeclined { payment_id, .. } => {
                self.with_payment(payment_id, |payment| payment.state = PaymentState::Declined);
            }
            TicketEvent::PaymentCancelled { payment_id, .. } => {
                self.with_payment(payment_id, |payment| payment.state = PaymentState::Cancelled);
            }
            TicketEvent::TicketIssued { .. } => self.phase = TicketPhase::Issued,
            TicketEvent::TicketLapsed { .. } => self.phase = TicketPhase::Lapsed,
            TicketEvent::TicketPresented { .. } => self.was_presented = true,
            TicketEvent::TicketAdmitted { .. } => self.phase = TicketPhase::Admitted,
            TicketEvent::TicketReturned { .. } => self.phase = TicketPhase::Refunded,
            TicketEvent::RefundOwed(owed) => self.owe(&owed),
            TicketEvent::RefundSent { refund_id, .. } => self.set_refund(refund_id, RefundState::Sent),
            TicketEvent::RefundCompleted { refund_id, .. } => self.set_refund(refund_id, RefundState::Completed),
            TicketEvent::RefundFailed { refund_id, .. } => self.set_refund(refund_id, RefundState::Failed),
            TicketEvent::TicketTransferred { to, .. } => self.holders.push(to),
            TicketEvent::TicketSettled(_) => self.settled(),
            TicketEvent::DisputeOpened(opened) => self.open_dispute(opened),
            TicketEvent::DisputeWon { dispute, .. } => self.end_dispute(&dispute, DisputeState::Won),
            TicketEvent::DisputeLost(lost) => self.end_dispute(&lost.dispute, DisputeState::Lost),
        }
    }

    fn settled(&mut self) {
        self.was_settled = true;
        if self.phase != TicketPhase::Revoked {
            self.phase = TicketPhase::Settled;
        }
    }

    fn open_dispute(&mut self, opened: DisputeOpened) {
        self.disputes.push(Dispute {
            dispute: opened.dispute,
            payment_id: opened.payment_id,
            amount: opened.amount,
            state: DisputeState::Open,
        });
    }

    fn end_dispute(&mut self, dispute: &str, state: DisputeState) {
        if state == DisputeState::Lost {
            self.phase = TicketPhase::Revoked;
        }
        let found = self.disputes.iter_mut().find(|known| known.dispute == dispute);
        if let Some(known) = found {
            known.state = state;
        }
    }

    fn owe(&mut self, owed: &RefundOwed) {
        if owed.in_full {
            self.phase = TicketPhase::Refunded;
        }
        self.refunds.push(Refund {
            refund_id: owed.refund_id,
            payment_id: owed.payment_id,
            amount: owed.amount,
            request: owed.request,
            state: RefundState::Owed,
        });
    }

    fn with_payment(&mut self, payment_id: PaymentId, change: impl FnOnce(&mut Payment)) {
        let found = self
            .payments
            .iter_mut()
            .find(|payment| payment.payment_id == payment_id);
        if let Some(payment) = found {
            change(payment);
        }
    }

    fn set_refund(&mut self, refund_id: RefundId, state: RefundState) {
        let found = self.refunds.iter_mut().find(|refund| refund.refund_id == refund_id);
        if let Some(refund) = found {
            refund.state = state;
        }
    }
}

impl Payment {
    /// Whether an app store collects it.
    pub fn is_by_store(&self) -> bool {
        let stores = [Channel::Ios, Channel::Android];
        stores
            .iter()
            .any(|channel| channel.store() == Some(self.provider.as_str()))
    }

    pub const fn is_captured(&self) -> bool {
        matches!(self.state, PaymentState::Captured { .. })
    }

    /// The reference may come after the verdict, which then stays.
    fn accept(&mut self, provider_ref: String) {
        self.provider_ref = Some(provider_ref);
        match self.state {
            PaymentState::Started => self.state = PaymentState::Accepted,
            PaymentState::Accepted
            | PaymentState::Captured { .. }
            | PaymentState::Declined
            | PaymentState::Cancelled => {}
        }
    }
}
