//! The state of a host's account: what the next decision needs, and nothing else.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::payout::event::{EarningCredited, EarningReversed, HeldEarning};
use crate::{Currency, Fingerprint, Money, PayoutEvent, PayoutId, TicketId};

/// Standing, destination and money are independent of each other, so the account is no single chain of phases.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Payout {
    standing: Standing,
    destination: Option<String>,
    credited: BTreeMap<TicketId, Credit>,
    holds: BTreeMap<String, Hold>,
    balances: BTreeMap<Currency, Balance>,
    payouts: BTreeMap<PayoutId, PayoutState>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    #[default]
    Unknown,
    Applied,
    Approved,
}

/// One payout of a host.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PayoutState {
    pub payout_id: PayoutId,
    pub amount: Money,
    pub destination: String,
    pub request: Fingerprint,
    pub state: PayoutPhase,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayoutPhase {
    Requested,
    Sent,
    Paid,
    /// The money is back in what is available.
    Failed,
}

/// What a dispute holds of an earning.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Hold {
    Held(Money),
    /// The dispute has ended.
    Over,
}

/// What a sale brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Credit {
    pub(super) gross: Money,
    pub(super) share: Money,
    /// The share, less what was given back of it.
    pub(super) left: Money,
}

/// Minor units of one currency. `paid + pending + reserved ≤ earned + receivable`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
struct Balance {
    earned: i64,
    pending: i64,
    paid: i64,
    /// Held for disputes.
    reserved: i64,
    /// What the host owes.
    receivable: i64,
}

impl Payout {
    pub const fn standing(&self) -> Standing {
        self.standing
    }

    pub fn is_approved(&self) -> bool {
        self.standing == Standing::Approved
    }

    /// Applied, or was approved without.
    pub fn has_applied(&self) -> bool {
        self.standing != Standing::Unknown
    }

    pub fn destination(&self) -> Option<&str> {
        self.destination.as_deref()
    }

    /// What can be paid out: earned, and neither paid nor on its way.
    pub fn available(&self, currency: Currency) -> Money {
        let balance = self.balances.get(&currency).copied().unwrap_or_default();
        let spent = balance
            .pending
            .saturating_add(balance.paid)
            .saturating_add(balance.reserved);
        let had = balance.earned.saturating_add(balance.receivable);
        Money::new(had.saturating_sub(spent), currency)
    }

    /// What is held for disputes.
    pub fn reserved(&self, currency: Currency) -> Money {
        self.of(currency, |balance| balance.reserved)
    }

    /// What the host owes: the next earnings pay it first.
    pub fn receivable(&self, currency: Currency) -> Money {
        self.of(currency, |balance| balance.receivable)
    }

    fn of(&self, currency: Currency, part: impl Fn(&Balance) -> i64) -> Money {
        Money::new(self.balances.get(&currency).map_or(0, part), currency)
    }

    pub(super) fn credit_of(&self, ticket_id: TicketId) -> Option<&Credit> {
        self.credited.get(&ticket_id)
    }

    pub(super) fn hold(&self, dispute: &str) -> Option<Hold> {
        self.holds.get(dispute).copied()
    }

    pub fn payouts(&self) -> impl Iterator<Item = &PayoutState> {
        self.payouts.values()
    }

    pub fn payout(&self, payout_id: PayoutId) -> Option<&PayoutState> {
        self.payouts.get(&payout_id)
    }

    pub fn is_credited(&self, ticket_id: TicketId) -> bool {
        self.credited.contains_key(&ticket_id)
    }

    /// All that was ever earned, and not given back.
    pub(crate) fn earned(&self, currency: Currency) -> Money {
        self.of(currency, |balance| balance.earned)
    }

