//! Tickets: issued at most once, never more owed back than came, and every cent of a split in somebody's hands.

use std::cell::RefCell;
use std::collections::BTreeMap;

use domain::room::Missing;
use domain::ticket::{OrderTicket, OweRefund, RefundInitiator, RefundReason, RefundState, StartPayment, TicketPhase};
use domain::{
    BasisPoints, Channel, Currency, Fingerprint, Money, PaymentId, RefundId, RefundPolicy, RoomId, SaleRules, TaxRule,
    Terms, Ticket, TicketCommand, TicketEvent, TicketId, UserId, tax,
};
use proptest::prelude::*;
use uuid::Uuid;

use crate::{at, config, run};

fn usd(amount: i64) -> Money {
    Money::new(amount, Currency::USD)
}

fn user(number: u128) -> UserId {
    UserId::from_uuid(Uuid::from_u128(number))
}

/// With the tax of Germany in it, through a store, or neither.
fn order(total: i64, fee: u16, kind: u8) -> TicketCommand {
    let is_store = kind == 1;
    let rules = SaleRules {
        store_fee: if is_store {
            BasisPoints::try_new(3_000).expect("a share")
        } else {
            BasisPoints::ZERO
        },
        tax: (kind == 2).then(|| TaxRule {
            country: "DE".parse().expect("a country"),
            rate: BasisPoints::try_new(1_900).expect("a share"),
            version: 1,
        }),
        ..SaleRules::default()
    };
    TicketCommand::Order(Box::new(OrderTicket {
        ticket_id: TicketId::from_uuid(Uuid::from_u128(1)),
        room_id: RoomId::from_uuid(Uuid::from_u128(1)),
        host: user(0),
        buyer: user(1),
        terms: Terms {
            preset: "open".to_owned(),
            preset_version: 1,
            total: usd(total),
            tax: tax::included(usd(total), rules.tax.as_ref()).expect("in range"),
            channel: if is_store { Channel::Ios } else { Channel::Web },
            platform_fee: BasisPoints::try_new(fee).expect("a share"),
            refund_policy: RefundPolicy::UntilStart,
            legal_terms_sha256: None,
            pricing: None,
            customer_country: None,
            rules,
        },
        at: at(0),
    }))
}

fn paying(total: i64) -> impl Strategy<Value = TicketCommand> {
    (0..3_u128, 0..10_u8, 0..=total + 5).prop_map(move |(number, kind, fee)| {
        let payment_id = PaymentId::from_uuid(Uuid::from_u128(number));
        let at = at(1);
        match kind {
            0..=2 => start_of(number),
            3 => TicketCommand::RecordAccepted {
                payment_id,
                provider_ref: "ref".to_owned(),
                at,
            },
            8 if fee % 2 == 0 => TicketCommand::RecordPurchase {
                transaction: format!("tx{number}"),
                amount: usd(total),
                at,
            },
            8 => TicketCommand::RecordCancelled { payment_id, at },
            4..=7 => capture_of(number, if fee == 7 { total + 1 } else { total }, fee),
            _ => TicketCommand::RecordDecline {
                payment_id,
                reason: "no".to_owned(),
                at,
            },
        }
    })
}

fn refunding(total: i64) -> impl Strategy<Value = TicketCommand> {
    let amount = prop_oneof![1 => Just(None), 3 => (-1..=total + 1).prop_map(Some)];
    let by = prop::sample::select(vec![
        RefundInitiator::Buyer,
        RefundInitiator::Host,
        RefundInitiator::System,
    ]);
    (0..5_u128, amount, by, 0..8_u8).prop_map(|(number, amount, by, kind)| {
        let refund_id = RefundId::from_uuid(Uuid::from_u128(number));
        let at = at(2);
        match kind {
            0 => TicketCommand::RecordRefundSent {
                refund_id,
                provider_ref: "re".to_owned(),
                at,
            },
            1 => TicketCommand::RecordRefundCompleted { refund_id, at },
            7 => TicketCommand::RecordStoreRefund {
                transaction: format!("tx{}", number % 3),
                at,
            },
            2 => TicketCommand::RecordRefundFailed {
                refund_id,
                reason: "no".to_owned(),
                at,
            },
            _ => TicketCommand::OweRefund(OweRefund {
                refund_id,
                amount: amount.map(usd),
                reason: RefundReason::Requested,
                by,
                room_starts_at: crate::at(100),
                room_has_opened: false,
                request: None,
                at,
            }),
        }
    })
}

