//! What the provider says of a payment, and what the ticket records of it.

use domain::room::Seat;
use domain::ticket::{Payment, PaymentState, TicketPhase};
use domain::{Money, PaymentId, Room, RoomId, Ticket, TicketCommand, TicketError, TicketId};
use event_log::{ExecuteError, Metadata};
use payments::{CancelIntent, CreateIntent, Intent, IntentState, ProviderError};
use tracing::warn;

use crate::{Deps, Job, JobContext, JobResult, Outcome};

/// A payment was started some seconds ago. If the provider never answered for it (we crashed, or it was away), ask
/// again under the same key, so that the payment exists there or is known to be refused.
///
/// The hold may have ended while the payment was being started. What follows from a released seat may then have run
/// before there was a payment to call off, so the seat is looked at here once more.
pub async fn check_payment(deps: &Deps, context: &JobContext, ticket: TicketId, payment: PaymentId) -> JobResult {
    let (found, _) = deps
        .aggregates
        .tickets
        .read(ticket.as_uuid(), move |ticket| find_open(ticket, payment))
        .await?;
    let Some(Open { phase, room, payment }) = found else {
        return Ok(Outcome::Done);
    };
    // Begun before the shop changed its provider: this one knows nothing of it, and must not make it anew.
    if payment.provider != deps.provider.name() {
        return Ok(Outcome::Done);
    }
    if phase != TicketPhase::Ordered {
        return Ok(Outcome::Then(vec![Job::CancelIntents { ticket }]));
    }
    let claim = move |room: &Room| Claim::of(room, ticket);
    let (claim, _) = deps.aggregates.rooms.read(room.as_uuid(), claim).await?;
    match claim {
        Claim::Held if payment.state == PaymentState::Started => ask_again(deps, context, ticket, &payment).await,
        // The buyer's turn; or its ticket is issued in a moment, which calls off the other payments.
        Claim::Held | Claim::Sold => Ok(Outcome::Done),
        Claim::Gone => Ok(Outcome::Then(vec![Job::LapseTicket { ticket }])),
    }
}

/// What of `check_payment` can be told from the ticket alone.
pub(crate) enum Check {
    NothingToDo,
    /// Nothing to do while the ticket has its seat.
    DependsOnSeat,
    Needed,
}

pub(crate) fn check(ticket: &Ticket, payment: PaymentId) -> Check {
    match find_open(ticket, payment) {
        None => Check::NothingToDo,
        Some(open) if open.phase == TicketPhase::Ordered && open.payment.state == PaymentState::Accepted => {
            Check::DependsOnSeat
        }
        Some(_) => Check::Needed,
    }
}

/// Whether the ticket's seat is held, or sold to it.
pub(crate) fn has_seat(room: &Room, ticket: TicketId) -> bool {
    match Claim::of(room, ticket) {
        Claim::Held | Claim::Sold => true,
        Claim::Gone => false,
    }
}

/// A payment that could still be captured.
struct Open {
    phase: TicketPhase,
    room: RoomId,
    payment: Payment,
}

fn find_open(ticket: &Ticket, payment: PaymentId) -> Option<Open> {
    let payment = ticket.payment(payment).filter(|payment| is_open(payment))?;
    Some(Open {
        phase: ticket.phase(),
        room: ticket.sale()?.room_id,
        payment: payment.clone(),
    })
}

/// What a ticket has of its room.
enum Claim {
    Held,
    Sold,
    Gone,
}

impl Claim {
    fn of(room: &Room, ticket: TicketId) -> Self {
        match room.seat(ticket) {
            Some(Seat::Held(_)) => Self::Held,
            Some(Seat::Sold { .. }) => Self::Sold,
            None => Self::Gone,
        }
    }
}

