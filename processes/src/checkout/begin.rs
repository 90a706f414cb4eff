//! A buyer starts to pay: order the ticket, start a payment, ask the provider for an intent.
//!
//! Every step may be the last one before a crash. What was begun is carried on by `CheckPayment` (a payment without an
//! answer of the provider) and `SellSeat` (a free order); a client that repeats its request gets the same payment.

use domain::room::{Hold, Seat};
use domain::ticket::{OrderTicket, Payment, Sale, StartPayment, TicketPhase};
use domain::{
    Channel, Fingerprint, Money, PaymentId, Room, RoomCommand, RoomError, RoomId, Ticket, TicketCommand, TicketError,
    TicketId, Timestamp, UserId,
};
use event_log::{ExecuteError, Metadata};
use payments::{CreateIntent, Intent, IntentState, ProviderError};
use thiserror::Error;

use super::record_intent;
use crate::Deps;

/// A buyer's request to pay for a held ticket. `payment_id` is made of the idempotency key: the same one is a repeat.
#[derive(Clone, Debug)]
pub struct BeginPayment {
    pub room_id: RoomId,
    pub ticket_id: TicketId,
    pub buyer: UserId,
    pub payment_id: PaymentId,
    pub request: Fingerprint,
    pub at: Timestamp,
    pub metadata: Metadata,
}

/// What became of it, and the log position this rests on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Begun {
    /// The buyer's client confirms the payment with the provider.
    Intent {
        payment_id: PaymentId,
        attempt: u32,
        amount: Money,
        provider: &'static str,
        provider_ref: String,
        /// For the buyer alone.
        client_secret: String,
        state: IntentState,
        position: u64,
    },
    /// The buyer's app asks its store to collect the money, and brings the receipt.
    Store {
        payment_id: PaymentId,
        attempt: u32,
        amount: Money,
        /// Which store.
        provider: String,
        position: u64,
    },
    /// A free seat: the ticket is issued.
    Issued { position: u64 },
}

