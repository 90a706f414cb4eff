//! A shop's log as if its sales had been made under another preset: what is replayed into views.
//!
//! The terms of rooms and sales are the other preset's, and every sale is divided by it when it is earned. What hangs on
//! a host's share follows: the parts of co-hosts, what waits or is reserved of it, what a dispute holds and takes back, each in
//! proportion. What was decided by people stays as it was: prices, refunds, and payouts. So an account that was paid more than
//! it would have had shows a negative balance.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;

use domain::fees::Taken;
use domain::payout::{CoHostPart, EarningCredited, EarningReversed, HeldEarning, Later, ShareCredited};
use domain::{
    AnyEvent, Currency, Money, PayoutEvent, Preset, RoomEvent, Terms, TicketEvent, TicketId, Timestamp, UserId,
};
use event_log::Recorded;
use projections::replay::Rewrite;

use super::divide::{Sale, divide, part, store_fee};

/// The log, told under another preset. It has to be told from its beginning.
pub(crate) struct Retold {
    preset: Preset,
    sales: HashMap<TicketId, Sale>,
    /// What the store kept of a sale, by both rules.
    store_fees: HashMap<TicketId, Both>,
    /// What each host has had by the other rules.
    lifetimes: HashMap<(UserId, Currency), i64>,
    /// What an account has of a sale.
    credits: HashMap<(TicketId, UserId), Credit>,
    /// Sales of an account of which something waits.
    waiting: HashMap<UserId, Vec<TicketId>>,
}

/// An amount in minor units, as it was and as it is told.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
struct Both {
    real: i64,
    told: i64,
}

/// An account's share of a sale.
#[derive(Clone, Copy)]
struct Credit {
    share: Both,
    /// What is left of it.
    left: Both,
    pending: Wait,
    reserved: Wait,
}

/// A part of a share that is not available before a time.
#[derive(Clone, Copy, Default)]
struct Wait {
    until: Option<Timestamp>,
    amount: Both,
}

impl Both {
    /// The same part of what is told as an amount is of what was; all of it, if that was all.
    fn of(self, amount: i64) -> i64 {
        part(self.told, amount, self.real)
    }

    fn take(&mut self, real: i64, told: i64) {
        self.real -= real;
        self.told -= told;
    }
}

impl Rewrite for Retold {
    fn rewrite(&mut self, event: Arc<Recorded>) -> Result<Arc<Recorded>, Box<dyn Error + Send + Sync>> {
        let Some(told) = self.tell(&event.event)? else {
            return Ok(event);
        };
        let mut recorded = (*event).clone();
        recorded.event = told;
        Ok(Arc::new(recorded))
    }
}

impl Retold {
    pub(crate) fn new(preset: Preset) -> Self {
        Self {
            preset,
            sales: HashMap::new(),
            store_fees: HashMap::new(),
            lifetimes: HashMap::new(),
            credits: HashMap::new(),
            waiting: HashMap::new(),
        }
    }

    /// `None` for what is told as it was.
    fn tell(&mut self, event: &AnyEvent) -> anyhow::Result<Option<AnyEvent>> {
        Ok(match event {
            AnyEvent::Room(room, event) => self.room(event).map(|event| AnyEvent::Room(*room, event)),
            AnyEvent::Ticket(ticket, event) => {
                let told = self.ticket(*ticket, event)?;
                told.map(|event| AnyEvent::Ticket(*ticket, event))
            }
            AnyEvent::Payout(account, event) => {
                let told = self.account(*account, event)?;
                told.map(|event| AnyEvent::Payout(*account, event))
            }
            AnyEvent::Shop(..) => None,
        })
    }

    fn room(&self, event: &RoomEvent) -> Option<RoomEvent> {
        let mut told = event.clone();
        match &mut told {
            RoomEvent::RoomScheduled(room) => {
                room.preset.clone_from(&self.preset.name);
                room.preset_version = self.preset.version;
                room.platform_fee = self.preset.platform_fee;
                room.fees = self.preset.fees;
            }
            RoomEvent::SeatHeld(held) => self.terms(&mut held.terms),
            _ => return None,
        }
        Some(told)
    }

    /// When earnings become available is left as it was agreed: what came of it is on the log.
    fn terms(&self, terms: &mut Terms) {
        terms.preset.clone_from(&self.preset.name);
        terms.preset_version = self.preset.version;
        terms.platform_fee = self.preset.platform_fee;
        terms.rules.store_fee = store_fee(&self.preset, terms.channel);
        terms.rules.base = self.preset.fees.base;
        terms.rules.tier = self.preset.fees.tier;
    }

