//! Divides the sales of a period once more, by other rules, in the order in which they were earned.
//!
//! A host comes into the period with the lifetime share that the log says; from there on each set of rules counts its own.

use std::collections::{BTreeMap, HashMap};

use anyhow::Context;
use domain::payout::{EarningCredited, EarningReversed};
use domain::{AnyEvent, Currency, Money, PayoutEvent, Preset, TicketEvent, TicketId, Timestamp, UserId};
use event_log::Recorded;

use super::divide::{Sale, divide};

/// Sums in minor units of one currency.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Figures {
    pub(crate) gross: i64,
    pub(crate) tax: i64,
    pub(crate) store_fee: i64,
    pub(crate) provider_fee: i64,
    pub(crate) platform_fee: i64,
    pub(crate) host_share: i64,
    /// What hosts gave back for lost disputes.
    pub(crate) reversed: i64,
}

/// The real figures beside those of the other rules.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Comparison {
    pub(crate) sales: u64,
    pub(crate) real: Figures,
    pub(crate) what_if: Figures,
}

/// A host's share of a sale by both rules, and what is left of it.
#[derive(Clone, Copy)]
struct Credit {
    host: UserId,
    real_left: i64,
    what_if_left: i64,
}

/// Takes the log in, event by event.
pub(crate) struct WhatIf {
    preset: Preset,
    from: Timestamp,
    until: Timestamp,
    sales: HashMap<TicketId, Sale>,
    credits: HashMap<TicketId, Credit>,
    /// What each host has had by the other rules.
    lifetimes: HashMap<(UserId, Currency), i64>,
    by_host: BTreeMap<(UserId, Currency), Comparison>,
}

impl WhatIf {
    /// From a time on and before another, as the log recorded it.
    pub(crate) fn new(preset: Preset, from: Timestamp, until: Timestamp) -> Self {
        Self {
            preset,
            from,
            until,
            sales: HashMap::new(),
            credits: HashMap::new(),
            lifetimes: HashMap::new(),
            by_host: BTreeMap::new(),
        }
    }

    pub(crate) fn preset(&self) -> &Preset {
        &self.preset
    }

    /// By host and currency.
    pub(crate) fn by_host(&self) -> &BTreeMap<(UserId, Currency), Comparison> {
        &self.by_host
    }

    /// All hosts together.
    pub(crate) fn totals(&self) -> BTreeMap<Currency, Comparison> {
        let mut totals: BTreeMap<Currency, Comparison> = BTreeMap::new();
        for ((_, currency), host) in &self.by_host {
            let total = totals.entry(*currency).or_default();
            total.sales += host.sales;
            total.real.add(&host.real);
            total.what_if.add(&host.what_if);
        }
        totals
    }

    pub(crate) fn take(&mut self, recorded: &Recorded) -> anyhow::Result<()> {
        if recorded.recorded_at >= self.until {
            return Ok(());
        }
        let is_within = recorded.recorded_at >= self.from;
        match &recorded.event {
            AnyEvent::Ticket(ticket, TicketEvent::TicketOrdered { terms, .. }) => {
                let sale = Sale {
                    channel: terms.channel,
                    tax: terms.rules.tax,
                    provider_fee: None,
                };
                self.sales.insert(*ticket, sale);
            }
            AnyEvent::Ticket(ticket, TicketEvent::PaymentCaptured { provider_fee, .. }) => {
                if let Some(sale) = self.sales.get_mut(ticket) {
                    sale.provider_fee.get_or_insert(*provider_fee);
                }
            }
            AnyEvent::Payout(host, PayoutEvent::EarningCredited(earning)) => {
                let position = recorded.position;
                self.credit(*host, earning, is_within)
                    .with_context(|| format!("divide the sale at position {position} once more"))?;
            }
            AnyEvent::Payout(_, PayoutEvent::EarningReversed(reversed)) => self.reverse(reversed, is_within),
            _ => {}
        }
        Ok(())
    }

