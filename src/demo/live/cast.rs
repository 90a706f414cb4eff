//! Who plays: a host, a co-host, and five with a ticket to a room that costs nothing.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use event_log::clock::{Clock, SystemClock};
use media_bridge::rehearsal::AudioClients;
use serde_json::{Value, json};

use crate::client::{Answer, Caller, Server, eventually};
use crate::demo::people::{Holder, person, text};
use crate::demo::tickets::{ISSUE_LIMIT, hold};

pub(super) const HOST_HZ: u32 = 440;
pub(super) const ANN_HZ: u32 = 880;

pub(super) struct Cast {
    pub(super) host: Caller,
    pub(super) co_host: Caller,
    /// Asks to speak.
    pub(super) ann: Holder,
    /// Has two devices.
    pub(super) ben: Holder,
    /// Is banned.
    pub(super) cleo: Holder,
    pub(super) dan: Holder,
    pub(super) eva: Holder,
    pub(super) audio: AudioClients,
    pub(super) room: String,
}

impl Cast {
    pub(super) async fn gather(server: &Server, python: &Path) -> Result<Self> {
        let host = person(server, &[]).await?;
        let room = schedule(&host).await?;
        Ok(Self {
            co_host: person(server, &[]).await?,
            ann: guest(server, &room).await?,
            ben: guest(server, &room).await?,
            cleo: guest(server, &room).await?,
            dan: guest(server, &room).await?,
            eva: guest(server, &room).await?,
            audio: AudioClients::start(python).context("starting the audio clients")?,
            host,
            room,
        })
    }

    pub(super) fn path(&self, rest: &str) -> String {
        format!("/v1/rooms/{}{rest}", self.room)
    }

    pub(super) fn host_identity(&self) -> String {
        format!("host-{}", self.host.user_id())
    }

    /// By the names of their audio clients.
    pub(super) fn guests(&self) -> [(&'static str, &Holder); 5] {
        [
            ("ann", &self.ann),
            ("ben", &self.ben),
            ("cleo", &self.cleo),
            ("dan", &self.dan),
            ("eva", &self.eva),
        ]
    }

    pub(super) fn everybody(&self) -> impl Iterator<Item = &'static str> {
        let guests = self.guests().into_iter().map(|(name, _)| name);
        ["host", "co-host"].into_iter().chain(guests)
    }

    /// Everybody's user id and name.
    pub(super) fn names(&self) -> Vec<(&str, &'static str)> {
        let guests = self.guests().map(|(name, holder)| (holder.caller.user_id(), name));
        let side = [(self.host.user_id(), "host"), (self.co_host.user_id(), "co-host")];
        side.into_iter().chain(guests).collect()
    }

    /// Somebody does something in the room.
    pub(super) async fn act(&self, who: &Caller, rest: &str) -> Result<Answer> {
        who.post(&self.path(rest), &json!({})).await
    }

    pub(super) async fn stage(&self) -> Result<Value> {
        let answer = self.host.get(&self.path("/stage")).await?;
        answer.expect(200, "the host looks at the stage")
    }
}

pub(super) fn identity(holder: &Holder) -> String {
    format!("ticket-{}", holder.ticket)
}

/// Anybody may host a room that costs nothing.
async fn schedule(host: &Caller) -> Result<String> {
    let starts_at = SystemClock.now() + chrono::Duration::minutes(10);
    let room = json!({
        "title": "An evening on night trains",
        "description": "Come and tell yours.",
        "language": "en",
        "starts_at": starts_at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        "planned_minutes": 30,
        "price": {"amount_minor": 0, "currency": "USD"},
        "capacity": 5,
        "recording": {"allowed": true, "for_holders": true},
    });
    let made = host
        .post_with_key("/v1/rooms", "the-only-room-of-this-act", &room)
        .await?;
    text(&made.expect(201, "a host schedules a free room")?, "/id")
}

async fn guest(server: &Server, room: &str) -> Result<Holder> {
    let holder = hold(room, &person(server, &[]).await?).await?;
    let claimed = holder
        .caller
        .post_with_key(&holder.path("/payments"), "a-seat-for-nothing", &json!({}))
        .await?;
    ensure!(
        claimed.status < 300,
        "expected a free seat to be claimed, and got {}",
        claimed.body
    );
    eventually("a ticket that costs nothing", ISSUE_LIMIT, || async {
        Ok((holder.look().await?["state"] == "issued").then_some(()))
    })
    .await?;
    Ok(holder)
}
