//! Money: whatever was captured for tickets of the room is somewhere, at every position.
//!
//! Each captured minor unit is in transit (no ticket yet), unearned (in a ticket of a room that is not delivered), owed back, given
//! back, or earned by somebody: tax, store, provider, platform, hosts. What a bank took back although it was earned is a loss, until
//! the hosts have given back their part; fees of disputes are a loss as well. So `captured + loss` is the sum of all places.

use std::collections::{BTreeMap, HashMap};
use std::str::FromStr as _;

use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::{Step, parse};
use crate::snapshot::Entry;

#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
struct Amount {
    #[serde(rename = "amount_minor")]
    minor: i64,
    currency: String,
}

#[derive(Deserialize)]
struct Ordered {
    room_id: Uuid,
}

#[derive(Deserialize)]
struct Captured {
    payment_id: Uuid,
    amount: Amount,
}

#[derive(Deserialize)]
struct Owed {
    refund_id: Uuid,
    payment_id: Uuid,
    amount: Amount,
    was_issued: bool,
}

#[derive(Deserialize)]
struct Completed {
    refund_id: Uuid,
    amount: Amount,
}

#[derive(Deserialize)]
struct Part {
    amount: Amount,
}

#[derive(Deserialize)]
struct Lost {
    amount: Amount,
    fee: Amount,
    covered: Amount,
    was_issued: bool,
    tax: Option<Part>,
    store_fee: Option<Amount>,
}

#[derive(Deserialize)]
struct Credited {
    ticket_id: Uuid,
    gross: Amount,
    tax: Option<Part>,
    store_fee: Option<Amount>,
    provider_fee: Amount,
    platform_fee: Amount,
    host_share: Amount,
}

#[derive(Deserialize)]
struct Reversed {
    ticket_id: Uuid,
    from_reserve: Amount,
    from_pending: Option<Amount>,
    from_available: Amount,
    from_rolling_reserve: Option<Amount>,
    receivable: Amount,
}

/// Where money is, in minor units.
#[derive(Clone, Default, Debug)]
struct Places {
    captured: i128,
    loss: i128,
    in_transit: i128,
    unearned: i128,
    owed_back: i128,
    given_back: i128,
    earned: i128,
}

impl Places {
    const fn add(&mut self, other: &Self) {
        self.captured += other.captured;
        self.loss += other.loss;
        self.in_transit += other.in_transit;
        self.unearned += other.unearned;
        self.owed_back += other.owed_back;
        self.given_back += other.given_back;
        self.earned += other.earned;
    }

    /// Nothing has vanished, and no place has given away what it did not have.
    const fn is_conserved(&self) -> bool {
        let places = self.in_transit + self.unearned + self.owed_back + self.given_back + self.earned;
        let none_is_overdrawn = self.in_transit >= 0 && self.unearned >= 0 && self.owed_back >= 0 && self.earned >= 0;
        self.captured + self.loss == places && none_is_overdrawn
    }

    fn figures(&self, currency: &str) -> Vec<Value> {
        let minor = [
            self.captured,
            self.loss,
            self.in_transit,
            self.unearned,
            self.owed_back,
            self.given_back,
            self.earned,
        ];
        // JSON has no larger integers, and no shop has so much money.
        let minor = minor.map(|minor| Value::from(i64::try_from(minor).unwrap_or(i64::MAX)));
        [Value::from(currency)].into_iter().chain(minor).collect()
    }
}

#[derive(Debug)]
struct Payment {
    id: Uuid,
    currency: String,
    captured: i128,
    /// What of it was to go back.
    owed: i128,
}

#[derive(Default, Debug)]
struct Ticket {
    places: Places,
    /// The first first.
    payments: Vec<Payment>,
    refunds: HashMap<Uuid, i128>,
}

#[derive(Debug)]
pub(super) struct Money {
    room: Uuid,
    tickets: HashMap<Uuid, Ticket>,
    sums: BTreeMap<String, Places>,
}

impl Money {
    pub(super) fn of(room: Uuid) -> Self {
        Self {
            room,
            tickets: HashMap::new(),
            sums: BTreeMap::new(),
        }
    }

    pub(super) fn take(&mut self, entry: &Entry<'_>, step: &mut Step) -> Result<(), serde_json::Error> {
        match entry.aggregate_type {
            "ticket" => self.take_of_ticket(entry, step),
            "payout" => self.take_of_account(entry, step),
            _ => Ok(()),
        }
    }

    fn take_of_ticket(&mut self, entry: &Entry<'_>, step: &mut Step) -> Result<(), serde_json::Error> {
        let Ok(id) = Uuid::from_str(entry.aggregate_id) else {
            return Ok(());
        };
        if entry.event_type == "ticket_ordered" {
            if parse::<Ordered>(entry)?.room_id == self.room {
                self.tickets.entry(id).or_default();
            }
            return Ok(());
        }
        let Some(ticket) = self.tickets.get_mut(&id) else {
            return Ok(());
        };
        let (currency, moved) = match entry.event_type {
            "payment_captured" => ticket.capture(&parse(entry)?, step),
            "ticket_issued" => match ticket.issue() {
                Some(moved) => moved,
                None => return Ok(()),
            },
            "refund_owed" => ticket.owe(&parse(entry)?, step),
            "refund_completed" => ticket.give_back(&parse(entry)?, step),
            "dispute_lost" => lose(&parse(entry)?),
            _ => return Ok(()),
        };
        self.move_money(id, &currency, &moved, step);
        Ok(())
    }

