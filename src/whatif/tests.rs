//! A shop's sales, divided once more.

use std::sync::Arc;

use chrono::TimeDelta;
use domain::fees::PlatformFee;
use domain::payout::{EarningCredited, SettledSale};
use domain::{
    AnyEvent, Channel, Currency, Money, PaymentId, Payout, PayoutCommand, PayoutEvent, Preset, RefundPolicy, RoomId,
    SaleRules, TaxPart, Terms, TicketEvent, TicketId, Timestamp, UserId,
};
use event_log::{Metadata, Recorded};
use serde_json::json;
use uuid::Uuid;

use projections::replay::Rewrite as _;

use super::fold::Comparison;
use super::{Retold, WhatIf, json as as_json, text};

const HOST: UserId = UserId::from_uuid(Uuid::from_u128(7));

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

fn hour(number: u64) -> Timestamp {
    Timestamp::from_timestamp(1_790_000_000 + i64::try_from(number).unwrap() * 3_600, 0).unwrap()
}

/// The log of a shop that sells by a preset: one sale an hour, ordered, captured and earned, as the aggregates decide it.
struct Log {
    preset: Preset,
    account: Payout,
    events: Vec<AnyEvent>,
}

impl Log {
    fn new(preset: Preset) -> Self {
        Self {
            preset,
            account: Payout::default(),
            events: vec![],
        }
    }

    fn terms(&self, total: Money, channel: Channel) -> Terms {
        let fees = self.preset.fees;
        Terms {
            preset: self.preset.name.clone(),
            preset_version: self.preset.version,
            total,
            tax: usd(0),
            channel,
            platform_fee: self.preset.platform_fee,
            refund_policy: RefundPolicy::None,
            legal_terms_sha256: None,
            customer_country: None,
            rules: SaleRules {
                store_fee: if channel.is_store() {
                    fees.store_fee
                } else {
                    domain::BasisPoints::ZERO
                },
                base: fees.base,
                tier: fees.tier,
                tax: Some(serde_json::from_value(json!({"country": "DE", "rate": 1_900, "version": 1})).unwrap()),
                ..SaleRules::default()
            },
            pricing: None,
        }
    }

    fn sell(mut self, minor: i64, channel: Channel, fee: i64) -> Self {
        let id = Uuid::from_u128(1_000 + self.events.len() as u128);
        let (ticket, room) = (TicketId::from_uuid(id), RoomId::from_uuid(id));
        let at = hour(self.events.len() as u64);
        let terms = self.terms(usd(minor), channel);
        let taken = terms.taken(usd(minor), usd(fee)).unwrap();
        let tax = terms.rules.tax.map(|rule| TaxPart {
            country: rule.country,
            amount: taken.tax,
        });
        let settled = SettledSale {
            ticket_id: ticket,
            room_id: room,
            gross: usd(minor),
            tax,
            store_fee: Some(taken.store_fee),
            provider_fee: taken.provider_fee,
            platform_fee: PlatformFee {
                below: terms.platform_fee,
                base: terms.rules.base,
                tier: terms.rules.tier,
            },
            earning: domain::fees::EarningRules::default(),
            host: HOST,
            shares: vec![],
            at,
        };
        self.events.push(AnyEvent::Ticket(
            ticket,
            TicketEvent::TicketOrdered {
                ticket_id: ticket,
                room_id: room,
                host: HOST,
                buyer: UserId::from_uuid(id),
                terms,
                ordered_at: at,
            },
        ));
        self.events.push(AnyEvent::Ticket(
            ticket,
            TicketEvent::PaymentCaptured {
                payment_id: PaymentId::from_uuid(id),
                amount: usd(minor),
                provider_fee: usd(fee),
                store_fee: None,
                captured_at: at,
            },
        ));
        let credited = self.account.decide(PayoutCommand::CreditEarning(Box::new(settled)));
        for event in credited.unwrap() {
            self.apply(event);
        }
        self
    }

    fn apply(&mut self, event: PayoutEvent) {
        cqrs_es::Aggregate::apply(&mut self.account, event.clone());
        self.events.push(AnyEvent::Payout(HOST, event));
    }

    fn recorded(&self) -> Vec<Arc<Recorded>> {
        let record = |(index, event): (usize, &AnyEvent)| {
            Arc::new(Recorded {
                position: index as u64 + 1,
                sequence: 1,
                recorded_at: hour(index as u64),
                metadata: Metadata::for_actor("test", Uuid::nil()),
                event: event.clone(),
            })
        };
        self.events.iter().enumerate().map(record).collect()
    }

