//! What the shop decides: a pure function of its state and a command.

use std::collections::{BTreeMap, BTreeSet};

use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;
use uuid::Uuid;

use crate::{AnyEvent, Channel, Label, Reach, Shop, ShopCommand, ShopError, ShopEvent, Storable, Timestamp, UserId};

impl Shop {
    /// The events that follow from `command`; none if it is a repeat.
    pub fn decide(&self, command: ShopCommand) -> Result<Vec<ShopEvent>, ShopError> {
        match command {
            ShopCommand::ErasePerson { person, by, at } => Ok(self.erase_person(person, by, at)),
            ShopCommand::SealDay(seal) => self.seal_day(*seal),
            ShopCommand::ChangeRollout { channels, by, at } => Ok(self.change_rollout(channels, by, at)),
            ShopCommand::AssignCohorts { host, cohorts, by, at } => Ok(self.assign_cohorts(host, cohorts, by, at)),
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

    fn change_rollout(&self, channels: BTreeMap<Channel, Reach>, by: UserId, at: Timestamp) -> Vec<ShopEvent> {
        if *self.rollout().flags() == channels {
            return vec![];
        }
        vec![ShopEvent::RolloutChanged {
            channels,
            by,
            changed_at: at,
        }]
    }

    fn assign_cohorts(&self, host: UserId, cohorts: BTreeSet<Label>, by: UserId, at: Timestamp) -> Vec<ShopEvent> {
        if self.rollout().cohorts_of(host).eq(&cohorts) {
            return vec![];
        }
        vec![ShopEvent::CohortsAssigned {
            host,
            cohorts,
            by,
            assigned_at: at,
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

    fn pick(event: &AnyEvent) -> Option<(Uuid, &ShopEvent)> {
        let AnyEvent::Shop(id, event) = event else {
            return None;
        };
        Some((id.as_uuid(), event))
    }
}
