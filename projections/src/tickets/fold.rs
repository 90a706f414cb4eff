//! Tickets while a page changes them: rows as they were stored, and as the page leaves them.

use std::collections::HashMap;

use domain::room::SeatHeld;
use domain::ticket::{DisputeLost, RefundOwed};
use domain::{Money, PaymentId, TicketId, Timestamp};
use uuid::Uuid;

use super::evolve::{RefundStep, TicketChange};
use super::{PaymentState, RefundState, TicketState};
use crate::ApplyError;

/// The rows a page rests on, and what it makes of them. What began in the page is `new`; of the others only what can
/// change is known.
#[derive(Default)]
pub(super) struct Fold<'a> {
    /// Hosts by room.
    pub(super) rooms: HashMap<Uuid, Uuid>,
    pub(super) new_rooms: Vec<Uuid>,
    pub(super) tickets: HashMap<Uuid, Ticket<'a>>,
    /// New holders, by ticket.
    pub(super) holders: HashMap<Uuid, Uuid>,
    pub(super) payments: HashMap<Uuid, Payment<'a>>,
    pub(super) payments_of: HashMap<Uuid, Vec<Uuid>>,
    pub(super) new_refunds: HashMap<Uuid, Refund<'a>>,
    pub(super) moved_refunds: HashMap<Uuid, (RefundState, Option<&'a str>)>,
    /// Disputes that took money before it was earned.
    pub(super) lost: Vec<Lost<'a>>,
}

pub(super) struct Ticket<'a> {
    pub(super) new: Option<NewTicket<'a>>,
    pub(super) state: TicketState,
    pub(super) was_admitted: bool,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) position: i64,
    pub(super) is_changed: bool,
}

pub(super) struct NewTicket<'a> {
    pub(super) room: Uuid,
    pub(super) host: Uuid,
    pub(super) held: &'a SeatHeld,
    pub(super) position: i64,
}

pub(super) struct Payment<'a> {
    pub(super) new: Option<NewPayment<'a>>,
    pub(super) state: PaymentState,
    pub(super) provider_ref: Option<String>,
    pub(super) fee_minor: Option<i64>,
    pub(super) reason: Option<String>,
    pub(super) is_changed: bool,
}

pub(super) struct NewPayment<'a> {
    pub(super) ticket: Uuid,
    pub(super) attempt: u32,
    pub(super) provider: &'a str,
    pub(super) amount: Money,
    pub(super) at: Timestamp,
}

pub(super) struct Refund<'a> {
    pub(super) ticket: Uuid,
    pub(super) owed: &'a RefundOwed,
    pub(super) state: RefundState,
    pub(super) failure: Option<&'a str>,
    pub(super) position: i64,
}

pub(super) struct Lost<'a> {
    pub(super) ticket: Uuid,
    pub(super) dispute: &'a DisputeLost,
    pub(super) position: i64,
}

impl<'a> Fold<'a> {
    pub(super) fn take_in(&mut self, change: TicketChange<'a>, position: i64) -> Result<(), ApplyError> {
        match change {
            TicketChange::KnowRoom { room, host } => {
                self.rooms.insert(room.as_uuid(), host.as_uuid());
                self.new_rooms.push(room.as_uuid());
            }
            TicketChange::Hold { room, held } => self.hold(room.as_uuid(), held, position)?,
            TicketChange::Enter { ticket, state } => self.enter(ticket, state, position),
            TicketChange::EnterUnpaid { ticket, state } => {
                let is_unpaid = |state| matches!(state, TicketState::Held | TicketState::PaymentPending);
                let known = self.tickets.get(&ticket.as_uuid());
                if known.is_some_and(|ticket| is_unpaid(ticket.state)) {
                    self.enter(ticket, state, position);
                }
            }
            TicketChange::GiveTo { ticket, holder } => {
                self.holders.insert(ticket.as_uuid(), holder.as_uuid());
                self.touch(ticket, position);
            }
            TicketChange::StartPayment { .. }
            | TicketChange::AcceptPayment { .. }
            | TicketChange::CapturePayment { .. }
            | TicketChange::DeclinePayment { .. }
            | TicketChange::CancelPayment { .. } => self.take_payment(change, position),
            TicketChange::OweRefund { ticket, refund } => self.owe_refund(ticket, refund, position),
            TicketChange::MoveRefund { ticket, refund, to } => {
                self.move_refund(refund.as_uuid(), to);
                self.touch(ticket, position);
            }
            TicketChange::Revoke { ticket, lost } => self.revoke(ticket, lost, position),
        }
        Ok(())
    }

    fn take_payment(&mut self, change: TicketChange<'a>, position: i64) {
        match change {
            TicketChange::StartPayment {
                ticket,
                payment,
                attempt,
                provider,
                amount,
                at,
            } => {
                let ticket_id = ticket.as_uuid();
                self.start_payment(
                    payment,
                    NewPayment {
                        ticket: ticket_id,
                        attempt,
                        provider,
                        amount,
                        at,
                    },
                );
                if let Some(ticket) = self.touch(ticket, position)
                    && ticket.state == TicketState::Held
                {
                    ticket.state = TicketState::PaymentPending;
                }
            }
            TicketChange::AcceptPayment {
                ticket,
                payment,
                provider_ref,
            } => {
                if let Some(payment) = self.move_payment(payment, PaymentState::Accepted, None) {
                    payment.provider_ref = Some(provider_ref.to_owned());
                }
                self.touch(ticket, position);
            }
            TicketChange::CapturePayment { ticket, payment, fee } => {
                if let Some(payment) = self.move_payment(payment, PaymentState::Captured, None) {
                    payment.fee_minor = Some(fee.amount_minor());
                }
                self.touch(ticket, position);
            }
            TicketChange::DeclinePayment {
                ticket,
                payment,
                reason,
            } => {
                self.move_payment(payment, PaymentState::Declined, Some(reason));
                self.stop_paying(ticket, position);
            }
            TicketChange::CancelPayment { ticket, payment } => {
                self.move_payment(payment, PaymentState::Cancelled, None);
                self.stop_paying(ticket, position);
            }
            TicketChange::KnowRoom { .. }
            | TicketChange::Hold { .. }
            | TicketChange::Enter { .. }
            | TicketChange::EnterUnpaid { .. }
            | TicketChange::GiveTo { .. }
            | TicketChange::OweRefund { .. }
            | TicketChange::MoveRefund { .. }
            | TicketChange::Revoke { .. } => {}
        }
    }

