//! What a snapshot holds: `states/<aggregate>.f<format>.json` has the state after each event of a few stories, told with the
//! golden events.
//!
//! A program that stores states differently, or folds the same events to others, must not read old snapshots: then this
//! fails until `STATE_FORMAT` is raised and the file of that format is there.

use std::fmt::Debug;
use std::fs;
use std::path::Path;

use domain::{Payout, Room, Shop, Storable, Ticket};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const ROOM: &[&[&str]] = &[
    &[
        "room_scheduled",
        "seat_held",
        "room_opened",
        "speak_requested",
        "speaker_approved",
        "person_removed",
        "seat_sold",
        "seat_released",
        "seat_denied",
        "room_ended",
        "presence_recorded",
        "delivery_recorded",
    ],
    &["room_scheduled", "seat_held", "room_cancelled", "seat_released"],
    &["room_scheduled", "sales_suspended", "sales_reinstated"],
    &["room_scheduled", "room_opened", "room_voided", "delivery_recorded"],
    &[
        "room_scheduled",
        "room_opened",
        "speak_requested",
        "speak_request_withdrawn",
        "speaker_approved",
        "speaker_dismissed",
        "speak_request_declined",
    ],
    &[
        "room_scheduled",
        "co_host_appointed",
        "room_opened",
        "speaker_invited",
        "invitation_accepted",
        "speaker_muted",
        "speaker_unmuted",
        "host_handed_over",
        "person_banned",
        "person_unbanned",
        "invitation_declined",
        "co_host_dismissed",
    ],
    &["room_scheduled", "lobby_opened", "room_opened", "entry_taken_over"],
    &[
        "room_scheduled",
        "room_opened",
        "recording_consented",
        "recording_started",
        "recording_part_began",
        "recording_part_ended",
        "recording_stopped",
        "room_ended",
        "recording_deleted",
    ],
];
const TICKET: &[&[&str]] = &[
    &[
        "ticket_ordered",
        "payment_started",
        "payment_accepted",
        "payment_captured",
        "ticket_issued",
        "ticket_presented",
        "ticket_admitted",
        "refund_owed",
        "refund_sent",
        "refund_completed",
        "ticket_settled",
    ],
    &["ticket_ordered", "payment_started", "payment_declined", "ticket_lapsed"],
    &[
        "ticket_ordered",
        "payment_started",
        "payment_cancelled",
        "payment_captured",
        "refund_owed",
        "refund_failed",
    ],
];
const PAYOUT: &[&[&str]] = &[
    &[
        "host_applied",
        "host_approved",
        "destination_linked",
        "earning_credited",
        "payout_requested",
        "payout_sent",
        "payout_paid",
    ],
    &["host_approved", "earning_credited", "payout_requested", "payout_failed"],
    &[
        "host_applied",
        "host_waitlisted",
        "facts_stated",
        "terms_accepted",
        "host_declined",
        "host_suspended",
        "host_reinstated",
        "guest_banned",
        "guest_unbanned",
    ],
];
const SHOP: &[&[&str]] = &[
    &["person_erased", "rollout_changed", "cohorts_assigned"],
    &["day_sealed"],
];

#[test]
fn rooms_are_kept_as_their_format_says() {
    check::<Room>(ROOM);
}

#[test]
fn tickets_are_kept_as_their_format_says() {
    check::<Ticket>(TICKET);
}

#[test]
fn payouts_are_kept_as_their_format_says() {
    check::<Payout>(PAYOUT);
}

#[test]
fn the_shop_is_kept_as_its_format_says() {
    check::<Shop>(SHOP);
}

fn check<A: Storable + PartialEq + Debug>(stories: &[&[&str]]) {
    let told: Vec<Value> = stories.iter().map(|story| tell::<A>(story)).collect();
    let name = format!("{}.f{}.json", A::TYPE, A::STATE_FORMAT);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/states").join(&name);
    let kept = fs::read_to_string(&file).unwrap_or_default();
    let kept: Value = serde_json::from_str(&kept).unwrap_or_default();
    assert_eq!(
        json!(told),
        kept,
        "{name} holds other states. If snapshots of this format are in use, raise STATE_FORMAT; then write down:\n{}",
        serde_json::to_string_pretty(&told).expect("JSON")
    );
}

/// Each event with the state after it.
fn tell<A: Storable + PartialEq + Debug>(story: &[&str]) -> Value {
    let mut state = A::default();
    let steps = story.iter().map(|event_type| {
        state.apply(golden(A::TYPE, event_type));
        let kept = serde_json::to_value(&state).expect("a state serialises");
        assert_eq!(serde_json::from_value::<A>(kept.clone()).expect("a state loads"), state);
        json!({ "event": event_type, "state": kept })
    });
    steps.collect()
}

fn golden<E: DeserializeOwned>(aggregate: &str, event_type: &str) -> E {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let text = fs::read_to_string(folder.join(format!("{aggregate}.{event_type}.v1.json"))).expect("a golden event");
    serde_json::from_str(&text).expect("loads")
}
