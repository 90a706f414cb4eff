//! Seats: `held + sold ≤ capacity` at every position.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::{Step, is_of, parse};
use crate::snapshot::Entry;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Seat {
    Held,
    Sold,
}

#[derive(Debug)]
pub(super) struct Capacity {
    room: Uuid,
    seats_max: u64,
    seats: HashMap<Uuid, Seat>,
    held: u64,
    sold: u64,
}

#[derive(Deserialize)]
struct Room {
    capacity: Option<u64>,
}

#[derive(Deserialize)]
struct Taken {
    ticket_id: Uuid,
}

impl Capacity {
    pub(super) fn of(room: Uuid) -> Self {
        Self {
            room,
            seats_max: 0,
            seats: HashMap::new(),
            held: 0,
            sold: 0,
        }
    }

    pub(super) fn take(&mut self, entry: &Entry<'_>, step: &mut Step) -> Result<(), serde_json::Error> {
        if !is_of(entry, "room", self.room) {
            return Ok(());
        }
        let ticket = match entry.event_type {
            "room_scheduled" | "room_revised" => {
                let Some(capacity) = parse::<Room>(entry)?.capacity else {
                    return Ok(());
                };
                self.seats_max = capacity;
                None
            }
            "seat_held" => Some(self.becomes(parse::<Taken>(entry)?.ticket_id, Some(Seat::Held), &[None], step)),
            // A late payment may find a seat that nobody has.
            "seat_sold" => {
                let before = [None, Some(Seat::Held)];
                Some(self.becomes(parse::<Taken>(entry)?.ticket_id, Some(Seat::Sold), &before, step))
            }
            "seat_released" => {
                let before = [Some(Seat::Held), Some(Seat::Sold)];
                Some(self.becomes(parse::<Taken>(entry)?.ticket_id, None, &before, step))
            }
            _ => return Ok(()),
        };
        let taken = self.held + self.sold;
        if taken > self.seats_max {
            step.object(format!(
                "{} held and {} sold of {} seats",
                self.held, self.sold, self.seats_max
            ));
        }
        let free = self.seats_max.saturating_sub(taken);
        let figures = [self.held, self.sold, self.seats_max, free];
        step.show(ticket, figures.map(Value::from).to_vec());
        Ok(())
    }

    fn becomes(&mut self, ticket: Uuid, after: Option<Seat>, before: &[Option<Seat>], step: &mut Step) -> Uuid {
        let was = match after {
            Some(seat) => self.seats.insert(ticket, seat),
            None => self.seats.remove(&ticket),
        };
        if !before.contains(&was) {
            step.object(format!("the seat of ticket {ticket} was {was:?} and becomes {after:?}"));
        }
        match was {
            Some(Seat::Held) => self.held -= 1,
            Some(Seat::Sold) => self.sold -= 1,
            None => {}
        }
        match after {
            Some(Seat::Held) => self.held += 1,
            Some(Seat::Sold) => self.sold += 1,
            None => {}
        }
        ticket
    }
}
