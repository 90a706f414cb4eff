//! A room as it was: its row, folded from the events of its stream alone.
//!
//! The same changes as the table's (`evolve`), taken in by another hand: a test compares both.

use std::collections::HashMap;

use domain::room::{PriceTier, Revision, RoomRescheduled, RoomScheduled};
use domain::{AnyEvent, TicketId};

use super::evolve::{CatalogueChange, Seat, evolve};
use super::{RoomRow, RoomState, TierRow};
use crate::convert::text;

/// A room so far.
#[derive(Debug, Default)]
pub struct PastRoom {
    row: Option<RoomRow>,
    paused: Paused,
    /// The tier of each seat that is of one, also when it was released.
    tiers: HashMap<TicketId, String>,
}

/// Why the sales are paused.
#[derive(Clone, Copy, Debug, Default)]
struct Paused {
    by_host: bool,
    with_host: bool,
}

impl PastRoom {
    /// Takes in the next event of the room's stream.
    pub fn take_in(&mut self, event: &AnyEvent, position: u64) {
        let Some(change) = evolve(event) else {
            return;
        };
        match change {
            CatalogueChange::List(room) => self.row = Some(listed(room, position)),
            CatalogueChange::MoveSeat {
                ticket, from, to, tier, ..
            } => self.move_seat(ticket, (from, to), tier),
            CatalogueChange::Open { at, .. } => self.change(|row| {
                (row.state, row.opened_at) = (RoomState::Live, Some(at));
            }),
            CatalogueChange::End { at, .. } => self.change(|row| {
                (row.state, row.ended_at) = (RoomState::Ended, Some(at));
            }),
            CatalogueChange::Cancel { .. } => self.change(|row| row.state = RoomState::Cancelled),
            CatalogueChange::Void { reason, .. } => self.change(|row| {
                (row.state, row.void_reason) = (RoomState::Voided, Some(reason));
            }),
            CatalogueChange::Revise { revision, .. } => self.change(|row| revise(row, revision)),
            CatalogueChange::Reschedule { new, .. } => self.change(|row| reschedule(row, new)),
            CatalogueChange::PauseSales { paused, .. } => self.paused.by_host = paused,
            CatalogueChange::SuspendSales { suspended, .. } => self.paused.with_host = suspended,
            // Asked about hosts and those who share with them, and no part of a row.
            CatalogueChange::Deliver { .. }
            | CatalogueChange::ProposeShares { .. }
            | CatalogueChange::AgreeToShare { .. } => {}
            CatalogueChange::Record { runs, .. } => self.change(|row| row.is_recorded = runs),
            CatalogueChange::AppointCoHost { user, .. } => self.change(|row| row.co_hosts.push(user)),
            CatalogueChange::DismissCoHost { user, .. } => {
                self.change(|row| row.co_hosts.retain(|co_host| *co_host != user));
            }
        }
        let Paused { by_host, with_host } = self.paused;
        self.change(|row| (row.sales_paused, row.position) = (by_host || with_host, position));
    }

    /// The room as it was; `None` before it was scheduled.
    pub fn into_row(self) -> Option<RoomRow> {
        self.row
    }

    fn change(&mut self, change: impl FnOnce(&mut RoomRow)) {
        if let Some(row) = &mut self.row {
            change(row);
        }
    }

    fn move_seat(&mut self, ticket: TicketId, (from, to): (Option<Seat>, Option<Seat>), tier: Option<&str>) {
        if let Some(tier) = tier {
            self.tiers.insert(ticket, tier.to_owned());
        }
        let of_tier = self.tiers.get(&ticket);
        let Some(row) = &mut self.row else {
            return;
        };
        count(&mut row.held, &mut row.sold, from, to);
        if let Some(tier) = row.tiers.iter_mut().find(|row| Some(&row.tier) == of_tier) {
            count(&mut tier.held, &mut tier.sold, from, to);
        }
    }
}

