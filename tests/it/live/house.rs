//! A shop with a full live room: a host and a speaker who are heard, a co-host, listeners, and one who was removed.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use boxoffice::client::{Answer, Caller, Server, eventually};
use media_bridge::rehearsal::{AudioClients, AudioEvent};
use media_bridge::{LiveKit, LiveParticipant, MediaServer};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::line::Line;
use super::post::PostOffice;
use crate::support::{Sfu, Shop, ShopOptions, buy, python, sfu_environment};

/// For whatever takes the time that processes and media connections take on a busy machine.
pub(super) const LIMIT: Duration = Duration::from_secs(30);
pub(super) const HOST_HZ: u32 = 440;
pub(super) const SPEAKER_HZ: u32 = 880;

pub(super) struct Guest {
    pub(super) caller: Caller,
    ticket: String,
    /// Of their audio client.
    pub(super) name: String,
}

impl Guest {
    pub(super) fn identity(&self) -> String {
        format!("ticket-{}", self.ticket)
    }
}

pub(super) struct House {
    pub(super) sfu: Sfu,
    pub(super) line: Line,
    pub(super) post: PostOffice,
    pub(super) shop: Shop,
    pub(super) co_host: Caller,
    /// The first one speaks.
    pub(super) guests: Vec<Guest>,
    pub(super) audio: Arc<AudioClients>,
    room: String,
    /// The way past boxoffice, for looking.
    media: LiveKit,
    media_room: String,
}

/// Where and with what somebody connects.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) url: String,
    pub(super) token: String,
}

