//! The app store: what it has collected, what of that it has told, and what it gave back.

use domain::ticket::RefundState;
use domain::{Channel, Currency, Money, Ticket, TicketId};
use event_log::Clock;
use serde_json::{Value, json};

use super::act::StoreWord;
use super::world::World;
use crate::support::{Call, Person, TestApp, text};

/// In basis points; the rest of a price is the shop's.
const FEE_BP: i64 = 3_000;

#[derive(Clone, Debug)]
pub(super) struct Purchase {
    buyer: Person,
    ticket: TicketId,
    minor: i64,
    statement: String,
    is_told: bool,
    is_refunded: bool,
}

impl Purchase {
    /// What the store owes the shop for it.
    fn due(&self) -> i64 {
        if self.is_refunded {
            0
        } else {
            self.minor - self.minor * FEE_BP / 10_000
        }
    }
}

impl World {
    /// The buyer pays in the store, which sells a ticket once.
    pub(super) fn use_store(&mut self, buyer: Person, ticket: &Value, does_pay: bool) {
        let minor = ticket["price"]["total"]["amount_minor"].as_i64().unwrap_or_default();
        let ticket: TicketId = text(&ticket["id"]).parse().expect("an id");
        let is_new = self.purchases.iter().all(|purchase| purchase.ticket != ticket);
        if !does_pay || minor == 0 || !is_new {
            return;
        }
        let amount = Money::new(minor, Currency::USD);
        let store = self.app.sandbox.store();
        self.purchases.push(Purchase {
            buyer,
            ticket,
            minor,
            statement: store.purchase(ticket, Channel::Ios, amount, self.clock.now()),
            is_told: false,
            is_refunded: false,
        });
    }

    pub(super) async fn store_tells(&mut self, word: StoreWord) {
        for number in 0..self.purchases.len() {
            if self.purchases[number].is_told {
                continue;
            }
            let purchase = self.purchases[number].clone();
            let mut is_told = false;
            if word != StoreWord::Notice {
                is_told |= self.bring_receipt(&purchase).await;
            }
            if word != StoreWord::Receipt {
                is_told |= self.send_notice(&purchase.statement).await;
            }
            self.purchases[number].is_told = is_told;
        }
    }

    async fn bring_receipt(&self, purchase: &Purchase) -> bool {
        let path = format!("/v1/tickets/{}/receipts", purchase.ticket);
        let receipt = json!({ "receipt": purchase.statement });
        let answer = self.ask(|app| app.post(&path).by(purchase.buyer).json(&receipt)).await;
        answer.status.is_success()
    }

    async fn send_notice(&self, statement: &str) -> bool {
        let call = |app| Call::text(TestApp::post(app, "/v1/webhooks/store"), statement.to_owned());
        self.ask(call).await.status.is_success()
    }

    /// Of what it has told.
    pub(super) async fn store_refunds(&mut self, pick: u8) {
        let there: Vec<usize> = (0..self.purchases.len())
            .filter(|number| self.purchases[*number].is_told && !self.purchases[*number].is_refunded)
            .collect();
        if let Some(number) = super::world::one_of(&there, pick) {
            self.refund_purchase(*number).await;
        }
    }

    async fn refund_purchase(&mut self, number: usize) {
        let (store, ticket) = (self.app.sandbox.store(), self.purchases[number].ticket);
        let statement = store.refund(ticket, Channel::Ios, self.clock.now());
        self.purchases[number].is_refunded = self.send_notice(&statement).await;
    }

    /// The store gives back what the shop asks it to.
    pub(super) async fn store_refunds_what_is_owed(&mut self) {
        for number in 0..self.purchases.len() {
            let purchase = &self.purchases[number];
            let is_owed = |ticket: &Ticket| ticket.refunds().any(|refund| refund.state != RefundState::Completed);
            let tickets = &self.app.aggregates.tickets;
            let read = tickets.read(purchase.ticket.as_uuid(), is_owed).await;
            if !purchase.is_refunded && read.expect("a ticket").0 {
                self.refund_purchase(number).await;
            }
        }
    }

    /// All that the store has of ours.
    pub(super) fn due_from_store(&self) -> i64 {
        self.purchases.iter().map(Purchase::due).sum()
    }
}
