//! The rehearsal's room: people come over some time, hear the speakers, get and lose the word, and are removed.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use domain::{TicketId, UserId};
use media_bridge::rehearsal::{AudioEvent, Tally};
use media_bridge::{Badge, Identity, LiveKit, LiveKitConfig, MediaServer, Permission};
use tokio::process::Command;
use tokio::time::{Instant, sleep_until, timeout};
use uuid::Uuid;

use super::crowd::Crowd;
use super::error::RehearsalError;
use super::figures::{Audio, Figures, Joins, Processors, Times, millis};
use super::processor::{Meter, listener};

/// Who comes in later than this stays outside.
const JOIN_LIMIT: Duration = Duration::from_secs(30);
/// For a permission or a removal to be felt.
const CHANGE_LIMIT: Duration = Duration::from_secs(10);
const IMPORT_LIMIT: Duration = Duration::from_secs(30);
/// From one change of a permission to the next.
const CHANGE_EVERY: Duration = Duration::from_secs(1);
const REMOVED_MAX: usize = 20;
const TOKEN_TTL_SECONDS: u32 = 120;
const LOWEST_HZ: u32 = 400;
const HZ_APART: u32 = 70;

/// What is rehearsed, and where.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) config: LiveKitConfig,
    /// Where clients connect: `ws://host:port`.
    pub(crate) client_url: String,
    pub(crate) listeners: usize,
    pub(crate) speakers: usize,
    /// From when everybody is in.
    pub(crate) lasts: Duration,
    /// The listeners come over this time.
    pub(crate) come_within: Duration,
    pub(crate) python: PathBuf,
}

impl Plan {
    /// The media server's port, if it is one of this machine.
    fn local_port(&self) -> Option<u16> {
        let url = reqwest::Url::parse(&self.config.url).ok()?;
        let is_local = matches!(url.host_str()?, "127.0.0.1" | "localhost" | "[::1]");
        is_local.then(|| url.port_or_known_default()).flatten()
    }
}

/// A room that exists on the media server until it is closed. Its name is none that boxoffice looks after, so a running shop
/// lets it be; should this process be killed, the media server closes it some minutes after everybody has left.
pub(crate) struct Rehearsal {
    plan: Plan,
    media: LiveKit,
    room: String,
}

/// Somebody in the room.
struct Part {
    /// In the crowd.
    number: usize,
    identity: String,
    who: Identity,
}

impl Rehearsal {
    pub(crate) async fn open(plan: Plan) -> Result<Self, RehearsalError> {
        let media = LiveKit::new(plan.config.clone());
        let answered = media.list_rooms().await;
        answered.map_err(|failure| RehearsalError::of_first_call(&plan.config.url, failure))?;
        check_clients(&plan).await?;
        let room = format!("rehearsal-{}", Uuid::new_v4());
        let people = u32::try_from(plan.listeners + plan.speakers).unwrap_or(u32::MAX);
        let made = media.create_room(&room, people).await;
        made.map_err(|failure| RehearsalError::of_first_call(&plan.config.url, failure))?;
        Ok(Self { plan, media, room })
    }

    /// Deletes the room, and with it whoever is still there.
    pub(crate) async fn close(self) -> Result<(), RehearsalError> {
        match self.media.delete_room(&self.room).await {
            Ok(()) | Err(media_bridge::MediaError::NotFound) => Ok(()),
            Err(source) => Err(RehearsalError::Media {
                step: "delete the room",
                source,
            }),
        }
    }

    pub(crate) async fn play(&self) -> Result<Figures, RehearsalError> {
        let plan = &self.plan;
        let speakers: Vec<Part> = (0..plan.speakers).map(speaker).collect();
        let listeners: Vec<Part> = (0..plan.listeners)
            .map(|number| ticket(plan.speakers + number))
            .collect();
        let tones = speakers.iter().map(|part| (part.identity.clone(), tone(part)));
        let tally = Arc::new(Tally::of(tones));
        let people = plan.listeners + plan.speakers;
        let crowd = Crowd::gather(&plan.python, &plan.client_url, people, &tally)?;
        for part in &speakers {
            self.speak(&crowd, part).await?;
        }
        let server = plan.local_port().and_then(listener).and_then(Meter::start);
        let clients: Vec<Meter> = crowd.pids().filter_map(Meter::start).collect();
        let came = self.let_in(&crowd, &listeners).await?;
        let permissions = self.change_permissions(&crowd, &listeners, &came).await?;
        let audio = audio(&tally, &speakers, &listeners, &came);
        let processors = Processors {
            media_server_millicores: server.as_ref().and_then(Meter::millicores),
            media_server_memory_mb: server.as_ref().and_then(Meter::memory_mb),
            clients_millicores: clients.iter().map(Meter::millicores).sum(),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        };
        let removals = self.remove(&crowd, &listeners, &came).await?;
        crowd.go_home().await;
        Ok(Figures {
            url: plan.config.url.clone(),
            listeners: plan.listeners,
            speakers: plan.speakers,
            seconds: plan.lasts.as_secs(),
            joins: joins(&came),
            audio,
            permissions,
            removals,
            processors,
        })
    }

