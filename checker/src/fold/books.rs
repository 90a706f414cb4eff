//! The books: what each event means in double entry. Debits are positive.

use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;

use crate::facts::{Captured, Completed, Credited, Lost, Money, Places, Reversed, ShareCredited, Tax};
use crate::report::{Findings, Rule};
use crate::snapshot::Balances;

const CLEARING_CHARGE: &str = "clearing:charge";
const CLEARING_REFUND: &str = "clearing:refund";
const CLEARING_PAYOUT: &str = "clearing:payout";
const CLEARING_SHARE: &str = "clearing:share";
const CLEARING_DISPUTE: &str = "clearing:dispute";
const DISPUTE_FEE: &str = "expense:dispute_fee";
const DISPUTE_LOSS: &str = "loss:dispute";
const PROVIDER_FEE: &str = "expense:provider_fee";
const STORE_FEE: &str = "expense:store_fee";
const PLATFORM_FEE: &str = "revenue:platform_fee";

#[derive(Debug, Default)]
pub(crate) struct Books {
    balances: Balances,
}

/// One line: an account, and 1 to debit or -1 to credit it.
type Line<'a> = (&'a str, i128, &'a Money);

impl Books {
    pub(crate) const fn balances(&self) -> &Balances {
        &self.balances
    }

    pub(super) fn capture(&mut self, position: u64, provider: &str, fact: &Captured, found: &mut Findings) {
        let cash = cash(provider);
        let mut lines = vec![
            (&*cash, 1, &fact.amount),
            (&*cash, -1, &fact.provider_fee),
            (PROVIDER_FEE, 1, &fact.provider_fee),
            (CLEARING_CHARGE, -1, &fact.amount),
        ];
        if let Some(fee) = &fact.store_fee {
            lines.extend([(&*cash, -1, fee), (STORE_FEE, 1, fee)]);
        }
        self.post(position, &lines, found);
    }

    pub(super) fn issue(&mut self, position: u64, room: Uuid, paid: &Money, tax: Option<&Tax>, found: &mut Findings) {
        let unearned = unearned(room);
        let lines = [(CLEARING_CHARGE, 1, paid), (&*unearned, -1, paid)];
        self.post(position, &lines, found);
        if let Some(Tax { country, amount }) = tax {
            let lines = [(&*unearned, 1, amount), (&*due(country), -1, amount)];
            self.post(position, &lines, found);
        }
    }

    pub(super) fn owe(
        &mut self,
        position: u64,
        issued_in: Option<Uuid>,
        amount: &Money,
        tax: Option<&Tax>,
        found: &mut Findings,
    ) {
        let from = issued_in.map_or_else(|| CLEARING_CHARGE.to_owned(), unearned);
        self.post(position, &[(&from, 1, amount), (CLEARING_REFUND, -1, amount)], found);
        if let Some(Tax { country, amount }) = tax {
            self.post(position, &[(&*due(country), 1, amount), (&from, -1, amount)], found);
        }
    }

    pub(super) fn give_back(&mut self, position: u64, provider: &str, fact: &Completed, found: &mut Findings) {
        let cash = cash(provider);
        let mut lines = vec![(CLEARING_REFUND, 1, &fact.amount), (&*cash, -1, &fact.amount)];
        if let Some(fee) = &fact.store_fee {
            lines.extend([(&*cash, 1, fee), (STORE_FEE, -1, fee)]);
        }
        self.post(position, &lines, found);
    }

    pub(super) fn earn(&mut self, position: u64, host: Uuid, fact: &Credited, found: &mut Findings) {
        let (unearned, available) = (unearned(fact.room_id), available(host));
        let settled = &fact.split.settled;
        let mut lines = vec![
            (&*unearned, 1, &settled.gross),
            (&*available, -1, &fact.split.host_share),
            (PLATFORM_FEE, -1, &fact.split.platform_fee),
            (PROVIDER_FEE, -1, &settled.provider_fee),
        ];
        lines.extend(settled.tax.iter().map(|tax| (&*unearned, -1, &tax.amount)));
        let parts = fact.co_hosts.iter();
        lines.extend(parts.flat_map(|part| [(&*available, 1, &part.amount), (CLEARING_SHARE, -1, &part.amount)]));
        lines.extend(settled.store_fee.iter().map(|fee| (STORE_FEE, -1, fee)));
        let names = names(host);
        lines.extend(waits(&names, &fact.places));
        self.post(position, &lines, found);
    }

