//! A room for tests that need one on the log.

use chrono::TimeDelta;
use domain::payout::HostPermit;
use domain::room::{SaleOptions, ScheduleRoom};
use domain::{Currency, Fingerprint, Money, Preset, RefundPolicy, RoomId, Timestamp, UserId};

/// A free room that is about to start.
pub fn schedule_of(room_id: RoomId, host: UserId, at: Timestamp) -> ScheduleRoom {
    ScheduleRoom {
        room_id,
        host,
        permit: HostPermit::Sells,
        title: "A room".to_owned(),
        description: String::new(),
        language: "en".to_owned(),
        starts_at: at + TimeDelta::minutes(1),
        planned_minutes: 30,
        price: Money::zero(Currency::EUR),
        capacity: 10,
        sales_open_at: None,
        sales_close_at: None,
        tickets_per_buyer: 1,
        hold_seconds: 60,
        refund_policy: RefundPolicy::None,
        no_show_minutes: 15,
        sale: SaleOptions::default(),
        preset: Preset::open(),
        request: Fingerprint::of(b"a room"),
        at,
    }
}
