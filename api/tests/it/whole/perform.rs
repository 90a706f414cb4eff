//! How acts are done: over HTTP by people, and at the provider by banks and cards.

use domain::{RoomId, TicketCommand, TicketId, UserId};
use event_log::Metadata;
use serde_json::{Value, json};
use uuid::Uuid;

use super::act::{Act, By, CardKind, Wish};
use super::world::{BUYERS, CO_HOST, CODE, TIER, World, one_of};
use crate::support::{ADMIN, HOST, Person, text};

const UNPAID: [&str; 2] = ["held", "payment_pending"];
const PAID: [&str; 3] = ["issued", "admitted", "refunded"];

fn buyer(number: u8) -> Person {
    BUYERS[usize::from(number) % BUYERS.len()]
}

impl World {
    pub(super) async fn perform(&mut self, act: &Act) {
        match *act {
            Act::Hold { .. } | Act::Pay { .. } | Act::Release { .. } | Act::Join { .. } | Act::Leave { .. } => {
                self.buy(act).await;
            }
            Act::Transfer { .. } | Act::Refund { .. } | Act::DeclineReschedule { .. } | Act::Enter { .. } => {
                self.have(act).await;
            }
            Act::Pause { room } => self.tell_room(room, "pause_sales").await,
            Act::Resume { room } => self.tell_room(room, "resume_sales").await,
            Act::Cancel { room } => self.tell_room(room, "cancel").await,
            Act::Open { room } => self.tell_room(room, "open").await,
            Act::End { room, is_heard } => self.end(room, is_heard).await,
            Act::Revise {
                room,
                capacity,
                price_minor,
            } => self.revise(room, capacity, price_minor).await,
            Act::Reschedule { room, minutes } => self.reschedule(room, minutes).await,
            Act::RequestPayout { by_host, minor } => self.request_payout(by_host, minor).await,
            Act::PaidByTheMonth(is_so) => self.be_paid_by_the_month(is_so).await,
            Act::Suspend(is_so) => self.suspend(is_so).await,
            Act::Webhooks(post) => self.send_webhooks(post).await,
            Act::StoreTells(word) => self.store_tells(word).await,
            Act::StoreRefunds { pick } => self.store_refunds(pick).await,
            Act::MailServer { is_busy, times } => self.upset_mail_server(is_busy, times),
            Act::Later { seconds } => self.pass(i64::from(seconds)),
            Act::Quiet => self.breathe().await,
            Act::NextMonth => self.pass_into_the_next_month().await,
            Act::Confirm { .. }
            | Act::AnswerBank { .. }
            | Act::Dispute { .. }
            | Act::CloseDispute { .. }
            | Act::EndRefund { .. }
            | Act::TransferBack { .. }
            | Act::RefundsWait(_)
            | Act::BadDay { .. } => self.elsewhere(act),
        }
    }

    async fn buy(&mut self, act: &Act) {
        match *act {
            Act::Hold {
                room,
                buyer: who,
                wish,
                waits_if_late,
            } => {
                let Some(room) = one_of(&self.rooms, room).cloned() else {
                    return;
                };
                let (key, mut wish) = (self.key(), wish_of(wish));
                wish["wait_if_late"] = json!(waits_if_late);
                let path = format!("/v1/rooms/{room}/tickets");
                self.ask(|app| app.post(&path).by(buyer(who)).key(&key).json(&wish))
                    .await;
            }
            Act::Pay { buyer: who, pick, card } => self.pay(buyer(who), pick, card).await,
            Act::Release { buyer: who, pick } => {
                let Some(ticket) = self.ticket(buyer(who), pick, &UNPAID).await else {
                    return;
                };
                let path = format!("/v1/tickets/{}/release", text(&ticket["id"]));
                self.ask(|app| app.post(&path).by(buyer(who))).await;
            }
            Act::Join { room, buyer: who } => {
                let Some(path) = self.line(room) else { return };
                let key = self.key();
                self.ask(|app| app.post(&path).by(buyer(who)).key(&key)).await;
            }
            Act::Leave { room, buyer: who } => {
                let Some(path) = self.line(room) else { return };
                self.ask(|app| app.call(http::Method::DELETE, &path).by(buyer(who)))
                    .await;
            }
            _ => unreachable!("no purchase: {act:?}"),
        }
    }

    fn line(&self, room: u8) -> Option<String> {
        one_of(&self.rooms, room).map(|room| format!("/v1/rooms/{room}/waiting_list/me"))
    }

    async fn pay(&mut self, who: Person, pick: u8, card: CardKind) {
        let Some(ticket) = self.ticket(who, pick, &UNPAID).await else {
            return;
        };
        let (key, path) = (self.key(), format!("/v1/tickets/{}/payments", text(&ticket["id"])));
        let payment = self.ask(|app| app.post(&path).by(who).key(&key)).await.body;
        if ticket["terms"]["channel"] == "ios" {
            let is_started = payment["state"] == "pending";
            return self.use_store(who, &ticket, is_started && card == CardKind::Pays);
        }
        let told = (payment["provider_ref"].as_str(), payment["client_secret"].as_str());
        let (Some(reference), Some(secret)) = told else { return };
        self.intents.push((reference.to_owned(), secret.to_owned()));
        self.use_card(reference, secret, card);
    }