    pub(super) fn earn_share(&mut self, position: u64, user: Uuid, fact: &ShareCredited, found: &mut Findings) {
        let names = names(user);
        let mut lines = vec![(CLEARING_SHARE, 1, &fact.share), (&*names[0], -1, &fact.share)];
        lines.extend(waits(&names, &fact.places));
        self.post(position, &lines, found);
    }

    pub(super) fn reserve(&mut self, position: u64, host: Uuid, amount: &Money, found: &mut Findings) {
        let lines = [(&*available(host), 1, amount), (CLEARING_PAYOUT, -1, amount)];
        self.post(position, &lines, found);
    }

    pub(super) fn pay(&mut self, position: u64, provider: &str, amount: &Money, found: &mut Findings) {
        let lines = [(CLEARING_PAYOUT, 1, amount), (&*cash(provider), -1, amount)];
        self.post(position, &lines, found);
    }

    pub(super) fn unreserve(&mut self, position: u64, host: Uuid, amount: &Money, found: &mut Findings) {
        let lines = [(CLEARING_PAYOUT, 1, amount), (&*available(host), -1, amount)];
        self.post(position, &lines, found);
    }

    /// The bank did not take it: it is where it was paid from, and the host's again.
    pub(super) fn take_back(
        &mut self,
        position: u64,
        provider: &str,
        host: Uuid,
        amount: &Money,
        found: &mut Findings,
    ) {
        let lines = [(&*cash(provider), 1, amount), (&*available(host), -1, amount)];
        self.post(position, &lines, found);
    }

    pub(super) fn mature(&mut self, position: u64, host: Uuid, amount: &Money, found: &mut Findings) {
        let lines = [(&*pending(host), 1, amount), (&*available(host), -1, amount)];
        self.post(position, &lines, found);
    }

    pub(super) fn net(&mut self, position: u64, host: Uuid, amount: &Money, found: &mut Findings) {
        let lines = [(&*available(host), 1, amount), (&*receivable(host), -1, amount)];
        self.post(position, &lines, found);
    }

    /// A bank takes money (1), or gives it back (-1).
    pub(super) fn dispute(&mut self, position: u64, provider: &str, sign: i128, amount: &Money, found: &mut Findings) {
        let lines = [(CLEARING_DISPUTE, sign, amount), (&*cash(provider), -sign, amount)];
        self.post(position, &lines, found);
    }

    pub(super) fn lose(&mut self, position: u64, provider: &str, room: Uuid, fact: &Lost, found: &mut Findings) {
        let of_sale = if fact.was_issued {
            unearned(room)
        } else {
            CLEARING_CHARGE.to_owned()
        };
        let (amount, covered) = (&fact.disputed.amount, &fact.covered);
        let lines = [
            (CLEARING_DISPUTE, -1, amount),
            (DISPUTE_LOSS, 1, amount),
            (DISPUTE_LOSS, -1, covered),
            (&*of_sale, 1, covered),
            (DISPUTE_FEE, 1, &fact.fee),
            (&*cash(provider), -1, &fact.fee),
        ];
        self.post(position, &lines, found);
        if let Some(back) = &fact.store_fee {
            self.post(
                position,
                &[(&*cash(provider), 1, back), (DISPUTE_LOSS, -1, back)],
                found,
            );
        }
        if let Some(Tax { country, amount }) = &fact.tax {
            let relieved = if covered.minor == 0 { DISPUTE_LOSS } else { &*of_sale };
            self.post(position, &[(&*due(country), 1, amount), (relieved, -1, amount)], found);
        }
    }

