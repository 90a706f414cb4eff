//! Tickets and their money: paid, issued, given back, settled.

use std::collections::HashMap;

use uuid::Uuid;

use super::rooms::Rooms;
use crate::facts::{Captured, Completed, Disputed, Lost, Money, Ordered, Owed, Settled, Share, Started, Tax};
use crate::report::{Findings, Rule};

/// Why a share of the money goes back before the rest is earned.
const MISSING_SHARE: &str = "crashed";

#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) room: Uuid,
    pub(crate) buyer: Uuid,
    pub(crate) issued_at: Option<u64>,
    pub(super) settled: Option<Settled>,
    pub(super) shares: Vec<Share>,
    price: Money,
    tax: Option<Tax>,
    is_refunded: bool,
    payments: Vec<Payment>,
    /// Minor units that go back because that share of the room was missing.
    missing: i128,
}

#[derive(Debug)]
struct Payment {
    id: Uuid,
    provider: String,
    amount: Money,
    captured_at: Option<u64>,
    /// Minor units that are to go back, and that have gone.
    owed: i128,
    returned: i128,
    /// What a bank took for good.
    lost: i128,
}

impl Payment {
    /// All of it has gone back, or to a bank.
    fn is_returned(&self) -> bool {
        self.returned + self.lost >= i128::from(self.amount.minor)
    }
}

#[derive(Debug)]
struct Refund {
    payment: Uuid,
    amount: Money,
    is_completed: bool,
}

impl Ticket {
    /// The first capture stands for the ticket.
    fn standing(&self) -> Option<&Payment> {
        let captured = self.payments.iter().filter(|payment| payment.captured_at.is_some());
        captured.min_by_key(|payment| payment.captured_at)
    }

    /// Where money of this ticket was captured first.
    pub(crate) fn captured_at(&self) -> Option<u64> {
        self.standing().and_then(|payment| payment.captured_at)
    }

    /// What of the money goes back before the rest is earned: of a room that is missing in part that part of it, a fraction
    /// of a unit being a whole one. `None` where a bank has taken some already, which settles it otherwise.
    fn share_missing(&self, settled: &Settled, missing: Option<(u64, u64)>) -> Option<i128> {
        let has_lost = self.payments.iter().any(|payment| payment.lost > 0);
        let Some((missing, promised)) = missing.filter(|_| !has_lost) else {
            return (!has_lost).then_some(0);
        };
        let before = i128::from(settled.gross.minor) + self.missing;
        let (missing, promised) = (i128::from(missing), i128::from(promised.max(1)));
        Some((before * missing + promised - 1) / promised)
    }

