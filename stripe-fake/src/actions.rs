//! What others do at Stripe: buyers, banks, hosts, and Stripe's own people.

use serde_json::{Value, json};

use crate::fake::FakeStripe;
use crate::lists::collapsed;
use crate::state::State;

/// How the buyer's card behaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Card {
    Pays,
    Declined(&'static str),
    /// The bank asks the buyer: [`FakeStripe::authenticate`].
    Asks,
}

impl FakeStripe {
    /// The buyer's browser confirms an intent with its secret. `false` if the intent is over, or the secret is not its own.
    #[must_use]
    pub fn confirm(&self, id: &str, client_secret: &str, card: Card) -> bool {
        let mut state = self.state();
        let intent = state.intent_mut(id).filter(|intent| {
            intent["client_secret"] == client_secret
                && matches!(
                    intent["status"].as_str(),
                    Some("requires_payment_method" | "requires_action")
                )
        });
        let Some(intent) = intent else { return false };
        match card {
            Card::Pays => state.capture(id),
            Card::Declined(code) => state.decline(id, code),
            Card::Asks => {
                intent["status"] = json!("requires_action");
                let intent = intent.clone();
                state.publish("payment_intent.requires_action", &intent);
            }
        }
        true
    }

    /// The buyer says yes or no to the bank. `false` if nobody asked.
    #[must_use]
    pub fn authenticate(&self, id: &str, is_yes: bool) -> bool {
        let mut state = self.state();
        if state
            .intent(id)
            .is_none_or(|intent| intent["status"] != "requires_action")
        {
            return false;
        }
        if is_yes {
            state.capture(id);
        } else {
            state.decline(id, "payment_intent_authentication_failure");
        }
        true
    }

    /// Captures are not booked until [`FakeStripe::book`] says so.
    pub fn set_books_late(&self, is_late: bool) {
        self.state().books_late = is_late;
    }

    /// From now on what is sold comes to the account in another currency, of which a unit sold is so many thousandths.
    pub fn settle_in(&self, currency: &str, per_mille: i64) {
        self.state().settles_in = Some((currency.to_owned(), per_mille));
    }

    pub fn book(&self, id: &str) {
        let mut state = self.state();
        state.book(id);
    }

    /// Refunds wait for [`FakeStripe::end_refund`].
    pub fn set_refunds_wait(&self, do_wait: bool) {
        self.state().refunds_wait = do_wait;
    }

    /// A refund arrives, or fails for a reason, whatever it was before.
    pub fn end_refund(&self, id: &str, failure: Option<&str>) {
        let mut state = self.state();
        let refund = state.refunds.iter_mut().find(|refund| refund["id"] == id);
        let Some(refund) = refund else { return };
        let was_standing = refund["status"] == "succeeded";
        let name = match failure {
            None => {
                refund["status"] = json!("succeeded");
                "refund.updated"
            }
            Some(reason) => {
                refund["status"] = json!("failed");
                refund["failure_reason"] = json!(reason);
                "refund.failed"
            }
        };
        let refund = refund.clone();
        let amount = refund["amount"].as_i64().unwrap_or_default();
        match (failure, was_standing) {
            (None, false) => state.enter("refund", (-amount, 0), &refund["currency"], &refund),
            (Some(_), true) => state.enter("refund_failure", (amount, 0), &refund["currency"], &refund),
            (None, true) | (Some(_), false) => {}
        }
        state.publish(name, &refund);
    }

    /// A host's account that takes transfers.
    pub fn add_account(&self, id: &str) {
        let account = json!({
            "id": id,
            "object": "account",
            "capabilities": { "transfers": "active" },
            "details_submitted": true,
            "payouts_enabled": true,
        });
        self.state().accounts.push(account);
    }

    /// Part of a transfer is taken back.
    pub fn reverse_transfer(&self, id: &str, amount: i64) {
        let mut state = self.state();
        let transfer = state.transfers.iter_mut().find(|transfer| transfer["id"] == id);
        let Some(transfer) = transfer else { return };
        let reversed = transfer["amount_reversed"].as_i64().unwrap_or_default() + amount;
        transfer["amount_reversed"] = json!(reversed);
        let transfer = transfer.clone();
        state.enter("transfer_refund", (amount, 0), &transfer["currency"], &transfer);
        state.publish("transfer.reversed", &transfer);
    }

