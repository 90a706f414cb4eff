//! The event list: what happened when no webhook came. Stripe keeps it for thirty days, the newest first.

use chrono::TimeDelta;
use domain::Timestamp;

use super::client::{Client, Fields, field};
use super::error::StripeError;
use super::notice;
use super::wire::{Event, List};
use crate::EventPage;

const PATH: &str = "/v1/events";
/// Stripe's own limit.
const PAGE_MAX: u32 = 100;
/// How long Stripe keeps events.
const KEPT: TimeDelta = TimeDelta::days(30);
/// How far the first list goes back from the newest event: pages of a hundred. Nothing of ours is older than our start.
const PAGES_BACK_MAX: usize = 50;

/// What we read. Everything else happens on the account too, and would only be passed over.
const NAMES: [&str; 12] = [
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.requires_action",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.refund.updated",
    "transfer.created",
    "transfer.reversed",
    "charge.dispute.created",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.closed",
];

/// Events after a cursor, which is the id of the last event read, oldest first.
pub(super) async fn list(
    client: &Client,
    after: Option<&str>,
    limit: u32,
    now: Timestamp,
) -> Result<EventPage, StripeError> {
    let limit = limit.clamp(1, PAGE_MAX);
    let newer = match after {
        // Of the events that are newer than the cursor, the page next to it.
        Some(cursor) => page(client, limit, field("ending_before", cursor)).await,
        None => oldest(client, limit, now).await,
    };
    match newer {
        // The event at the cursor is no longer kept: nothing came for a month, or the shop was down for one.
        Err(StripeError::Refused { code }) if code == "resource_missing" && after.is_some() => {
            Ok(in_order(oldest(client, limit, now).await?))
        }
        newer => newer.map(in_order),
    }
}

async fn page(client: &Client, limit: u32, place: (String, String)) -> Result<Vec<Event>, StripeError> {
    let list: List<Event> = client.get("list_events", PATH, &fields(limit, place)).await?;
    Ok(list.data)
}

/// The oldest page that there is, by way of all newer ones.
async fn oldest(client: &Client, limit: u32, now: Timestamp) -> Result<Vec<Event>, StripeError> {
    let since = field("created[gte]", (now - KEPT).timestamp().to_string());
    let mut fields_of_page = fields(limit, since.clone());
    let mut found = vec![];
    for _ in 0..PAGES_BACK_MAX {
        let list: List<Event> = client.get("list_events", PATH, &fields_of_page).await?;
        let Some(oldest) = list.data.last() else {
            return Ok(found);
        };
        fields_of_page = fields(limit, since.clone());
        fields_of_page.push(field("starting_after", oldest.id.clone()));
        found = list.data;
        if !list.has_more {
            return Ok(found);
        }
    }
    tracing::warn!("the account has many events; they are read from {PAGES_BACK_MAX} pages back on");
    Ok(found)
}

fn fields(limit: u32, place: (String, String)) -> Fields {
    let mut fields = vec![field("limit", limit.to_string()), place];
    fields.extend(NAMES.map(|name| field("types[]", name)));
    fields
}

fn in_order(newest_first: Vec<Event>) -> EventPage {
    let next = newest_first.first().map(|event| event.id.clone());
    let events = newest_first.into_iter().rev().map(notice::read).collect();
    EventPage { events, next }
}