    fn ticket(&mut self, ticket: TicketId, event: &TicketEvent) -> anyhow::Result<Option<TicketEvent>> {
        let mut told = event.clone();
        match &mut told {
            TicketEvent::TicketOrdered { terms, .. } => {
                let sale = Sale {
                    channel: terms.channel,
                    tax: terms.rules.tax,
                    provider_fee: None,
                };
                self.sales.insert(ticket, sale);
                self.terms(terms);
            }
            TicketEvent::PaymentCaptured {
                amount,
                provider_fee,
                store_fee: kept,
                ..
            } => {
                let Some(sale) = self.sales.get_mut(&ticket) else {
                    return Ok(None);
                };
                sale.provider_fee.get_or_insert(*provider_fee);
                let rate = store_fee(&self.preset, sale.channel);
                let Some(kept) = kept else { return Ok(None) };
                let would_keep = Taken::of(*amount, sale.tax.as_ref(), rate, *provider_fee)?.store_fee;
                let both = Both {
                    real: kept.amount_minor(),
                    told: would_keep.amount_minor(),
                };
                self.store_fees.entry(ticket).or_insert(both);
                *kept = would_keep;
            }
            TicketEvent::RefundCompleted {
                store_fee: Some(back), ..
            } => self.store_gives(ticket, back),
            TicketEvent::DisputeLost(lost) => {
                let Some(back) = &mut lost.store_fee else {
                    return Ok(None);
                };
                self.store_gives(ticket, back);
            }
            _ => return Ok(None),
        }
        Ok(Some(told))
    }

    fn store_gives(&self, ticket: TicketId, back: &mut Money) {
        if let Some(both) = self.store_fees.get(&ticket) {
            *back = Money::new(both.of(back.amount_minor()), back.currency());
        }
    }

    fn account(&mut self, account: UserId, event: &PayoutEvent) -> anyhow::Result<Option<PayoutEvent>> {
        let mut told = event.clone();
        match &mut told {
            PayoutEvent::EarningCredited(earning) => self.credit(account, earning)?,
            PayoutEvent::ShareCredited(share) => self.share(account, share),
            PayoutEvent::EarningHeld(held) => self.hold(account, held, 1),
            PayoutEvent::EarningReleased(held) => self.hold(account, held, -1),
            PayoutEvent::EarningReversed(reversed) => self.reverse(account, reversed),
            PayoutEvent::EarningsMatured { amount, matured_at } => {
                *amount = self.over(account, *amount, *matured_at, |credit| &mut credit.pending);
            }
            PayoutEvent::ReserveReleased { amount, released_at } => {
                *amount = self.over(account, *amount, *released_at, |credit| &mut credit.reserved);
            }
            _ => return Ok(None),
        }
        Ok(Some(told))
    }

    fn credit(&mut self, host: UserId, earning: &mut EarningCredited) -> anyhow::Result<()> {
        let currency = earning.gross.currency();
        let lifetime = self.lifetimes.entry((host, currency)).or_default();
        let sale = self.sales.remove(&earning.ticket_id);
        let (taken, shares) = divide(&self.preset, earning, sale, Money::new(*lifetime, currency))?;
        *lifetime += shares.host_share.amount_minor();
        let whole = Both {
            real: earning.host_share.amount_minor(),
            told: shares.host_share.amount_minor(),
        };
        let real = earning.own_share();
        if let Some(tax) = &mut earning.tax {
            tax.amount = taken.tax;
        }
        if let Some(store_fee) = &mut earning.store_fee {
            *store_fee = taken.store_fee;
        }
        earning.provider_fee = taken.provider_fee;
        earning.platform_fee = shares.platform_fee;
        earning.host_share = shares.host_share;
        for co_host in &mut earning.co_hosts {
            let share = Both {
                real: co_host.amount.amount_minor(),
                told: whole.of(co_host.amount.amount_minor()),
            };
            co_host.amount = Money::new(share.told, currency);
            self.credits
                .insert((earning.ticket_id, co_host.user), Credit::new(share));
        }
        let share = Both {
            real: real.amount_minor(),
            told: earning.own_share().amount_minor(),
        };
        let mut credit = Credit::new(share);
        credit.place(&mut earning.netted, &mut earning.reserved, &mut earning.pending);
        self.keep(earning.ticket_id, host, credit);
        Ok(())
    }

    fn share(&mut self, user: UserId, credited: &mut ShareCredited) {
        let Some(mut credit) = self.credits.get(&(credited.ticket_id, user)).copied() else {
            return;
        };
        credited.share = Money::new(credit.share.told, credited.share.currency());
        credit.place(&mut credited.netted, &mut credited.reserved, &mut credited.pending);
        self.keep(credited.ticket_id, user, credit);
    }

    fn keep(&mut self, ticket: TicketId, account: UserId, credit: Credit) {
        if credit.pending.until.is_some() || credit.reserved.until.is_some() {
            self.waiting.entry(account).or_default().push(ticket);
        }
        self.credits.insert((ticket, account), credit);
    }

