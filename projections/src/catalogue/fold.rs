//! What a page changes in the catalogue, gathered by seat and by room.

use std::collections::{BTreeMap, HashMap};

use domain::room::{Revision, RoomRescheduled, RoomScheduled};
use domain::{AnyEvent, RoomId, Timestamp};
use uuid::Uuid;

use super::RoomState;
use super::evolve::{CatalogueChange, Seat, evolve};

/// The ticket whose stored seat an event's change rests on. A hold is the first that is heard of a ticket.
pub(super) fn seat_before(event: &AnyEvent) -> Option<Uuid> {
    match evolve(event)? {
        CatalogueChange::TakeSeat {
            ticket,
            seat: Seat::Sold,
            ..
        }
        | CatalogueChange::FreeSeat { ticket, .. } => Some(ticket.as_uuid()),
        CatalogueChange::List(_)
        | CatalogueChange::TakeSeat { .. }
        | CatalogueChange::Open { .. }
        | CatalogueChange::End { .. }
        | CatalogueChange::Cancel { .. }
        | CatalogueChange::Revise { .. }
        | CatalogueChange::Reschedule { .. }
        | CatalogueChange::PauseSales { .. }
        | CatalogueChange::SuspendSales { .. }
        | CatalogueChange::Deliver { .. } => None,
    }
}

/// A page so far.
#[derive(Debug)]
pub(super) struct Fold<'a> {
    pub(super) listed: Vec<(&'a RoomScheduled, i64)>,
    /// In the order of the log.
    pub(super) edits: Vec<(Uuid, Edit<'a>)>,
    pub(super) rooms: BTreeMap<Uuid, RoomFold>,
    /// Differences, by room and tier.
    pub(super) tiers: BTreeMap<(Uuid, String), TierFold>,
    seats: HashMap<Uuid, SeatFold>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TierFold {
    pub(super) held: i32,
    pub(super) sold: i32,
}

/// A taken seat as it is stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct StoredSeat {
    pub(super) seat: Seat,
    pub(super) tier: Option<String>,
}

/// What its host makes of a room.
#[derive(Clone, Copy, Debug)]
pub(super) enum Edit<'a> {
    Revise(&'a Revision),
    Reschedule(&'a RoomRescheduled),
}

/// Counts are differences; the rest is what it is after the page, if it was said.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RoomFold {
    pub(super) held: i32,
    pub(super) sold: i32,
    pub(super) state: Option<RoomState>,
    pub(super) opened_at: Option<Timestamp>,
    pub(super) ended_at: Option<Timestamp>,
    pub(super) sales_paused: Option<bool>,
    pub(super) sales_suspended: Option<bool>,
    pub(super) delivered: Option<bool>,
    pub(super) position: i64,
}

#[derive(Clone, Debug, Default)]
struct SeatFold {
    before: Option<Seat>,
    now: Option<Seat>,
    tier: Option<String>,
}

impl<'a> Fold<'a> {
    pub(super) fn new(stored: HashMap<Uuid, StoredSeat>) -> Self {
        let known = |(ticket, stored): (Uuid, StoredSeat)| {
            let (before, now, tier) = (Some(stored.seat), Some(stored.seat), stored.tier);
            (ticket, SeatFold { before, now, tier })
        };
        Self {
            listed: vec![],
            edits: vec![],
            rooms: BTreeMap::new(),
            tiers: BTreeMap::new(),
            seats: stored.into_iter().map(known).collect(),
        }
    }

    pub(super) fn take_in(&mut self, change: CatalogueChange<'a>, position: i64) {
        match change {
            CatalogueChange::List(room) => self.listed.push((room, position)),
            CatalogueChange::TakeSeat {
                room,
                ticket,
                seat,
                tier,
            } => {
                let known = self.seats.entry(ticket.as_uuid()).or_default();
                known.tier = tier.map(str::to_owned).or(known.tier.take());
                self.move_seat(room, ticket.as_uuid(), Some(seat), position);
            }
            CatalogueChange::FreeSeat { room, ticket } => self.move_seat(room, ticket.as_uuid(), None, position),
            CatalogueChange::Open { room, at } => {
                let room = self.room(room, position);
                (room.state, room.opened_at) = (Some(RoomState::Live), Some(at));
            }
            CatalogueChange::End { room, at } => {
                let room = self.room(room, position);
                (room.state, room.ended_at) = (Some(RoomState::Ended), Some(at));
            }
            CatalogueChange::Cancel { room } => self.room(room, position).state = Some(RoomState::Cancelled),
            CatalogueChange::Revise { room, revision } => {
                self.edits.push((room.as_uuid(), Edit::Revise(revision)));
                self.room(room, position);
            }
            CatalogueChange::Reschedule { room, new } => {
                self.edits.push((room.as_uuid(), Edit::Reschedule(new)));
                self.room(room, position);
            }
            CatalogueChange::PauseSales { room, paused } => self.room(room, position).sales_paused = Some(paused),
            CatalogueChange::SuspendSales { room, suspended } => {
                self.room(room, position).sales_suspended = Some(suspended);
            }
            CatalogueChange::Deliver { room } => self.room(room, position).delivered = Some(true),
        }
    }

    /// Counts by what the seat was before, so that a seat sold late (its hold long released) is not taken off the holds.
    fn move_seat(&mut self, room: RoomId, ticket: Uuid, to: Option<Seat>, position: i64) {
        let seat = self.seats.entry(ticket).or_default();
        let from = std::mem::replace(&mut seat.now, to);
        let is = |seat: Option<Seat>, kind| i32::from(seat == Some(kind));
        let held = is(to, Seat::Held) - is(from, Seat::Held);
        let sold = is(to, Seat::Sold) - is(from, Seat::Sold);
        if let Some(tier) = seat.tier.clone() {
            let tier = self.tiers.entry((room.as_uuid(), tier)).or_default();
            (tier.held, tier.sold) = (tier.held + held, tier.sold + sold);
        }
        let room = self.room(room, position);
        (room.held, room.sold) = (room.held + held, room.sold + sold);
    }

    fn room(&mut self, room: RoomId, position: i64) -> &mut RoomFold {
        let room = self.rooms.entry(room.as_uuid()).or_default();
        room.position = position;
        room
    }

    /// What to store of each seat: how it is taken, or that it is free.
    pub(super) fn changed_seats(&self) -> impl Iterator<Item = (Uuid, Option<StoredSeat>)> {
        let changed = self.seats.iter().filter(|(_, seat)| seat.before != seat.now);
        changed.map(|(ticket, fold)| {
            let tier = fold.tier.clone();
            (*ticket, fold.now.map(|seat| StoredSeat { seat, tier }))
        })
    }
}
