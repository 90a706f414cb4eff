//! Buyers who want tickets whatever happens: they repeat a call with its key until they get an answer, and write down
//! what was acknowledged to them, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use boxoffice::client::{Answer, Caller};
use checker::{Acknowledgement, Kind};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::record::Record;

/// Before a call is repeated, and between looks at a ticket.
const PAUSE: Duration = Duration::from_millis(30);
/// Nobody waits longer for one answer; every fault is over before.
const ANSWER_LIMIT: Duration = Duration::from_secs(90);
/// A buyer who has paid looks so long for the ticket; the checker finds out about the others.
const TICKET_LIMIT: Duration = Duration::from_secs(10);
/// Of 10 buyers so many leave their hold to lapse.
const LEAVE_OF_TEN: u32 = 2;

pub(super) struct Crowd {
    buyers: JoinSet<Result<()>>,
    leave: CancellationToken,
}

impl Crowd {
    /// Sends buyers to the rooms. `rooms` may change while they are at it.
    pub(super) fn send(people: &[Caller], rooms: &watch::Receiver<Vec<Uuid>>, record: &Arc<Record>, seed: u64) -> Self {
        let (mut buyers, leave) = (JoinSet::new(), CancellationToken::new());
        for (number, caller) in (0..).zip(people) {
            let buyer = Buyer {
                caller: caller.clone(),
                rooms: rooms.clone(),
                record: Arc::clone(record),
                leave: leave.clone(),
                random: StdRng::seed_from_u64(seed.wrapping_add(number)),
            };
            buyers.spawn(buyer.shop());
        }
        Self { buyers, leave }
    }

    /// Lets everybody finish what they are at. An answer that no fault explains is an error.
    pub(super) async fn go_home(mut self) -> Result<()> {
        self.leave.cancel();
        while let Some(ended) = self.buyers.join_next().await {
            ended.context("a buyer panicked")??;
        }
        Ok(())
    }
}

struct Buyer {
    caller: Caller,
    rooms: watch::Receiver<Vec<Uuid>>,
    record: Arc<Record>,
    leave: CancellationToken,
    random: StdRng,
}

impl Buyer {
    async fn shop(mut self) -> Result<()> {
        while !self.leave.is_cancelled() {
            let room = {
                let rooms = self.rooms.borrow();
                rooms[self.random.random_range(0..rooms.len())]
            };
            if !self.buy(room).await? {
                tokio::time::sleep(PAUSE).await;
            }
        }
        Ok(())
    }

    /// `false` if there was no seat.
    async fn buy(&mut self, room: Uuid) -> Result<bool> {
        let key = Uuid::from_u128(self.random.random()).to_string();
        let hold = self
            .insist(&format!("/v1/rooms/{room}/tickets"), Some(&key), &json!({}))
            .await?;
        if hold.status == 409 {
            return Ok(false);
        }
        let position = hold.log_position;
        let ticket: Uuid = text(&hold.expect(201, "a buyer holds a seat")?, "id")?.parse()?;
        self.note(Kind::Hold, ticket, room, position)?;
        if self.random.random_ratio(LEAVE_OF_TEN, 10) {
            return Ok(true);
        }
        let payment = self
            .insist(&format!("/v1/tickets/{ticket}/payments"), Some(&key), &json!({}))
            .await?;
        if payment.status == 409 {
            return Ok(true); // the hold is over
        }
        let payment = payment.expect(201, "a payment starts")?;
        let webhook = if self.random.random_ratio(1, 4) {
            "twice"
        } else {
            "once"
        };
        let card = json!({"client_secret": payment["client_secret"], "card": "ok", "webhook": webhook});
        let confirm = format!("/sandbox/intents/{}/confirm", text(&payment, "provider_ref")?);
        let confirmed = self.insist(&confirm, None, &card).await?;
        if confirmed.status == 409 {
            return Ok(true); // the payment was called off
        }
        confirmed.expect(200, "a card is presented")?;
        self.note(Kind::Captured, ticket, room, None)?;
        self.wait_for_ticket(ticket, room).await?;
        Ok(true)
    }

    async fn wait_for_ticket(&self, ticket: Uuid, room: Uuid) -> Result<()> {
        let path = format!("/v1/tickets/{ticket}");
        let deadline = tokio::time::Instant::now() + TICKET_LIMIT;
        while tokio::time::Instant::now() < deadline && !self.leave.is_cancelled() {
            if let Ok(shown) = self.caller.get(&path).await
                && shown.status == 200
            {
                match shown.body["state"].as_str() {
                    Some("issued") => return self.note(Kind::Issued, ticket, room, None),
                    Some("refunded") => return Ok(()),
                    _ => {}
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Repeats a call with the same key until somebody answers it.
    async fn insist(&self, path: &str, key: Option<&str>, body: &Value) -> Result<Answer> {
        let deadline = tokio::time::Instant::now() + ANSWER_LIMIT;
        loop {
            let answer = match key {
                Some(key) => self.caller.post_with_key(path, key, body).await,
                None => self.caller.post(path, body).await,
            };
            match answer {
                Ok(answer) if !matches!(answer.status, 429 | 503) => return Ok(answer),
                _ if tokio::time::Instant::now() < deadline => tokio::time::sleep(PAUSE).await,
                Ok(answer) => bail!(
                    "expected an answer from {path}, and got {}: {}",
                    answer.status,
                    answer.body
                ),
                Err(error) => return Err(error.context(format!("expected an answer from {path}"))),
            }
        }
    }

    fn note(&self, kind: Kind, ticket_id: Uuid, room_id: Uuid, position: Option<u64>) -> Result<()> {
        self.record.write(&Acknowledgement {
            ticket_id,
            room_id,
            kind,
            position,
            buyer: Some(self.caller.user_id().parse()?),
        })
    }
}

fn text<'a>(body: &'a Value, field: &str) -> Result<&'a str> {
    body[field]
        .as_str()
        .with_context(|| format!("expected {field} in {body}"))
}
