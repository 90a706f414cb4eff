//! One step of a story at a time, as the aggregates record it.

use domain::payout::{EarningCredited, Later};
use domain::room::{
    DeliveryRecorded, DenialReason, Interruption, InterruptionCause, PresenceInterval, ReleaseReason, Retaken,
    Revision, RoomRevised, SeatHeld, SeatReleased, SeatSold, Source, Speaking, Verdict,
};
use domain::ticket::{DisputeLost, DisputeOpened, RefundInitiator, RefundOwed, TicketSettled};
use domain::{AnyEvent, Fingerprint, PayoutEvent, Pricing, RoomEvent, TicketEvent, Timestamp};

use super::{
    FEE, Owed, PRICE, Story, at, host, payment, payout, refund, room, scheduled, session, terms, ticket, usd, user,
};

impl Story {
    pub(crate) fn schedule(self, number: u32) -> Self {
        self.room(number, RoomEvent::RoomScheduled(scheduled(number, usd(PRICE))))
    }

    pub(crate) fn revise(self, number: u32, revision: Revision) -> Self {
        let revised_at = self.now();
        self.room(number, RoomEvent::RoomRevised(RoomRevised { revision, revised_at }))
    }

    pub(crate) fn pause(self, number: u32) -> Self {
        let paused_at = self.now();
        self.room(number, RoomEvent::SalesPaused { paused_at })
    }

    pub(crate) fn hold(self, room_number: u32, number: u32) -> Self {
        let now = self.now();
        let held = SeatHeld {
            ticket_id: ticket(number),
            buyer: user(number),
            terms: terms(usd(PRICE)),
            request: Fingerprint::of(b"hold"),
            held_at: now,
            expires_at: now + chrono::TimeDelta::seconds(300),
            options: None,
        };
        self.room(room_number, RoomEvent::SeatHeld(held))
    }

    /// In a price tier.
    pub(crate) fn hold_in(self, room_number: u32, number: u32, tier: &str) -> Self {
        let now = self.now();
        let pricing = Pricing {
            tier: Some(tier.to_owned()),
            tier_name: Some(tier.to_owned()),
            list_price: usd(PRICE),
            promo_code: None,
            discount: None,
        };
        let mut terms = terms(usd(PRICE));
        terms.pricing = Some(Box::new(pricing));
        let held = SeatHeld {
            ticket_id: ticket(number),
            buyer: user(number),
            terms,
            request: Fingerprint::of(b"hold"),
            held_at: now,
            expires_at: now + chrono::TimeDelta::seconds(300),
            options: None,
        };
        self.room(room_number, RoomEvent::SeatHeld(held))
    }

    /// After its hold had lapsed.
    pub(crate) fn sell_anew(self, room_number: u32, number: u32, tier: &str) -> Self {
        let retakes = Retaken {
            tier: Some(tier.to_owned()),
            promo_code: None,
        };
        let sold = SeatSold {
            ticket_id: ticket(number),
            buyer: user(number),
            late: true,
            still_held: false,
            sold_at: self.now(),
            retakes: Some(Box::new(retakes)),
        };
        self.room(room_number, RoomEvent::SeatSold(sold))
    }

    pub(crate) fn order(self, room_number: u32, number: u32) -> Self {
        let ordered_at = self.now();
        self.ticket(
            number,
            TicketEvent::TicketOrdered {
                ticket_id: ticket(number),
                room_id: room(room_number),
                host: host(),
                buyer: user(number),
                terms: terms(usd(PRICE)),
                ordered_at,
            },
        )
    }

    /// Payment `id` of ticket `number`, known to the provider.
    pub(crate) fn start_payment(self, number: u32, id: u32, attempt: u32) -> Self {
        let started_at = self.now();
        let started = TicketEvent::PaymentStarted {
            payment_id: payment(id),
            attempt,
            provider: "sandbox".to_owned(),
            amount: usd(PRICE),
            request: Fingerprint::of(b"pay"),
            started_at,
        };
        let accepted = TicketEvent::PaymentAccepted {
            payment_id: payment(id),
            provider_ref: format!("pi_{id}"),
            accepted_at: started_at,
        };
        self.ticket(number, started).ticket(number, accepted)
    }

    pub(crate) fn capture(self, number: u32, id: u32) -> Self {
        let captured_at = self.now();
        self.ticket(
            number,
            TicketEvent::PaymentCaptured {
                payment_id: payment(id),
                amount: usd(PRICE),
                provider_fee: usd(FEE),
                captured_at,
                store_fee: None,
            },
        )
    }

    pub(crate) fn decline(self, number: u32, id: u32) -> Self {
        let declined_at = self.now();
        self.ticket(
            number,
            TicketEvent::PaymentDeclined {
                payment_id: payment(id),
                reason: "card_declined".to_owned(),
                declined_at,
            },
        )
    }