    /// The buyer goes to the bank; the dispute's id.
    pub fn dispute(&self, intent_id: &str) -> Option<String> {
        let mut state = self.state();
        let intent = state.intent(intent_id)?.clone();
        let id = state.new_id("dp");
        let amount = intent["amount_received"].as_i64().unwrap_or_default();
        let dispute = json!({
            "id": id,
            "object": "dispute",
            "amount": amount,
            "currency": intent["currency"],
            "charge": intent["latest_charge"]["id"],
            "payment_intent": intent_id,
            "reason": "fraudulent",
            "status": "needs_response",
            "evidence_details": { "due_by": state.now + 7 * 24 * 60 * 60 },
            "balance_transactions": [
                { "amount": -amount, "fee": 1500, "net": -amount - 1500, "currency": intent["currency"] }
            ],
        });
        state.disputes.push(dispute.clone());
        state.enter("adjustment", (-amount, 1_500), &dispute["currency"], &dispute);
        state.publish("charge.dispute.created", &dispute);
        Some(id)
    }

    pub fn close_dispute(&self, id: &str, is_won: bool) {
        let mut state = self.state();
        let dispute = state.disputes.iter_mut().find(|dispute| dispute["id"] == id);
        let Some(dispute) = dispute else { return };
        dispute["status"] = json!(if is_won { "won" } else { "lost" });
        let dispute = dispute.clone();
        if is_won {
            let amount = dispute["amount"].as_i64().unwrap_or_default();
            state.enter("adjustment", (amount, -1_500), &dispute["currency"], &dispute);
        }
        state.publish("charge.dispute.closed", &dispute);
    }

    /// Other business of the account comes to its balance.
    pub fn enter_foreign(&self, kind: &str, amount: i64, currency: &str, source: &Value) {
        self.state().enter(kind, (amount, 0), &json!(currency), source);
    }

    /// Something happens that nobody here has made: an event of any kind, in the account or in a connected one.
    pub fn publish_foreign(&self, name: &str, object: &Value, account: Option<&str>) {
        let mut state = self.state();
        state.publish(name, object);
        if let (Some(event), Some(account)) = (state.events.last_mut(), account) {
            event["account"] = json!(account);
        }
    }

    /// Events older than this are no longer kept.
    pub fn forget_events_before(&self, time: i64) {
        let mut state = self.state();
        let before = state.events.len();
        state
            .events
            .retain(|event| event["created"].as_i64().unwrap_or_default() >= time);
        let gone = before - state.events.len();
        state.webhooks_taken = state.webhooks_taken.saturating_sub(gone);
    }
}

impl State {
    fn capture(&mut self, id: &str) {
        let (charge, books_late) = (self.new_id("ch"), self.books_late);
        let Some(intent) = self.intent_mut(id) else { return };
        intent["status"] = json!("succeeded");
        intent["amount_received"] = intent["amount"].clone();
        intent["last_payment_error"] = Value::Null;
        intent["latest_charge"] = json!({ "id": charge, "object": "charge", "balance_transaction": null });
        let told = collapsed(intent);
        if !books_late {
            self.book(id);
        }
        self.publish("payment_intent.succeeded", &told);
    }

    fn book(&mut self, id: &str) {
        let Some(mut intent) = self.intent(id).cloned() else {
            return;
        };
        let amount = intent["amount_received"].as_i64().unwrap_or_default();
        intent["latest_charge"]["balance_transaction"] = self.booking(amount, &intent["currency"]);
        self.enter_charge(&intent);
        if let Some(known) = self.intent_mut(id) {
            *known = intent;
        }
    }

    fn decline(&mut self, id: &str, code: &str) {
        let Some(intent) = self.intent_mut(id) else { return };
        intent["status"] = json!("requires_payment_method");
        intent["last_payment_error"] = json!({ "type": "card_error", "code": "card_declined", "decline_code": code });
        let told = intent.clone();
        self.publish("payment_intent.payment_failed", &told);
    }
}