#[derive(Debug, Error)]
pub enum BeginPaymentError {
    /// There is no such ticket, or it is somebody else's: the caller may not learn which.
    #[error("no seat is held by this ticket")]
    NoSuchHold,
    #[error("the hold of this ticket is over")]
    HoldExpired,
    #[error("the ticket is paid")]
    AlreadyPaid,
    #[error("the ticket was refunded")]
    Refunded,
    /// This ticket gets no other attempt.
    #[error("the ticket has had all its {limit} attempts to pay")]
    TooManyAttempts { limit: u32 },
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// The provider will not take this payment. It is recorded as declined; another attempt needs another key.
    #[error("the provider refuses the payment: {code}")]
    ProviderRefused { code: String },
    /// The payment is started, and asked for again by itself. Repeating the request gives the same payment.
    #[error("the payment provider is unavailable")]
    ProviderUnavailable(#[source] ProviderError),
    #[error("lost a race: try again")]
    Conflict,
    #[error("overloaded")]
    Overloaded,
    #[error("the log is unavailable: {0}")]
    LogUnavailable(String),
    /// Should not happen; the text is for the operator.
    #[error("{0}")]
    Internal(String),
}

/// Begins a payment, or carries on with one that was begun under the same `payment_id`.
pub async fn begin_payment(deps: &Deps, request: BeginPayment) -> Result<Begun, BeginPaymentError> {
    let payment_id = request.payment_id;
    let look = move |ticket: &Ticket| Known {
        sale: ticket.sale().cloned(),
        phase: ticket.phase(),
        has_payment: ticket.payment(payment_id).is_some(),
    };
    let (known, _) = deps.aggregates.tickets.read(request.ticket_id.as_uuid(), look).await?;
    if let Some(sale) = &known.sale
        && (sale.buyer != request.buyer || sale.room_id != request.room_id)
    {
        return Err(BeginPaymentError::NoSuchHold);
    }
    let mut order = None;
    let mut channel = known.sale.as_ref().map(|sale| sale.terms.channel);
    if !known.has_payment {
        if known.is_free_claim() {
            return claim_free(deps, &request).await;
        }
        let (found, hold) = find_hold(deps, &request).await?;
        let found = TicketCommand::Order(Box::new(found));
        if hold.terms.total.is_zero() {
            execute_ticket(deps, &request, found).await?;
            return claim_free(deps, &request).await;
        }
        channel = Some(hold.terms.channel);
        order = Some(found);
    }
    let store = channel.and_then(Channel::store);
    let provider = store.unwrap_or_else(|| deps.provider.name());
    let payment = start(deps, &request, order, provider).await?;
    if payment.is_by_store {
        return Ok(Begun::Store {
            payment_id,
            attempt: payment.attempt,
            amount: payment.amount,
            provider: payment.provider,
            position: payment.position,
        });
    }
    let intent = ask_provider(deps, &request, &payment).await?;
    let recorded = record_intent(
        deps,
        &request.metadata,
        request.ticket_id,
        payment_id,
        payment.amount,
        &intent,
    );
    let position = recorded.await?;
    Ok(Begun::Intent {
        payment_id,
        attempt: payment.attempt,
        amount: payment.amount,
        provider: deps.provider.name(),
        provider_ref: intent.provider_ref,
        client_secret: intent.client_secret,
        state: intent.state,
        position,
    })
}

struct Known {
    sale: Option<Sale>,
    phase: TicketPhase,
    has_payment: bool,
}

impl Known {
    /// A free seat was claimed before: a repeat carries on, or gives the same answer.
    fn is_free_claim(&self) -> bool {
        let is_free = self.sale.as_ref().is_some_and(|sale| sale.terms.total.is_zero());
        let is_over = matches!(self.phase, TicketPhase::Lapsed | TicketPhase::Refunded);
        is_free && !is_over
    }
}

/// The order that the buyer's hold allows.
async fn find_hold(deps: &Deps, request: &BeginPayment) -> Result<(OrderTicket, Hold), BeginPaymentError> {
    let ticket_id = request.ticket_id;
    let look = move |room: &Room| {
        let seat = room.seat(ticket_id).map(|seat| match seat {
            Seat::Held(hold) => Held::Unpaid(Box::new(hold.clone())),
            Seat::Sold { buyer } => Held::Sold { buyer },
        });
        (seat, room.facts().map(|facts| facts.host))
    };
    let ((seat, host), _) = deps.aggregates.rooms.read(request.room_id.as_uuid(), look).await?;
    match (seat, host) {
        (Some(Held::Unpaid(hold)), Some(host)) if hold.buyer == request.buyer => {
            if hold.expires_at <= request.at {
                return Err(BeginPaymentError::HoldExpired);
            }
            let order = OrderTicket {
                ticket_id,
                room_id: request.room_id,
                host,
                buyer: request.buyer,
                terms: hold.terms.clone(),
                at: request.at,
            };
            Ok((order, *hold))
        }
        (Some(Held::Sold { buyer }), _) if buyer == request.buyer => Err(BeginPaymentError::AlreadyPaid),
        // Given back, lapsed, or never held: the room answers each of them so.
        (None, Some(_)) => Err(BeginPaymentError::HoldExpired),
        (None | Some(_), _) => Err(BeginPaymentError::NoSuchHold),
    }
}

enum Held {
    Unpaid(Box<Hold>),
    Sold { buyer: UserId },
}

/// A payment as its buyer is told of it.
struct Started {
    attempt: u32,
    amount: Money,
    provider: String,
    is_by_store: bool,
    position: u64,
}

impl Started {
    fn of(payment: &Payment, position: u64) -> Self {
        Self {
            attempt: payment.attempt,
            amount: payment.amount,
            provider: payment.provider.clone(),
            is_by_store: payment.is_by_store(),
            position,
        }
    }
}

/// Orders the ticket, unless it is ordered, and starts the payment: both or neither.
async fn start(
    deps: &Deps,
    request: &BeginPayment,
    order: Option<TicketCommand>,
    provider: &str,
) -> Result<Started, BeginPaymentError> {
    let payment_id = request.payment_id;
    let start = StartPayment {
        payment_id,
        provider: provider.to_owned(),
        request: request.request,
        at: request.at,
    };
    let tickets = &deps.aggregates.tickets;
    let ticket = request.ticket_id.as_uuid();
    let commands = order.into_iter().chain([TicketCommand::StartPayment(start)]).collect();
    let started = tickets.execute_all(ticket, commands, request.metadata.clone()).await?;
    let position = started.position;
    // A repeat records nothing, so the ticket is asked, not the events.
    let look = move |ticket: &Ticket| Some(Started::of(ticket.payment(payment_id)?, position));
    let (started, _) = tickets.read(ticket, look).await?;
    started.ok_or_else(|| BeginPaymentError::Internal(format!("payment {payment_id} was started and is not there")))
}

async fn ask_provider(deps: &Deps, request: &BeginPayment, payment: &Started) -> Result<Intent, BeginPaymentError> {
    let create = CreateIntent {
        payment_id: request.payment_id,
        ticket_id: request.ticket_id,
        amount: payment.amount,
    };
    match deps.provider.create_intent(create).await {
        Ok(intent) => Ok(intent),
        Err(ProviderError::Refused { code }) => {
            let decline = TicketCommand::RecordDecline {
                payment_id: request.payment_id,
                reason: code.clone(),
                at: deps.clock.now(),
            };
            execute_ticket(deps, request, decline).await?;
            Err(BeginPaymentError::ProviderRefused { code })
        }
        Err(error @ ProviderError::Unavailable(_)) => Err(BeginPaymentError::ProviderUnavailable(error)),
    }
}

/// A free seat takes the same path without a provider: order, sell, issue.
async fn claim_free(deps: &Deps, request: &BeginPayment) -> Result<Begun, BeginPaymentError> {
    let sell = RoomCommand::SellSeat {
        ticket_id: request.ticket_id,
        buyer: request.buyer,
        at: request.at,
    };
    let (room, ticket_id) = (request.room_id.as_uuid(), request.ticket_id);
    let rooms = &deps.aggregates.rooms;
    rooms.execute(room, sell, request.metadata.clone()).await?;
    // A repeat records nothing, so the seat is asked, not the events. A ticket without a seat is never issued.
    let is_sold = move |room: &Room| matches!(room.seat(ticket_id), Some(Seat::Sold { .. }));
    let (is_sold, _) = rooms.read(room, is_sold).await?;
    if !is_sold {
        return Err(BeginPaymentError::HoldExpired);
    }
    let position = execute_ticket(deps, request, TicketCommand::Issue { at: request.at }).await?;
    Ok(Begun::Issued { position })
}

async fn execute_ticket(deps: &Deps, request: &BeginPayment, command: TicketCommand) -> Result<u64, BeginPaymentError> {
    let tickets = &deps.aggregates.tickets;
    let executed = tickets
        .execute(request.ticket_id.as_uuid(), command, request.metadata.clone())
        .await?;
    Ok(executed.position)
}

impl From<ExecuteError<TicketError>> for BeginPaymentError {
    fn from(error: ExecuteError<TicketError>) -> Self {
        match error {
            ExecuteError::Refused(refusal) => refusal.into(),
            ExecuteError::Conflict => Self::Conflict,
            ExecuteError::Overloaded => Self::Overloaded,
            ExecuteError::Unavailable(reason) => Self::LogUnavailable(reason),
            ExecuteError::Corrupt(reason) | ExecuteError::Rejected(reason) => Self::Internal(reason),
        }
    }
}

impl From<ExecuteError<RoomError>> for BeginPaymentError {
    fn from(error: ExecuteError<RoomError>) -> Self {
        match error {
            ExecuteError::Refused(RoomError::HoldExpired | RoomError::SoldOut { .. }) => Self::HoldExpired,
            ExecuteError::Refused(refusal) => Self::Internal(format!("the room refuses the sale: {refusal}")),
            ExecuteError::Conflict => Self::Conflict,
            ExecuteError::Overloaded => Self::Overloaded,
            ExecuteError::Unavailable(reason) => Self::LogUnavailable(reason),
            ExecuteError::Corrupt(reason) | ExecuteError::Rejected(reason) => Self::Internal(reason),
        }
    }
}

impl From<TicketError> for BeginPaymentError {
    fn from(refusal: TicketError) -> Self {
        match refusal {
            TicketError::KeyReused => Self::KeyReused,
            TicketError::AlreadyPaid => Self::AlreadyPaid,
            TicketError::HoldExpired => Self::HoldExpired,
            TicketError::Refunded | TicketError::Revoked => Self::Refunded,
            TicketError::NotHolder => Self::NoSuchHold,
            TicketError::TooManyAttempts { limit } => Self::TooManyAttempts { limit },
            TicketError::NotOrdered
            | TicketError::UnknownPayment
            | TicketError::UnknownRefund
            | TicketError::WrongAmount { .. }
            | TicketError::NotPaid
            | TicketError::NotIssued
            | TicketError::NotRefundable
            | TicketError::NotTransferable
            | TicketError::RefundExceedsCaptured { .. }
            | TicketError::RefundedByStore
            | TicketError::Disputed
            | TicketError::UnknownDispute
            | TicketError::DisputeEnded
            | TicketError::Money(_) => Self::Internal(format!("the ticket refuses the payment: {refusal}")),
        }
    }
}
