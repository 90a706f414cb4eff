//! The doors, whole: who loses the right to be there is out within two seconds and stays out, also with a hostile client,
//! which comes back in a loop with every token it ever had.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use boxoffice::client::{Caller, eventually};
use media_bridge::rehearsal::{AudioClients, AudioEvent};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{Sfu, Shop, ShopOptions, buy, python};

const TONE_HZ: u32 = 440;
const LIMIT: Duration = Duration::from_secs(30);
/// From the answer to the host's request on.
const OUT_WITHIN: Duration = Duration::from_secs(2);
/// How often the hostile clients come back with each token.
const ATTEMPTS: usize = 3;
const PROBES: usize = 100;
/// Guests who lose their right for each reason; `HOSTILE_GUESTS` makes them more.
const GUESTS: usize = 2;
/// At least; four reasons, and some to spare.
const SEATS: usize = 50;

fn guests_of_each() -> usize {
    let told = std::env::var("HOSTILE_GUESTS")
        .ok()
        .and_then(|count| count.parse().ok());
    told.unwrap_or(GUESTS)
}

/// Somebody inside, who kept their tokens.
struct Guest {
    caller: Caller,
    ticket: String,
    name: String,
    url: String,
    tokens: Vec<String>,
}

async fn enter(caller: &Caller, path: &str) -> Result<(String, String)> {
    let entry = eventually("an open door", LIMIT, || async {
        let answer = caller.post(path, &json!({})).await?;
        if answer.status == 503 {
            return Ok(None);
        }
        answer.expect(200, "somebody entitled asks to be let in").map(Some)
    });
    let entry = entry.await?;
    let field = |name: &str| {
        entry[name]
            .as_str()
            .map(str::to_owned)
            .with_context(|| format!("expected {name}"))
    };
    Ok((field("livekit_url")?, field("token")?))
}

async fn come_in(audio: &AudioClients, client: &str, url: &str, token: &str) -> Result<()> {
    audio.connect(client, url, token).await?;
    audio
        .wait_for(client, LIMIT, |event| *event == AudioEvent::Connected)
        .await?;
    Ok(())
}

/// A live room in which the host speaks and everybody hears it.
struct Evening {
    shop: Shop,
    room: String,
    audio: AudioClients,
    sfu: Sfu,
}

impl Evening {
    async fn begin() -> Result<Self> {
        let sfu = Sfu::start().await?;
        let shop = Shop::open(ShopOptions {
            environment: sfu.environment(),
            with_media: true,
            ..ShopOptions::default()
        })
        .await?;
        let room = shop.schedule(SEATS.max(5 * guests_of_each()), 300).await?;
        let evening = Self {
            audio: AudioClients::start(&python())?,
            shop,
            room,
            sfu,
        };
        let host = &evening.shop.host;
        host.post(&evening.path("open"), &json!({}))
            .await?
            .expect(200, "the host opens")?;
        let (url, token) = enter(host, &evening.path("entry")).await?;
        come_in(&evening.audio, "host", &url, &token).await?;
        let may_speak = |event: &AudioEvent| *event == AudioEvent::Permission { can_publish: true };
        evening.audio.wait_for("host", LIMIT, may_speak).await?;
        evening.audio.publish("host", TONE_HZ).await?;
        Ok(evening)
    }

    fn path(&self, rest: &str) -> String {
        format!("/v1/rooms/{}/{rest}", self.room)
    }

    async fn guest(&self, name: String) -> Result<Guest> {
        let caller = self.shop.person().await?;
        let ticket = buy(&caller, &self.room).await?;
        let (url, token) = enter(&caller, &format!("/v1/tickets/{ticket}/entry")).await?;
        come_in(&self.audio, &name, &url, &token).await?;
        let refreshed = self
            .audio
            .wait_for(&name, LIMIT, |event| matches!(event, AudioEvent::Token { .. }));
        let AudioEvent::Token { token: refreshed } = refreshed.await?.1 else {
            bail!("expected a token");
        };
        self.is_heard_by(&name).await?;
        Ok(Guest {
            caller,
            ticket,
            name,
            url,
            tokens: vec![token, refreshed],
        })
    }

    async fn is_heard_by(&self, client: &str) -> Result<()> {
        let host = format!("host-{}", self.shop.host.user_id());
        self.audio
            .wait_for(client, LIMIT, |event| event.is_tone(&host, TONE_HZ))
            .await?;
        Ok(())
    }

    async fn is_heard_since(&self, client: &str, since: Instant) -> Result<()> {
        let host = format!("host-{}", self.shop.host.user_id());
        eventually(&format!("{client} to hear the host"), LIMIT, || async {
            let events = self.audio.events_since(client, since);
            Ok(events
                .iter()
                .any(|reported| reported.event.is_tone(&host, TONE_HZ))
                .then_some(()))
        })
        .await
    }