    async fn have(&mut self, act: &Act) {
        match *act {
            Act::Transfer { buyer: who, pick, to } => {
                let Some(ticket) = self.ticket(buyer(who), pick, &PAID).await else {
                    return;
                };
                let (path, wish) = (
                    format!("/v1/tickets/{}/transfer", text(&ticket["id"])),
                    json!({"user_id": buyer(to).id}),
                );
                self.ask(|app| app.post(&path).by(buyer(who)).json(&wish)).await;
            }
            Act::Refund {
                buyer: who,
                pick,
                by,
                percent,
            } => self.refund(buyer(who), pick, by, percent).await,
            Act::DeclineReschedule { buyer: who, pick } => {
                let Some(ticket) = self.ticket(buyer(who), pick, &PAID).await else {
                    return;
                };
                let path = format!("/v1/tickets/{}/decline_reschedule", text(&ticket["id"]));
                self.ask(|app| app.post(&path).by(buyer(who))).await;
            }
            // There is no media server here; what the door would record is recorded.
            Act::Enter { buyer: who, pick } => {
                let Some(ticket) = self.ticket(buyer(who), pick, &PAID).await else {
                    return;
                };
                if self.room(text(&ticket["room_id"])).await["state"] != "live" {
                    return;
                }
                let ticket: TicketId = text(&ticket["id"]).parse().expect("an id");
                let holder: UserId = buyer(who).id.parse().expect("an id");
                let at = self.app.now();
                let admit = TicketCommand::Admit { holder, at };
                let tickets = &self.app.aggregates.tickets;
                let _may_be_refused = tickets
                    .execute(ticket.as_uuid(), admit, Metadata::for_actor("test", Uuid::nil()))
                    .await;
            }
            _ => unreachable!("nothing a holder does: {act:?}"),
        }
    }

    async fn refund(&mut self, holder: Person, pick: u8, by: By, percent: Option<u8>) {
        let Some(ticket) = self.ticket(holder, pick, &PAID).await else {
            return;
        };
        let by = match by {
            By::Buyer => holder,
            By::Host => HOST,
            By::Admin => ADMIN,
        };
        let total = ticket["price"]["total"]["amount_minor"].as_i64().unwrap_or_default();
        let part = |percent: u8| (total * i64::from(percent) / 100).max(1);
        let amount = percent.map(|percent| json!({"amount_minor": part(percent), "currency": "USD"}));
        let wish = amount.map_or_else(|| json!({}), |amount| json!({ "amount": amount }));
        let (key, path) = (self.key(), format!("/v1/tickets/{}/refunds", text(&ticket["id"])));
        self.ask(|app| app.post(&path).by(by).key(&key).json(&wish)).await;
    }

    async fn tell_room(&self, room: u8, verb: &str) {
        let Some(room) = one_of(&self.rooms, room) else { return };
        let path = format!("/v1/rooms/{room}/{verb}");
        self.ask(|app| app.post(&path).by(HOST)).await;
    }

    async fn end(&self, number: u8, is_heard: bool) {
        self.tell_room(number, "end").await;
        let Some(room) = one_of(&self.rooms, number) else {
            return;
        };
        let room: RoomId = room.parse().expect("an id");
        crate::earning::record_stay(&self.app, room, if is_heard { 60_000 } else { 0 }).await;
    }

    async fn revise(&self, room: u8, capacity: u8, price_minor: u16) {
        let Some(room) = one_of(&self.rooms, room) else { return };
        let path = format!("/v1/rooms/{room}");
        let price = json!({"amount_minor": price_minor, "currency": "USD"});
        let wish = json!({ "capacity": capacity, "price": price });
        self.ask(|app| app.patch(&path).by(HOST).json(&wish)).await;
    }

    async fn reschedule(&self, room: u8, minutes: u16) {
        let Some(room) = one_of(&self.rooms, room) else { return };
        let starts_at = self.app.now() + chrono::TimeDelta::minutes(minutes.into());
        let (path, wish) = (
            format!("/v1/rooms/{room}/reschedule"),
            json!({ "starts_at": starts_at }),
        );
        self.ask(|app| app.post(&path).by(HOST).json(&wish)).await;
    }

    async fn request_payout(&mut self, by_host: bool, minor: Option<u16>) {
        let who = if by_host { HOST } else { CO_HOST };
        let amount = minor.map(|minor| json!({"amount": {"amount_minor": minor, "currency": "USD"}}));
        let (key, wish) = (self.key(), amount.unwrap_or_else(|| json!({"currency": "USD"})));
        self.ask(|app| app.post("/v1/me/payouts").by(who).key(&key).json(&wish))
            .await;
    }

    pub(super) async fn be_paid_by_the_month(&self, is_so: bool) {
        let wish = json!({ "schedule": if is_so { "monthly" } else { "on_request" } });
        self.ask(|app| app.put("/v1/me/payout_schedule").by(HOST).json(&wish))
            .await;
    }

    pub(super) async fn suspend(&self, is_so: bool) {
        let path = format!("/v1/hosts/{}/{}", HOST.id, if is_so { "suspend" } else { "reinstate" });
        let why = json!({"reason": "review"});
        self.ask(|app| app.post(&path).by(ADMIN).json(&why)).await;
    }
}

/// Where the room has no tier, or the shop no store, the seat is refused.
fn wish_of(wish: Wish) -> Value {
    match wish {
        Wish::Plain => json!({}),
        Wish::Tier => json!({ "tier": TIER }),
        Wish::Code => json!({ "tier": TIER, "promo_code": CODE }),
        Wish::Store => json!({"channel": "ios"}),
    }
}
