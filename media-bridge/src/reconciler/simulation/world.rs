//! Everything but the reconciler, and what is going to happen in it.

use std::collections::{BTreeMap, VecDeque};

use chrono::DateTime;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use tokio::time::{Duration, Instant};

use super::judge::Judge;
use super::server::{News, Server, Token};
use super::storm::Storm;
use super::wish::Wish;
use crate::identity::session_of;
use crate::presence::Leave;
use crate::shared::Hint;

/// The tokens that somebody keeps.
const KEPT: usize = 4;

/// Who would be whom in which room.
pub(super) type Seat = (String, String);

#[derive(Clone, Debug)]
pub(super) enum Due {
    Webhook(Option<Hint>),
    /// With a token that they have: they try again so often.
    ComesBack {
        seat: Seat,
        tries: u32,
    },
    /// A connection that was cut off is noticed.
    IsMissed {
        seat: Seat,
        sid: String,
    },
    ServerStarts,
    ReconcilerStarts,
    StormEnds,
}

/// What has to be done outside.
#[derive(Debug)]
pub(super) enum Outside {
    LogChanged,
    Webhook(Option<Hint>),
    ReconcilerDies,
    ReconcilerStarts,
}

#[derive(Debug)]
pub(super) struct World {
    pub(super) random: StdRng,
    pub(super) server: Server,
    pub(super) wish: Wish,
    pub(super) judge: Judge,
    pub(super) storm: Storm,
    pub(super) tokens: BTreeMap<Seat, VecDeque<Token>>,
    pub(super) sessions: u128,
    pub(super) outside: Vec<Outside>,
    due: BTreeMap<(Instant, u64), Due>,
    planned: u64,
    /// Of a hundred.
    webhooks_lost: u32,
    /// From one step to the next, for the most part.
    pub(super) pause_millis_max: u64,
    /// Nobody does anything any more.
    pub(super) is_over: bool,
}

impl World {
    pub(super) fn new(seed: u64, now: Instant) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let mut one_of = |choices: [u64; 3]| choices[random.random_range(0..choices.len())];
        let (pause_millis_max, webhooks_lost) = (one_of([60, 400, 4_000]), one_of([5, 30, 100]));
        Self {
            random,
            server: Server::new(),
            wish: Wish::default(),
            judge: Judge::new(now),
            storm: Storm::default(),
            tokens: BTreeMap::new(),
            sessions: 0,
            outside: Vec::new(),
            due: BTreeMap::new(),
            planned: 0,
            webhooks_lost: u32::try_from(webhooks_lost).unwrap_or(100),
            pause_millis_max,
            is_over: false,
        }
    }

    pub(super) fn millis(&mut self, range: std::ops::Range<u64>) -> Duration {
        Duration::from_millis(self.random.random_range(range))
    }

    pub(super) fn chance(&mut self, percent: u32) -> bool {
        self.random.random_range(0..100) < percent
    }

    pub(super) fn plan(&mut self, at: Instant, due: Due) {
        self.planned += 1;
        self.due.insert((at, self.planned), due);
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.keys().next().map(|(at, _)| *at)
    }

    /// What is due by now happens.
    pub(super) fn catch_up(&mut self, now: Instant) {
        while let Some(entry) = self.due.first_entry()
            && entry.key().0 <= now
        {
            let due = entry.remove();
            self.happen(due, now);
            self.settle(now);
        }
    }

    fn happen(&mut self, due: Due, now: Instant) {
        match due {
            Due::Webhook(hint) => self.outside.push(Outside::Webhook(hint)),
            Due::ComesBack { seat, tries } => self.come_back(seat, tries, now),
            Due::IsMissed { seat, sid } => {
                let (room, identity) = seat;
                let people = self.server.rooms.get(&room).map(|room| &room.people);
                let connection = people.and_then(|people| people.get(&identity));
                if connection.is_some_and(|connection| connection.sid == sid) {
                    let _ = self.server.leave(&room, &identity);
                }
            }
            Due::ServerStarts => {
                self.server.is_up = true;
                self.weather(now, |storm| storm.server_is_down = false);
            }
            Due::ReconcilerStarts => {
                self.outside.push(Outside::ReconcilerStarts);
                self.weather(now, |storm| storm.reconciler_is_down = false);
            }
            Due::StormEnds => self.weather(now, |storm| storm.rages = false),
        }
    }

    pub(super) fn weather(&mut self, now: Instant, change: impl FnOnce(&mut Storm)) {
        let before = self.storm.is_anything_wrong();
        change(&mut self.storm);
        let rages = self.storm.is_anything_wrong();
        if before != rages {
            self.judge.storm(rages, now);
        }
    }

    fn come_back(&mut self, seat: Seat, tries: u32, now: Instant) {
        let tokens = self.tokens.get(&seat);
        let token = tokens.and_then(|tokens| {
            let tokens: Vec<&Token> = tokens.iter().collect();
            tokens.choose(&mut self.random).copied().cloned()
        });
        let Some(token) = token.filter(|_| !self.is_over) else {
            return;
        };
        if !self.server.join(&seat.0, &seat.1, &token, true, now) && tries > 0 {
            let at = now + self.millis(300..1_500);
            self.plan(at, Due::ComesBack { seat, tries: tries - 1 });
        }
    }

    /// What has just happened is told to whom it concerns, and judged.
    pub(super) fn settle(&mut self, now: Instant) {
        for news in self.server.take_news() {
            match news {
                News::Joined => self.tell(None, now),
                News::Left { room, identity, sid } => {
                    self.tell(left(&room, &identity, sid).as_ref(), now);
                    // Some do not take a no.
                    if self.chance(30) {
                        let at = now + self.millis(1..60);
                        let seat = (room, identity);
                        self.plan(at, Due::ComesBack { seat, tries: 2 });
                    }
                }
                News::Token { room, identity, token } => self.keep((room, identity), token),
            }
        }
        self.judge.look(&self.wish.rooms, &self.server, now);
    }

    pub(super) fn keep(&mut self, seat: Seat, token: Token) {
        let tokens = self.tokens.entry(seat).or_default();
        tokens.push_back(token);
        if tokens.len() > KEPT {
            let forgotten = self.random.random_range(0..KEPT);
            tokens.remove(forgotten);
        }
    }

    /// By webhook, which may be lost, come late, out of order, and twice.
    fn tell(&mut self, hint: Option<&Hint>, now: Instant) {
        if self.is_over || self.chance(self.webhooks_lost) {
            return;
        }
        let copies = if self.chance(15) { 2 } else { 1 };
        for _ in 0..copies {
            let delay = match self.random.random_range(0..100) {
                0..=69 => self.millis(1..10),
                70..=89 => self.millis(10..3_000),
                _ => self.millis(3_000..60_000),
            };
            self.plan(now + delay, Due::Webhook(hint.cloned()));
        }
    }

    /// From here on all is well, and nobody does anything.
    pub(super) fn end(&mut self, now: Instant) {
        self.is_over = true;
        let comes_up = |due: &Due| matches!(due, Due::ServerStarts | Due::ReconcilerStarts);
        self.due.retain(|_, due| comes_up(due));
        self.weather(now, |storm| storm.rages = false);
    }
}

fn left(room: &str, identity: &str, participant_sid: String) -> Option<Hint> {
    Some(Hint {
        session: session_of(room)?,
        identity: identity.parse().ok()?,
        participant_sid,
        leave: Leave {
            joined_at: None,
            at: DateTime::from_timestamp(1_800_000_000, 0)?,
            timed_out: false,
        },
    })
}
