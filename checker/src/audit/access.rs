//! Access: nobody was inside without a right to be.
//!
//! Inside may be: while the room is live, who holds an issued ticket that was not given back; from the lobby on, the host and the
//! co-hosts. Nobody whom the host's side has sent out. Each change of a right is shown at its position, by the time that its event
//! tells; each stay at the position that records it, with the verdict whether a right covers all of it.

use std::collections::{HashMap, HashSet};
use std::str::FromStr as _;

use chrono::SecondsFormat;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::stays::{Rights, Stay};
use super::{Step, is_of, parse};
use crate::facts::Timestamp;
use crate::snapshot::Entry;

/// By what somebody is inside: a ticket, or the host's side.
pub(super) type Entrance = (Uuid, Option<Uuid>);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Closed,
    Lobby,
    Live,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Bar {
    Removed,
    Banned,
    BannedEverywhere,
}

#[derive(Debug)]
struct Ticket {
    holder: Uuid,
    is_good: bool,
}

#[derive(Debug)]
pub(super) struct Access {
    room: Uuid,
    phase: Phase,
    host_side: HashSet<Uuid>,
    tickets: HashMap<Uuid, Ticket>,
    bars: HashSet<(Uuid, Bar)>,
    rights: Rights,
}

#[derive(Deserialize)]
struct Scheduled {
    host: Uuid,
}

#[derive(Deserialize)]
struct Ordered {
    room_id: Uuid,
    buyer: Uuid,
}

#[derive(Deserialize)]
struct Person {
    user: Uuid,
    #[serde(default)]
    everywhere: bool,
}

#[derive(Deserialize)]
struct Transferred {
    to: Uuid,
}

#[derive(Deserialize)]
struct Owed {
    in_full: bool,
}

/// When it happened, whatever the event calls it.
#[derive(Deserialize)]
struct At {
    #[serde(
        alias = "opened_at",
        alias = "ended_at",
        alias = "cancelled_at",
        alias = "voided_at",
        alias = "appointed_at",
        alias = "dismissed_at",
        alias = "removed_at",
        alias = "banned_at",
        alias = "unbanned_at",
        alias = "issued_at",
        alias = "owed_at",
        alias = "lost_at",
        alias = "returned_at",
        alias = "transferred_at"
    )]
    at: Timestamp,
}

#[derive(Deserialize)]
struct Presence {
    intervals: Vec<Stay>,
}

impl Access {
    pub(super) fn of(room: Uuid) -> Self {
        Self {
            room,
            phase: Phase::Closed,
            host_side: HashSet::new(),
            tickets: HashMap::new(),
            bars: HashSet::new(),
            rights: Rights::default(),
        }
    }

    pub(super) fn take(&mut self, entry: &Entry<'_>, step: &mut Step) -> Result<(), serde_json::Error> {
        if is_of(entry, "room", self.room) {
            return self.take_of_room(entry, step);
        }
        match Uuid::from_str(entry.aggregate_id) {
            Ok(ticket) if entry.aggregate_type == "ticket" => self.take_of_ticket(ticket, entry, step),
            _ => Ok(()),
        }
    }

    fn take_of_room(&mut self, entry: &Entry<'_>, step: &mut Step) -> Result<(), serde_json::Error> {
        let affected = match entry.event_type {
            "room_scheduled" => {
                self.host_side.insert(parse::<Scheduled>(entry)?.host);
                return Ok(());
            }
            "presence_recorded" => {
                self.judge(parse(entry)?, step);
                return Ok(());
            }
            "lobby_opened" if self.phase == Phase::Closed => self.turn(Phase::Lobby),
            "room_opened" => self.turn(Phase::Live),
            "room_ended" => {
                let affected = self.turn(Phase::Closed);
                // Who was removed may come when the room opens anew.
                self.bars.retain(|(_, bar)| *bar != Bar::Removed);
                affected
            }
            "room_cancelled" | "room_voided" => self.turn(Phase::Closed),
            "co_host_appointed" | "co_host_dismissed" | "person_removed" | "person_banned" | "person_unbanned" => {
                self.change_person(entry.event_type, &parse(entry)?)
            }
            _ => return Ok(()),
        };
        self.settle(entry, affected, step)
    }

    fn turn(&mut self, phase: Phase) -> Vec<Entrance> {
        self.phase = phase;
        let hosts = self.host_side.iter().map(|user| (*user, None));
        let holders = self.tickets.iter().map(|(id, ticket)| (ticket.holder, Some(*id)));
        hosts.chain(holders).collect()
    }

