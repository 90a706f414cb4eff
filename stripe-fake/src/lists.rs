//! Looking at things: one by its id, or pages of many, the newest first.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::calls::Request;
use crate::state::State;

const LIMIT_DEFAULT: usize = 10;
const LIMIT_MAX: usize = 100;

pub(crate) fn look(state: &State, request: &Request) -> Result<Answer, Answer> {
    let parts: Vec<&str> = request.path.trim_start_matches("/v1/").split('/').collect();
    let found = match parts.as_slice() {
        ["payment_intents", "search"] => search(state, request),
        ["payment_intents", id] => {
            let intent = state.intent(id).ok_or_else(Answer::missing)?;
            let is_expanded = request
                .fields_named("expand[]")
                .any(|path| path.starts_with("latest_charge"));
            if is_expanded { intent.clone() } else { collapsed(intent) }
        }
        ["refunds"] => {
            let of = request.field("payment_intent");
            let is_of = |refund: &&Value| of.is_none_or(|of| refund["payment_intent"] == of);
            page(state.refunds.iter().filter(is_of), request)?
        }
        ["transfers"] => {
            let group = request.field("transfer_group");
            let is_of = |transfer: &&Value| group.is_none_or(|group| transfer["transfer_group"] == group);
            page(state.transfers.iter().filter(is_of), request)?
        }
        ["accounts", id] => {
            let account = state.accounts.iter().find(|account| account["id"] == **id);
            account.ok_or_else(Answer::missing)?.clone()
        }
        ["events"] => events(state, request)?,
        ["balance_transactions"] => {
            let is_expanded = request.fields_named("expand[]").any(|path| path == "data.source");
            let lines = state.statement.iter().map(|line| {
                let mut line = line.clone();
                if !is_expanded {
                    line["source"] = line["source"]["id"].clone();
                }
                line
            });
            let lines: Vec<Value> = lines.collect();
            page(lines.iter(), request)?
        }
        _ => return Err(Answer::missing()),
    };
    Ok(Answer::ok(&found))
}

/// The charge as its id, as whoever does not ask for more gets it.
pub(crate) fn collapsed(intent: &Value) -> Value {
    let mut intent = intent.clone();
    let charge = intent["latest_charge"]["id"].clone();
    intent["latest_charge"] = charge;
    intent
}

fn search(state: &State, request: &Request) -> Value {
    let query = request.field("query").unwrap_or_default();
    let wanted = query.split('\'').nth(3).unwrap_or_default();
    let is_it = |intent: &&Value| intent["metadata"]["payment_id"] == wanted;
    let found: Vec<Value> = state.intents.iter().filter(is_it).map(collapsed).collect();
    json!({ "object": "search_result", "data": found, "has_more": false })
}

fn events(state: &State, request: &Request) -> Result<Value, Answer> {
    let names: Vec<&str> = request.fields_named("types[]").collect();
    let since: i64 = request
        .field("created[gte]")
        .and_then(|since| since.parse().ok())
        .unwrap_or_default();
    let is_wanted = |event: &&Value| {
        let is_named = names.is_empty() || names.iter().any(|name| event["type"] == **name);
        is_named && event["created"].as_i64().unwrap_or_default() >= since
    };
    page(state.events.iter().filter(is_wanted), request)
}

fn page<'a>(oldest_first: impl Iterator<Item = &'a Value>, request: &Request) -> Result<Value, Answer> {
    let mut all: Vec<&Value> = oldest_first.collect();
    all.reverse();
    let limit: usize = request
        .field("limit")
        .map_or(Some(LIMIT_DEFAULT), |limit| limit.parse().ok())
        .filter(|limit| (1..=LIMIT_MAX).contains(limit))
        .ok_or_else(|| Answer::refused("parameter_invalid_integer"))?;
    let place = |id: &str| {
        let place = all.iter().position(|object| object["id"] == id);
        place.ok_or_else(Answer::missing)
    };
    let (range, has_more) = if let Some(id) = request.field("ending_before") {
        let end = place(id)?;
        let start = end.saturating_sub(limit);
        (start..end, start > 0)
    } else {
        let start = request
            .field("starting_after")
            .map_or(Ok(0), |id| place(id).map(|at| at + 1))?;
        let end = all.len().min(start + limit);
        (start..end, end < all.len())
    };
    Ok(json!({ "object": "list", "data": all[range], "has_more": has_more }))
}