    async fn host_posts(&self, path: &str, body: Value) -> Result<()> {
        let answer = self.shop.host.post_with_key(path, "the-only-time", &body).await?;
        anyhow::ensure!((200..300).contains(&answer.status), "{path}: {}", answer.body);
        Ok(())
    }

    async fn loses(&self, guest: &Guest, reason: &str) -> Result<()> {
        let person = json!({"user_id": guest.caller.user_id()});
        match reason {
            "refunded" => {
                self.host_posts(&format!("/v1/tickets/{}/refunds", guest.ticket), json!({}))
                    .await
            }
            "removed" => self.host_posts(&self.path("removals"), person).await,
            "banned" => self.host_posts(&self.path("bans"), person).await,
            _ => self.loses_dispute(guest).await,
        }
    }

    /// The bank's word, which comes by a webhook.
    async fn loses_dispute(&self, guest: &Guest) -> Result<()> {
        let ticket = guest
            .caller
            .get(&format!("/v1/tickets/{}", guest.ticket))
            .await?
            .expect(200, "the holder looks")?;
        let payment = ticket["payments"][0]["id"].as_str().context("expected a payment")?;
        let events = self
            .shop
            .finance
            .get(&format!("/v1/log/events?aggregate=ticket-{}", guest.ticket))
            .await?;
        let events = events.expect(200, "finance reads the log")?;
        let accepted = events["data"].as_array().into_iter().flatten();
        let accepted = accepted
            .map(|event| &event["payload"])
            .find(|event| event["provider_ref"].is_string());
        let payment_ref = accepted
            .and_then(|event| event["provider_ref"].as_str())
            .context(payment.to_owned())?;
        let admin = &self.shop.admin;
        admin
            .post("/sandbox/disputes", &json!({"payment_ref": payment_ref}))
            .await?
            .expect(204, "a dispute")?;
        let close = format!("/sandbox/disputes/{}/close", payment_ref.replacen("pi_", "dp_", 1));
        admin
            .post(&close, &json!({"outcome": "lost"}))
            .await?
            .expect(204, "it is lost")?;
        eventually("a revoked ticket", LIMIT, || async {
            let shown = guest.caller.get(&format!("/v1/tickets/{}", guest.ticket)).await?;
            Ok((shown.body["state"] == "revoked").then_some(()))
        })
        .await
    }

    /// Out, from the answer on, and refused with this reason.
    async fn is_out(&self, guest: &Guest, reason: &str, since: Instant) -> Result<Duration> {
        let is_out = |event: &AudioEvent| matches!(event, AudioEvent::Disconnected { .. });
        let (out, event) = self.audio.wait_for(&guest.name, LIMIT, is_out).await?;
        anyhow::ensure!(
            event
                == AudioEvent::Disconnected {
                    reason: "PARTICIPANT_REMOVED".to_owned()
                },
            "{reason}: {event:?}"
        );
        let refused = guest
            .caller
            .post(&format!("/v1/tickets/{}/entry", guest.ticket), &json!({}))
            .await?;
        let refused = refused.expect_problem(403, "entry_refused", "they come again")?;
        assert_eq!(refused["reason"], reason);
        Ok(out.saturating_duration_since(since))
    }

    /// Comes back at the gate with every token, at once and again and again.
    async fn comes_back_in_vain(&self, guest: &Guest) -> Result<()> {
        for attempt in 0..ATTEMPTS {
            for (which, token) in guest.tokens.iter().enumerate() {
                let client = format!("{} again {attempt} {which}", guest.name);
                self.audio.connect(&client, &guest.url, token).await?;
                let is_answer =
                    |event: &AudioEvent| matches!(event, AudioEvent::Refused { .. } | AudioEvent::Connected);
                let (_, answer) = self.audio.wait_for(&client, LIMIT, is_answer).await?;
                let AudioEvent::Refused { status: Some(403), .. } = answer else {
                    bail!("{client}: {answer:?}");
                };
                anyhow::ensure!(self.heard(&client) == 0, "{client} heard something");
            }
        }
        Ok(())
    }

    fn heard(&self, client: &str) -> usize {
        let events = self.audio.events_of(client).into_iter();
        events
            .filter(|reported| matches!(reported.event, AudioEvent::Heard { .. }))
            .count()
    }

