//! What Stripe remembers.

use std::collections::{HashMap, VecDeque};

use axum::http::Method;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::calls::Request;
use crate::faults::Scripted;

/// How long a key is remembered.
const KEY_SECONDS: i64 = 24 * 60 * 60;
/// The fee: 2.9 % and 30.
const FEE_PER_MILLE: i64 = 29;
const FEE_FIXED: i64 = 30;

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) now: i64,
    pub(crate) is_down: bool,
    /// Captures are booked, and their fee known, only when a test says so.
    pub(crate) books_late: bool,
    /// The account's currency, if it is not that of its sales, and how many thousandths of it one of theirs is.
    pub(crate) settles_in: Option<(String, i64)>,
    /// Refunds wait for a test to say how they end.
    pub(crate) refunds_wait: bool,
    pub(crate) intents: Vec<Value>,
    pub(crate) refunds: Vec<Value>,
    pub(crate) transfers: Vec<Value>,
    pub(crate) disputes: Vec<Value>,
    pub(crate) accounts: Vec<Value>,
    pub(crate) events: Vec<Value>,
    /// What the balance is made of.
    pub(crate) statement: Vec<Value>,
    pub(crate) webhooks_taken: usize,
    pub(crate) faults: VecDeque<Scripted>,
    pub(crate) calls: Vec<(Method, String)>,
    saved: HashMap<String, Saved>,
    ids: u64,
}

#[derive(Debug)]
struct Saved {
    path: String,
    fields: Vec<(String, String)>,
    answer: Answer,
    at: i64,
}

impl State {
    pub(crate) fn new(now: i64) -> Self {
        Self {
            now,
            is_down: false,
            books_late: false,
            settles_in: None,
            refunds_wait: false,
            intents: vec![],
            refunds: vec![],
            transfers: vec![],
            disputes: vec![],
            accounts: vec![],
            events: vec![],
            statement: vec![],
            webhooks_taken: 0,
            faults: VecDeque::new(),
            calls: vec![],
            saved: HashMap::new(),
            ids: 0,
        }
    }

    pub(crate) fn new_id(&mut self, kind: &str) -> String {
        self.ids += 1;
        format!("{kind}_fake{:06}", self.ids)
    }

    /// Keeps an answer under the call's key, if it has one and none is kept.
    pub(crate) fn remember(&mut self, request: &Request, answer: &Answer) {
        let Some(key) = &request.key else { return };
        let saved = Saved {
            path: request.path.clone(),
            fields: request.fields.clone(),
            answer: answer.clone(),
            at: self.now,
        };
        self.saved.insert(key.clone(), saved);
    }

    /// The answer of an earlier call with the same key.
    pub(crate) fn recall(&mut self, request: &Request) -> Option<Answer> {
        let now = self.now;
        self.saved.retain(|_, saved| now - saved.at < KEY_SECONDS);
        let saved = self.saved.get(request.key.as_ref()?)?;
        let is_same = saved.path == request.path && saved.fields == request.fields;
        Some(if is_same {
            saved.answer.clone().replayed()
        } else {
            Answer::error(
                axum::http::StatusCode::BAD_REQUEST,
                "idempotency_error",
                "idempotency_error",
            )
        })
    }

    /// Tells of an object as it is now.
    pub(crate) fn publish(&mut self, name: &str, object: &Value) {
        let event = json!({
            "id": self.new_id("evt"),
            "object": "event",
            "api_version": "2019-03-14", // the account's, not the caller's
            "type": name,
            "created": self.now,
            "livemode": false,
            "data": { "object": object, "previous_attributes": {} },
            "a_field_of_tomorrow": { "nested": [1, 2, 3] },
        });
        self.events.push(event);
    }

    /// Books what came to the balance or left it.
    pub(crate) fn enter(&mut self, kind: &str, (amount, fee): (i64, i64), currency: &Value, source: &Value) {
        let [amount, fee] = [amount, fee].map(|figure| self.settled(figure, currency));
        let line = json!({
            "id": self.new_id("txn"),
            "object": "balance_transaction",
            "type": kind,
            "amount": amount,
            "fee": fee,
            "net": amount - fee,
            "currency": self.settlement(currency),
            "created": self.now,
            "source": source,
            "a_field_of_tomorrow": "ignored",
        });
        self.statement.push(line);
    }

    /// A capture, as the statement has it: its charge has the intent's metadata.
    pub(crate) fn enter_charge(&mut self, intent: &Value) {
        let mut charge = intent["latest_charge"].clone();
        charge["metadata"] = intent["metadata"].clone();
        charge["payment_intent"] = intent["id"].clone();
        let booking = charge["balance_transaction"].take();
        let figure = |name: &str| booking[name].as_i64().unwrap_or_default();
        self.enter(
            "charge",
            (figure("amount"), figure("fee")),
            &booking["currency"],
            &charge,
        );
    }

    /// The currency in which a sale comes to the balance.
    fn settlement(&self, currency: &Value) -> Value {
        self.settles_in
            .as_ref()
            .map_or_else(|| currency.clone(), |(own, _)| json!(own))
    }

    /// A figure in that currency.
    fn settled(&self, figure: i64, currency: &Value) -> i64 {
        match &self.settles_in {
            Some((own, per_mille)) if currency != own.as_str() => figure * per_mille / 1_000,
            _ => figure,
        }
    }

    /// The booking of a capture.
    pub(crate) fn booking(&self, amount: i64, currency: &Value) -> Value {
        let amount = self.settled(amount, currency);
        let fee = (amount * FEE_PER_MILLE / 1_000 + FEE_FIXED).min(amount);
        json!({
            "object": "balance_transaction",
            "amount": amount,
            "fee": fee,
            "net": amount - fee,
            "currency": self.settlement(currency),
        })
    }

    pub(crate) fn intent_mut(&mut self, id: &str) -> Option<&mut Value> {
        self.intents.iter_mut().find(|intent| intent["id"] == id)
    }

    pub(crate) fn intent(&self, id: &str) -> Option<&Value> {
        self.intents.iter().find(|intent| intent["id"] == id)
    }

    /// What is refunded of an intent, failed refunds aside.
    pub(crate) fn refunded(&self, intent: &str) -> i64 {
        let refunds = self.refunds.iter().filter(|refund| {
            refund["payment_intent"] == intent && refund["status"] != "failed" && refund["status"] != "canceled"
        });
        refunds.filter_map(|refund| refund["amount"].as_i64()).sum()
    }

    /// What may be transferred.
    pub(crate) fn balance(&self, currency: &str) -> i64 {
        let of_currency = |objects: &[Value], name: &str, is_counted: fn(&Value) -> bool| -> i64 {
            let counted = objects
                .iter()
                .filter(|object| object["currency"] == currency && is_counted(object));
            counted.filter_map(|object| object[name].as_i64()).sum()
        };
        let captured = of_currency(&self.intents, "amount_received", |intent| {
            intent["status"] == "succeeded"
        });
        let refunded = of_currency(&self.refunds, "amount", |refund| refund["status"] != "failed");
        captured - refunded - of_currency(&self.transfers, "amount", |_| true)
    }
}