async fn ask_again(deps: &Deps, context: &JobContext, ticket: TicketId, payment: &Payment) -> JobResult {
    let payment_id = payment.payment_id;
    let request = CreateIntent {
        payment_id,
        ticket_id: ticket,
        amount: payment.amount,
    };
    match deps.provider.create_intent(request).await {
        Ok(intent) => {
            record_intent(deps, &context.metadata(), ticket, payment_id, payment.amount, &intent).await?;
        }
        Err(ProviderError::Refused { code }) => {
            let decline = TicketCommand::RecordDecline {
                payment_id,
                reason: code,
                at: deps.clock.now(),
            };
            deps.aggregates
                .tickets
                .execute(ticket.as_uuid(), decline, context.metadata())
                .await?;
        }
        Err(error @ ProviderError::Unavailable(_)) => return Err(error.into()),
    }
    Ok(Outcome::Done)
}

/// Records the provider's reference and, if it has one already, its verdict. Returns the log position this rests on.
pub(crate) async fn record_intent(
    deps: &Deps,
    metadata: &Metadata,
    ticket: TicketId,
    payment: PaymentId,
    amount: Money,
    intent: &Intent,
) -> Result<u64, ExecuteError<TicketError>> {
    let at = deps.clock.now();
    let tickets = &deps.aggregates.tickets;
    let accepted = TicketCommand::RecordAccepted {
        payment_id: payment,
        provider_ref: intent.provider_ref.clone(),
        at,
    };
    let position = tickets
        .execute(ticket.as_uuid(), accepted, metadata.clone())
        .await?
        .position;
    let verdict = match &intent.state {
        IntentState::Pending | IntentState::RequiresAction => return Ok(position),
        IntentState::Cancelled => TicketCommand::RecordCancelled {
            payment_id: payment,
            at,
        },
        IntentState::Captured { fee } => TicketCommand::RecordCapture {
            payment_id: payment,
            amount,
            provider_fee: *fee,
            at,
        },
        IntentState::Declined { reason } => TicketCommand::RecordDecline {
            payment_id: payment,
            reason: reason.clone(),
            at,
        },
    };
    let executed = tickets.execute(ticket.as_uuid(), verdict, metadata.clone()).await?;
    Ok(executed.position.max(position))
}

/// Cancels every payment of this ticket that could still be captured, and records that, so that nobody asks again. One
/// that was captured meanwhile is recorded as such, and takes its way: late-payment ladder, or refund as charged twice.
pub async fn cancel_intents(deps: &Deps, context: &JobContext, ticket: TicketId) -> JobResult {
    let (open, _) = deps.aggregates.tickets.read(ticket.as_uuid(), open_payments).await?;
    // What another provider took on is none of this one's.
    for payment in open
        .into_iter()
        .filter(|payment| payment.provider == deps.provider.name())
    {
        let request = CancelIntent {
            payment_id: payment.payment_id,
            ticket_id: ticket,
            amount: payment.amount,
            provider_ref: payment.provider_ref.clone(),
        };
        let intent = match deps.provider.cancel_intent(request).await {
            Ok(intent) => intent,
            // The provider does not know it, so nobody can pay it; or it says no for a reason of its own, and its
            // events tell the rest.
            Err(ProviderError::Refused { code }) => {
                warn!(payment.id = %payment.payment_id, "the provider does not cancel a payment: {code}");
                continue;
            }
            Err(error @ ProviderError::Unavailable(_)) => return Err(error.into()),
        };
        let metadata = context.metadata();
        record_intent(deps, &metadata, ticket, payment.payment_id, payment.amount, &intent).await?;
    }
    Ok(Outcome::Done)
}

fn open_payments(ticket: &Ticket) -> Vec<Payment> {
    ticket.payments().filter(|payment| is_open(payment)).cloned().collect()
}

/// Whether an attempt to pay could still be captured.
pub(super) const fn is_open(payment: &Payment) -> bool {
    match payment.state {
        PaymentState::Started | PaymentState::Accepted => true,
        PaymentState::Captured { .. } | PaymentState::Declined | PaymentState::Cancelled => false,
    }
}
