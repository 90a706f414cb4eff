//! What people, hosts, the media server and the weather do.

use rand::Rng as _;
use rand::seq::{IndexedRandom as _, IteratorRandom as _};
use tokio::time::{Duration, Instant};

use super::server::Token;
use super::wish::{host_side, opened, person, session, ticket};
use super::world::{Due, Outside, Seat, World};
use crate::identity::room_name;
use crate::{DesiredRoom, Marks, StageRole};

const ROOMS_MAX: usize = 3;
const TICKETS: u128 = 7;
const CO_HOSTS: u128 = 3;
/// The view shows an event at the latest then.
const LAG_MILLIS: std::ops::Range<u64> = 0..400;
/// A token of ours, with the leeway that the media server gives.
const TOKEN_FOR: Duration = Duration::from_mins(3);

impl World {
    /// One step.
    pub(super) fn act(&mut self, now: Instant) {
        match self.random.random_range(0..1_000) {
            0..=349 => self.change_wish(now),
            350..=899 => self.visit(now),
            900..=939 => self.change_rooms(),
            940..=943 => self.begin_storm(now),
            _ if self.storm.rages && self.chance(40) => self.strike(now),
            _ => self.visit(now),
        }
        self.settle(now);
    }

    /// Mostly moments, now and then a while.
    pub(super) fn pause(&mut self) -> Duration {
        match self.random.random_range(0..1_000) {
            0..=984 => self.millis(0..self.pause_millis_max),
            985..=998 => self.millis(1_000..10_000),
            _ => self.millis(30_000..200_000),
        }
    }

    fn some_room(&mut self) -> Option<String> {
        self.wish.rooms.keys().choose(&mut self.random).cloned()
    }

    fn change_wish(&mut self, now: Instant) {
        let room = self.some_room().filter(|_| !self.chance(3));
        let Some(name) = room else {
            if self.wish.rooms.len() < ROOMS_MAX {
                self.sessions += 1;
                let (name, room) = opened(session(self.sessions), TICKETS - 2);
                self.wish.rooms.insert(name, room);
                self.log_changed(now);
            }
            return;
        };
        if self.chance(2) {
            self.wish.rooms.remove(&name);
        } else {
            let (kind, number) = (self.random.random_range(0..9), self.random.random_range(0..TICKETS));
            if let Some(room) = self.wish.rooms.get_mut(&name) {
                change_room(room, kind, number);
            }
        }
        self.log_changed(now);
    }

    fn log_changed(&mut self, now: Instant) {
        let shown_at = now + self.millis(LAG_MILLIS);
        self.wish.changed(shown_at);
        self.outside.push(Outside::LogChanged);
    }

    fn visit(&mut self, now: Instant) {
        match self.random.random_range(0..100) {
            0..=39 => self.enter(now),
            40..=59 => {
                // With whatever token they have: after a removal, on another device, into a room that is over.
                if let Some(seat) = self.tokens.keys().choose(&mut self.random).cloned() {
                    let at = now + self.millis(0..50);
                    self.plan(at, Due::ComesBack { seat, tries: 0 });
                }
            }
            60..=69 => {
                if let Some((room, identity)) = self.somebody() {
                    let _ = self.server.leave(&room, &identity);
                }
            }
            70..=74 => self.cut_off(now),
            75..=94 => {
                if let Some((room, identity)) = self.somebody() {
                    self.server.publish(&room, &identity);
                }
            }
            _ => self.intrude(now),
        }
    }

    fn somebody(&mut self) -> Option<Seat> {
        let everybody = self
            .server
            .rooms
            .iter()
            .flat_map(|(room, live)| live.people.keys().map(move |identity| (room.clone(), identity.clone())));
        everybody.choose(&mut self.random)
    }

    /// With a new token, by the door: it is for those whom the view admits.
    fn enter(&mut self, now: Instant) {
        let rooms = self.wish.shown(now).clone();
        let Some((name, room)) = rooms.into_iter().choose(&mut self.random) else {
            return;
        };
        let Some(person) = room.people.choose(&mut self.random) else {
            return;
        };
        let token = Token {
            may_publish: false,
            marks: Marks::new(),
            expires_at: now + TOKEN_FOR,
        };
        let seat = (name, person.identity.to_string());
        self.keep(seat.clone(), token.clone());
        if self.chance(30) {
            let at = now + self.millis(1..3_000);
            self.plan(at, Due::ComesBack { seat, tries: 3 });
        } else {
            let is_active = !self.chance(5);
            self.server.join(&seat.0, &seat.1, &token, is_active, now);
        }
    }

    /// The media server notices after some time that nothing comes any more.
    fn cut_off(&mut self, now: Instant) {
        let Some(seat) = self.somebody() else {
            return;
        };
        let people = self.server.rooms.get(&seat.0).map(|room| &room.people);
        if let Some(connection) = people.and_then(|people| people.get(&seat.1)) {
            let sid = connection.sid.clone();
            self.plan(now + Duration::from_secs(20), Due::IsMissed { seat, sid });
        }
    }