    /// Earnings, and what is given back of them, are on the accounts of hosts.
    fn take_of_account(&mut self, entry: &Entry<'_>, step: &mut Step) -> Result<(), serde_json::Error> {
        let (id, currency, moved) = match entry.event_type {
            "earning_credited" => {
                let credited: Credited = parse(entry)?;
                let moved = earn(&credited, step);
                (credited.ticket_id, credited.gross.currency, moved)
            }
            "earning_reversed" => {
                let reversed: Reversed = parse(entry)?;
                let moved = reverse(&reversed);
                (reversed.ticket_id, reversed.receivable.currency, moved)
            }
            _ => return Ok(()),
        };
        if self.tickets.contains_key(&id) {
            self.move_money(id, &currency, &moved, step);
        } else {
            // Another room's: whatever is wrong with it, its own audit says.
            step.wrong.clear();
        }
        Ok(())
    }

    fn move_money(&mut self, id: Uuid, currency: &str, moved: &Places, step: &mut Step) {
        let ticket = self.tickets.entry(id).or_default();
        ticket.places.add(moved);
        if !ticket.places.is_conserved() {
            step.object(format!("the money of ticket {id} does not add up: {:?}", ticket.places));
        }
        let sum = self.sums.entry(currency.to_owned()).or_default();
        sum.add(moved);
        if !sum.is_conserved() {
            step.object(format!("the money of the room does not add up: {sum:?}"));
        }
        step.show(id, sum.figures(currency));
    }
}

impl Ticket {
    fn capture(&mut self, fact: &Captured, step: &mut Step) -> (String, Places) {
        let minor = i128::from(fact.amount.minor);
        if minor <= 0 || self.payments.iter().any(|payment| payment.id == fact.payment_id) {
            step.object(format!(
                "payment {} is captured twice, or brings nothing",
                fact.payment_id
            ));
        }
        self.payments.push(Payment {
            id: fact.payment_id,
            currency: fact.amount.currency.clone(),
            captured: minor,
            owed: 0,
        });
        let moved = Places {
            captured: minor,
            in_transit: minor,
            ..Places::default()
        };
        (fact.amount.currency.clone(), moved)
    }

    /// The first payment becomes the ticket. A free one has none.
    fn issue(&self) -> Option<(String, Places)> {
        let first = self.payments.first()?;
        let moved = Places {
            in_transit: -first.captured,
            unearned: first.captured,
            ..Places::default()
        };
        Some((first.currency.clone(), moved))
    }

    fn owe(&mut self, fact: &Owed, step: &mut Step) -> (String, Places) {
        let minor = i128::from(fact.amount.minor);
        match self.payments.iter_mut().find(|payment| payment.id == fact.payment_id) {
            Some(payment) => {
                payment.owed += minor;
                if payment.owed > payment.captured {
                    step.object(format!(
                        "{} of {} captured are to go back",
                        payment.owed, payment.captured
                    ));
                }
            }
            None => step.object(format!(
                "payment {} is to go back and was not captured",
                fact.payment_id
            )),
        }
        if minor <= 0 || self.refunds.insert(fact.refund_id, minor).is_some() {
            step.object(format!("refund {} is owed twice, or of nothing", fact.refund_id));
        }
        let mut moved = Places {
            owed_back: minor,
            ..Places::default()
        };
        if fact.was_issued {
            moved.unearned = -minor;
        } else {
            moved.in_transit = -minor;
        }
        (fact.amount.currency.clone(), moved)
    }

    fn give_back(&mut self, fact: &Completed, step: &mut Step) -> (String, Places) {
        let minor = i128::from(fact.amount.minor);
        if self.refunds.remove(&fact.refund_id) != Some(minor) {
            step.object(format!("refund {} is given back and was not owed so", fact.refund_id));
        }
        let moved = Places {
            owed_back: -minor,
            given_back: minor,
            ..Places::default()
        };
        (fact.amount.currency.clone(), moved)
    }
}

/// A bank took the money. What the sale still had of it covers that; of what was earned, the tax is no longer due, and a store gives
/// back its fee.
fn lose(fact: &Lost) -> (String, Places) {
    let (minor, covered) = (i128::from(fact.amount.minor), i128::from(fact.covered.minor));
    let fee = i128::from(fact.fee.minor);
    let is_earned = covered == 0;
    let of = |amount: Option<&Amount>| amount.map_or(0, |amount| i128::from(amount.minor));
    let relieved = of(fact.tax.as_ref().map(|tax| &tax.amount)) + of(fact.store_fee.as_ref());
    let relieved = if is_earned { relieved } else { 0 };
    let mut moved = Places {
        given_back: minor,
        loss: minor - covered + fee - relieved,
        earned: fee - relieved,
        ..Places::default()
    };
    if fact.was_issued {
        moved.unearned = -covered;
    } else {
        moved.in_transit = -covered;
    }
    (fact.amount.currency.clone(), moved)
}

fn earn(fact: &Credited, step: &mut Step) -> Places {
    let gross = i128::from(fact.gross.minor);
    let tax = fact.tax.as_ref().map(|tax| &tax.amount);
    let own = [&fact.provider_fee, &fact.platform_fee, &fact.host_share];
    let parts = own.into_iter().chain(tax).chain(fact.store_fee.as_ref());
    let earned: i128 = parts.map(|part| i128::from(part.minor)).sum();
    if earned != gross {
        step.object(format!("{gross} are divided, and the parts come to {earned}"));
    }
    Places {
        unearned: -gross,
        earned: gross,
        ..Places::default()
    }
}

fn reverse(fact: &Reversed) -> Places {
    let own = [&fact.from_reserve, &fact.from_available, &fact.receivable];
    let more = [&fact.from_pending, &fact.from_rolling_reserve].into_iter().flatten();
    let back: i128 = own.into_iter().chain(more).map(|part| i128::from(part.minor)).sum();
    Places {
        earned: -back,
        loss: -back,
        ..Places::default()
    }
}
