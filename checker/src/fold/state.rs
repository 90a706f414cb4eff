//! Everything that the events come to.

use uuid::Uuid;

use super::books::Books;
use super::hosts::Hosts;
use super::rooms::{Bar, Rooms, Seat};
use super::sales::{Sales, Ticket};
use crate::facts::{self, AccountFact, Disputed, Fact, Lost, Unreadable};
use crate::report::{Findings, Rule};
use crate::snapshot::{Balances, Entry};

#[derive(Debug, Default)]
pub(crate) struct Fold {
    rooms: Rooms,
    sales: Sales,
    hosts: Hosts,
    books: Books,
}

impl Fold {
    pub(crate) fn take(&mut self, entry: &Entry<'_>, found: &mut Findings) {
        match facts::read(entry) {
            Ok((subject, fact)) => self.apply(entry.position, subject, fact, found),
            Err(unreadable) => {
                let name = format!("{} {}", entry.event_type, entry.event_version);
                let what = match unreadable {
                    Unreadable::Unknown => format!("{name} is not known here"),
                    Unreadable::Id => format!("{name} belongs to {}, which is no id", entry.aggregate_id),
                    Unreadable::Payload(error) => format!("{name} cannot be read: {error}"),
                };
                found.add(Rule::KnownEvents, entry.position, what);
            }
        }
    }

    fn apply(&mut self, at: u64, subject: Uuid, fact: Fact, found: &mut Findings) {
        match fact {
            Fact::Scheduled(fact) => self.rooms.schedule(at, subject, &fact, found),
            Fact::Revised(fact) => self.rooms.revise(at, subject, &fact, found),
            Fact::Transferred(fact) => self.rooms.transfer(at, subject, &fact, found),
            Fact::Held(fact) => self.rooms.hold(at, subject, &fact, found),
            Fact::Sold(fact) => self.rooms.sell(at, subject, &fact, found),
            Fact::Released(fact) => self.rooms.release(at, subject, &fact, found),
            Fact::Denied(fact) => self.rooms.deny(at, subject, &fact, found),
            Fact::Delivered(fact) => self.rooms.deliver(at, subject, &fact, found),
            Fact::Voided => self.rooms.void(at, subject, found),
            Fact::Ordered(fact) => self.sales.order(at, subject, fact, &self.rooms, found),
            Fact::Started(fact) => self.sales.start(at, subject, fact, found),
            Fact::Captured(fact) => {
                if let Some(provider) = self.sales.capture(at, subject, &fact, found) {
                    self.books.capture(at, &provider, &fact, found);
                }
            }
            Fact::Issued => {
                if let Some((room, Some(paid), tax)) = self.sales.issue(at, subject, &self.rooms, found) {
                    self.books.issue(at, room, &paid, tax.as_ref(), found);
                }
            }
            Fact::Owed(fact) => {
                let (was_issued, amount, tax) = (fact.was_issued, fact.amount.clone(), fact.tax.clone());
                if let Some(room) = self.sales.owe(at, subject, fact, found) {
                    self.books
                        .owe(at, was_issued.then_some(room), &amount, tax.as_ref(), found);
                }
            }
            Fact::Completed(fact) => {
                if let Some(provider) = self.sales.complete(at, subject, &fact, found) {
                    self.books.give_back(at, &provider, &fact, found);
                }
            }
            Fact::Settled(settled) => self.sales.settle(at, subject, settled, &self.rooms, found),
            Fact::Disputed(fact) => self.dispute(at, subject, &fact, found),
            Fact::Won(fact) => self.win(at, subject, &fact, found),
            Fact::Lost(fact) => self.lose(at, subject, &fact, found),
            Fact::Removed(fact) => self.rooms.bar(subject, &fact, Bar::Removed),
            Fact::Banned(fact) => self.rooms.bar(subject, &fact, Bar::of(&fact)),
            Fact::Unbanned(fact) => self.rooms.let_back(subject, &fact),
            Fact::SalesSuspended(is_so) => self.rooms.suspend(at, subject, is_so, found),
            Fact::Account(fact) => self.apply_to_account(at, subject, fact, found),
            Fact::Other => {}
        }
    }

