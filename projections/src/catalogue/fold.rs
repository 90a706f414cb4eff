//! What a page changes in the catalogue, gathered by seat and by room.

use std::collections::{BTreeMap, HashMap};

use domain::room::{Revision, RoomRescheduled, RoomScheduled, VoidReason};
use domain::{AnyEvent, RoomId, Timestamp};
use uuid::Uuid;

use super::RoomState;
use super::evolve::{CatalogueChange, Seat, evolve};

/// The ticket whose tier an event does not say. A hold is the first that is heard of a ticket.
pub(super) fn seat_before(event: &AnyEvent) -> Option<Uuid> {
    match evolve(event)? {
        CatalogueChange::MoveSeat {
            ticket,
            from,
            tier: None,
            ..
        } => from.map(|_| ticket.as_uuid()),
        CatalogueChange::List(_)
        | CatalogueChange::MoveSeat { .. }
        | CatalogueChange::Open { .. }
        | CatalogueChange::End { .. }
        | CatalogueChange::Cancel { .. }
        | CatalogueChange::Void { .. }
        | CatalogueChange::Revise { .. }
        | CatalogueChange::Reschedule { .. }
        | CatalogueChange::PauseSales { .. }
        | CatalogueChange::SuspendSales { .. }
        | CatalogueChange::Deliver { .. }
        | CatalogueChange::ProposeShares { .. }
        | CatalogueChange::AgreeToShare { .. }
        | CatalogueChange::AppointCoHost { .. }
        | CatalogueChange::DismissCoHost { .. }
        | CatalogueChange::Record { .. } => None,
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
    /// The taken seats that are of a tier.
    seats: HashMap<Uuid, SeatFold>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TierFold {
    pub(super) held: i32,
    pub(super) sold: i32,
}

/// What its host makes of a room.
#[derive(Clone, Copy, Debug)]
pub(super) enum Edit<'a> {
    Revise(&'a Revision),
    Reschedule(&'a RoomRescheduled),
    ProposeShares,
    AgreeToShare(Uuid),
    AppointCoHost(Uuid),
    DismissCoHost(Uuid),
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
    pub(super) is_recorded: Option<bool>,
    pub(super) void_reason: Option<VoidReason>,
    pub(super) position: i64,
}

#[derive(Clone, Debug)]
struct SeatFold {
    was_taken: bool,
    is_taken: bool,
    tier: String,
}

impl<'a> Fold<'a> {
    /// `stored` has the tiers of taken seats.
    pub(super) fn new(stored: Vec<(Uuid, String)>) -> Self {
        let known = |(ticket, tier)| {
            let (was_taken, is_taken) = (true, true);
            (
                ticket,
                SeatFold {
                    was_taken,
                    is_taken,
                    tier,
                },
            )
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
            CatalogueChange::MoveSeat {
                room,
                ticket,
                from,
                to,
                tier,
            } => {
                let tier = self.tier_of(ticket.as_uuid(), tier, to.is_some());
                self.move_seat(room, tier, (from, to), position);
            }
            CatalogueChange::Open { room, at } => {
                let room = self.room(room, position);
                (room.state, room.opened_at) = (Some(RoomState::Live), Some(at));
            }
            CatalogueChange::End { room, at } => {
                let room = self.room(room, position);
                (room.state, room.ended_at) = (Some(RoomState::Ended), Some(at));
            }
            CatalogueChange::Cancel { room } => self.room(room, position).state = Some(RoomState::Cancelled),
            CatalogueChange::Void { room, reason } => {
                let room = self.room(room, position);
                (room.state, room.void_reason) = (Some(RoomState::Voided), Some(reason));
            }
            CatalogueChange::Revise { room, revision } => self.edit(room, Edit::Revise(revision), position),
            CatalogueChange::Reschedule { room, new } => self.edit(room, Edit::Reschedule(new), position),
            CatalogueChange::PauseSales { room, paused } => self.room(room, position).sales_paused = Some(paused),
            CatalogueChange::SuspendSales { room, suspended } => {
                self.room(room, position).sales_suspended = Some(suspended);
            }
            CatalogueChange::Deliver { room } => self.room(room, position).delivered = Some(true),
            CatalogueChange::Record { room, runs } => self.room(room, position).is_recorded = Some(runs),
            CatalogueChange::ProposeShares { room } => self.edit(room, Edit::ProposeShares, position),
            CatalogueChange::AgreeToShare { room, user } => {
                self.edit(room, Edit::AgreeToShare(user.as_uuid()), position);
            }
            CatalogueChange::AppointCoHost { room, user } => {
                self.edit(room, Edit::AppointCoHost(user.as_uuid()), position);
            }
            CatalogueChange::DismissCoHost { room, user } => {
                self.edit(room, Edit::DismissCoHost(user.as_uuid()), position);
            }
        }
    }

    fn edit(&mut self, room: RoomId, edit: Edit<'a>, position: i64) {
        self.edits.push((room.as_uuid(), edit));
        self.room(room, position);
    }

    /// The tier of a seat that was or is taken.
    fn tier_of(&mut self, ticket: Uuid, taken_anew: Option<&str>, is_taken: bool) -> Option<String> {
        if let Some(tier) = taken_anew {
            let was_taken = self.seats.get(&ticket).is_some_and(|seat| seat.was_taken);
            let tier = tier.to_owned();
            let seat = SeatFold {
                was_taken,
                is_taken,
                tier,
            };
            self.seats.insert(ticket, seat);
        } else if let Some(seat) = self.seats.get_mut(&ticket) {
            seat.is_taken = is_taken;
        }
        self.seats.get(&ticket).map(|seat| seat.tier.clone())
    }

    /// Counts by what the seat was before, so that a seat sold late (its hold long released) is not taken off the holds.
    fn move_seat(
        &mut self,
        room: RoomId,
        tier: Option<String>,
        (from, to): (Option<Seat>, Option<Seat>),
        position: i64,
    ) {
        let is = |seat: Option<Seat>, kind| i32::from(seat == Some(kind));
        let held = is(to, Seat::Held) - is(from, Seat::Held);
        let sold = is(to, Seat::Sold) - is(from, Seat::Sold);
        if let Some(tier) = tier {
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

    /// What to store of each seat of a tier: which one it is of, or that it is free.
    pub(super) fn changed_seats(&self) -> impl Iterator<Item = (Uuid, Option<&str>)> {
        let changed = self.seats.iter().filter(|(_, seat)| seat.was_taken != seat.is_taken);
        changed.map(|(ticket, seat)| (*ticket, seat.is_taken.then_some(seat.tier.as_str())))
    }
}