    /// As it is told under another preset.
    fn retold(&self, preset: Preset) -> Vec<AnyEvent> {
        let mut retold = Retold::new(preset);
        let recorded = self.recorded().into_iter();
        recorded
            .map(|event| retold.rewrite(event).unwrap().event.clone())
            .collect()
    }

    fn what_if(&self, preset: Preset, from: Timestamp) -> WhatIf {
        let mut what_if = WhatIf::new(preset, from, hour(1_000_000));
        for recorded in self.recorded() {
            what_if.take(&recorded).unwrap();
        }
        what_if
    }
}

/// Prices, channels and fees of all sorts, some crossing a line of 100.00.
fn busy(preset: Preset) -> Log {
    (0..60).fold(Log::new(preset), |log, number| {
        let channel = [Channel::Web, Channel::Ios, Channel::Android][number % 3];
        let minor = 300 + i64::try_from(number).unwrap() * 137 % 1_900;
        log.sell(minor, channel, minor * 29 / 1_000 + 30)
    })
}

fn with_line(mut preset: Preset) -> Preset {
    preset.fees.tier =
        Some(serde_json::from_value(json!({"host_lifetime_major": 100, "platform_fee": 2_000})).unwrap());
    preset
}

fn usd_of(what_if: &WhatIf) -> Comparison {
    what_if.totals()[&Currency::USD]
}

#[test]
fn under_the_same_preset_everything_is_as_it_was() {
    for preset in [
        Preset::open(),
        Preset::ticketed_spaces(),
        with_line(Preset::ticketed_spaces()),
    ] {
        let log = busy(preset.clone());
        for from in [hour(0), hour(77)] {
            let figures = usd_of(&log.what_if(preset.clone(), from));
            assert!(figures.sales > 0);
            assert_eq!(figures.real, figures.what_if, "{}", preset.name);
        }
    }
}

#[test]
fn another_preset_divides_as_if_the_shop_had_sold_by_it() {
    let (was, would_be) = (Preset::open(), with_line(Preset::ticketed_spaces()));
    let compared = usd_of(&busy(was.clone()).what_if(would_be.clone(), hour(0)));
    let lived = usd_of(&busy(would_be).what_if(was, hour(0)));
    assert_eq!(compared.what_if, lived.real);
    assert_eq!(compared.real, lived.what_if);
    assert_ne!(compared.real.platform_fee, compared.what_if.platform_fee);
    for figures in [compared.real, compared.what_if] {
        let parts = figures.tax + figures.store_fee + figures.provider_fee + figures.platform_fee + figures.host_share;
        assert_eq!(parts, figures.gross);
    }
}

/// The host comes into the period with what the log says they had before.
#[test]
fn a_period_begins_with_the_lifetime_that_was() {
    let log = Log::new(Preset::open())
        .sell(20_000, Channel::Web, 0)
        .sell(1_000, Channel::Web, 0);
    let figures = usd_of(&log.what_if(with_line(Preset::ticketed_spaces()), hour(3)));
    assert_eq!(figures.sales, 1);
    // 8.40 after tax: above the line 20 %.
    assert_eq!((figures.real.platform_fee, figures.what_if.platform_fee), (42, 168));
}

#[test]
fn a_sale_given_back_is_given_back_by_both_rules() {
    let mut log = Log::new(Preset::open()).sell(1_000, Channel::Web, 0);
    let Some(AnyEvent::Payout(
        _,
        PayoutEvent::EarningCredited(EarningCredited {
            ticket_id, host_share, ..
        }),
    )) = log.events.last().cloned()
    else {
        panic!("a sale ends with its earning");
    };
    let reversed = domain::payout::EarningReversed {
        ticket_id,
        dispute: "dp_1".to_owned(),
        from_reserve: usd(0),
        from_pending: None,
        from_available: host_share,
        from_rolling_reserve: None,
        co_hosts: vec![],
        receivable: usd(0),
        reversed_at: hour(9) + TimeDelta::seconds(1),
    };
    log.apply(PayoutEvent::EarningReversed(reversed));
    let figures = usd_of(&log.what_if(Preset::ticketed_spaces(), hour(0)));
    assert_eq!(figures.real.reversed, figures.real.host_share);
    assert_eq!(figures.what_if.reversed, figures.what_if.host_share);
    assert_ne!(figures.real.reversed, figures.what_if.reversed);
}

