//! What happens at the provider, at banks and at app stores, of which nobody here knows yet.

use serde_json::Value;
use stripe_fake::Card;

use super::act::{Act, Call, CardKind};
use super::world::{World, one_of};
use crate::support::text;

impl World {
    /// An intent that is over takes no card.
    pub(super) fn use_card(&self, reference: &str, secret: &str, card: CardKind) {
        let card = match card {
            CardKind::Pays => Card::Pays,
            CardKind::Declined => Card::Declined("insufficient_funds"),
            CardKind::Asks => Card::Asks,
            CardKind::Unused => return,
        };
        let _is_taken = self.stripe.confirm(reference, secret, card);
    }

    /// What happens at the provider, of which nobody here knows yet.
    pub(super) fn elsewhere(&mut self, act: &Act) {
        let stripe = &self.stripe;
        match *act {
            Act::Confirm { pick, card } => {
                if let Some((reference, secret)) = one_of(&self.intents, pick) {
                    self.use_card(reference, secret, card);
                }
            }
            Act::AnswerBank { pick, is_yes } => {
                let asked = |intent: &Value| intent["status"] == "requires_action";
                let intents: Vec<_> = stripe.intents().into_iter().filter(asked).collect();
                if let Some(intent) = one_of(&intents, pick) {
                    assert!(stripe.authenticate(text(&intent["id"]), is_yes), "it was asked");
                }
            }
            Act::Dispute { pick } => {
                if let Some(intent) = one_of(&self.disputable(), pick) {
                    let _dispute = stripe.dispute(intent);
                }
            }
            Act::CloseDispute { pick, is_won } => {
                let is_open = |dispute: &Value| dispute["status"] == "needs_response";
                let open: Vec<_> = stripe.disputes().into_iter().filter(is_open).collect();
                if let Some(dispute) = one_of(&open, pick) {
                    stripe.close_dispute(text(&dispute["id"]), is_won);
                }
            }
            Act::EndRefund { pick, does_fail } => {
                let is_pending = |refund: &Value| refund["status"] == "pending";
                let pending: Vec<_> = stripe.refunds().into_iter().filter(is_pending).collect();
                if let Some(refund) = one_of(&pending, pick) {
                    stripe.end_refund(text(&refund["id"]), does_fail.then_some("expired_or_canceled_card"));
                }
            }
            Act::RefundsWait(do_wait) => stripe.set_refunds_wait(do_wait),
            Act::TransferBack { pick, percent } => self.transfer_back(pick, percent),
            Act::BadDay { call, fault, times } => {
                let (method, path) = match call {
                    Call::CreateIntent => ("POST", "/v1/payment_intents"),
                    Call::FindIntent => ("GET", "/v1/payment_intents"),
                    Call::Refund => ("POST", "/v1/refunds"),
                    Call::Transfer => ("POST", "/v1/transfers"),
                    Call::ListEvents => ("GET", "/v1/events"),
                };
                stripe.script(method, path, fault, usize::from(times));
            }
            _ => unreachable!("nothing of the provider: {act:?}"),
        }
    }

    fn transfer_back(&self, pick: u8, percent: u8) {
        let minor = |transfer: &Value, field: &str| transfer[field].as_i64().unwrap_or_default();
        let left = |transfer: &Value| minor(transfer, "amount") - minor(transfer, "amount_reversed");
        let there: Vec<_> = self.stripe.transfers();
        let there: Vec<_> = there.into_iter().filter(|transfer| left(transfer) > 0).collect();
        if let Some(transfer) = one_of(&there, pick) {
            let part = (left(transfer) * i64::from(percent) / 100).max(1);
            self.stripe.reverse_transfer(text(&transfer["id"]), part);
        }
    }

    /// Captured, and nothing of it has gone back: a bank takes a charge whole, and once.
    fn disputable(&self) -> Vec<String> {
        let (refunds, disputes) = (self.stripe.refunds(), self.stripe.disputes());
        let is_of = |object: &Value, id: &str| object["payment_intent"] == id;
        let intents = self.stripe.intents();
        let ids = intents
            .iter()
            .filter(|intent| intent["status"] == "succeeded")
            .map(|intent| text(&intent["id"]).to_owned());
        ids.filter(|id| !refunds.iter().chain(&disputes).any(|object| is_of(object, id)))
            .collect()
    }
}