fn life() -> impl Strategy<Value = TicketCommand> {
    (0..9_u8, 0..3_u128, 31..60_u64).prop_map(|(kind, person, share)| {
        let at = at(3);
        match kind {
            0..=2 => TicketCommand::Issue { at },
            3 => TicketCommand::Lapse { at },
            4 => TicketCommand::Settle { missing: None, at },
            5 => TicketCommand::Settle {
                missing: Some(Missing {
                    missing_ms: share,
                    promised_ms: 60,
                }),
                at,
            },
            6 => TicketCommand::Present {
                holder: user(person),
                doors_per_second: 5,
                at,
            },
            _ => TicketCommand::Admit {
                holder: user(person),
                at,
            },
        }
    })
}

/// What the buyer's bank does.
fn disputing(total: i64) -> impl Strategy<Value = TicketCommand> {
    (0..3_u128, 0..6_u8, 1..=total.max(1)).prop_map(|(number, kind, amount)| {
        let (dispute, at) = (format!("dp_{number}"), at(2));
        match kind {
            0..=2 => TicketCommand::RecordDispute {
                dispute,
                payment_id: PaymentId::from_uuid(Uuid::from_u128(number)),
                amount: usd(amount),
                reason: "fraudulent".to_owned(),
                at,
            },
            3 => TicketCommand::RecordDisputeWon { dispute, at },
            _ => TicketCommand::RecordDisputeLost {
                dispute,
                fee: usd(15),
                at,
            },
        }
    })
}

fn start_of(number: u128) -> TicketCommand {
    TicketCommand::StartPayment(StartPayment {
        payment_id: PaymentId::from_uuid(Uuid::from_u128(number)),
        provider: if number == 2 { "app_store" } else { "sandbox" }.to_owned(),
        request: Fingerprint::of(b"pay"),
        at: at(1),
    })
}

fn capture_of(number: u128, amount: i64, fee: i64) -> TicketCommand {
    TicketCommand::RecordCapture {
        payment_id: PaymentId::from_uuid(Uuid::from_u128(number)),
        amount: usd(amount),
        provider_fee: usd(fee),
        at: at(1),
    }
}

/// Any order, half of the time after a sale that went well: there most is to be lost.
fn commands() -> impl Strategy<Value = Vec<TicketCommand>> {
    let sale = (
        prop_oneof![Just(0_i64), 1..40_i64, 1_000..100_000_i64],
        0..=10_000_u16,
        0..3_u8,
    );
    (sale, any::<bool>()).prop_flat_map(|((total, share, kind), is_issued)| {
        let mut first = vec![order(total, share, kind)];
        if is_issued {
            let issue = TicketCommand::Issue { at: at(1) };
            first.extend([start_of(0), start_of(1), capture_of(0, total, total / 20), issue]);
        }
        let any = prop_oneof![3 => paying(total), 2 => refunding(total), 2 => life(), 1 => disputing(total)];
        prop::collection::vec(any, 0..40).prop_map(move |rest| first.iter().cloned().chain(rest).collect())
    })
}

/// What a reader of the events alone would add up.
#[derive(Default)]
struct Seen {
    captured: BTreeMap<PaymentId, i64>,
    owed: BTreeMap<PaymentId, i64>,
    issued: u32,
    /// The tax in the price, and what of it is due; what stores keep.
    due: i64,
    tax: i64,
    store: i64,
    /// What lost disputes took of the sale itself.
    lost: i64,
    settled: Option<i64>,
}