    /// A dispute holds a part of the share, or lets go of it (`sign` -1).
    fn hold(&mut self, account: UserId, held: &mut HeldEarning, sign: i64) {
        self.parts(held.ticket_id, &mut held.co_hosts);
        let Some(credit) = self.credits.get_mut(&(held.ticket_id, account)) else {
            return;
        };
        let currency = held.amount.currency();
        let amount = credit.share.of(held.amount.amount_minor());
        if let Some(pending) = &mut held.pending {
            let real = pending.amount_minor();
            let told = credit.share.of(real).min(amount);
            credit.pending.amount.take(sign * real, sign * told);
            *pending = Money::new(told, currency);
        }
        held.amount = Money::new(amount, currency);
    }

    fn reverse(&mut self, account: UserId, reversed: &mut EarningReversed) {
        self.parts(reversed.ticket_id, &mut reversed.co_hosts);
        let Some(credit) = self.credits.get_mut(&(reversed.ticket_id, account)) else {
            return;
        };
        let currency = reversed.receivable.currency();
        let zero = Money::zero(currency);
        let before = [
            reversed.from_reserve,
            reversed.from_pending.unwrap_or(zero),
            reversed.from_rolling_reserve.unwrap_or(zero),
            reversed.from_available,
            reversed.receivable,
        ];
        let real: i64 = before.into_iter().map(Money::amount_minor).sum();
        let told = credit.left.of(real);
        let mut rest = told;
        let [held, pending, rolling, owed] = [0, 1, 2, 4].map(|place: usize| {
            let part = credit.share.of(before[place].amount_minor()).min(rest);
            rest -= part;
            part
        });
        if let Some(from) = &mut reversed.from_pending {
            credit.pending.amount.take(from.amount_minor(), pending);
            *from = Money::new(pending, currency);
        }
        if let Some(from) = &mut reversed.from_rolling_reserve {
            credit.reserved.amount.take(from.amount_minor(), rolling);
            *from = Money::new(rolling, currency);
        }
        reversed.from_reserve = Money::new(held, currency);
        reversed.receivable = Money::new(owed, currency);
        reversed.from_available = Money::new(rest, currency);
        credit.left.take(real, told);
    }

    /// Parts of those who share a sale, of what a dispute holds or takes.
    fn parts(&self, ticket: TicketId, parts: &mut [CoHostPart]) {
        for part in parts {
            if let Some(credit) = self.credits.get(&(ticket, part.user)) {
                part.amount = Money::new(credit.share.of(part.amount.amount_minor()), part.amount.currency());
            }
        }
    }

    /// Everything of an account whose days are over: what it was, and by how much it is told otherwise.
    fn over(
        &mut self,
        account: UserId,
        amount: Money,
        at: Timestamp,
        wait: impl Fn(&mut Credit) -> &mut Wait,
    ) -> Money {
        let mut minor = amount.amount_minor();
        for ticket in self.waiting.get(&account).into_iter().flatten() {
            let Some(credit) = self.credits.get_mut(&(*ticket, account)) else {
                continue;
            };
            let wait = wait(credit);
            if wait.until.is_some_and(|until| until <= at) {
                let over = std::mem::take(wait);
                minor += over.amount.told - over.amount.real;
            }
        }
        self.forget(account);
        Money::new(minor, amount.currency())
    }

    fn forget(&mut self, account: UserId) {
        let credits = &self.credits;
        if let Some(tickets) = self.waiting.get_mut(&account) {
            tickets.retain(|ticket| {
                let credit = credits.get(&(*ticket, account));
                credit.is_some_and(|credit| credit.pending.until.is_some() || credit.reserved.until.is_some())
            });
        }
    }
}

impl Credit {
    fn new(share: Both) -> Self {
        Self {
            share,
            left: share,
            pending: Wait::default(),
            reserved: Wait::default(),
        }
    }

    /// What of the share is owed, reserved, or pending: all the rest, where anything is.
    fn place(&mut self, netted: &mut Option<Money>, reserved: &mut Option<Later>, pending: &mut Option<Later>) {
        let mut rest = self.share.told;
        if let Some(netted) = netted {
            let told = self.share.of(netted.amount_minor()).min(rest);
            *netted = Money::new(told, netted.currency());
            rest -= told;
        }
        if let Some(reserved) = reserved {
            let told = self.share.of(reserved.amount.amount_minor()).min(rest);
            self.reserved = Wait::of(reserved, told);
            rest -= told;
        }
        if let Some(pending) = pending {
            self.pending = Wait::of(pending, rest);
        }
    }
}

impl Wait {
    fn of(later: &mut Later, told: i64) -> Self {
        let real = later.amount.amount_minor();
        later.amount = Money::new(told, later.amount.currency());
        Self {
            until: Some(later.until),
            amount: Both { real, told },
        }
    }
}