    /// Takes in a fact. Total: history is already true.
    pub(crate) fn evolve(&mut self, event: PayoutEvent) {
        match event {
            PayoutEvent::HostApplied { .. } => self.standing = Standing::Applied,
            PayoutEvent::HostApproved { .. } => self.standing = Standing::Approved,
            PayoutEvent::DestinationLinked { destination, .. } => self.destination = Some(destination),
            PayoutEvent::EarningCredited(earning) => self.credit(&earning),
            PayoutEvent::EarningHeld(held) => self.reserve(held),
            PayoutEvent::EarningReleased(held) => self.release(held),
            PayoutEvent::EarningReversed(reversed) => self.reverse(reversed),
            PayoutEvent::PayoutRequested {
                payout_id,
                amount,
                destination,
                request,
                ..
            } => {
                self.with_balance(amount, |balance, minor| {
                    balance.pending = balance.pending.saturating_add(minor);
                });
                let payout = PayoutState {
                    payout_id,
                    amount,
                    destination,
                    request,
                    state: PayoutPhase::Requested,
                };
                self.payouts.insert(payout_id, payout);
            }
            PayoutEvent::PayoutSent { payout_id, .. } => self.set_phase(payout_id, PayoutPhase::Sent),
            PayoutEvent::PayoutPaid { payout_id, amount, .. } => {
                self.with_balance(amount, |balance, minor| {
                    balance.pending = balance.pending.saturating_sub(minor);
                    balance.paid = balance.paid.saturating_add(minor);
                });
                self.set_phase(payout_id, PayoutPhase::Paid);
            }
            PayoutEvent::PayoutFailed { payout_id, amount, .. } => {
                self.with_balance(amount, |balance, minor| {
                    balance.pending = balance.pending.saturating_sub(minor);
                });
                self.set_phase(payout_id, PayoutPhase::Failed);
            }
        }
    }

    fn credit(&mut self, earning: &EarningCredited) {
        let credit = Credit {
            gross: earning.gross,
            share: earning.host_share,
            left: earning.host_share,
        };
        self.credited.insert(earning.ticket_id, credit);
        if let Some(netted) = earning.netted {
            self.with_balance(netted, |balance, minor| {
                balance.receivable = balance.receivable.saturating_sub(minor);
            });
        }
        self.with_balance(earning.host_share, |balance, minor| {
            balance.earned = balance.earned.saturating_add(minor);
        });
    }

    fn reserve(&mut self, held: HeldEarning) {
        self.holds.insert(held.dispute, Hold::Held(held.amount));
        self.with_balance(held.amount, |balance, minor| {
            balance.reserved = balance.reserved.saturating_add(minor);
        });
    }

    fn release(&mut self, held: HeldEarning) {
        self.holds.insert(held.dispute, Hold::Over);
        self.with_balance(held.amount, |balance, minor| {
            balance.reserved = balance.reserved.saturating_sub(minor);
        });
    }

    fn reverse(&mut self, reversed: EarningReversed) {
        let parts = [reversed.from_reserve, reversed.from_available, reversed.receivable];
        let [held, available, owed] = parts.map(Money::amount_minor);
        let all = held.saturating_add(available).saturating_add(owed);
        if let Some(credit) = self.credited.get_mut(&reversed.ticket_id) {
            let left = credit.left.amount_minor().saturating_sub(all);
            credit.left = Money::new(left, credit.left.currency());
        }
        self.holds.insert(reversed.dispute, Hold::Over);
        self.with_balance(reversed.from_reserve, |balance, _| {
            balance.earned = balance.earned.saturating_sub(all);
            balance.reserved = balance.reserved.saturating_sub(held);
            balance.receivable = balance.receivable.saturating_add(owed);
        });
    }

    fn with_balance(&mut self, amount: Money, change: impl FnOnce(&mut Balance, i64)) {
        let balance = self.balances.entry(amount.currency()).or_default();
        change(balance, amount.amount_minor());
    }

    fn set_phase(&mut self, payout_id: PayoutId, phase: PayoutPhase) {
        if let Some(payout) = self.payouts.get_mut(&payout_id) {
            payout.state = phase;
        }
    }
}
