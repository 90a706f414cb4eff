//! The state of a host's account: what the next decision needs, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::payout::event::EarningCredited;
use crate::{Currency, Fingerprint, Money, PayoutEvent, PayoutId, TicketId};

/// Standing, destination and money are independent of each other, so the account is no single chain of phases.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Payout {
    standing: Standing,
    destination: Option<String>,
    credited: BTreeSet<TicketId>,
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

/// Minor units of one currency. `paid + pending ≤ earned`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
struct Balance {
    earned: i64,
    pending: i64,
    paid: i64,
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
        let spent = balance.pending.saturating_add(balance.paid);
        Money::new(balance.earned.saturating_sub(spent), currency)
    }

    pub fn payouts(&self) -> impl Iterator<Item = &PayoutState> {
        self.payouts.values()
    }

    pub fn payout(&self, payout_id: PayoutId) -> Option<&PayoutState> {
        self.payouts.get(&payout_id)
    }

    pub(crate) fn is_credited(&self, ticket_id: TicketId) -> bool {
        self.credited.contains(&ticket_id)
    }

    /// All that was ever earned.
    pub(crate) fn earned(&self, currency: Currency) -> Money {
        Money::new(
            self.balances.get(&currency).map_or(0, |balance| balance.earned),
            currency,
        )
    }

    /// Takes in a fact. Total: history is already true.
    pub(crate) fn evolve(&mut self, event: PayoutEvent) {
        match event {
            PayoutEvent::HostApplied { .. } => self.standing = Standing::Applied,
            PayoutEvent::HostApproved { .. } => self.standing = Standing::Approved,
            PayoutEvent::DestinationLinked { destination, .. } => self.destination = Some(destination),
            PayoutEvent::EarningCredited(earning) => self.credit(&earning),
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
        self.credited.insert(earning.ticket_id);
        self.with_balance(earning.host_share, |balance, minor| {
            balance.earned = balance.earned.saturating_add(minor);
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
