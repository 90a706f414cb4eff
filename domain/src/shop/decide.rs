//! What the shop decides: a pure function of its state and a command.

use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;

use crate::{Shop, ShopCommand, ShopError, ShopEvent, Storable, Timestamp, UserId};

impl Shop {
    /// The events that follow from `command`; none if it is a repeat.
    pub fn decide(&self, command: ShopCommand) -> Result<Vec<ShopEvent>, ShopError> {
        match command {
            ShopCommand::ErasePerson { person, by, at } => Ok(self.erase_person(person, by, at)),
            ShopCommand::SealDay(seal) => self.seal_day(*seal),
        }
    }

    fn erase_person(&self, person: UserId, by: UserId, at: Timestamp) -> Vec<ShopEvent> {
        if self.is_erased(person) {
            return vec![];
        }
        vec![ShopEvent::PersonErased {
            person,
            by,
            erased_at: at,
        }]
    }
}

impl Aggregate for Shop {
    const TYPE: &'static str = "shop";
    type Command = ShopCommand;
    type Event = ShopEvent;
    type Error = ShopError;
    type Services = ();

    async fn handle(&mut self, command: Self::Command, (): &(), sink: &EventSink<Self>) -> Result<(), Self::Error> {
        for event in self.decide(command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: Self::Event) {
        self.evolve(event);
    }
}

impl Storable for Shop {
    const STATE_FORMAT: u32 = 1;
}