    fn credit(&mut self, host: UserId, earning: &EarningCredited, is_within: bool) -> anyhow::Result<()> {
        let currency = earning.gross.currency();
        let sale = self.sales.remove(&earning.ticket_id);
        let real = Figures::of(earning);
        let key = (host, currency);
        let lifetime = self.lifetimes.get(&key).copied().unwrap_or(0);
        let what_if = if is_within {
            self.divide(earning, sale, Money::new(lifetime, currency))?
        } else {
            real
        };
        self.lifetimes.insert(key, lifetime + what_if.host_share);
        let credit = Credit {
            host,
            real_left: real.host_share,
            what_if_left: what_if.host_share,
        };
        self.credits.insert(earning.ticket_id, credit);
        if is_within {
            let comparison = self.by_host.entry(key).or_default();
            comparison.sales += 1;
            comparison.real.add(&real);
            comparison.what_if.add(&what_if);
        }
        Ok(())
    }

    fn divide(&self, earning: &EarningCredited, sale: Option<Sale>, lifetime: Money) -> anyhow::Result<Figures> {
        let (taken, shares) = divide(&self.preset, earning, sale, lifetime)?;
        Ok(Figures {
            gross: taken.gross.amount_minor(),
            tax: taken.tax.amount_minor(),
            store_fee: taken.store_fee.amount_minor(),
            provider_fee: taken.provider_fee.amount_minor(),
            platform_fee: shares.platform_fee.amount_minor(),
            host_share: shares.host_share.amount_minor(),
            reversed: 0,
        })
    }

    /// All that is left of the share goes back by both rules, or the same part of it, rounded down.
    fn reverse(&mut self, reversed: &EarningReversed, is_within: bool) {
        let Some(credit) = self.credits.get_mut(&reversed.ticket_id) else {
            return;
        };
        let parts = [reversed.from_reserve, reversed.from_available, reversed.receivable];
        let back: i64 = parts.into_iter().map(Money::amount_minor).sum();
        let what_if = if back >= credit.real_left || credit.real_left == 0 {
            credit.what_if_left
        } else {
            let part = i128::from(credit.what_if_left) * i128::from(back) / i128::from(credit.real_left);
            i64::try_from(part).unwrap_or(credit.what_if_left)
        };
        credit.real_left -= back;
        credit.what_if_left -= what_if;
        let key = (credit.host, reversed.receivable.currency());
        *self.lifetimes.entry(key).or_default() -= what_if;
        if is_within {
            let comparison = self.by_host.entry(key).or_default();
            comparison.real.reversed += back;
            comparison.what_if.reversed += what_if;
        }
    }
}

impl Figures {
    fn of(earning: &EarningCredited) -> Self {
        Self {
            gross: earning.gross.amount_minor(),
            tax: earning.tax.map_or(0, |tax| tax.amount.amount_minor()),
            store_fee: earning.store_fee.map_or(0, Money::amount_minor),
            provider_fee: earning.provider_fee.amount_minor(),
            platform_fee: earning.platform_fee.amount_minor(),
            host_share: earning.host_share.amount_minor(),
            reversed: 0,
        }
    }

    fn add(&mut self, other: &Self) {
        self.gross += other.gross;
        self.tax += other.tax;
        self.store_fee += other.store_fee;
        self.provider_fee += other.provider_fee;
        self.platform_fee += other.platform_fee;
        self.host_share += other.host_share;
        self.reversed += other.reversed;
    }

    /// By name, as they are printed.
    pub(crate) const fn named(&self) -> [(&'static str, i64); 7] {
        [
            ("gross", self.gross),
            ("tax", self.tax),
            ("store_fee", self.store_fee),
            ("provider_fee", self.provider_fee),
            ("platform_fee", self.platform_fee),
            ("host_share", self.host_share),
            ("reversed", self.reversed),
        ]
    }
}
