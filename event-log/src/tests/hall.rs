//! A small aggregate for the tests: a hall whose seats are sold one by one.

use cqrs_es::event_sink::EventSink;
use cqrs_es::{Aggregate, DomainEvent};
use domain::{AnyEvent, Storable};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Hall {
    pub(crate) sold: u64,
}

#[derive(Clone, Debug)]
pub(crate) enum HallCommand {
    /// Sells seats, unless that makes more than `of`.
    Sell { seats: u64, of: u64 },
    /// Writes events, and fails after that.
    SellAndFail,
    /// A repeat: accepted, nothing to record.
    Repeat,
    /// Dies in the middle of the decision.
    Panic,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum HallEvent {
    SeatSold { seat: u64 },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub(crate) enum HallError {
    #[error("sold out")]
    SoldOut,
    #[error("failed halfway")]
    Halfway,
}

impl DomainEvent for HallEvent {
    fn event_type(&self) -> String {
        "seat_sold".to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

impl Aggregate for Hall {
    const TYPE: &'static str = "hall";
    type Command = HallCommand;
    type Event = HallEvent;
    type Error = HallError;
    type Services = ();

    async fn handle(&mut self, command: HallCommand, (): &(), sink: &EventSink<Self>) -> Result<(), HallError> {
        match command {
            HallCommand::Sell { seats, of } if self.sold + seats <= of => self.sell(seats, sink).await,
            HallCommand::Sell { .. } => return Err(HallError::SoldOut),
            HallCommand::SellAndFail => {
                self.sell(1, sink).await;
                return Err(HallError::Halfway);
            }
            HallCommand::Repeat => {}
            HallCommand::Panic => {
                self.sell(1, sink).await;
                panic!("as asked");
            }
        }
        Ok(())
    }

    fn apply(&mut self, HallEvent::SeatSold { seat }: HallEvent) {
        self.sold = seat;
    }
}

impl Storable for Hall {
    const STATE_FORMAT: u32 = 1;

    fn pick(_: &AnyEvent) -> Option<(Uuid, &HallEvent)> {
        None
    }
}

impl Hall {
    async fn sell(&mut self, seats: u64, sink: &EventSink<Self>) {
        for seat in self.sold + 1..=self.sold + seats {
            sink.write(HallEvent::SeatSold { seat }, self).await;
        }
    }
}

pub(crate) fn sell() -> HallCommand {
    HallCommand::Sell { seats: 1, of: u64::MAX }
}
