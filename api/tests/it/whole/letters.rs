//! The mail server, and what was written by way of it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::world::{BUYERS, World};
use crate::support::{Whim, text};

const REFUND: &str = "Your refund for ";

impl World {
    /// Every buyer says where letters go.
    pub(super) async fn reach_buyers(&self) {
        for buyer in BUYERS {
            let contact = json!({ "email": format!("{}@people.example", buyer.id) });
            let call = self.app.put("/v1/me/contact").by(buyer).json(&contact);
            call.send().await.expect(200);
        }
    }

    pub(super) fn upset_mail_server(&self, is_busy: bool, times: u8) {
        let whim = if is_busy { Whim::Busy } else { Whim::HangsUp };
        self.sink.will((0..times).map(|_| whim));
    }

    /// Whoever had money back was told so, once for each time: a letter that came twice is one letter.
    pub(super) fn every_refund_was_told(&self, events: &[Value]) -> Result<(), String> {
        let mut told: BTreeMap<String, String> = BTreeMap::new();
        for letter in self.sink.received() {
            let message = letter.header("Message-ID").unwrap_or_default();
            if letter.subject().starts_with(REFUND) {
                told.insert(message, letter.to);
            }
        }
        let completed = events.iter().filter(|event| event["event_type"] == "refund_completed");
        let completed: Vec<&str> = completed.map(|event| text(&event["aggregate_id"])).collect();
        if told.len() == completed.len() {
            return Ok(());
        }
        Err(format!("{} refunds were told: {told:?}, of {completed:?}", told.len()))
    }
}
