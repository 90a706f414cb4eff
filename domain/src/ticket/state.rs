//! The state of a ticket: what the next decision needs, and nothing else.

use serde::{Deserialize, Serialize};

use crate::ticket::account::{Dispute, Payment, Refund, Sale, TicketAccount};
use crate::{Money, PaymentId, RefundId, TicketEvent, UserId};

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ticket {
    #[default]
    Unordered,
    Known(Box<TicketAccount>),
}

/// Where a ticket is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TicketPhase {
    Unordered,
    Ordered,
    Issued,
    Admitted,
    /// The hold was over before anything was issued. A late capture may still turn it into a ticket or a refund.
    Lapsed,
    /// Everything captured is owed back; or there was nothing to capture, and the ticket was given back.
    Refunded,
    Settled,
    /// A dispute was lost: it admits nobody.
    Revoked,
}

impl TicketPhase {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unordered => "unordered",
            Self::Ordered => "ordered",
            Self::Issued => "issued",
            Self::Admitted => "admitted",
            Self::Lapsed => "lapsed",
            Self::Refunded => "refunded",
            Self::Settled => "settled",
            Self::Revoked => "revoked",
        }
    }
}

impl Ticket {
    pub fn phase(&self) -> TicketPhase {
        self.account().map_or(TicketPhase::Unordered, TicketAccount::phase)
    }

    pub fn sale(&self) -> Option<&Sale> {
        self.account().map(TicketAccount::sale)
    }

    /// Who may walk in with this ticket.
    pub fn holder(&self) -> Option<UserId> {
        self.account().map(TicketAccount::holder)
    }

    /// Whether this person gave the ticket away.
    pub fn was_held_by(&self, user: UserId) -> bool {
        self.account().is_some_and(|account| account.was_held_by(user))
    }

    /// Every attempt to pay, first to last.
    pub fn payments(&self) -> impl Iterator<Item = &Payment> {
        self.account().into_iter().flat_map(TicketAccount::payments)
    }

    pub fn payment(&self, payment_id: PaymentId) -> Option<&Payment> {
        self.account()?.payment(payment_id)
    }

    /// Every refund, first to last.
    pub fn refunds(&self) -> impl Iterator<Item = &Refund> {
        self.account().into_iter().flat_map(TicketAccount::refunds)
    }

    pub fn refund(&self, refund_id: RefundId) -> Option<&Refund> {
        self.account()?.refund(refund_id)
    }

    /// Every dispute, first to last.
    pub fn disputes(&self) -> impl Iterator<Item = &Dispute> {
        self.account().into_iter().flat_map(TicketAccount::disputes)
    }

    pub fn dispute(&self, dispute: &str) -> Option<&Dispute> {
        self.account()?.dispute(dispute)
    }

    /// Its money was earned by the host.
    pub fn was_settled(&self) -> bool {
        self.account().is_some_and(TicketAccount::was_settled)
    }

    /// All money captured for this ticket, over all attempts.
    pub fn captured(&self) -> Option<Money> {
        self.account().map(TicketAccount::captured)
    }

    /// All money owed back, whether it has left or not.
    pub fn owed_back(&self) -> Option<Money> {
        self.account().map(TicketAccount::owed_back)
    }

    pub(crate) fn account(&self) -> Option<&TicketAccount> {
        match self {
            Self::Unordered => None,
            Self::Known(account) => Some(account),
        }
    }

    /// Takes in a fact. Total: history is already true.
    pub(crate) fn evolve(&mut self, event: TicketEvent) {
        if let TicketEvent::TicketOrdered {
            ticket_id,
            room_id,
            host,
            buyer,
            terms,
            ..
        } = event
        {
            let sale = Sale {
                ticket_id,
                room_id,
                host,
                buyer,
                terms,
            };
            *self = Self::Known(Box::new(TicketAccount::new(sale)));
            return;
        }
        match self {
            Self::Unordered => {}
            Self::Known(account) => account.evolve(event),
        }
    }
}
