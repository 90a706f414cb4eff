//! What a ticket decides: a pure function of its state and a command. The rules of money are in `paying` and `refunding`.

use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;
use uuid::Uuid;

use crate::ticket::account::{Sale, TicketAccount};
use crate::ticket::command::OrderTicket;
use crate::ticket::state::TicketPhase;
use crate::{AnyEvent, Storable, Ticket, TicketCommand, TicketError, TicketEvent, Timestamp, UserId};

/// What a decision comes to.
pub(super) type Decision = Result<Vec<TicketEvent>, TicketError>;

impl Ticket {
    /// The events that follow from `command`; none if it is a repeat.
    pub fn decide(&self, command: TicketCommand) -> Result<Vec<TicketEvent>, TicketError> {
        match command {
            TicketCommand::Order(order) => self.order(*order),
            TicketCommand::StartPayment(start) => self.ordered()?.start_payment(start),
            TicketCommand::RecordAccepted {
                payment_id,
                provider_ref,
                at,
            } => self.ordered()?.record_accepted(payment_id, provider_ref, at),
            TicketCommand::RecordCapture {
                payment_id,
                amount,
                provider_fee,
                at,
            } => self.ordered()?.record_capture(payment_id, amount, provider_fee, at),
            TicketCommand::RecordDecline { payment_id, reason, at } => {
                self.ordered()?.record_decline(payment_id, &reason, at)
            }
            TicketCommand::RecordPurchase {
                transaction,
                amount,
                at,
            } => self.ordered()?.record_purchase(&transaction, amount, at),
            TicketCommand::RecordStoreRefund { transaction, at } => {
                self.ordered()?.record_store_refund(&transaction, at)
            }
            TicketCommand::RecordCancelled { payment_id, at } => self.ordered()?.record_cancelled(payment_id, at),
            TicketCommand::Issue { at } => self.ordered()?.issue(at),
            TicketCommand::Lapse { at } => Ok(self.ordered()?.lapse(at)),
            TicketCommand::Present {
                holder,
                doors_per_second,
                at,
            } => self.ordered()?.present(holder, doors_per_second, at),
            TicketCommand::Admit { holder, at } => self.ordered()?.admit(holder, at),
            TicketCommand::Transfer { by, to, at } => self.ordered()?.transfer(by, to, at),
            TicketCommand::DeclineReschedule(decline) => self.ordered()?.decline_reschedule(&decline),
            TicketCommand::OweRefund(owe) => self.ordered()?.owe_refund(&owe),
            TicketCommand::RecordRefundSent {
                refund_id,
                provider_ref,
                at,
            } => self.ordered()?.record_refund_sent(refund_id, provider_ref, at),
            TicketCommand::RecordRefundCompleted { refund_id, at } => {
                self.ordered()?.record_refund_completed(refund_id, at)
            }
            TicketCommand::RecordRefundFailed { refund_id, reason, at } => {
                self.ordered()?.record_refund_failed(refund_id, &reason, at)
            }
            TicketCommand::RecordDispute {
                dispute,
                payment_id,
                amount,
                reason,
                at,
            } => self
                .ordered()?
                .record_dispute(&dispute, payment_id, amount, &reason, at),
            TicketCommand::RecordDisputeWon { dispute, at } => self.ordered()?.record_dispute_won(&dispute, at),
            TicketCommand::RecordDisputeLost { dispute, fee, at } => {
                self.ordered()?.record_dispute_lost(&dispute, fee, at)
            }
            // What was never ordered has nothing to settle.
            TicketCommand::Settle { missing, at } => {
                self.account().map_or(Ok(vec![]), |account| account.settle(missing, at))
            }
        }
    }

    fn ordered(&self) -> Result<&TicketAccount, TicketError> {
        self.account().ok_or(TicketError::NotOrdered)
    }

    fn order(&self, order: OrderTicket) -> Decision {
        let ordered = Sale {
            ticket_id: order.ticket_id,
            room_id: order.room_id,
            host: order.host,
            buyer: order.buyer,
            terms: order.terms,
        };
        match self.sale() {
            Some(sale) if *sale == ordered => Ok(vec![]),
            Some(_) => Err(TicketError::KeyReused),
            None => Ok(vec![TicketEvent::TicketOrdered {
                ticket_id: ordered.ticket_id,
                room_id: ordered.room_id,
                host: ordered.host,
                buyer: ordered.buyer,
                terms: ordered.terms,
                ordered_at: order.at,
            }]),
        }
    }
}

impl TicketAccount {
    /// Money or nothing to pay makes a ticket of a sold seat, even after the hold was over. Once everything is owed back
    /// there is nothing to issue.
    fn issue(&self, at: Timestamp) -> Decision {
        match self.phase() {
            TicketPhase::Ordered | TicketPhase::Lapsed => {
                let is_covered = self.standing().is_some() || self.sale().terms.total.is_zero();
                let issued = TicketEvent::TicketIssued { issued_at: at };
                if is_covered {
                    Ok(vec![issued])
                } else {
                    Err(TicketError::NotPaid)
                }
            }
            TicketPhase::Issued
            | TicketPhase::Admitted
            | TicketPhase::Refunded
            | TicketPhase::Settled
            | TicketPhase::Revoked => Ok(vec![]),
            TicketPhase::Unordered => Err(TicketError::NotOrdered),
        }
    }

    fn lapse(&self, at: Timestamp) -> Vec<TicketEvent> {
        let is_unpaid = self.phase() == TicketPhase::Ordered && self.standing().is_none();
        if is_unpaid {
            vec![TicketEvent::TicketLapsed { lapsed_at: at }]
        } else {
            vec![]
        }
    }

    /// A place in line, once: it goes on with the ticket.
    fn present(&self, holder: UserId, doors_per_second: u32, at: Timestamp) -> Decision {
        self.require_admissible(holder)?;
        if self.was_presented() {
            return Ok(vec![]);
        }
        Ok(vec![TicketEvent::TicketPresented {
            doors_per_second,
            presented_at: at,
        }])
    }

    fn admit(&self, holder: UserId, at: Timestamp) -> Decision {
        self.require_admissible(holder)?;
        let is_first = self.phase() == TicketPhase::Issued;
        let admitted = is_first.then_some(TicketEvent::TicketAdmitted { admitted_at: at });
        Ok(admitted.into_iter().collect())
    }

    fn require_admissible(&self, holder: UserId) -> Result<(), TicketError> {
        if self.holder() != holder {
            return Err(TicketError::NotHolder);
        }
        match self.phase() {
            TicketPhase::Issued | TicketPhase::Admitted => Ok(()),
            TicketPhase::Refunded => Err(TicketError::Refunded),
            TicketPhase::Revoked => Err(TicketError::Revoked),
            TicketPhase::Unordered | TicketPhase::Ordered | TicketPhase::Lapsed | TicketPhase::Settled => {
                Err(TicketError::NotIssued)
            }
        }
    }
}

impl Aggregate for Ticket {
    const TYPE: &'static str = "ticket";
    type Command = TicketCommand;
    type Event = TicketEvent;
    type Error = TicketError;
    type Services = ();

    async fn handle(&mut self, command: Self::Command, (): &(), sink: &EventSink<Self>) -> Result<(), Self::Error> {
        for event in self.decide(command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: Self::Event) {
        self.evolve(event);
    }
}

impl Storable for Ticket {
    const STATE_FORMAT: u32 = 1;

    fn pick(event: &AnyEvent) -> Option<(Uuid, &TicketEvent)> {
        let AnyEvent::Ticket(id, event) = event else {
            return None;
        };
        Some((id.as_uuid(), event))
    }
}