    /// What the gate adds to a connect, beside the media server itself.
    async fn cost_of_the_gate(&self, token: &str) -> Result<String> {
        let probe = |base: String| async move {
            let http = Caller::new(&base, "", None)?;
            let mut took = Vec::with_capacity(PROBES);
            for _ in 0..PROBES {
                let started = Instant::now();
                let answer = http.get(&format!("/rtc/validate?access_token={token}")).await?;
                took.push(started.elapsed());
                anyhow::ensure!(answer.status == 200, "{base}: {}", answer.status);
            }
            took.sort_unstable();
            Ok((took[PROBES / 2], took[PROBES - 2]))
        };
        let direct = probe(self.sfu.url()).await?;
        let gate = probe(self.shop.server.base_url().to_owned()).await?;
        let more = (gate.0.saturating_sub(direct.0), gate.1.saturating_sub(direct.1));
        Ok(format!(
            "past the gate {direct:?}, through it {gate:?}, more by {more:?}"
        ))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_loses_the_right_is_out_within_two_seconds_and_stays_out() -> Result<()> {
    let evening = Evening::begin().await?;
    let stays = evening.guest("stays".to_owned()).await?;
    let cost = evening.cost_of_the_gate(&stays.tokens[0]).await?;
    println!("a connect, p50 and p99 of {PROBES}: {cost}");
    let mut guests = vec![];
    for reason in ["refunded", "removed", "banned", "revoked"] {
        for number in 0..guests_of_each() {
            guests.push((reason, evening.guest(format!("{reason} {number}")).await?));
        }
    }
    // What all inside see.
    let (listeners, host) = (guests.len() + 1, evening.shop.host.user_id());
    eventually("a stage with its listeners", LIMIT, || async {
        let stage = stays
            .caller
            .get(&evening.path("stage"))
            .await?
            .expect(200, "a listener looks")?;
        Ok((stage["speaking"] == json!([host]) && stage["listeners"] == json!(listeners)).then_some(()))
    })
    .await?;

    let mut took = vec![];
    for (reason, guest) in &guests {
        evening.loses(guest, reason).await?;
        let since = Instant::now();
        took.push(evening.is_out(guest, reason, since).await?);
        evening.comes_back_in_vain(guest).await?;
    }
    took.sort_unstable();
    println!(
        "out of {}: p50 {:?}, the last {:?}",
        took.len(),
        took[took.len() / 2],
        took[took.len() - 1]
    );
    assert!(took.iter().all(|took| *took < OUT_WITHIN), "{took:?}");
    // Long after they were sent out, while the others go on listening, nobody of them has heard anything more. What had
    // come before may still be played.
    let all_out = Instant::now() + OUT_WITHIN;
    evening.is_heard_since("stays", all_out).await?;
    for (_, guest) in &guests {
        let events = evening.audio.events_of(&guest.name);
        let out = events
            .iter()
            .find(|reported| matches!(reported.event, AudioEvent::Disconnected { .. }));
        let silent_from = out.context("out")?.at + OUT_WITHIN;
        assert!(
            !events
                .iter()
                .any(|reported| reported.at > silent_from && matches!(reported.event, AudioEvent::Heard { .. }))
        );
    }
    eventually("one listener", LIMIT, || async {
        let stage = stays
            .caller
            .get(&evening.path("stage"))
            .await?
            .expect(200, "a listener looks")?;
        Ok((stage["listeners"] == json!(1)).then_some(()))
    })
    .await
}

/// And whoever has a copy of the first one's tokens throws nobody out with them.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_device_takes_over_and_the_first_is_told() -> Result<()> {
    let evening = Evening::begin().await?;
    let guest = evening.guest("phone".to_owned()).await?;
    let door = format!("/v1/tickets/{}/entry", guest.ticket);
    let entry = guest
        .caller
        .post(&door, &json!({}))
        .await?
        .expect(200, "another device asks")?;
    assert_eq!((&entry["took_over"], &entry["entry"]), (&json!(true), &json!(2)));
    let token = entry["token"].as_str().context("expected a token")?;
    come_in(&evening.audio, "laptop", &guest.url, token).await?;
    let is_out = |event: &AudioEvent| matches!(event, AudioEvent::Disconnected { .. });
    let (_, told) = evening.audio.wait_for("phone", LIMIT, is_out).await?;
    assert_eq!(
        told,
        AudioEvent::Disconnected {
            reason: "DUPLICATE_IDENTITY".to_owned()
        }
    );
    evening.is_heard_by("laptop").await?;
    evening.comes_back_in_vain(&guest).await?;
    let seen = guest.caller.get(&door).await?.expect(200, "the holder looks")?;
    assert_eq!((&seen["entry"], &seen["state"]), (&json!(2), &json!("open")));
    let still = evening.audio.events_of("laptop");
    assert!(
        !still.iter().any(|reported| is_out(&reported.event)),
        "the second device is still there"
    );
    Ok(())
}