fn count(held: &mut u32, sold: &mut u32, from: Option<Seat>, to: Option<Seat>) {
    match from {
        Some(Seat::Held) => *held = held.saturating_sub(1),
        Some(Seat::Sold) => *sold = sold.saturating_sub(1),
        None => {}
    }
    match to {
        Some(Seat::Held) => *held = held.saturating_add(1),
        Some(Seat::Sold) => *sold = sold.saturating_add(1),
        None => {}
    }
}

fn listed(room: &RoomScheduled, position: u64) -> RoomRow {
    let mut row = RoomRow {
        id: room.room_id,
        host_id: room.host,
        co_hosts: vec![],
        title: text(&room.title).into_owned(),
        description: text(&room.description).into_owned(),
        language: text(&room.language).into_owned(),
        state: RoomState::Scheduled,
        void_reason: None,
        starts_at: room.starts_at,
        planned_minutes: room.planned_minutes,
        price: room.price,
        capacity: room.capacity,
        held: 0,
        sold: 0,
        sales_open_at: room.sales_open_at,
        sales_close_at: room.sales_close_at,
        tickets_per_buyer: room.tickets_per_buyer,
        hold_seconds: room.hold_seconds,
        refund_policy: room.refund_policy,
        no_show_minutes: room.no_show_minutes,
        offer_seconds: room.sale.offer_seconds(),
        transferable: room.sale.transferable,
        recording: room.sale.recording,
        is_recorded: false,
        decline_until: None,
        sales_paused: false,
        opened_at: None,
        ended_at: None,
        created_position: position,
        position,
        tiers: vec![],
    };
    set_tiers(&mut row, &room.sale.tiers);
    row
}

fn revise(row: &mut RoomRow, revision: &Revision) {
    fn set<T: Clone>(fact: &mut T, new: Option<&T>) {
        if let Some(new) = new {
            fact.clone_from(new);
        }
    }
    let words = |words: &Option<String>| words.as_deref().map(|words| text(words).into_owned());
    set(&mut row.title, words(&revision.title).as_ref());
    set(&mut row.description, words(&revision.description).as_ref());
    set(&mut row.language, words(&revision.language).as_ref());
    set(&mut row.price, revision.price.as_ref());
    set(&mut row.capacity, revision.capacity.as_ref());
    set(&mut row.sales_open_at, revision.sales_open_at.as_ref());
    set(&mut row.sales_close_at, revision.sales_close_at.as_ref());
    set(&mut row.tickets_per_buyer, revision.tickets_per_buyer.as_ref());
    set(&mut row.hold_seconds, revision.hold_seconds.as_ref());
    set(&mut row.refund_policy, revision.refund_policy.as_ref());
    set(&mut row.no_show_minutes, revision.no_show_minutes.as_ref());
    set(&mut row.offer_seconds, revision.offer_seconds.as_ref());
    set(&mut row.transferable, revision.transferable.as_ref());
    row.recording = revision.recording.or(row.recording);
    set_tiers(row, &revision.tiers);
}

fn reschedule(row: &mut RoomRow, new: &RoomRescheduled) {
    row.starts_at = new.starts_at;
    row.planned_minutes = new.planned_minutes;
    row.sales_close_at = new.sales_close_at;
    row.decline_until = Some(new.decline_until);
}

/// One that is there keeps its place and its counts.
fn set_tiers(row: &mut RoomRow, tiers: &[PriceTier]) {
    for new in tiers {
        let known = row.tiers.iter().position(|tier| tier.tier == new.tier);
        let (held, sold) = known.map_or((0, 0), |place| (row.tiers[place].held, row.tiers[place].sold));
        let tier = TierRow {
            tier: new.tier.clone(),
            name: text(&new.name).into_owned(),
            price: new.price,
            quota: new.quota,
            held,
            sold,
            opens_at: new.opens_at,
            closes_at: new.closes_at,
        };
        match known {
            Some(place) => row.tiers[place] = tier,
            None => row.tiers.push(tier),
        }
    }
}
