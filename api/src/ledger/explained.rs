//! What a line of the books rests on: its event, and the sale or payout that is about.

use std::sync::Arc;

use domain::fees::{FeeBase, FeeTier};
use domain::{AnyEvent, CountryEvidence, PayoutId, Terms, TicketEvent, TicketId};
use event_log::{RecordedEvent, StreamId};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use super::explain::decode;
use crate::extract::hex;
use crate::shapes::{ChannelName, MoneyBody};
use crate::tickets::FactBody;
use crate::{ApiError, ApiState};

/// More events than a ticket with all its attempts, refunds and disputes has.
const EVENTS_MAX: usize = 1_000;

/// The event that was booked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BookedEvent)]
pub(super) struct BookedEventBody {
    position: u64,
    event_type: String,
    /// Whose stream it is in: `ticket-<id>` or `payout-<host>`.
    aggregate: String,
    sequence: u64,
    #[schema(value_type = Object)]
    payload: Box<RawValue>,
    /// Hex SHA-256: the chain's value at this position.
    hash: String,
}

impl TryFrom<&RecordedEvent> for BookedEventBody {
    type Error = ApiError;

    fn try_from(event: &RecordedEvent) -> Result<Self, ApiError> {
        let payload = RawValue::from_string(event.payload.clone());
        Ok(Self {
            position: event.position,
            event_type: event.event_type.clone(),
            aggregate: format!("{}-{}", event.aggregate_type, event.aggregate_id),
            sequence: event.sequence,
            payload: payload.map_err(|error| ApiError::Internal(Box::new(error)))?,
            hash: hex(&event.hash),
        })
    }
}

/// The sale behind a line: its rules, its payments, and its facts up to the line.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExplainedSale)]
pub(super) struct ExplainedSaleBody {
    ticket_id: Uuid,
    room_id: Uuid,
    host_id: Uuid,
    total: MoneyBody,
    rules: ExplainedRulesBody,
    payments: Vec<ExplainedPaymentBody>,
    facts: Vec<FactBody>,
}

/// The rules that divide the money of a sale, as they were recorded with it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExplainedRules)]
struct ExplainedRulesBody {
    preset: String,
    preset_version: u32,
    channel: ChannelName,
    store_fee_basis_points: u16,
    platform_fee_basis_points: u16,
    /// `after_provider` or `after_store`: what the platform's fee is a share of.
    #[schema(value_type = String)]
    platform_fee_base: FeeBase,
    /// Another platform fee, once the host has had so much.
    #[schema(value_type = Option<Object>)]
    platform_fee_tier: Option<FeeTier>,
    tax_country: Option<String>,
    tax_rate_basis_points: Option<u16>,
    tax_version: Option<u32>,
    #[schema(value_type = Vec<Object>)]
    tax_evidence: Vec<CountryEvidence>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ExplainedPayment)]
struct ExplainedPaymentBody {
    payment_id: Uuid,
    attempt: u32,
    provider: String,
    /// The provider's name of the payment, once it was told.
    provider_ref: Option<String>,
    amount: MoneyBody,
}

/// The payout a line is about.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExplainedPayout)]
pub(super) struct ExplainedPayoutBody {
    payout_id: Uuid,
    /// The provider's name of it, once it was told.
    reference: Option<String>,
}

impl ExplainedPayoutBody {
    pub(super) fn new(payout: PayoutId, reference: Option<String>) -> Self {
        Self {
            payout_id: payout.as_uuid(),
            reference,
        }
    }
}

/// A sale and all its facts.
pub(super) struct Sale {
    pub(super) ticket: TicketId,
    room: Uuid,
    host: Uuid,
    terms: Terms,
    payments: Vec<(u64, ExplainedPaymentBody)>,
    events: Vec<RecordedEvent>,
}

impl Sale {
    /// As it was at a position.
    pub(super) fn up_to(&self, position: u64) -> ExplainedSaleBody {
        let is_known = |at: &u64| *at <= position;
        let payments = self.payments.iter().filter(|(at, _)| is_known(at));
        let facts = self.events.iter().filter(|event| is_known(&event.position));
        ExplainedSaleBody {
            ticket_id: self.ticket.as_uuid(),
            room_id: self.room,
            host_id: self.host,
            total: self.terms.total.into(),
            rules: rules(&self.terms),
            payments: payments.map(|(_, payment)| payment.clone()).collect(),
            facts: facts.cloned().map(FactBody::from).collect(),
        }
    }
}

fn rules(terms: &Terms) -> ExplainedRulesBody {
    let rules = &terms.rules;
    ExplainedRulesBody {
        preset: terms.preset.clone(),
        preset_version: terms.preset_version,
        channel: terms.channel.into(),
        store_fee_basis_points: rules.store_fee.points(),
        platform_fee_basis_points: terms.platform_fee.points(),
        platform_fee_base: rules.base,
        platform_fee_tier: rules.tier,
        tax_country: rules.tax.map(|rule| rule.country.to_string()),
        tax_rate_basis_points: rules.tax.map(|rule| rule.rate.points()),
        tax_version: rules.tax.map(|rule| rule.version),
        tax_evidence: rules.evidence.clone(),
    }
}

/// Reads a sale off the log; `None` if it was never ordered.
pub(super) async fn read_sale(state: &ApiState, ticket: TicketId) -> Result<Option<Sale>, ApiError> {
    let stream = StreamId {
        aggregate_type: "ticket",
        aggregate_id: Arc::from(ticket.to_string()),
    };
    let events = state.log.read_stream(&stream, 0, EVENTS_MAX).await?;
    let (mut sale, mut payments) = (None, vec![]);
    for event in &events {
        let AnyEvent::Ticket(_, fact) = decode(event)? else {
            continue;
        };
        match fact {
            TicketEvent::TicketOrdered {
                room_id, host, terms, ..
            } => sale = Some((room_id.as_uuid(), host.as_uuid(), terms)),
            TicketEvent::PaymentStarted {
                payment_id,
                attempt,
                provider,
                amount,
                ..
            } => {
                let payment = ExplainedPaymentBody {
                    payment_id: payment_id.as_uuid(),
                    attempt,
                    provider,
                    provider_ref: None,
                    amount: amount.into(),
                };
                payments.push((event.position, payment));
            }
            TicketEvent::PaymentAccepted {
                payment_id,
                provider_ref,
                ..
            } => {
                let is_it = |known: &&mut (u64, ExplainedPaymentBody)| known.1.payment_id == payment_id.as_uuid();
                if let Some((_, payment)) = payments.iter_mut().find(is_it) {
                    payment.provider_ref = Some(provider_ref);
                }
            }
            _ => {}
        }
    }
    Ok(sale.map(|(room, host, terms)| Sale {
        ticket,
        room,
        host,
        terms,
        payments,
        events,
    }))
}
