//! Seats: who has one, and whether there are enough.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::quotas::Quotas;
use crate::facts::{
    Barred, Claim, Delivered, Held, ReleaseReason, Released, Revised, Scheduled, SeatOf, Sold, Transferred, Verdict,
};
use crate::report::{Findings, Rule};

#[derive(Debug)]
struct Room {
    capacity: u32,
    held: u32,
    sold: u32,
    quotas: Quotas,
    /// With its host.
    is_suspended: bool,
    /// Who may have no seat, and why.
    barred: HashSet<(Uuid, Bar)>,
    /// Everybody gets everything back.
    is_void: bool,
    /// Of it, and of how much: milliseconds that were promised and not heard, by the shop's fault.
    missing: Option<(u64, u64)>,
}

/// Why somebody may have no seat.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Bar {
    Removed,
    BannedHere,
    BannedEverywhere,
}

impl Bar {
    pub(super) const fn of(ban: &Barred) -> Self {
        if ban.everywhere {
            Self::BannedEverywhere
        } else {
            Self::BannedHere
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Standing {
    Held,
    Sold,
    /// Given up before it was paid: a late payment may still find a seat.
    Free,
    /// Refunded or denied, for good.
    Over,
}

/// What a ticket has of a room.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) room: Uuid,
    pub(crate) buyer: Uuid,
    /// Who has it now: the buyer, until it is given away.
    holder: Uuid,
    pub(crate) held_at: Option<u64>,
    /// The last time it was sold.
    pub(crate) sold_at: Option<u64>,
    standing: Standing,
    /// What it takes of a tier and of a code, while it is held or sold.
    claim: Option<Claim>,
}

impl Standing {
    const fn is_taken(self) -> bool {
        matches!(self, Self::Held | Self::Sold)
    }
}

impl Seat {
    pub(crate) fn is_sold(&self) -> bool {
        self.standing == Standing::Sold
    }
}

#[derive(Debug, Default)]
pub(crate) struct Rooms {
    rooms: HashMap<Uuid, Room>,
    seats: HashMap<Uuid, Seat>,
}

impl Rooms {
    pub(crate) fn seat(&self, ticket: Uuid) -> Option<&Seat> {
        self.seats.get(&ticket)
    }

    pub(super) fn is_void(&self, room: Uuid) -> bool {
        self.rooms.get(&room).is_some_and(|room| room.is_void)
    }

    /// What was missing of a room that was delivered in part, and of how much.
    pub(super) fn missing(&self, room: Uuid) -> Option<(u64, u64)> {
        self.rooms.get(&room).and_then(|room| room.missing)
    }

    pub(super) fn void(&mut self, position: u64, room: Uuid, found: &mut Findings) {
        match self.rooms.get_mut(&room) {
            Some(room) if !room.is_void => room.is_void = true,
            Some(_) => found.add(Rule::Earnings, position, format!("room {room} was void before")),
            None => found.add(Rule::Seats, position, format!("room {room} was not scheduled")),
        }
    }

    pub(super) fn deliver(&mut self, position: u64, room: Uuid, fact: &Delivered, found: &mut Findings) {
        let Some(known) = self.rooms.get_mut(&room) else {
            found.add(Rule::Seats, position, format!("room {room} was not scheduled"));
            return;
        };
        if let Some(Verdict::Crashed {
            missing_ms,
            promised_ms,
        }) = fact.verdict
        {
            if missing_ms * 2 <= promised_ms || missing_ms >= promised_ms {
                let what = format!("{missing_ms} of {promised_ms} ms are missing of room {room}: no crash in part");
                found.add(Rule::Earnings, position, what);
            }
            known.missing = Some((missing_ms, promised_ms));
        }
    }

    /// Every ticket that has a sold seat.
    pub(crate) fn sold(&self) -> impl Iterator<Item = (Uuid, &Seat)> {
        let sold = self.seats.iter().filter(|(_, seat)| seat.is_sold());
        sold.map(|(ticket, seat)| (*ticket, seat))
    }

    pub(super) fn schedule(&mut self, position: u64, room: Uuid, fact: &Scheduled, found: &mut Findings) {
        if fact.room_id != room {
            found.add(Rule::Seats, position, format!("names another room than {room}"));
        }
        let scheduled = Room {
            capacity: fact.capacity,
            held: 0,
            sold: 0,
            quotas: Quotas::of(&fact.sale),
            is_suspended: false,
            barred: HashSet::new(),
            is_void: false,
            missing: None,
        };
        if self.rooms.insert(room, scheduled).is_some() {
            found.add(Rule::Seats, position, format!("room {room} was scheduled before"));
        }
    }

    pub(super) fn revise(&mut self, position: u64, room: Uuid, fact: &Revised, found: &mut Findings) {
        let Some(room) = self.rooms.get_mut(&room) else {
            found.add(Rule::Seats, position, format!("room {room} was not scheduled"));
            return;
        };
        room.capacity = fact.capacity.unwrap_or(room.capacity);
        room.require_capacity(position, found);
        room.quotas.set(position, &fact.offered, found);
    }

    pub(super) fn suspend(&mut self, position: u64, room: Uuid, is_so: bool, found: &mut Findings) {
        match self.rooms.get_mut(&room) {
            Some(room) => room.is_suspended = is_so,
            None => found.add(Rule::Seats, position, format!("room {room} was not scheduled")),
        }
    }

    pub(super) fn bar(&mut self, room: Uuid, fact: &Barred, why: Bar) {
        if let Some(room) = self.rooms.get_mut(&room) {
            room.barred.insert((fact.user, why));
        }
    }

    /// A ban from this room that is over lets those back who were removed, too.
    pub(super) fn let_back(&mut self, room: Uuid, fact: &Barred) {
        let Some(room) = self.rooms.get_mut(&room) else {
            return;
        };
        let over: &[Bar] = match Bar::of(fact) {
            Bar::BannedEverywhere => &[Bar::BannedEverywhere],
            Bar::BannedHere | Bar::Removed => &[Bar::BannedHere, Bar::Removed],
        };
        room.barred
            .retain(|(user, why)| *user != fact.user || !over.contains(why));
    }

    fn require_welcome(&self, position: u64, room: Uuid, buyer: Uuid, found: &mut Findings) {
        let Some(room) = self.rooms.get(&room) else {
            return;
        };
        if room.barred.iter().any(|(user, _)| *user == buyer) {
            let what = format!("{buyer} gets a seat, and was removed or banned");
            found.add(Rule::Seats, position, what);
        }
    }

    pub(super) fn hold(&mut self, position: u64, room: Uuid, fact: &Held, found: &mut Findings) {
        if self.rooms.get(&room).is_some_and(|room| room.is_suspended) {
            let what = format!("a seat of room {room} is held while its sales are suspended");
            found.add(Rule::Seats, position, what);
        }
        let ticket = fact.seat.ticket_id;
        self.require_welcome(position, room, fact.seat.buyer, found);
        self.turn(position, room, &fact.seat, Standing::Held, &[None], found);
        if let Some(seat) = self.seats.get_mut(&ticket) {
            seat.held_at.get_or_insert(position);
            seat.claim.clone_from(&fact.terms.pricing);
        }
        self.take(position, room, ticket, found);
    }

    pub(super) fn sell(&mut self, position: u64, room: Uuid, fact: &Sold, found: &mut Findings) {
        let ticket = fact.seat.ticket_id;
        self.require_welcome(position, room, fact.seat.buyer, found);
        let was = self.seats.get(&ticket);
        let retaken = was
            .filter(|seat| !seat.standing.is_taken())
            .and_then(|seat| seat.claim.clone());
        if retaken != fact.retakes {
            let what = format!(
                "the seat of ticket {ticket} takes {:?} anew, not {retaken:?}",
                fact.retakes
            );
            found.add(Rule::Quotas, position, what);
        }
        // A late sale says whether it has its own seat still, or another.
        let before: &[Option<Standing>] = if fact.late && !fact.still_held {
            &[None, Some(Standing::Free)]
        } else {
            &[Some(Standing::Held)]
        };
        self.turn(position, room, &fact.seat, Standing::Sold, before, found);
        if let Some(seat) = self.seats.get_mut(&ticket) {
            seat.sold_at = Some(position);
        }
        if retaken.is_some() {
            self.take(position, room, ticket, found);
        }
    }

    /// A seat takes what it claims of its tier and its code.
    fn take(&mut self, position: u64, room: Uuid, ticket: Uuid, found: &mut Findings) {
        let (Some(room), Some(seat)) = (self.rooms.get_mut(&room), self.seats.get(&ticket)) else {
            return;
        };
        if let Some(claim) = &seat.claim {
            room.quotas.take(position, claim, seat.buyer, found);
        }
    }

    fn give_back(&mut self, room: Uuid, ticket: Uuid) {
        let (Some(room), Some(seat)) = (self.rooms.get_mut(&room), self.seats.get(&ticket)) else {
            return;
        };
        if let Some(claim) = seat.claim.as_ref().filter(|_| seat.standing.is_taken()) {
            room.quotas.give_back(claim, seat.buyer);
        }
    }

    pub(super) fn release(&mut self, position: u64, room: Uuid, fact: &Released, found: &mut Findings) {
        self.give_back(room, fact.seat.ticket_id);
        if fact.reason == ReleaseReason::Refunded {
            let before = [Some(if fact.still_held {
                Standing::Held
            } else {
                Standing::Sold
            })];
            self.turn(position, room, &fact.seat, Standing::Over, &before, found);
        } else {
            // A seat that was paid does not lapse.
            let before = [Some(Standing::Held)];
            self.turn(position, room, &fact.seat, Standing::Free, &before, found);
        }
    }

    pub(super) fn deny(&mut self, position: u64, room: Uuid, fact: &SeatOf, found: &mut Findings) {
        let before = [None, Some(Standing::Free)];
        self.turn(position, room, fact, Standing::Over, &before, found);
    }

    pub(super) fn transfer(&mut self, position: u64, room: Uuid, fact: &Transferred, found: &mut Findings) {
        let ticket = fact.ticket_id;
        match self.seats.get_mut(&ticket) {
            Some(seat) if seat.room == room && seat.holder == fact.from && seat.is_sold() => seat.holder = fact.to,
            Some(_) | None => {
                let what = format!(
                    "the seat of ticket {ticket} is given away, and was not {}'s to give",
                    fact.from
                );
                found.add(Rule::Seats, position, what);
            }
        }
    }

    /// A seat becomes `after`, and must have been one of `before`.
    fn turn(
        &mut self,
        position: u64,
        room: Uuid,
        fact: &SeatOf,
        after: Standing,
        before: &[Option<Standing>],
        found: &mut Findings,
    ) {
        let ticket = fact.ticket_id;
        let was = self.seats.get(&ticket).map(|seat| seat.standing);
        if !before.contains(&was) {
            let was = was.map_or_else(|| "unknown".to_owned(), |was| format!("{was:?}"));
            let what = format!("the seat of ticket {ticket} becomes {after:?}, and it was {was}");
            found.add(Rule::Seats, position, what);
        }
        let seat = self.seats.entry(ticket).or_insert_with(|| Seat {
            room,
            buyer: fact.buyer,
            holder: fact.buyer,
            held_at: None,
            sold_at: None,
            standing: after,
            claim: None,
        });
        if seat.room != room || seat.holder != fact.buyer {
            let what = format!("ticket {ticket} belongs to {} in room {}", seat.holder, seat.room);
            found.add(Rule::Seats, position, what);
        }
        seat.standing = after;
        let Some(room) = self.rooms.get_mut(&room) else {
            found.add(Rule::Seats, position, format!("room {room} was not scheduled"));
            return;
        };
        room.count(was, u32::wrapping_sub);
        room.count(Some(after), u32::wrapping_add);
        room.require_capacity(position, found);
    }
}

impl Room {
    fn require_capacity(&self, position: u64, found: &mut Findings) {
        if u64::from(self.held) + u64::from(self.sold) > u64::from(self.capacity) {
            let what = format!("{} held and {} sold of {}", self.held, self.sold, self.capacity);
            found.add(Rule::Capacity, position, what);
        }
    }

    fn count(&mut self, standing: Option<Standing>, change: fn(u32, u32) -> u32) {
        match standing {
            Some(Standing::Held) => self.held = change(self.held, 1),
            Some(Standing::Sold) => self.sold = change(self.sold, 1),
            Some(Standing::Free | Standing::Over) | None => {}
        }
    }
}