impl Seen {
    fn take(&mut self, event: &TicketEvent) {
        match event {
            TicketEvent::PaymentCaptured {
                payment_id,
                amount,
                store_fee,
                ..
            } => {
                self.store += store_fee.map_or(0, Money::amount_minor);
                assert_eq!(self.captured.insert(*payment_id, amount.amount_minor()), None);
            }
            TicketEvent::PaymentCancelled { payment_id, .. } => {
                assert!(!self.captured.contains_key(payment_id), "called off what was paid");
            }
            TicketEvent::RefundOwed(owed) => {
                assert!(owed.amount.is_positive());
                self.tax -= owed.tax.map_or(0, |tax| tax.amount.amount_minor());
                assert!(owed.tax.is_none_or(|tax| tax.amount.amount_minor() >= 0));
                let was_never_earned = owed.reason == RefundReason::ChargedTwice;
                assert!(was_never_earned || self.settled.is_none(), "took back what was earned");
                *self.owed.entry(owed.payment_id).or_default() += owed.amount.amount_minor();
                for (payment_id, owed) in &self.owed {
                    assert!(*owed <= self.captured[payment_id], "more owed back than came");
                }
            }
            TicketEvent::TicketOrdered { terms, .. } => self.due = terms.tax.amount_minor(),
            TicketEvent::DisputeLost(lost) => {
                self.tax -= lost.tax.map_or(0, |tax| tax.amount.amount_minor());
                self.lost += lost.covered.amount_minor();
                assert!(lost.covered.amount_minor() <= lost.amount.amount_minor());
                assert!(
                    self.settled.is_none() || lost.covered.is_zero(),
                    "covered by what was earned"
                );
            }
            TicketEvent::TicketIssued { .. } => {
                self.issued += 1;
                self.tax += self.due;
            }
            TicketEvent::RefundCompleted { store_fee, .. } => {
                self.store -= store_fee.map_or(0, Money::amount_minor);
            }
            TicketEvent::TicketSettled(settled) => {
                let tax = settled.tax.map(|tax| tax.amount);
                assert_eq!(tax.map_or(0, Money::amount_minor), self.tax, "the tax that is due");
                let parts = [Some(settled.provider_fee), settled.store_fee, tax];
                let parts: Vec<i64> = parts.into_iter().flatten().map(Money::amount_minor).collect();
                assert!(parts.iter().all(|part| *part >= 0));
                assert!(parts.iter().sum::<i64>() <= settled.gross.amount_minor());
                assert_eq!(
                    self.settled.replace(settled.gross.amount_minor()),
                    None,
                    "settled twice"
                );
            }
            _ => {}
        }
        assert!(self.tax >= 0 && self.store >= 0);
        assert!(self.issued <= 1, "issued twice");
    }

    fn total(amounts: &BTreeMap<PaymentId, i64>) -> i64 {
        amounts.values().sum()
    }
}

fn hold_laws(commands: Vec<TicketCommand>) {
    let seen = RefCell::new(Seen::default());
    let state = run::<Ticket>(commands, |state, event| {
        let mut seen = seen.borrow_mut();
        seen.take(event);
        assert_eq!(state.captured(), Some(usd(Seen::total(&seen.captured))));
        assert_eq!(state.owed_back(), Some(usd(Seen::total(&seen.owed))));
    });
    let seen = seen.into_inner();
    let kept = Seen::total(&seen.captured) - Seen::total(&seen.owed) - seen.lost;
    assert_eq!(
        seen.settled.unwrap_or(kept),
        kept,
        "what is not owed back is what was earned"
    );
    // Money that came is in one attempt at most: all others go back.
    assert!(seen.captured.len() <= 1 + seen.owed.len());
    if state.phase() == TicketPhase::Refunded {
        assert_eq!(kept, 0);
        assert_eq!(seen.tax, 0, "no tax on what went back");
        let has_all_left = state.refunds().all(|refund| refund.state == RefundState::Completed);
        assert!(!has_all_left || seen.store == 0, "the store keeps a fee of nothing");
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_order_of_commands_keeps_the_laws(commands in commands()) {
        hold_laws(commands);
    }

    #[test]
    fn without_an_order_nothing_is_recorded(commands in prop::collection::vec(paying(10), 0..9)) {
        prop_assert_eq!(run::<Ticket>(commands, |_, _| unreachable!("recorded")), Ticket::default());
    }
}
