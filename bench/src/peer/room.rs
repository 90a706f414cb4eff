//! The rule of a room, written for the stock store: schedule once, hold a seat if sales are open, one is free and the buyer
//! may have another. The events are ours; the state is as small as the rule allows, since stock snapshots hold all of it.
//!
//! cqrs-es 0.5 applies the events of a commit twice to what it stores as a snapshot. `apply` is the same the second time, so
//! the snapshots are right all the same.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;
use domain::room::{HoldSeat, RoomFacts, RoomScheduled, SeatHeld};
use domain::{Money, RoomError, RoomEvent, Terms, TicketId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// `(buyer, when the hold lapses)`
type Seat = (UserId, Timestamp);

#[derive(Clone, Default, Debug, Serialize, Deserialize)]
pub(crate) struct StockRoom {
    facts: Option<Box<RoomFacts>>,
    seats: BTreeMap<TicketId, Seat>,
}

#[derive(Clone, Debug)]
pub(crate) enum StockCommand {
    Schedule(Box<RoomScheduled>),
    Hold(HoldSeat),
}

impl StockRoom {
    fn hold(&self, wish: &HoldSeat) -> Result<Option<RoomEvent>, RoomError> {
        let facts = self.facts.as_ref().ok_or(RoomError::NotScheduled)?;
        if let Some((buyer, _)) = self.seats.get(&wish.ticket_id) {
            let is_repeat = *buyer == wish.buyer;
            return if is_repeat { Ok(None) } else { Err(RoomError::KeyReused) };
        }
        require_open(facts, wish.at)?;
        let kept = || self.seats.values().filter(|(_, expires_at)| *expires_at > wish.at);
        if count(kept().filter(|(buyer, _)| *buyer == wish.buyer)) >= facts.tickets_per_buyer {
            let limit = facts.tickets_per_buyer;
            return Err(RoomError::TicketLimitReached { limit });
        }
        if count(kept()) >= facts.capacity {
            let capacity = facts.capacity;
            return Err(RoomError::SoldOut { capacity });
        }
        Ok(Some(RoomEvent::SeatHeld(SeatHeld {
            ticket_id: wish.ticket_id,
            buyer: wish.buyer,
            terms: terms(facts, wish),
            request: wish.request,
            held_at: wish.at,
            expires_at: wish.at + TimeDelta::seconds(i64::from(facts.hold_seconds)),
            options: None,
        })))
    }
}

fn require_open(facts: &RoomFacts, at: Timestamp) -> Result<(), RoomError> {
    if at < facts.sales_open_at {
        let opens_at = facts.sales_open_at;
        return Err(RoomError::SalesNotOpen { opens_at });
    }
    if at >= facts.sales_close_at {
        let closed_at = facts.sales_close_at;
        return Err(RoomError::SalesClosed { closed_at });
    }
    Ok(())
}

fn terms(facts: &RoomFacts, wish: &HoldSeat) -> Terms {
    Terms {
        preset: facts.preset.clone(),
        preset_version: facts.preset_version,
        total: facts.price,
        tax: Money::zero(facts.price.currency()),
        channel: wish.channel,
        platform_fee: facts.platform_fee,
        refund_policy: facts.refund_policy,
        legal_terms_sha256: None,
        pricing: None,
        customer_country: None,
        rules: domain::SaleRules::default(),
    }
}

fn count(seats: impl Iterator) -> u32 {
    u32::try_from(seats.count()).unwrap_or(u32::MAX)
}

impl Aggregate for StockRoom {
    const TYPE: &'static str = "room";
    type Command = StockCommand;
    type Event = RoomEvent;
    type Error = RoomError;
    type Services = ();

    async fn handle(&mut self, command: StockCommand, (): &(), sink: &EventSink<Self>) -> Result<(), RoomError> {
        let event = match command {
            StockCommand::Schedule(_) if self.facts.is_some() => return Err(RoomError::KeyReused),
            StockCommand::Schedule(scheduled) => Some(RoomEvent::RoomScheduled(*scheduled)),
            StockCommand::Hold(wish) => self.hold(&wish)?,
        };
        if let Some(event) = event {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: RoomEvent) {
        match event {
            RoomEvent::RoomScheduled(scheduled) => self.facts = Some(Box::new(scheduled.into())),
            RoomEvent::SeatHeld(held) => {
                self.seats.insert(held.ticket_id, (held.buyer, held.expires_at));
            }
            // This peer does nothing else.
            _ => {}
        }
    }
}
