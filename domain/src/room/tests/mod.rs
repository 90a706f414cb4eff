//! A room of three seats at 10.00 USD: sales from second 0 to 7200, start at 3600, holds of 60 seconds, one ticket each.

mod entering;
mod hosting;
mod leading;
mod lifecycle;
mod moderating;
mod offering_prices;
mod powers;
mod prices;
mod recording;
mod rescheduling;
mod revising;
mod scheduling;
mod selling;
mod sharing;
mod speaking;
mod voiding;
mod waiting;

use crate::payout::{HostPermit, NoSale};
use crate::room::*;
use crate::terms::{Channel, RefundPolicy, Terms};
use crate::testing::{Given, at, past, request, room, session, ticket, usd, user};
use crate::{BasisPoints, Preset, Room, RoomCommand, RoomError, RoomEvent, TicketId, Timestamp, UserId};

const CAPACITY: u32 = 3;
const HOST: UserId = user(1);
const ANN: UserId = user(11);
const BOB: UserId = user(12);
const CLEO: UserId = user(13);
const DAN: UserId = user(14);
const SALES_OPEN: i64 = 0;
const SALES_CLOSE: i64 = 7_200;
const HOLD: i64 = 60;

fn given(events: impl IntoIterator<Item = RoomEvent>) -> Given<Room> {
    past(events)
}

fn schedule() -> ScheduleRoom {
    ScheduleRoom {
        room_id: room(1),
        host: HOST,
        permit: HostPermit::Sells,
        title: "Night radio".to_owned(),
        description: "Live.\nWith guests.".to_owned(),
        language: "en".to_owned(),
        starts_at: at(3_600),
        planned_minutes: 60,
        price: usd(1_000),
        capacity: CAPACITY,
        sales_open_at: Some(at(SALES_OPEN)),
        sales_close_at: None,
        tickets_per_buyer: 1,
        hold_seconds: 60,
        refund_policy: RefundPolicy::UntilStart,
        no_show_minutes: 15,
        sale: SaleOptions::default(),
        preset: Preset::open(),
        request: request("schedule"),
        at: at(-100),
    }
}

fn scheduled() -> RoomScheduled {
    RoomScheduled {
        room_id: room(1),
        host: HOST,
        title: "Night radio".to_owned(),
        description: "Live.\nWith guests.".to_owned(),
        language: "en".to_owned(),
        starts_at: at(3_600),
        planned_minutes: 60,
        price: usd(1_000),
        capacity: CAPACITY,
        sales_open_at: at(SALES_OPEN),
        sales_close_at: at(SALES_CLOSE),
        tickets_per_buyer: 1,
        hold_seconds: 60,
        refund_policy: RefundPolicy::UntilStart,
        no_show_minutes: 15,
        sale: SaleOptions::default(),
        preset: "open".to_owned(),
        preset_version: 1,
        platform_fee: BasisPoints::try_new(500).expect("5 %"),
        request: request("schedule"),
        scheduled_at: at(-100),
        fees: Preset::open().fees,
    }
}

fn room_scheduled() -> RoomEvent {
    RoomEvent::RoomScheduled(scheduled())
}

fn room_opened() -> RoomEvent {
    RoomEvent::RoomOpened {
        session_id: session(1),
        opened_at: at(3_500),
    }
}

fn room_ended() -> RoomEvent {
    RoomEvent::RoomEnded { ended_at: at(7_000) }
}

fn room_cancelled() -> RoomEvent {
    RoomEvent::RoomCancelled {
        cancelled_at: at(3_000),
    }
}

fn terms() -> Terms {
    Terms {
        preset: "open".to_owned(),
        preset_version: 1,
        total: usd(1_000),
        tax: usd(0),
        channel: Channel::Web,
        platform_fee: BasisPoints::try_new(500).expect("5 %"),
        refund_policy: RefundPolicy::UntilStart,
        legal_terms_sha256: None,
        pricing: None,
        customer_country: None,
        rules: crate::SaleRules::default(),
    }
}

fn hold(ticket_id: TicketId, buyer: UserId, when: Timestamp) -> RoomCommand {
    RoomCommand::HoldSeat(HoldSeat {
        wish: None,
        rollout: None,
        ticket_id,
        buyer,
        channel: Channel::Web,
        options: None,
        request: request("hold"),
        at: when,
        customer: crate::Customer::NotAsked,
    })
}

fn sell(ticket_id: TicketId, buyer: UserId, when: Timestamp) -> RoomCommand {
    RoomCommand::SellSeat {
        ticket_id,
        buyer,
        at: when,
    }
}

fn give_back(ticket_id: TicketId, by: UserId, when: Timestamp) -> RoomCommand {
    RoomCommand::ReleaseSeat {
        ticket_id,
        reason: SeatReturn::GivenBack { by },
        at: when,
    }
}

fn free_refunded(ticket_id: TicketId, when: Timestamp) -> RoomCommand {
    RoomCommand::ReleaseSeat {
        ticket_id,
        reason: SeatReturn::Refunded,
        at: when,
    }
}

fn seat_held(ticket_id: TicketId, buyer: UserId, second: i64) -> RoomEvent {
    RoomEvent::SeatHeld(SeatHeld {
        ticket_id,
        buyer,
        terms: terms(),
        request: request("hold"),
        held_at: at(second),
        expires_at: at(second.saturating_add(HOLD)),
        options: None,
    })
}

fn seat_sold(ticket_id: TicketId, buyer: UserId, second: i64) -> RoomEvent {
    sold(ticket_id, buyer, false, second)
}

fn seat_sold_late(ticket_id: TicketId, buyer: UserId, second: i64) -> RoomEvent {
    sold(ticket_id, buyer, true, second)
}

fn sold(ticket_id: TicketId, buyer: UserId, late: bool, second: i64) -> RoomEvent {
    RoomEvent::SeatSold(SeatSold {
        retakes: None,
        ticket_id,
        buyer,
        late,
        still_held: false,
        sold_at: at(second),
    })
}

fn seat_released(ticket_id: TicketId, buyer: UserId, reason: ReleaseReason, second: i64) -> RoomEvent {
    RoomEvent::SeatReleased(SeatReleased {
        ticket_id,
        buyer,
        reason,
        still_held: false,
        released_at: at(second),
    })
}

fn seat_denied(ticket_id: TicketId, buyer: UserId, reason: DenialReason, second: i64) -> RoomEvent {
    RoomEvent::SeatDenied {
        ticket_id,
        buyer,
        reason,
        denied_at: at(second),
    }
}

/// A seat held and paid at once.
fn bought(number: u128, buyer: UserId) -> [RoomEvent; 2] {
    [
        seat_held(ticket(number), buyer, 10),
        seat_sold(ticket(number), buyer, 20),
    ]
}
