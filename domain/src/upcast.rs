//! Upcasters: how a stored event of an older version becomes one of today. Stored rows are never edited.
//!
//! One step per `(event type, from version)`, each with its golden pair under `tests/golden/`.

use cqrs_es::persist::{EventUpcaster, SerializedEvent};

/// Every upcaster there is, in the order of its step. None yet: every event is of version 1.
pub fn upcasters() -> Vec<Box<dyn EventUpcaster>> {
    Vec::new()
}

/// Lifts a stored event to today's version.
pub fn to_current(stored: SerializedEvent) -> SerializedEvent {
    lift(&upcasters(), stored)
}

/// Whether no step changes events of this type and version.
pub fn is_current(event_type: &str, event_version: &str) -> bool {
    !upcasters()
        .iter()
        .any(|step| step.can_upcast(event_type, event_version))
}

/// Every step that fits is taken, in order: a chain lifts an event through several versions.
fn lift(steps: &[Box<dyn EventUpcaster>], stored: SerializedEvent) -> SerializedEvent {
    steps.iter().fold(stored, |event, step| {
        if step.can_upcast(&event.event_type, &event.event_version) {
            step.upcast(event)
        } else {
            event
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{AnyEvent, RoomEvent};

    /// A step that exists in tests only: adds a field to one event type, from one version to the next.
    #[derive(Debug)]
    struct Adds(&'static str, &'static str, &'static str);

    impl EventUpcaster for Adds {
        fn can_upcast(&self, event_type: &str, event_version: &str) -> bool {
            event_type == "room_ended" && event_version == self.0
        }

        fn upcast(&self, mut event: SerializedEvent) -> SerializedEvent {
            self.1.clone_into(&mut event.event_version);
            event.payload[self.2] = json!("2030-01-01T00:00:00Z");
            event
        }
    }

    fn stored(event_type: &str, event_version: &str) -> SerializedEvent {
        SerializedEvent {
            aggregate_id: "00000000-0000-0000-0000-000000000001".to_owned(),
            sequence: 1,
            aggregate_type: "room".to_owned(),
            event_type: event_type.to_owned(),
            event_version: event_version.to_owned(),
            payload: json!({"type": event_type}),
            metadata: json!({}),
        }
    }

    fn steps() -> Vec<Box<dyn EventUpcaster>> {
        vec![
            Box::new(Adds("0.1", "0.2", "closed_at")),
            Box::new(Adds("0.2", "1", "ended_at")),
        ]
    }

    #[test]
    fn an_old_event_is_lifted_step_by_step_until_it_loads() {
        let lifted = lift(&steps(), stored("room_ended", "0.1"));
        assert_eq!(lifted.event_version, "1");
        assert!(lifted.payload.get("closed_at").is_some());
        let event = AnyEvent::decode(lifted).expect("loads");
        assert!(matches!(event, AnyEvent::Room(_, RoomEvent::RoomEnded { .. })));
    }

    #[test]
    fn other_events_and_versions_are_left_alone() {
        for event in [stored("room_ended", "1"), stored("room_opened", "0.1")] {
            assert_eq!(lift(&steps(), event.clone()).payload, event.payload);
        }
        assert_eq!(to_current(stored("room_ended", "0.1")).event_version, "0.1");
    }
}