    async fn enter(&self, crowd: &Crowd, part: &Part) -> Result<(), RehearsalError> {
        let token = self
            .media
            .entry_token(&self.room, Badge::new(part.who), TOKEN_TTL_SECONDS);
        let token = token.map_err(media("make a token"))?;
        crowd.connect(part.number, &part.identity, &token).await
    }

    async fn speak(&self, crowd: &Crowd, part: &Part) -> Result<(), RehearsalError> {
        let (number, client) = (part.number, part.identity.as_str());
        let limit = JOIN_LIMIT;
        let missing = |source| RehearsalError::SpeakerMissing { limit, source };
        self.enter(crowd, part).await?;
        let is_in = |event: &AudioEvent| *event == AudioEvent::Connected;
        crowd.wait_for(number, client, limit, is_in).await.map_err(missing)?;
        let permitted = self.media.set_permission(&self.room, client, Permission::Speak).await;
        permitted.map_err(media("let a speaker speak"))?;
        let may = |event: &AudioEvent| *event == AudioEvent::Permission { can_publish: true };
        crowd.wait_for(number, client, limit, may).await.map_err(missing)?;
        crowd.publish(number, client, tone(part)).await?;
        let speaks = |event: &AudioEvent| matches!(event, AudioEvent::Published { .. });
        crowd.wait_for(number, client, limit, speaks).await.map_err(missing)?;
        Ok(())
    }

    /// One after the other, evenly. Says for each when they came to the door, and when they were in.
    async fn let_in(&self, crowd: &Crowd, listeners: &[Part]) -> Result<Vec<Came>, RehearsalError> {
        let began = Instant::now();
        let mut knocked = Vec::with_capacity(listeners.len());
        for (number, part) in listeners.iter().enumerate() {
            let share = u32::try_from(number).unwrap_or(u32::MAX);
            let pause = self.plan.come_within / u32::try_from(listeners.len()).unwrap_or(1);
            sleep_until(began + pause * share).await;
            knocked.push(Instant::now());
            self.enter(crowd, part).await?;
        }
        let mut came = Vec::with_capacity(listeners.len());
        for (part, at) in listeners.iter().zip(knocked) {
            let is_answer = |event: &AudioEvent| matches!(event, AudioEvent::Connected | AudioEvent::Refused { .. });
            let answer = crowd.wait_for(part.number, &part.identity, JOIN_LIMIT, is_answer).await;
            let is_in = answer.ok().filter(|(_, event)| *event == AudioEvent::Connected);
            came.push(Came {
                after: at - began,
                knocked: at,
                entered: is_in.map(|(entered, _)| entered),
            });
        }
        Ok(came)
    }

    /// One listener after the other gets the word and loses it, until the time is over.
    async fn change_permissions(
        &self,
        crowd: &Crowd,
        listeners: &[Part],
        came: &[Came],
    ) -> Result<Times, RehearsalError> {
        let until = Instant::now() + self.plan.lasts;
        let inside: Vec<&Part> = inside(listeners, came).collect();
        let mut times = Vec::new();
        for part in inside.iter().cycle() {
            for (permission, can_publish) in [(Permission::Speak, true), (Permission::Listen, false)] {
                let asked = Instant::now();
                let set = self.media.set_permission(&self.room, &part.identity, permission).await;
                set.map_err(media("change a permission"))?;
                let told = |event: &AudioEvent| *event == AudioEvent::Permission { can_publish };
                let told = crowd.wait_for(part.number, &part.identity, CHANGE_LIMIT, told).await;
                times.push(told.ok().map(|(at, _)| at.saturating_duration_since(asked)));
                sleep_until((asked + CHANGE_EVERY).min(until)).await;
            }
            if Instant::now() >= until {
                break;
            }
        }
        sleep_until(until).await;
        Ok(Times::of(times))
    }

