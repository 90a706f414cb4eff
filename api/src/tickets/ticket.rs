//! A ticket as its holder and the host of its room see it.

use domain::room::SeatHeld;
use domain::ticket::{RefundInitiator, RefundReason};
use domain::{Channel, Money, RoomId, Terms, TicketId};
use projections::View;
use projections::tickets::{PaymentRow, PaymentState, RefundRow, RefundState, TicketRow, TicketState, find_ticket};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::ReadBack;
use crate::extract::Moment;
use crate::shapes::{MoneyBody, RefundPolicyBody};
use crate::{ApiError, ApiState};

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Ticket)]
pub(crate) struct TicketBody {
    id: Uuid,
    room_id: Uuid,
    holder_id: Uuid,
    /// `held`, `payment_pending`, `issued`, `admitted`, `lapsed`, `released`, `refunded` or `revoked`
    state: &'static str,
    /// While held: until when it may be paid.
    expires_at: Option<Moment>,
    price: PriceBody,
    payments: Vec<TicketPaymentBody>,
    refunds: Vec<RefundBody>,
    terms: TermsBody,
    created_at: Moment,
    /// The log position of the last change.
    position: u64,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Price)]
struct PriceBody {
    total: MoneyBody,
    /// Add up to the total.
    lines: Vec<PriceLineBody>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PriceLine)]
struct PriceLineBody {
    /// `ticket`, `discount` (below zero), `tax` or `fee`
    kind: &'static str,
    /// Of a price tier, its name.
    label: String,
    amount: MoneyBody,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TicketPayment)]
struct TicketPaymentBody {
    id: Uuid,
    attempt: u32,
    /// `pending`, `captured`, `declined` or `cancelled`
    state: &'static str,
    amount: MoneyBody,
    /// Why it was declined.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Refund)]
pub(crate) struct RefundBody {
    id: Uuid,
    amount: MoneyBody,
    /// `owed`, `sent`, `done` or `failed`
    state: &'static str,
    /// `requested`, `room_cancelled`, `seat_gone`, `charged_twice`, `not_delivered`, `reschedule_declined`,
    /// `store_refunded`, `no_show`, `crashed` or `moderated`
    #[schema(value_type = String)]
    reason: RefundReason,
    /// `buyer`, `host`, `admin` or `system`
    #[schema(value_type = String)]
    initiated_by: RefundInitiator,
}

/// What was agreed when the seat was held. It does not change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Terms)]
struct TermsBody {
    preset: String,
    version: u32,
    refund_policy: RefundPolicyBody,
    legal_terms_sha256: Option<String>,
    /// `web`, `ios` or `android`
    #[schema(value_type = String)]
    channel: Channel,
    /// Where the customer is, if the shop asked.
    customer_country: Option<String>,
    /// Basis points of the price that are tax by the rule of this country and version.
    tax: Option<TaxBody>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TaxRule)]
struct TaxBody {
    country: String,
    rate_basis_points: u16,
    version: u32,
}

impl From<TicketRow> for TicketBody {
    fn from(row: TicketRow) -> Self {
        Self {
            id: row.id.as_uuid(),
            room_id: row.room_id.as_uuid(),
            holder_id: row.holder.as_uuid(),
            state: state(&row),
            expires_at: row.expires_at.map(Moment),
            price: price(&row.terms),
            payments: row.payments.into_iter().map(TicketPaymentBody::from).collect(),
            refunds: row.refunds.into_iter().map(RefundBody::from).collect(),
            terms: row.terms.into(),
            created_at: row.created_at.into(),
            position: row.position,
        }
    }
}

impl TicketBody {
    pub(super) fn id(&self) -> Uuid {
        self.id
    }

    /// The ticket that the hold at `position` made.
    pub(super) fn held(room: RoomId, held: SeatHeld, position: u64) -> Self {
        Self {
            id: held.ticket_id.as_uuid(),
            room_id: room.as_uuid(),
            holder_id: held.buyer.as_uuid(),
            state: TicketState::Held.as_str(),
            expires_at: Some(Moment(held.expires_at)),
            price: price(&held.terms),
            payments: Vec::new(),
            refunds: Vec::new(),
            terms: held.terms.into(),
            created_at: Moment(held.held_at),
            position,
        }
    }
}

impl From<Terms> for TermsBody {
    fn from(terms: Terms) -> Self {
        Self {
            preset: terms.preset,
            version: terms.preset_version,
            refund_policy: terms.refund_policy.into(),
            legal_terms_sha256: terms.legal_terms_sha256,
            channel: terms.channel,
            customer_country: terms.customer_country,
            tax: terms.rules.tax.map(|rule| TaxBody {
                country: rule.country.to_string(),
                rate_basis_points: rule.rate.points(),
                version: rule.version,
            }),
        }
    }
}

/// That a ticket is settled is between the host and the books: its holder sees whether they were there.
fn state(row: &TicketRow) -> &'static str {
    match row.state {
        TicketState::Settled if row.was_admitted => TicketState::Admitted.as_str(),
        TicketState::Settled => TicketState::Issued.as_str(),
        state => state.as_str(),
    }
}

fn price(terms: &Terms) -> PriceBody {
    let net = terms.total.checked_sub(terms.tax).unwrap_or(terms.total);
    let line = |kind, label: &str, amount: Money| PriceLineBody {
        kind,
        label: label.to_owned(),
        amount: amount.into(),
    };
    let pricing = terms.pricing.as_deref();
    let label = pricing.and_then(|pricing| pricing.tier_name.as_deref());
    let discount = pricing
        .and_then(|pricing| pricing.discount)
        .filter(|off| !off.is_zero());
    let listed = discount.and_then(|off| net.checked_add(off).ok()).unwrap_or(net);
    let mut lines = vec![line("ticket", label.unwrap_or("Ticket"), listed)];
    if let Some(off) = discount.and_then(|_| net.checked_sub(listed).ok()) {
        lines.push(line("discount", "Promo code", off));
    }
    if !terms.tax.is_zero() {
        lines.push(line("tax", "Tax", terms.tax));
    }
    PriceBody {
        total: terms.total.into(),
        lines,
    }
}

impl From<PaymentRow> for TicketPaymentBody {
    fn from(row: PaymentRow) -> Self {
        Self {
            id: row.id.as_uuid(),
            attempt: row.attempt,
            state: match row.state {
                PaymentState::Started | PaymentState::Accepted => "pending",
                PaymentState::Captured => "captured",
                PaymentState::Declined => "declined",
                PaymentState::Cancelled => "cancelled",
            },
            amount: row.amount.into(),
            reason: row.reason,
        }
    }
}

impl From<RefundRow> for RefundBody {
    fn from(row: RefundRow) -> Self {
        Self {
            id: row.id.as_uuid(),
            amount: row.amount.into(),
            state: match row.state {
                RefundState::Owed => "owed",
                RefundState::Sent => "sent",
                RefundState::Completed => "done",
                RefundState::Failed => "failed",
            },
            reason: row.reason,
            initiated_by: row.initiated_by,
        }
    }
}

/// The ticket after a write at `position`.
pub(super) async fn read_back(state: &ApiState, ticket: TicketId, position: u64) -> ReadBack<TicketBody> {
    let read = async {
        let row = find_ticket(&state.pool, ticket).await?;
        Ok::<_, ApiError>(row.map(TicketBody::from))
    };
    ReadBack::wait(state, View::Tickets, position, ticket.as_uuid(), read).await
}