#[test]
fn the_figures_are_printed_side_by_side() {
    let log = Log::new(Preset::open()).sell(1_000, Channel::Web, 59);
    let what_if = log.what_if(Preset::ticketed_spaces(), hour(0));
    let table = text(&what_if, true);
    assert!(table.starts_with("USD: 1 sales\n"), "{table}");
    let row = table
        .lines()
        .find(|line| line.trim_start().starts_with("platform_fee"))
        .unwrap();
    let cells: Vec<_> = row.split_whitespace().collect();
    assert_eq!(cells, ["platform_fee", "0.39", "0.25", "-0.14"]);
    assert!(table.contains(&format!("host {HOST}, USD: 1 sales")), "{table}");
    let answer = as_json(&what_if, true);
    assert_eq!(answer["preset"], "ticketed-spaces");
    assert_eq!(answer["currencies"][0]["real"]["gross"], 1_000);
    assert_eq!(answer["hosts"][0]["what_if"]["platform_fee"], 25);
    let nothing = log.what_if(Preset::open(), hour(500));
    assert_eq!(text(&nothing, false), "nothing was earned in this time\n");
}

/// A dispute that is lost takes back what the host has of a sale.
fn lost(mut log: Log) -> Log {
    let credited = log.events.iter().rev().find_map(|event| match event {
        AnyEvent::Payout(_, PayoutEvent::EarningCredited(earning)) => Some(earning.clone()),
        _ => None,
    });
    let earning = credited.expect("a sale ends with its earning");
    log.apply(PayoutEvent::EarningReversed(domain::payout::EarningReversed {
        ticket_id: earning.ticket_id,
        dispute: "dp_1".to_owned(),
        from_reserve: usd(0),
        from_pending: None,
        from_available: earning.host_share,
        from_rolling_reserve: None,
        co_hosts: vec![],
        receivable: usd(0),
        reversed_at: hour(999),
    }));
    log
}

#[test]
fn a_log_told_under_its_own_preset_is_the_log() {
    for preset in [Preset::open(), with_line(Preset::ticketed_spaces())] {
        let log = lost(busy(preset.clone()));
        assert_eq!(log.retold(preset), log.events);
    }
}

#[test]
fn a_log_told_under_another_preset_is_that_of_a_shop_that_sold_by_it() {
    let (was, would_be) = (Preset::open(), with_line(Preset::ticketed_spaces()));
    let lived = lost(busy(would_be.clone()));
    // What the shop's own preset wrote into the terms beside it is the same in both.
    assert_eq!(lost(busy(was)).retold(would_be), lived.events);
}

#[test]
fn what_waits_of_a_share_follows_it_and_is_over_when_its_days_are() {
    let mut log = Log::new(Preset::open()).sell(1_000, Channel::Web, 0);
    let until = hour(500);
    let Some(AnyEvent::Payout(_, PayoutEvent::EarningCredited(earning))) = log.events.last_mut() else {
        panic!("a sale ends with its earning");
    };
    let later = |amount| Some(domain::payout::Later { amount, until });
    let share = earning.host_share;
    earning.reserved = later(usd(100));
    earning.pending = later(usd(share.amount_minor() - 100));
    let pending = share.amount_minor() - 100;
    log.apply(PayoutEvent::EarningsMatured {
        amount: usd(pending),
        matured_at: until,
    });
    log.apply(PayoutEvent::ReserveReleased {
        amount: usd(100),
        released_at: until,
    });
    let told = log.retold(Preset::ticketed_spaces());
    let [
        ..,
        AnyEvent::Payout(_, PayoutEvent::EarningCredited(earning)),
        AnyEvent::Payout(_, PayoutEvent::EarningsMatured { amount: matured, .. }),
        AnyEvent::Payout(_, PayoutEvent::ReserveReleased { amount: released, .. }),
    ] = told.as_slice()
    else {
        panic!("the same events: {told:?}");
    };
    assert_ne!(earning.host_share, share);
    assert_eq!(earning.pending.map(|later| later.amount), Some(*matured));
    assert_eq!(earning.reserved.map(|later| later.amount), Some(*released));
    assert_eq!(
        matured.amount_minor() + released.amount_minor(),
        earning.host_share.amount_minor()
    );
}