    pub(crate) fn call_off(self, number: u32, id: u32) -> Self {
        let cancelled_at = self.now();
        self.ticket(
            number,
            TicketEvent::PaymentCancelled {
                payment_id: payment(id),
                cancelled_at,
            },
        )
    }

    pub(crate) fn sell(self, room_number: u32, number: u32, late: bool) -> Self {
        let sold_at = self.now();
        self.room(
            room_number,
            RoomEvent::SeatSold(SeatSold {
                retakes: None,
                ticket_id: ticket(number),
                buyer: user(number),
                late,
                still_held: false,
                sold_at,
            }),
        )
    }

    pub(crate) fn release(self, room_number: u32, number: u32, reason: ReleaseReason) -> Self {
        let released_at = self.now();
        self.room(
            room_number,
            RoomEvent::SeatReleased(SeatReleased {
                ticket_id: ticket(number),
                buyer: user(number),
                reason,
                still_held: false,
                released_at,
            }),
        )
    }

    pub(crate) fn deny(self, room_number: u32, number: u32) -> Self {
        let denied_at = self.now();
        self.room(
            room_number,
            RoomEvent::SeatDenied {
                ticket_id: ticket(number),
                buyer: user(number),
                reason: DenialReason::SoldOut,
                denied_at,
            },
        )
    }

    pub(crate) fn issue(self, number: u32) -> Self {
        let issued_at = self.now();
        self.ticket(number, TicketEvent::TicketIssued { issued_at })
    }

    pub(crate) fn lapse(self, number: u32) -> Self {
        let lapsed_at = self.now();
        self.ticket(number, TicketEvent::TicketLapsed { lapsed_at })
    }

    pub(crate) fn admit(self, number: u32) -> Self {
        let admitted_at = self.now();
        self.ticket(number, TicketEvent::TicketAdmitted { admitted_at })
    }

    /// The whole way of ticket `number` to its holder.
    pub(crate) fn buy(self, room_number: u32, number: u32) -> Self {
        self.hold(room_number, number)
            .order(room_number, number)
            .start_payment(number, number, 1)
            .capture(number, number)
            .sell(room_number, number, false)
            .issue(number)
    }

    /// Refund `id` of payment `payment_id`.
    pub(crate) fn owe_refund(self, number: u32, (id, payment_id): (u32, u32), amount: i64, owed: Owed) -> Self {
        let owed_at = self.now();
        self.ticket(
            number,
            TicketEvent::RefundOwed(RefundOwed {
                refund_id: refund(id),
                payment_id: payment(payment_id),
                amount: usd(amount),
                reason: owed.reason,
                initiated_by: RefundInitiator::System,
                in_full: owed.in_full,
                was_issued: owed.was_issued,
                request: None,
                owed_at,
                tax: None,
            }),
        )
    }

    pub(crate) fn complete_refund(self, number: u32, id: u32, amount: i64) -> Self {
        let sent_at = self.now();
        let sent = TicketEvent::RefundSent {
            refund_id: refund(id),
            provider_ref: format!("re_{id}"),
            sent_at,
        };
        let completed = TicketEvent::RefundCompleted {
            refund_id: refund(id),
            amount: usd(amount),
            completed_at: sent_at,
            store_fee: None,
        };
        self.ticket(number, sent).ticket(number, completed)
    }

    /// The buyer's bank takes the price of a ticket that is not settled, and keeps it.
    pub(crate) fn lose_dispute(self, number: u32) -> Self {
        let at = self.now();
        let opened = TicketEvent::DisputeOpened(DisputeOpened {
            dispute: format!("dp_{number}"),
            payment_id: payment(number),
            amount: usd(PRICE),
            reason: "fraudulent".to_owned(),
            opened_at: at,
        });
        let lost = TicketEvent::DisputeLost(DisputeLost {
            store_fee: None,
            dispute: format!("dp_{number}"),
            payment_id: payment(number),
            amount: usd(PRICE),
            fee: usd(1_500),
            covered: usd(PRICE),
            was_issued: true,
            tax: None,
            lost_at: at,
        });
        self.ticket(number, opened).ticket(number, lost)
    }

    pub(crate) fn open(self, number: u32) -> Self {
        let opened_at = self.now();
        self.room(
            number,
            RoomEvent::RoomOpened {
                session_id: session(number),
                opened_at,
            },
        )
    }

    pub(crate) fn end(self, number: u32) -> Self {
        let ended_at = self.now();
        self.room(number, RoomEvent::RoomEnded { ended_at })
    }