impl House {
    /// The room is live; nobody is in it yet.
    pub(super) async fn open(guests: usize) -> Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let post = PostOffice::open(&address).await?;
        let sfu = Sfu::start_telling(Some(post.url().to_owned())).await?;
        let line = Line::to(sfu.port()).await?;
        let shop = Shop::open(ShopOptions {
            environment: sfu_environment(&line.url()),
            with_media: true,
            listen: Some(address),
            ..ShopOptions::default()
        })
        .await?;
        let room = shop.schedule(guests, 60).await?;
        let co_host = shop.person().await?;
        let mut house = Self {
            media: LiveKit::new(sfu.config()),
            sfu,
            line,
            post,
            shop,
            co_host,
            guests: Vec::new(),
            audio: Arc::new(AudioClients::start(&python())?),
            room,
            media_room: String::new(),
        };
        for number in 0..guests {
            let caller = house.shop.person().await?;
            let ticket = buy(&caller, &house.room).await?;
            let name = format!("guest-{number}");
            house.guests.push(Guest { caller, ticket, name });
        }
        let appoint = format!("/co_hosts/{}", house.co_host.user_id());
        let appointed = house.shop.host.put(&house.path(&appoint), &json!({})).await?;
        appointed.expect(200, "the host appoints a co-host")?;
        house.direct("/open").await?;
        house.media_room = eventually("the room on the media server", LIMIT, || async {
            let rooms = house.media.list_rooms().await?;
            Ok(rooms.into_iter().next().map(|room| room.name))
        })
        .await?;
        Ok(house)
    }

    /// Everybody is in, the host and the first guest are heard by all, and the last guest was removed. Returns how that one
    /// came in.
    pub(super) async fn full(guests: usize) -> Result<(Self, Door)> {
        let mut house = Self::open(guests).await?;
        house.come_in(&house.shop.host, "host", &house.path("/entry")).await?;
        house.come_in(&house.co_host, "co-host", &house.path("/entry")).await?;
        let mut doors = Vec::new();
        for guest in &house.guests {
            let entry = format!("/v1/tickets/{}/entry", guest.ticket);
            doors.push(house.come_in(&guest.caller, &guest.name, &entry).await?);
        }
        house.may_speak("host", true).await?;
        house.audio.publish("host", HOST_HZ).await?;
        house.promote(&house.guests[0]).await?;
        house.may_speak(&house.guests[0].name, true).await?;
        house.audio.publish(&house.guests[0].name, SPEAKER_HZ).await?;
        house.everybody_hears_both(Instant::now()).await?;
        let removed = house.guests.pop().context("expected guests")?;
        let body = json!({"user_id": removed.caller.user_id()});
        let answer = house.shop.host.post(&house.path("/removals"), &body).await?;
        answer.expect(200, "the host removes a guest")?;
        house.is_out(&removed.name).await?;
        let door = doors.pop().context("expected a door")?;
        Ok((house, door))
    }

    pub(super) fn path(&self, rest: &str) -> String {
        format!("/v1/rooms/{}{rest}", self.room)
    }

    pub(super) fn host_identity(&self) -> String {
        format!("host-{}", self.shop.host.user_id())
    }

    /// The host acts.
    pub(super) async fn direct(&self, rest: &str) -> Result<Value> {
        let answer = self.shop.host.post(&self.path(rest), &json!({})).await?;
        answer.expect(200, "the host directs")
    }

    /// Somebody acts for themselves.
    pub(super) async fn act(&self, who: &Caller, rest: &str) -> Result<Answer> {
        who.post(&self.path(rest), &json!({})).await
    }

    pub(super) async fn promote(&self, guest: &Guest) -> Result<()> {
        self.ask(guest).await?;
        self.approve(guest).await
    }

    pub(super) async fn ask(&self, guest: &Guest) -> Result<()> {
        let asked = self.act(&guest.caller, "/speak_requests/me").await?;
        asked.expect(200, "a guest asks to speak").map(drop)
    }

    /// The media server knows that they ask.
    pub(super) async fn raises_a_hand(&self, guest: &Guest) -> Result<()> {
        eventually("a raised hand", LIMIT, || async {
            let people = self.people().await?;
            let person = people.iter().find(|person| person.identity == guest.identity());
            Ok(person
                .filter(|person| person.marks.contains_key("boxoffice.hand"))
                .map(drop))
        })
        .await
    }

    pub(super) async fn approve(&self, guest: &Guest) -> Result<()> {
        let approve = format!("/stage/{}/approve", guest.caller.user_id());
        self.direct(&approve).await.map(drop)
    }

    async fn come_in(&self, who: &Caller, client: &str, entry: &str) -> Result<Door> {
        let door = eventually("an open door", LIMIT, || async {
            let answer = who.post(entry, &json!({})).await?;
            if answer.status == 503 {
                return Ok(None);
            }
            answer.expect(200, "somebody entitled asks to be let in").map(Some)
        });
        let door = door.await?;
        let field = |name: &str| door[name].as_str().map(str::to_owned);
        let door = Door {
            url: field("livekit_url").context("expected a URL")?,
            token: field("token").context("expected a token")?,
        };
        self.audio.connect(client, &door.url, &door.token).await?;
        self.audio
            .wait_for(client, LIMIT, |event| *event == AudioEvent::Connected)
            .await?;
        Ok(door)
    }

    pub(super) async fn may_speak(&self, client: &str, can_publish: bool) -> Result<Instant> {
        let told = |event: &AudioEvent| *event == AudioEvent::Permission { can_publish };
        Ok(self.audio.wait_for(client, LIMIT, told).await?.0)
    }

    async fn is_out(&self, client: &str) -> Result<()> {
        let out = |event: &AudioEvent| matches!(event, AudioEvent::Disconnected { .. });
        self.audio.wait_for(client, LIMIT, out).await?;
        Ok(())
    }

    /// Those who are heard.
    pub(super) fn voices(&self) -> [(String, u32); 2] {
        [(self.host_identity(), HOST_HZ), (self.guests[0].identity(), SPEAKER_HZ)]
    }

    /// When everybody who listens had heard the host and the speaker, counted from this moment.
    pub(super) async fn everybody_hears_both(&self, since: Instant) -> Result<Instant> {
        let mut last = since;
        for (speaker, hz) in self.voices() {
            for listener in self.listeners() {
                last = last.max(self.hears(listener, &speaker, hz, since).await?);
            }
        }
        Ok(last)
    }

    /// When everybody who lost their connection after this moment had another one and heard the host and the speaker by it.
    pub(super) async fn everybody_is_back(&self, since: Instant) -> Result<Instant> {
        let mut last = since;
        for listener in self.listeners() {
            let again = eventually(&format!("{listener} to reconnect"), LIMIT, || async {
                let events = self.audio.events_since(listener, since);
                let again = events.iter().find(|reported| reported.event == AudioEvent::Reconnected);
                Ok(again.map(|reported| reported.at))
            })
            .await?;
            for (speaker, hz) in self.voices() {
                last = last.max(self.hears(listener, &speaker, hz, again).await?);
            }
        }
        Ok(last)
    }

    /// Those who say nothing.
    pub(super) fn listeners(&self) -> impl Iterator<Item = &str> {
        let guests = self.guests.iter().skip(1).map(|guest| guest.name.as_str());
        std::iter::once("co-host").chain(guests)
    }

    async fn hears(&self, listener: &str, speaker: &str, hz: u32, since: Instant) -> Result<Instant> {
        eventually(&format!("{listener} to hear {hz} Hz"), LIMIT, || async {
            let events = self.audio.events_since(listener, since);
            let heard = events.iter().find(|reported| reported.event.is_tone(speaker, hz));
            Ok(heard.map(|reported| reported.at))
        })
        .await
    }

    /// As the media server itself says, in the order of their identities.
    pub(super) async fn people(&self) -> Result<Vec<LiveParticipant>> {
        let mut people = self.media.list_participants(&self.media_room).await?;
        people.sort_by(|one, other| one.identity.cmp(&other.identity));
        Ok(people)
    }

    /// Who is there, and whether they may publish.
    pub(super) async fn stage(&self) -> Result<Vec<(String, bool)>> {
        let people = self.people().await?.into_iter();
        Ok(people.map(|person| (person.identity, person.may_publish)).collect())
    }

    pub(super) async fn becomes(&self, wanted: &[(String, bool)]) -> Result<()> {
        let mut last = Vec::new();
        let deadline = Instant::now() + LIMIT;
        while Instant::now() < deadline {
            // It may be away at the moment.
            last = self.stage().await.unwrap_or_default();
            if last == wanted {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bail!("expected the stage to become {wanted:?}, and it is {last:?}")
    }

    /// Starts the killed shop again, with more of the environment.
    pub(super) async fn restart_shop(&mut self, environment: &[(&str, &str)]) -> Result<()> {
        let mut options = self.shop.server.options().clone();
        let more = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        options.environment.extend(more);
        self.shop.server = Server::start(options).await?;
        Ok(())
    }
}