    fn apply_to_account(&mut self, at: u64, subject: Uuid, fact: AccountFact, found: &mut Findings) {
        match fact {
            AccountFact::Credited(fact) => {
                self.hosts.credit(at, subject, &fact, &self.sales, found);
                self.books.earn(at, subject, &fact, found);
            }
            AccountFact::ShareCredited(fact) => {
                self.hosts.credit_share(at, subject, &fact, found);
                self.books.earn_share(at, subject, &fact, found);
            }
            AccountFact::Reserved(fact) => {
                self.hosts.hold(at, subject, &fact, found);
                self.books
                    .hold(at, subject, 1, &fact.amount, fact.pending.as_ref(), found);
            }
            AccountFact::Unreserved(fact) => {
                self.hosts.release(at, subject, &fact, found);
                self.books
                    .hold(at, subject, -1, &fact.amount, fact.pending.as_ref(), found);
            }
            AccountFact::Reversed(fact) => {
                self.hosts.reverse(at, subject, &fact, found);
                self.books.reverse(at, subject, &fact, found);
            }
            AccountFact::Requested(fact) => {
                self.books.reserve(at, subject, &fact.amount, found);
                self.hosts.request(at, subject, fact, found);
            }
            AccountFact::Paid(fact) => {
                if let Some(provider) = self.hosts.pay(at, subject, &fact, found) {
                    self.books.pay(at, &provider, &fact.amount, found);
                }
            }
            AccountFact::Failed(fact) => {
                self.hosts.fail(at, subject, &fact, found);
                self.books.unreserve(at, subject, &fact.amount, found);
            }
            AccountFact::Returned(fact) => {
                if let Some(provider) = self.hosts.take_back(at, subject, &fact, found) {
                    self.books.take_back(at, &provider, subject, &fact.amount, found);
                }
            }
            AccountFact::Matured(fact) => {
                self.hosts.mature(at, subject, &fact, found);
                self.books.mature(at, subject, &fact.amount, found);
            }
            AccountFact::ReserveReleased(fact) => {
                self.hosts.release_reserve(at, subject, &fact, found);
                self.books.hold(at, subject, -1, &fact.amount, None, found);
            }
            AccountFact::Netted(fact) => {
                self.hosts.net(at, subject, &fact, found);
                self.books.net(at, subject, &fact.amount, found);
            }
            AccountFact::Suspended(is_so) => self.hosts.suspend(subject, is_so),
        }
    }

    fn dispute(&mut self, at: u64, ticket: Uuid, fact: &Disputed, found: &mut Findings) {
        if let Some(provider) = self.sales.dispute(at, ticket, fact, found) {
            self.books.dispute(at, &provider, 1, &fact.amount, found);
        }
    }

    fn win(&mut self, at: u64, ticket: Uuid, fact: &Disputed, found: &mut Findings) {
        if let Some(provider) = self.sales.end_dispute(at, ticket, fact, found) {
            self.books.dispute(at, &provider, -1, &fact.amount, found);
        }
    }

    fn lose(&mut self, at: u64, ticket: Uuid, fact: &Lost, found: &mut Findings) {
        let provider = self.sales.end_dispute(at, ticket, &fact.disputed, found);
        let room = self.sales.lose(at, ticket, fact, found);
        if let (Some(provider), Some(room)) = (provider, room) {
            self.books.lose(at, &provider, room, fact, found);
        }
    }

    pub(crate) fn seat(&self, ticket: Uuid) -> Option<&Seat> {
        self.rooms.seat(ticket)
    }

    pub(crate) fn ticket(&self, ticket: Uuid) -> Option<&Ticket> {
        self.sales.ticket(ticket)
    }

    pub(crate) const fn balances(&self) -> &Balances {
        self.books.balances()
    }

    /// What is right only for the moment: somebody has yet to go on with it.
    pub(crate) fn find_unfinished(&self, found: &mut Findings) {
        self.sales.find_unfinished(&self.rooms, found);
        self.hosts.find_unfinished(&self.sales, found);
        self.books.find_unfinished(&self.sales.disputed(), found);
    }
}