    /// For a dispute (1), or back (-1).
    pub(super) fn hold(
        &mut self,
        position: u64,
        host: Uuid,
        sign: i128,
        amount: &Money,
        of_pending: Option<&Money>,
        found: &mut Findings,
    ) {
        let (available, pending, reserve) = (available(host), pending(host), reserve(host));
        let mut lines = vec![(&*available, sign, amount), (&*reserve, -sign, amount)];
        let parts = of_pending.into_iter();
        lines.extend(parts.flat_map(|part| [(&*available, -sign, part), (&*pending, sign, part)]));
        self.post(position, &lines, found);
    }

    pub(super) fn reverse(&mut self, position: u64, host: Uuid, fact: &Reversed, found: &mut Findings) {
        let (reserve, available, receivable) = (reserve(host), available(host), receivable(host));
        let pending = pending(host);
        let mut lines = vec![
            (&*reserve, 1, &fact.from_reserve),
            (DISPUTE_LOSS, -1, &fact.from_reserve),
            (&*available, 1, &fact.from_available),
            (DISPUTE_LOSS, -1, &fact.from_available),
            (&*receivable, 1, &fact.receivable),
            (DISPUTE_LOSS, -1, &fact.receivable),
        ];
        let more = [(&*pending, &fact.from_pending), (&*reserve, &fact.from_rolling_reserve)];
        let more = more
            .iter()
            .filter_map(|(account, part)| Some((*account, part.as_ref()?)));
        lines.extend(more.flat_map(|(account, part)| [(account, 1, part), (DISPUTE_LOSS, -1, part)]));
        self.post(position, &lines, found);
    }

    /// Money in transit. When nothing is in flight any more, there is none but what banks have, by currency.
    pub(super) fn find_unfinished(&self, disputed: &HashMap<String, i128>, found: &mut Findings) {
        for ((account, currency), minor) in &self.balances {
            let expected = match account.as_str() {
                CLEARING_DISPUTE => disputed.get(currency).copied().unwrap_or(0),
                _ => 0,
            };
            if account.starts_with("clearing:") && *minor != expected {
                let what = format!("{account} stands at {minor} {currency}");
                found.add(Rule::Ledger, None, what);
            }
        }
    }

    fn post(&mut self, position: u64, lines: &[Line<'_>], found: &mut Findings) {
        let mut sums: BTreeMap<&str, i128> = BTreeMap::new();
        for (account, sign, amount) in lines {
            let minor = sign * i128::from(amount.minor);
            *sums.entry(&amount.currency).or_default() += minor;
            let key = ((*account).to_owned(), amount.currency.clone());
            *self.balances.entry(key).or_default() += minor;
        }
        for (currency, sum) in sums.into_iter().filter(|(_, sum)| *sum != 0) {
            let what = format!("debits exceed credits by {sum} {currency}");
            found.add(Rule::Ledger, position, what);
        }
    }
}

fn cash(provider: &str) -> String {
    format!("cash:provider:{provider}")
}

fn unearned(room: Uuid) -> String {
    format!("liability:unearned:{room}")
}

fn due(country: &str) -> String {
    format!("liability:tax:{country}")
}

fn pending(host: Uuid) -> String {
    format!("liability:host:{host}:pending")
}

fn reserve(host: Uuid) -> String {
    format!("liability:host:{host}:reserve")
}

fn receivable(host: Uuid) -> String {
    format!("asset:host:{host}:receivable")
}

fn available(host: Uuid) -> String {
    format!("liability:host:{host}:available")
}

/// Available, owed, pending, reserve.
fn names(host: Uuid) -> [String; 4] {
    [available(host), receivable(host), pending(host), reserve(host)]
}

/// From what is available to where it waits, or to what was owed.
fn waits<'a>([available, owed, pending, reserve]: &'a [String; 4], places: &'a Places) -> Vec<Line<'a>> {
    let parts = [
        (owed, places.netted.as_ref()),
        (pending, places.pending.as_ref().map(|later| &later.amount)),
        (reserve, places.reserved.as_ref().map(|later| &later.amount)),
    ];
    let parts = parts
        .into_iter()
        .filter_map(|(account, amount)| Some((account, amount?)));
    parts
        .flat_map(|(account, amount)| [(available.as_str(), 1, amount), (account.as_str(), -1, amount)])
        .collect()
}
