//! What a host's account decides: a pure function of its state and a command. `paid + pending ≤ earned`, always.

use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;
use uuid::Uuid;

use crate::fees::Taken;
use crate::payout::command::{RequestPayout, SettledSale};
use crate::payout::event::EarningCredited;
use crate::payout::sharing;
use crate::payout::state::{PayoutPhase, PayoutState};
use crate::{
    AnyEvent, Money, MoneyError, Payout, PayoutCommand, PayoutError, PayoutEvent, PayoutId, Storable, Timestamp, text,
};

const DESTINATION_CHARS_MAX: usize = 200;

pub(super) type Decision = Result<Vec<PayoutEvent>, PayoutError>;

impl Payout {
    /// The events that follow from `command`; none if it is a repeat.
    pub fn decide(&self, command: PayoutCommand) -> Result<Vec<PayoutEvent>, PayoutError> {
        match command {
            PayoutCommand::Apply(wish) => Ok(self.apply_as_host(*wish)),
            PayoutCommand::Approve(decision) => Ok(self.approve(decision)),
            PayoutCommand::Waitlist(decision) => self.waitlist(decision),
            PayoutCommand::Decline(decision) => self.decline(decision),
            PayoutCommand::Suspend { by, reason, at } => Ok(self.suspend(by, reason, at)),
            PayoutCommand::Reinstate { by, reason, at } => Ok(self.reinstate(by, reason, at)),
            PayoutCommand::StateFacts(statement) => Ok(self.state_facts(*statement)),
            PayoutCommand::BanGuest { host, user, at } => self.ban_guest(host, user, at),
            PayoutCommand::UnbanGuest { user, at } => Ok(self.unban_guest(user, at)),
            PayoutCommand::AcceptTerms { terms_sha256, at } => Ok(self.accept_terms(Some(terms_sha256), at)),
            PayoutCommand::LinkDestination { destination, at } => self.link_destination(destination, at),
            PayoutCommand::CreditEarning(sale) => self.credit_earning(&sale),
            PayoutCommand::HoldEarning(disputed) => self.hold_earning(disputed),
            PayoutCommand::ReleaseEarning(disputed) => self.release_earning(disputed),
            PayoutCommand::ReverseEarning(disputed) => self.reverse_earning(disputed),
            PayoutCommand::CreditShare(earning) => self.credit_share(&earning),
            PayoutCommand::HoldShare(disputed) => self.hold_share(disputed),
            PayoutCommand::ReleaseShare(disputed) => self.release_share(disputed),
            PayoutCommand::ReverseShare(disputed) => self.reverse_share(disputed),
            PayoutCommand::MatureEarnings { at } => Ok(self.mature(at)),
            PayoutCommand::RequestPayout(request) => self.request_payout(&request),
            PayoutCommand::ChooseSchedule { schedule, at } => Ok(self.choose_schedule(schedule, at)),
            PayoutCommand::RequestMonthly(month) => self.request_monthly(&month),
            PayoutCommand::RecordReturned(returned) => self.record_returned(&returned),
            PayoutCommand::RecordSent {
                payout_id,
                provider_ref,
                at,
            } => self.record_sent(payout_id, provider_ref, at),
            PayoutCommand::RecordPaid { payout_id, at } => self.record_paid(payout_id, at),
            PayoutCommand::RecordFailed { payout_id, reason, at } => self.record_failed(payout_id, &reason, at),
        }
    }

    fn link_destination(&self, destination: String, at: Timestamp) -> Decision {
        if destination.is_empty() || destination.len() > DESTINATION_CHARS_MAX {
            let reason = "must have 1 to 200 characters";
            return Err(PayoutError::InvalidDestination { reason });
        }
        if !destination.bytes().all(|byte| byte.is_ascii_graphic()) {
            let reason = "must have visible ASCII characters only";
            return Err(PayoutError::InvalidDestination { reason });
        }
        if self.destination() == Some(destination.as_str()) {
            return Ok(vec![]);
        }
        Ok(vec![PayoutEvent::DestinationLinked {
            destination,
            linked_at: at,
        }])
    }

    /// Earned once per ticket. Also a host who is not approved keeps what was earned.
    ///
    /// The platform's fee is decided here and not on the ticket: what the host had so far is known where all earnings of
    /// this host stand in one order, so no two sales use the same rest below the line.
    fn credit_earning(&self, sale: &SettledSale) -> Decision {
        if self.is_credited(sale.ticket_id) {
            return Ok(vec![]);
        }
        let zero = Money::zero(sale.gross.currency());
        let taken = Taken {
            gross: sale.gross,
            tax: sale.tax.map_or(zero, |tax| tax.amount),
            store_fee: sale.store_fee.unwrap_or(zero),
            provider_fee: sale.provider_fee,
        };
        let lifetime = self.lifetime(sale.gross.currency());
        let divided = sale.platform_fee.split(&taken, lifetime)?;
        lifetime.checked_add(divided.host_share)?;
        self.require_room_for(divided.host_share)?;
        let co_hosts = sharing::divide(divided.host_share, &sale.shares, |user| user == sale.host)?;
        let mut earning = EarningCredited {
            ticket_id: sale.ticket_id,
            room_id: sale.room_id,
            gross: sale.gross,
            tax: sale.tax,
            store_fee: sale.store_fee,
            provider_fee: sale.provider_fee,
            platform_fee: divided.platform_fee,
            host_share: divided.host_share,
            co_hosts,
            netted: None,
            reserved: None,
            pending: None,
            credited_at: sale.at,
        };
        let places = self.place(earning.own_share(), &sale.earning, sale.at)?;
        earning.netted = places.netted;
        earning.reserved = places.reserved;
        earning.pending = places.pending;
        Ok(vec![PayoutEvent::EarningCredited(earning)])
    }