    /// Somebody with a token that boxoffice never made.
    fn intrude(&mut self, now: Instant) {
        let Some(room) = self.server.rooms.keys().choose(&mut self.random).cloned() else {
            return;
        };
        let names = [
            "somebody".to_owned(),
            ticket(99).to_string(),
            format!("{}#2", ticket(1)),
        ];
        let token = Token {
            may_publish: self.chance(50),
            marks: Marks::from([("boxoffice.role".to_owned(), "host".to_owned())]),
            expires_at: now + TOKEN_FOR,
        };
        let name = self.random.random_range(0..names.len());
        self.server.join(&room, &names[name], &token, true, now);
    }

    /// The media server has rooms of others and old ones of ours, and closes those that are empty.
    fn change_rooms(&mut self) {
        if !self.server.is_up {
            return;
        }
        match self.random.random_range(0..4) {
            0 => drop(self.server.create("lobby")),
            1 => drop(self.server.create("boxoffice-but-not-ours")),
            2 => {
                let old = session(1_000_000 + self.random.random_range(0..3));
                self.server.create(&room_name(old));
            }
            _ => {
                let empty = self.server.rooms.iter().filter(|(_, room)| room.people.is_empty());
                if let Some(name) = empty.map(|(name, _)| name.clone()).choose(&mut self.random) {
                    let _ = self.server.delete(&name);
                }
            }
        }
    }

    fn begin_storm(&mut self, now: Instant) {
        if self.storm.rages {
            return;
        }
        self.weather(now, |storm| storm.rages = true);
        let until = now + self.millis(500..15_000);
        self.plan(until, Due::StormEnds);
    }

    /// Something is killed.
    fn strike(&mut self, now: Instant) {
        let back_at = now + self.millis(50..4_000);
        if self.chance(50) {
            self.kill_server(now, back_at);
        } else if !self.storm.reconciler_is_down {
            self.weather(now, |storm| storm.reconciler_is_down = true);
            self.outside.push(Outside::ReconcilerDies);
            self.plan(back_at, Due::ReconcilerStarts);
        }
    }

    /// Whoever was in tries to come back.
    fn kill_server(&mut self, now: Instant, back_at: Instant) {
        if self.storm.server_is_down {
            return;
        }
        let rooms = self.server.rooms.iter();
        let seats: Vec<Seat> = rooms
            .flat_map(|(room, live)| live.people.keys().map(move |identity| (room.clone(), identity.clone())))
            .collect();
        self.server.kill();
        self.weather(now, |storm| storm.server_is_down = true);
        self.plan(back_at, Due::ServerStarts);
        for seat in seats {
            let at = now + self.millis(200..2_000);
            self.plan(at, Due::ComesBack { seat, tries: 10 });
        }
    }
}

/// Something happens on the log.
fn change_room(room: &mut DesiredRoom, kind: u32, number: u128) {
    let guest = ticket(number);
    let position = |room: &DesiredRoom, identity| room.people.iter().position(|person| person.identity == identity);
    match kind {
        // Sold, or refunded, removed, banned.
        0 | 1 => match position(room, guest) {
            Some(found) => drop(room.people.remove(found)),
            None => room.people.push(person(guest, StageRole::Listener)),
        },
        // To the stage, and off it.
        2 | 3 => {
            if let Some(found) = position(room, guest) {
                let person = &mut room.people[found];
                person.role = match person.role {
                    StageRole::Listener => StageRole::Speaker,
                    role => {
                        if role == StageRole::Speaker {
                            StageRole::Listener
                        } else {
                            role
                        }
                    }
                };
                person.asks = false;
                person.is_muted = false;
            }
        }
        4 => {
            let mut on_stage = room
                .people
                .iter_mut()
                .filter(|person| person.role != StageRole::Listener);
            if let Some(person) = on_stage.nth(usize::try_from(number).unwrap_or(0)) {
                person.is_muted = !person.is_muted;
            }
        }
        5 => {
            let below = room.people.iter_mut();
            let below = below.filter(|person| matches!(person.role, StageRole::CoHost | StageRole::Speaker));
            below.for_each(|person| person.is_muted = true);
        }
        6 => {
            if let Some(found) = position(room, guest) {
                let person = &mut room.people[found];
                person.asks = person.role == StageRole::Listener && !person.asks;
            }
        }
        7 => {
            let co_host = host_side(1 + number % CO_HOSTS);
            match position(room, co_host) {
                Some(found) => drop(room.people.remove(found)),
                None => room.people.push(person(co_host, StageRole::CoHost)),
            }
        }
        _ => {
            let side = room.people.iter();
            let mut side = side.filter(|person| matches!(person.role, StageRole::CoHost | StageRole::Host));
            if let Some(person) = side.nth(usize::try_from(number % CO_HOSTS).unwrap_or(0)) {
                room.lead = person.user;
            }
        }
    }
}