    fn change_person(&mut self, event_type: &str, person: &Person) -> Vec<Entrance> {
        let user = person.user;
        match event_type {
            "co_host_appointed" => _ = self.host_side.insert(user),
            "co_host_dismissed" => _ = self.host_side.remove(&user),
            // Whoever is sent out is no co-host any more, also once they may be back.
            "person_removed" | "person_banned" => {
                let bar = if event_type == "person_removed" {
                    Bar::Removed
                } else {
                    ban(person)
                };
                self.bars.insert((user, bar));
                self.host_side.remove(&user);
            }
            _ => {
                self.bars.remove(&(user, ban(person)));
                // A ban from this room that is over lets those back who were removed, too.
                if !person.everywhere {
                    self.bars.remove(&(user, Bar::Removed));
                }
            }
        }
        let tickets = self.tickets.iter().filter(|(_, ticket)| ticket.holder == user);
        let own = tickets.map(|(id, _)| (user, Some(*id)));
        own.chain([(user, None)]).collect()
    }

    fn take_of_ticket(&mut self, id: Uuid, entry: &Entry<'_>, step: &mut Step) -> Result<(), serde_json::Error> {
        if entry.event_type == "ticket_ordered" {
            let Ordered { room_id, buyer } = parse(entry)?;
            if room_id == self.room {
                let ticket = Ticket {
                    holder: buyer,
                    is_good: false,
                };
                self.tickets.insert(id, ticket);
            }
            return Ok(());
        }
        let Some(ticket) = self.tickets.get_mut(&id) else {
            return Ok(());
        };
        let before = ticket.holder;
        match entry.event_type {
            "ticket_issued" => ticket.is_good = true,
            "refund_owed" if parse::<Owed>(entry)?.in_full => ticket.is_good = false,
            "dispute_lost" | "ticket_returned" => ticket.is_good = false,
            "ticket_transferred" => ticket.holder = parse::<Transferred>(entry)?.to,
            "ticket_admitted" => {
                if !self.may((before, Some(id))) {
                    step.object(format!("ticket {id} is admitted and has no right to be"));
                }
                return Ok(());
            }
            _ => return Ok(()),
        }
        let mut affected = vec![(before, Some(id)), (ticket.holder, Some(id))];
        affected.dedup();
        self.settle(entry, affected, step)
    }

    fn may(&self, (user, ticket): Entrance) -> bool {
        let is_barred = [Bar::Removed, Bar::Banned, Bar::BannedEverywhere]
            .iter()
            .any(|bar| self.bars.contains(&(user, *bar)));
        let may = match ticket {
            None => self.phase != Phase::Closed && self.host_side.contains(&user),
            Some(id) => {
                let ticket = self.tickets.get(&id);
                self.phase == Phase::Live && ticket.is_some_and(|ticket| ticket.is_good && ticket.holder == user)
            }
        };
        may && !is_barred
    }

    /// Shows who may be inside from this event on, or no longer.
    fn settle(&mut self, entry: &Entry<'_>, affected: Vec<Entrance>, step: &mut Step) -> Result<(), serde_json::Error> {
        let at = parse::<At>(entry)?.at;
        let mut affected = affected;
        affected.sort_unstable();
        for entrance in affected {
            let may = self.may(entrance);
            if !self.rights.set(entrance, may, at) {
                continue;
            }
            let at = Value::from(text(at));
            let (from, until) = if may { (at, Value::Null) } else { (Value::Null, at) };
            step.show(entrance.0, figures(entrance, from, until, may));
        }
        Ok(())
    }

    fn judge(&self, presence: Presence, step: &mut Step) {
        for stay in presence.intervals {
            let may = self.rights.cover(&stay);
            let entrance = (stay.user, stay.ticket_id);
            let (from, until) = (text(stay.joined_at), text(stay.left_at));
            if !may {
                step.object(format!(
                    "{} was inside from {from} until {until} without a right to be",
                    stay.user
                ));
            }
            step.show(stay.user, figures(entrance, from.into(), until.into(), may));
        }
    }
}

const fn ban(person: &Person) -> Bar {
    if person.everywhere {
        Bar::BannedEverywhere
    } else {
        Bar::Banned
    }
}

fn figures((user, ticket): Entrance, from: Value, until: Value, may: bool) -> Vec<Value> {
    let ticket = ticket.map(|ticket| ticket.to_string());
    vec![user.to_string().into(), ticket.into(), from, until, may.into()]
}

fn text(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