    fn payment(&mut self, id: Uuid) -> Option<&mut Payment> {
        self.payments.iter_mut().find(|payment| payment.id == id)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Sales {
    tickets: HashMap<Uuid, Ticket>,
    refunds: HashMap<Uuid, Refund>,
    /// By ticket and the provider's name: what a bank has taken, for as long as that is not decided.
    disputes: HashMap<(Uuid, String), Option<Money>>,
}

impl Sales {
    pub(crate) fn ticket(&self, ticket: Uuid) -> Option<&Ticket> {
        self.tickets.get(&ticket)
    }

    pub(super) fn settled(&self) -> impl Iterator<Item = Uuid> {
        let settled = self.tickets.iter().filter(|(_, ticket)| ticket.settled.is_some());
        settled.map(|(id, _)| *id)
    }

    pub(super) fn order(&mut self, position: u64, id: Uuid, fact: Ordered, rooms: &Rooms, found: &mut Findings) {
        let is_held = rooms
            .seat(id)
            .is_some_and(|seat| seat.room == fact.room_id && seat.buyer == fact.buyer);
        if fact.ticket_id != id || !is_held {
            found.add(
                Rule::Tickets,
                position,
                format!("ticket {id} is ordered and was not held"),
            );
        }
        let ticket = Ticket {
            room: fact.room_id,
            buyer: fact.buyer,
            issued_at: None,
            settled: None,
            shares: fact.terms.rules.shares.clone(),
            price: fact.terms.total,
            tax: fact.terms.tax.zip(fact.terms.rules.tax).map(|(amount, rule)| Tax {
                country: rule.country,
                amount,
            }),
            is_refunded: false,
            payments: Vec::new(),
            missing: 0,
        };
        if self.tickets.insert(id, ticket).is_some() {
            found.add(Rule::Tickets, position, format!("ticket {id} was ordered before"));
        }
    }

    pub(super) fn start(&mut self, position: u64, id: Uuid, fact: Started, found: &mut Findings) {
        let Some(ticket) = self.known(position, id, found) else {
            return;
        };
        if ticket.payment(fact.payment_id).is_some() {
            let what = format!("payment {} was started before", fact.payment_id);
            found.add(Rule::Captures, position, what);
            return;
        }
        ticket.payments.push(Payment {
            id: fact.payment_id,
            provider: fact.provider,
            amount: fact.amount,
            captured_at: None,
            owed: 0,
            returned: 0,
            lost: 0,
        });
    }

    /// The provider that holds the money.
    pub(super) fn capture(&mut self, position: u64, id: Uuid, fact: &Captured, found: &mut Findings) -> Option<String> {
        let ticket = self.known(position, id, found)?;
        let Some(payment) = ticket.payment(fact.payment_id) else {
            let what = format!("payment {} is captured and was not started", fact.payment_id);
            found.add(Rule::Captures, position, what);
            return None;
        };
        if payment.amount != fact.amount || payment.captured_at.is_some() {
            let what = format!("payment {} is captured twice, or of another amount", fact.payment_id);
            found.add(Rule::Captures, position, what);
        }
        payment.captured_at.get_or_insert(position);
        Some(payment.provider.clone())
    }

    /// The room, what was captured for the ticket, and what of it is tax.
    pub(super) fn issue(
        &mut self,
        position: u64,
        id: Uuid,
        rooms: &Rooms,
        found: &mut Findings,
    ) -> Option<(Uuid, Option<Money>, Option<Tax>)> {
        let ticket = self.known(position, id, found)?;
        if ticket.issued_at.is_some() {
            found.add(Rule::Tickets, position, format!("ticket {id} was issued before"));
        }
        ticket.issued_at.get_or_insert(position);
        if rooms.seat(id).and_then(|seat| seat.sold_at).is_none() {
            let what = format!("ticket {id} is issued and has no seat");
            found.add(Rule::Tickets, position, what);
        }
        let paid = ticket.standing().map(|payment| payment.amount.clone());
        if paid.is_none() && ticket.price.minor != 0 {
            found.add(Rule::Tickets, position, format!("ticket {id} is issued and not paid"));
        }
        Some((ticket.room, paid, ticket.tax.clone()))
    }

    pub(super) fn owe(&mut self, position: u64, id: Uuid, fact: Owed, found: &mut Findings) -> Option<Uuid> {
        let ticket = self.known(position, id, found)?;
        ticket.is_refunded |= fact.in_full;
        if fact.reason == MISSING_SHARE {
            ticket.missing += i128::from(fact.amount.minor);
        }
        let room = ticket.room;
        match ticket.payment(fact.payment_id) {
            Some(payment) if payment.captured_at.is_some() && payment.amount.currency == fact.amount.currency => {
                payment.owed += i128::from(fact.amount.minor);
                if payment.owed > i128::from(payment.amount.minor) || fact.amount.minor <= 0 {
                    let what = format!("{} of {} are to go back", payment.owed, payment.amount.minor);
                    found.add(Rule::Refunds, position, what);
                }
            }
            _ => {
                let what = format!("payment {} is refunded and was not captured", fact.payment_id);
                found.add(Rule::Refunds, position, what);
            }
        }
        let refund = Refund {
            payment: fact.payment_id,
            amount: fact.amount,
            is_completed: false,
        };
        if self.refunds.insert(fact.refund_id, refund).is_some() {
            let what = format!("refund {} was owed before", fact.refund_id);
            found.add(Rule::Refunds, position, what);
        }
        Some(room)
    }

    /// The provider that the money leaves.
    pub(super) fn complete(
        &mut self,
        position: u64,
        id: Uuid,
        fact: &Completed,
        found: &mut Findings,
    ) -> Option<String> {
        let refund = self.refunds.get_mut(&fact.refund_id);
        let Some(refund) = refund.filter(|refund| !refund.is_completed && refund.amount == fact.amount) else {
            let what = format!("refund {} is completed, and is not owed so", fact.refund_id);
            found.add(Rule::Refunds, position, what);
            return None;
        };
        refund.is_completed = true;
        let payment = refund.payment;
        let ticket = self.known(position, id, found)?;
        let payment = ticket.payment(payment)?;
        payment.returned += i128::from(fact.amount.minor);
        Some(payment.provider.clone())
    }

    pub(super) fn settle(&mut self, position: u64, id: Uuid, settled: Settled, rooms: &Rooms, found: &mut Findings) {
        let Some(ticket) = self.known(position, id, found) else {
            return;
        };
        let left = ticket
            .standing()
            .map(|payment| (i128::from(payment.amount.minor) - payment.owed - payment.lost).max(0));
        if ticket.issued_at.is_none() || ticket.is_refunded || left != Some(i128::from(settled.gross.minor)) {
            let what = format!("ticket {id} is settled, and {left:?} are left of its money");
            found.add(Rule::Earnings, position, what);
        }
        if rooms.is_void(ticket.room) {
            let what = format!("ticket {id} is settled, and its room is void");
            found.add(Rule::Earnings, position, what);
        }
        let share = ticket.share_missing(&settled, rooms.missing(ticket.room));
        if share.is_some_and(|share| share != ticket.missing) {
            let what = format!(
                "{} of ticket {id} went back for what was missing, not {share:?}",
                ticket.missing
            );
            found.add(Rule::Refunds, position, what);
        }
        if ticket.settled.replace(settled).is_some() {
            found.add(Rule::Earnings, position, format!("ticket {id} was settled before"));
        }
    }

    /// The provider whose balance the money leaves for the time being.
    pub(super) fn dispute(&mut self, position: u64, id: Uuid, fact: &Disputed, found: &mut Findings) -> Option<String> {
        let ticket = self.known(position, id, found)?;
        let payment = ticket.payment(fact.payment_id).filter(|payment| {
            let amount = &payment.amount;
            payment.captured_at.is_some()
                && amount.currency == fact.amount.currency
                && amount.minor >= fact.amount.minor
        });
        let Some(payment) = payment else {
            let what = format!("payment {} is disputed and was not captured so", fact.payment_id);
            found.add(Rule::Disputes, position, what);
            return None;
        };
        let provider = payment.provider.clone();
        let key = (id, fact.dispute.clone());
        if self.disputes.insert(key, Some(fact.amount.clone())).is_some() {
            found.add(
                Rule::Disputes,
                position,
                format!("dispute {} was opened before", fact.dispute),
            );
        }
        Some(provider)
    }

    pub(super) fn end_dispute(
        &mut self,
        position: u64,
        id: Uuid,
        fact: &Disputed,
        found: &mut Findings,
    ) -> Option<String> {
        let open = self.disputes.get_mut(&(id, fact.dispute.clone()));
        if open.and_then(Option::take).as_ref() != Some(&fact.amount) {
            let what = format!("dispute {} ends, and was not open so", fact.dispute);
            found.add(Rule::Disputes, position, what);
            return None;
        }
        let payment = self.known(position, id, found)?.payment(fact.payment_id)?;
        Some(payment.provider.clone())
    }

    /// The room, if the ticket is known. What the sale covers is what was left of it.
    pub(super) fn lose(&mut self, position: u64, id: Uuid, fact: &Lost, found: &mut Findings) -> Option<Uuid> {
        let ticket = self.known(position, id, found)?;
        let standing = ticket.standing().map(|payment| payment.id);
        let (room, is_settled) = (ticket.room, ticket.settled.is_some());
        let payment = ticket.payment(fact.disputed.payment_id)?;
        let left = (i128::from(payment.amount.minor) - payment.owed - payment.lost).max(0);
        let disputed = i128::from(fact.disputed.amount.minor);
        payment.lost += disputed;
        let is_of_sale = standing == Some(payment.id) && !is_settled;
        let covered = if is_of_sale { left.min(disputed) } else { 0 };
        if covered != i128::from(fact.covered.minor) {
            let what = format!(
                "dispute {} is covered by {}, not {covered}",
                fact.disputed.dispute, fact.covered.minor
            );
            found.add(Rule::Disputes, position, what);
        }
        Some(room)
    }

    /// What banks have, by currency.
    pub(super) fn disputed(&self) -> HashMap<String, i128> {
        let mut sums = HashMap::new();
        for amount in self.disputes.values().flatten() {
            *sums.entry(amount.currency.clone()).or_default() += i128::from(amount.minor);
        }
        sums
    }

    /// What must not stay as it is.
    pub(super) fn find_unfinished(&self, rooms: &Rooms, found: &mut Findings) {
        for (id, ticket) in &self.tickets {
            let first = ticket.captured_at();
            for payment in &ticket.payments {
                let Some(position) = payment.captured_at else { continue };
                let is_ticket = ticket.issued_at.is_some() && payment.captured_at == first;
                let is_disputed = self.disputes.iter().any(|((of, _), open)| of == id && open.is_some());
                let is_all_owed = payment.owed + payment.lost >= i128::from(payment.amount.minor);
                if rooms.is_void(ticket.room) && !is_disputed && !is_all_owed {
                    let what = format!(
                        "payment {} for ticket {id} of a void room is not to go back",
                        payment.id
                    );
                    found.add(Rule::Refunds, position, what);
                }
                if !is_ticket && !payment.is_returned() {
                    let what = format!("payment {} for ticket {id} is neither in it nor back", payment.id);
                    found.add(Rule::Captures, position, what);
                }
            }
        }
        for (id, seat) in rooms.sold() {
            let is_over = |ticket: &Ticket| ticket.issued_at.is_some() || ticket.is_refunded;
            if !self.ticket(id).is_some_and(is_over) {
                let what = format!("ticket {id} has a seat and was not issued");
                found.add(Rule::Tickets, seat.sold_at, what);
            }
        }
        for (id, refund) in &self.refunds {
            if !refund.is_completed {
                found.add(Rule::Refunds, None, format!("refund {id} is owed and has not left"));
            }
        }
    }

    fn known(&mut self, position: u64, id: Uuid, found: &mut Findings) -> Option<&mut Ticket> {
        let ticket = self.tickets.get_mut(&id);
        if ticket.is_none() {
            found.add(Rule::Tickets, position, format!("ticket {id} was not ordered"));
        }
        ticket
    }
}