    async fn remove(&self, crowd: &Crowd, listeners: &[Part], came: &[Came]) -> Result<Times, RehearsalError> {
        let mut times = Vec::new();
        for part in inside(listeners, came).take(REMOVED_MAX) {
            let asked = Instant::now();
            let removed = self.media.remove_participant(&self.room, &part.identity).await;
            removed.map_err(media("remove a listener"))?;
            let out = |event: &AudioEvent| matches!(event, AudioEvent::Disconnected { .. });
            let out = crowd.wait_for(part.number, &part.identity, CHANGE_LIMIT, out).await;
            times.push(out.ok().map(|(at, _)| at.saturating_duration_since(asked)));
        }
        Ok(Times::of(times))
    }
}

/// A listener at the door.
struct Came {
    /// The first one.
    after: Duration,
    knocked: Instant,
    entered: Option<Instant>,
}

fn inside<'a>(listeners: &'a [Part], came: &'a [Came]) -> impl Iterator<Item = &'a Part> {
    let all = listeners.iter().zip(came);
    all.filter(|(_, came)| came.entered.is_some()).map(|(part, _)| part)
}

fn speaker(number: usize) -> Part {
    let who = Identity::Host(UserId::from_uuid(Uuid::new_v4()));
    let identity = who.to_string();
    Part { number, identity, who }
}

fn ticket(number: usize) -> Part {
    let who = Identity::Ticket(TicketId::from_uuid(Uuid::new_v4()));
    let identity = who.to_string();
    Part { number, identity, who }
}

/// Each speaker has a tone of their own.
fn tone(part: &Part) -> u32 {
    LOWEST_HZ + HZ_APART * u32::try_from(part.number).unwrap_or(0)
}

fn media(step: &'static str) -> impl Fn(media_bridge::MediaError) -> RehearsalError {
    move |source| RehearsalError::Media { step, source }
}

async fn check_clients(plan: &Plan) -> Result<(), RehearsalError> {
    let no_clients = || RehearsalError::NoClients {
        python: plan.python.clone(),
    };
    let import = Command::new(&plan.python)
        .args(["-c", "import numpy, livekit.rtc"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .status();
    match timeout(IMPORT_LIMIT, import).await {
        Ok(Ok(status)) if status.success() => Ok(()),
        _ => Err(no_clients()),
    }
}

/// By quarters of those who came.
fn joins(came: &[Came]) -> Vec<Joins> {
    let quarters = came.chunks(came.len().div_ceil(4).max(1));
    quarters
        .map(|quarter| {
            let took = quarter
                .iter()
                .filter_map(|came| came.entered.map(|at| at - came.knocked));
            let took = Times::of(took.map(Some));
            Joins {
                until_seconds: quarter.last().map_or(0, |came| came.after.as_secs()),
                came: took.count,
                stayed_outside: quarter.len() - took.count,
                took,
            }
        })
        .collect()
}

fn audio(tally: &Tally, speakers: &[Part], listeners: &[Part], came: &[Came]) -> Audio {
    const A_SECOND: Duration = Duration::from_secs(1);
    let now = Instant::now();
    let (mut pairs, mut first_sounds, mut heard_all, mut time_all) = (0, Vec::new(), 0, 0);
    let (mut least, mut longest, mut silent) = (1_000, Duration::ZERO, 0);
    let entered = listeners
        .iter()
        .zip(came)
        .filter_map(|(part, came)| Some((part, came.entered?)));
    for (part, entered) in entered {
        for speaker in speakers {
            pairs += 1;
            let heard = tally.heard(&part.identity, &speaker.identity);
            first_sounds.push(heard.map(|heard| heard.first.saturating_duration_since(entered)));
            let Some(heard) = heard else {
                continue;
            };
            let time = millis(now - heard.first).max(1);
            heard_all += heard.heard_ms.min(time);
            time_all += time;
            least = least.min(heard.heard_ms.min(time) * 1_000 / time);
            let silence = heard.longest_silence.max(now - heard.last);
            longest = longest.max(silence);
            silent += usize::from(silence >= A_SECOND);
        }
    }
    let first_sound = Times::of(first_sounds);
    Audio {
        pairs,
        never_heard: first_sound.missing,
        heard_permille: heard_all * 1_000 / time_all.max(1),
        heard_permille_least: if first_sound.count == 0 { 0 } else { least },
        longest_silence_ms: millis(longest),
        silent_for_a_second: silent,
        first_sound,
    }
}