    fn hold(&mut self, room: Uuid, held: &'a SeatHeld, position: i64) -> Result<(), ApplyError> {
        let Some(&host) = self.rooms.get(&room) else {
            let position = position.unsigned_abs();
            return Err(ApplyError::MissingFact { position, what: "room" });
        };
        let new = NewTicket {
            room,
            host,
            held,
            position,
        };
        self.tickets.insert(
            held.ticket_id.as_uuid(),
            Ticket {
                new: Some(new),
                state: TicketState::Held,
                was_admitted: false,
                expires_at: Some(held.expires_at),
                position,
                is_changed: true,
            },
        );
        Ok(())
    }

    fn touch(&mut self, ticket: TicketId, position: i64) -> Option<&mut Ticket<'a>> {
        let ticket = self.tickets.get_mut(&ticket.as_uuid())?;
        ticket.position = position;
        ticket.is_changed = true;
        Some(ticket)
    }

    fn enter(&mut self, ticket: TicketId, state: TicketState, position: i64) {
        if let Some(ticket) = self.touch(ticket, position) {
            ticket.state = state;
            ticket.was_admitted |= state == TicketState::Admitted;
            ticket.expires_at = None;
        }
    }

    fn start_payment(&mut self, payment: PaymentId, new: NewPayment<'a>) {
        let payments = self.payments_of.entry(new.ticket).or_default();
        payments.push(payment.as_uuid());
        self.payments.insert(
            payment.as_uuid(),
            Payment {
                new: Some(new),
                state: PaymentState::Started,
                provider_ref: None,
                fee_minor: None,
                reason: None,
                is_changed: true,
            },
        );
    }

    /// Only forward: the provider's reference may be told after the outcome, and a capture is never undone.
    fn move_payment(&mut self, payment: PaymentId, to: PaymentState, reason: Option<&str>) -> Option<&mut Payment<'a>> {
        let payment = self.payments.get_mut(&payment.as_uuid())?;
        let is_forward = match payment.state {
            PaymentState::Started => true,
            PaymentState::Accepted => matches!(to, PaymentState::Declined | PaymentState::Cancelled),
            PaymentState::Captured | PaymentState::Declined | PaymentState::Cancelled => false,
        };
        if is_forward || to == PaymentState::Captured {
            payment.state = to;
        }
        payment.reason = match to {
            PaymentState::Captured => None,
            PaymentState::Started | PaymentState::Accepted | PaymentState::Declined | PaymentState::Cancelled => {
                reason.map(str::to_owned).or(payment.reason.take())
            }
        };
        payment.is_changed = true;
        Some(payment)
    }

    /// After a decline, or when the payment is called off, the seat is merely held again, unless another attempt is still
    /// open.
    fn stop_paying(&mut self, ticket: TicketId, position: i64) {
        let of_ticket = self.payments_of.get(&ticket.as_uuid());
        let is_over = |state| matches!(state, PaymentState::Declined | PaymentState::Cancelled);
        let payments = of_ticket.into_iter().flatten().filter_map(|id| self.payments.get(id));
        let is_paying = payments.into_iter().any(|payment| !is_over(payment.state));
        if let Some(ticket) = self.touch(ticket, position)
            && ticket.state == TicketState::PaymentPending
            && !is_paying
        {
            ticket.state = TicketState::Held;
        }
    }

    fn owe_refund(&mut self, ticket: TicketId, owed: &'a RefundOwed, position: i64) {
        let refund = Refund {
            ticket: ticket.as_uuid(),
            owed,
            state: RefundState::Owed,
            failure: None,
            position,
        };
        self.new_refunds.insert(owed.refund_id.as_uuid(), refund);
        if owed.in_full {
            self.enter(ticket, TicketState::Refunded, position);
        } else {
            self.touch(ticket, position);
        }
    }

    fn revoke(&mut self, ticket: TicketId, lost: &'a DisputeLost, position: i64) {
        self.enter(ticket, TicketState::Revoked, position);
        if lost.covered.is_positive() {
            self.lost.push(Lost {
                ticket: ticket.as_uuid(),
                dispute: lost,
                position,
            });
        }
    }

    fn move_refund(&mut self, refund: Uuid, to: RefundStep<'a>) {
        let (state, failure) = match to {
            RefundStep::Sent => (RefundState::Sent, None),
            RefundStep::Completed => (RefundState::Completed, None),
            RefundStep::Failed { reason } => (RefundState::Failed, Some(reason)),
        };
        match self.new_refunds.get_mut(&refund) {
            Some(new) => (new.state, new.failure) = (state, failure),
            None => {
                self.moved_refunds.insert(refund, (state, failure));
            }
        }
    }
}