    pub(crate) fn deliver(self, number: u32, listeners: &[u32]) -> Self {
        let recorded_at = self.now();
        let stay = |listener: &u32| PresenceInterval {
            user: user(*listener),
            ticket_id: Some(ticket(*listener)),
            joined_at: at(10),
            left_at: at(20),
            audible_ms: 0,
            joined_by: Some(Source::Poll),
            left_by: Some(Source::Webhook),
            speaking: vec![Speaking {
                from: at(11),
                until: at(12),
                source: Source::Poll,
            }],
        };
        let presence = RoomEvent::PresenceRecorded {
            session_id: session(number),
            intervals: listeners.iter().map(stay).collect(),
        };
        let delivery = RoomEvent::DeliveryRecorded(DeliveryRecorded {
            session_id: session(number),
            host_heard_ms: 9_000,
            listeners_present: u32::try_from(listeners.len()).expect("few listeners"),
            delivered: true,
            recorded_at,
            verdict: Some(Verdict::Delivered),
            interruptions: vec![Interruption {
                from: at(12),
                until: at(13),
                cause: InterruptionCause::MediaServer,
            }],
        });
        self.room(number, presence).room(number, delivery)
    }

    /// Settles ticket `number` with `gross` left in it, and credits the host.
    pub(crate) fn settle(self, room_number: u32, number: u32, gross: i64) -> Self {
        let settled_at = self.now();
        let platform_fee = (gross - FEE) / 20;
        let settled = TicketSettled {
            gross: usd(gross),
            provider_fee: usd(FEE),
            platform_fee: None,
            host_share: None,
            settled_at,
            tax: None,
            store_fee: None,
        };
        let earning = EarningCredited {
            ticket_id: ticket(number),
            room_id: room(room_number),
            gross: settled.gross,
            provider_fee: settled.provider_fee,
            platform_fee: usd(platform_fee),
            host_share: usd(gross - FEE - platform_fee),
            credited_at: settled_at,
            tax: None,
            store_fee: None,
            netted: None,
            co_hosts: vec![],
            reserved: None,
            pending: None,
        };
        self.ticket(number, TicketEvent::TicketSettled(settled))
            .account(PayoutEvent::EarningCredited(earning))
    }

    pub(crate) fn approve_host(self) -> Self {
        let applied_at = self.now();
        self.account(PayoutEvent::HostApplied {
            host: host(),
            applied_at,
            application: None,
        })
        .account(PayoutEvent::HostApproved {
            host: host(),
            by: Some(user(99)),
            reason: None,
            verdict: None,
            approved_at: applied_at,
        })
        .account(PayoutEvent::DestinationLinked {
            destination: "acct_1".to_owned(),
            linked_at: applied_at,
        })
    }

    pub(crate) fn request_payout(self, id: u32, amount: i64) -> Self {
        let requested_at = self.now();
        let requested = PayoutEvent::PayoutRequested {
            payout_id: payout(id),
            amount: usd(amount),
            provider: "sandbox".to_owned(),
            destination: "acct_1".to_owned(),
            request: Fingerprint::of(b"payout"),
            requested_at,
        };
        let sent = PayoutEvent::PayoutSent {
            payout_id: payout(id),
            provider_ref: format!("tr_{id}"),
            sent_at: requested_at,
        };
        self.account(requested).account(sent)
    }

    pub(crate) fn pay_out(self, id: u32, amount: i64) -> Self {
        let paid_at = self.now();
        self.account(PayoutEvent::PayoutPaid {
            payout_id: payout(id),
            amount: usd(amount),
            paid_at,
        })
    }

    pub(crate) fn fail_payout(self, id: u32, amount: i64) -> Self {
        let failed_at = self.now();
        self.account(PayoutEvent::PayoutFailed {
            payout_id: payout(id),
            amount: usd(amount),
            reason: "account_closed".to_owned(),
            failed_at,
        })
    }

    /// The same sale, of which a part is kept and the rest has to wait.
    pub(crate) fn settle_to_wait(self, room_number: u32, number: u32, gross: i64, until: Timestamp) -> Self {
        let mut story = self.settle(room_number, number, gross);
        if let Some(AnyEvent::Payout(_, PayoutEvent::EarningCredited(earning))) = story.events.last_mut() {
            let reserved = earning.host_share.amount_minor() / 10;
            let later = |minor| {
                Some(Later {
                    amount: usd(minor),
                    until,
                })
            };
            earning.reserved = later(reserved);
            earning.pending = later(earning.host_share.amount_minor() - reserved);
        }
        story
    }

    pub(crate) fn return_payout(self, id: u32, amount: i64) -> Self {
        let returned_at = self.now();
        self.account(PayoutEvent::PayoutReturned {
            payout_id: payout(id),
            amount: usd(amount),
            reason: "transfer_reversed".to_owned(),
            returned_at,
        })
    }
}
