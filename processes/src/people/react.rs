//! What erasure makes of events.

use domain::{AnyEvent, ShopEvent};
use event_log::Recorded;

use crate::{Job, NewJob};

pub fn react(recorded: &Recorded) -> Vec<NewJob> {
    let AnyEvent::Shop(_, event) = &recorded.event else {
        return vec![];
    };
    match event {
        ShopEvent::PersonErased { person, .. } => {
            vec![NewJob::now(recorded, Job::ForgetPerson { person: *person })]
        }
        ShopEvent::DaySealed(_) | ShopEvent::RolloutChanged { .. } | ShopEvent::CohortsAssigned { .. } => vec![],
    }
}