    /// Sums of what was earned stay in range.
    pub(super) fn require_room_for(&self, share: Money) -> Result<(), MoneyError> {
        self.earned(share.currency()).checked_add(share).map(drop)
    }

    pub(super) fn request_payout(&self, request: &RequestPayout) -> Decision {
        if let Some(payout) = self.payout(request.payout_id) {
            let is_repeat = payout.request == request.request;
            return if is_repeat {
                Ok(vec![])
            } else {
                Err(PayoutError::KeyReused)
            };
        }
        if self.is_suspended() {
            return Err(PayoutError::Suspended);
        }
        if !self.is_approved() {
            return Err(PayoutError::NotApproved);
        }
        let destination = self.destination().ok_or(PayoutError::NoDestination)?;
        let amount = self.payable(request)?;
        Ok(vec![PayoutEvent::PayoutRequested {
            payout_id: request.payout_id,
            amount,
            provider: request.provider.clone(),
            destination: destination.to_owned(),
            request: request.request,
            requested_at: request.at,
        }])
    }

    fn payable(&self, request: &RequestPayout) -> Result<Money, PayoutError> {
        let available = self.available(request.currency);
        let requested = request.amount.unwrap_or(available);
        let remaining = available.checked_sub(requested)?;
        // Even without a minimum, nothing is no payout.
        let minimum = Money::new(request.minimum_minor.max(1), request.currency);
        if requested.amount_minor() < minimum.amount_minor() {
            return Err(PayoutError::BelowMinimum { requested, minimum });
        }
        if remaining.amount_minor() < 0 {
            return Err(PayoutError::InsufficientBalance { requested, available });
        }
        Ok(requested)
    }

    fn record_sent(&self, payout_id: PayoutId, provider_ref: String, at: Timestamp) -> Decision {
        match self.known_payout(payout_id)?.state {
            PayoutPhase::Requested => Ok(vec![PayoutEvent::PayoutSent {
                payout_id,
                provider_ref,
                sent_at: at,
            }]),
            // The provider's verdict may overtake the note that it was sent.
            PayoutPhase::Sent | PayoutPhase::Paid | PayoutPhase::Failed | PayoutPhase::Returned => Ok(vec![]),
        }
    }

    fn record_paid(&self, payout_id: PayoutId, at: Timestamp) -> Decision {
        let payout = self.known_payout(payout_id)?;
        match payout.state {
            PayoutPhase::Requested | PayoutPhase::Sent => Ok(vec![PayoutEvent::PayoutPaid {
                payout_id,
                amount: payout.amount,
                paid_at: at,
            }]),
            // So may the news that it came back overtake the news that it arrived.
            PayoutPhase::Paid | PayoutPhase::Returned => Ok(vec![]),
            PayoutPhase::Failed => Err(PayoutError::AlreadyEnded),
        }
    }

    fn record_failed(&self, payout_id: PayoutId, reason: &str, at: Timestamp) -> Decision {
        let payout = self.known_payout(payout_id)?;
        match payout.state {
            PayoutPhase::Requested | PayoutPhase::Sent => {
                let failed = PayoutEvent::PayoutFailed {
                    payout_id,
                    amount: payout.amount,
                    reason: text::recordable(reason),
                    failed_at: at,
                };
                Ok(self.with_netting(vec![failed], payout.amount.currency(), at))
            }
            PayoutPhase::Failed => Ok(vec![]),
            PayoutPhase::Paid | PayoutPhase::Returned => Err(PayoutError::AlreadyEnded),
        }
    }

    pub(super) fn known_payout(&self, payout_id: PayoutId) -> Result<&PayoutState, PayoutError> {
        self.payout(payout_id).ok_or(PayoutError::UnknownPayout)
    }
}

impl Aggregate for Payout {
    const TYPE: &'static str = "payout";
    type Command = PayoutCommand;
    type Event = PayoutEvent;
    type Error = PayoutError;
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

impl Storable for Payout {
    const STATE_FORMAT: u32 = 1;

    fn pick(event: &AnyEvent) -> Option<(Uuid, &PayoutEvent)> {
        let AnyEvent::Payout(id, event) = event else {
            return None;
        };
        Some((id.as_uuid(), event))
    }
}
