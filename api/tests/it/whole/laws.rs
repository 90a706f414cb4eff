//! What holds when a story has come to rest, whatever happened in it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::ticket::{DisputeState, TicketPhase};
use domain::{Currency, Fingerprint, Payout, Ticket, TicketId};
use serde_json::Value;
use uuid::Uuid;

use super::world::{CO_HOST, World};
use crate::support::{FINANCE, HOST, Person, text};

type Law = Result<(), String>;

/// All laws, the plainest first. A law that is added here holds for every story.
pub(super) async fn judge(world: &World) -> Law {
    nothing_waits_for_a_human(world).await?;
    let events = world.app.events().await;
    first_come_first_served(&events)?;
    the_checker_agrees(world).await?;
    let books = Books::read(world).await?;
    books.clearing_is_empty()?;
    the_provider_agrees(world, &books)?;
    the_store_agrees(world, &books)?;
    for host in [HOST, CO_HOST] {
        the_host_agrees(world, host, &books).await?;
    }
    a_month_is_paid_once(&events)?;
    world.every_refund_was_told(&events)?;
    the_tickets_agree(world, &events, &books).await
}

async fn nothing_waits_for_a_human(world: &World) -> Law {
    let pool = &world.app.pool;
    let (dead, list) = (processes::jobs::JobState::Dead, processes::jobs::list);
    let dead = list(pool, Some(dead), 10).await.map_err(|error| error.to_string())?;
    let aside = processes::inbox::list_put_aside(pool, 10)
        .await
        .map_err(|error| error.to_string())?;
    let problems = processes::sweep::list_problems(pool, 10)
        .await
        .map_err(|error| error.to_string())?;
    ensure(dead.is_empty() && aside.is_empty() && problems.is_empty(), || {
        format!("somebody has to look: {dead:#?} {aside:#?} {problems:#?}")
    })
}

/// Conservation of money and seats at every position, no tier and no code taken more often than there are, refunds within
/// captures, one ticket for each seat, a ticket or a refund for each capture, parts that are the whole of what was shared and
/// reach whose they are, and the ledger view as the events have it.
async fn the_checker_agrees(world: &World) -> Law {
    let task = checker::Task {
        database: (*world.app.pool.connect_options()).clone(),
        acknowledged: vec![],
        patience: Duration::ZERO,
    };
    let report = checker::check(&task).await.map_err(|error| error.to_string())?;
    ensure(report.ok, || report.to_string())
}

/// Offers go out in the order in which people joined.
fn first_come_first_served(events: &[Value]) -> Law {
    let mut lines: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for event in events {
        let (payload, position) = (&event["payload"], &event["position"]);
        let line = lines.entry(text(&event["aggregate_id"])).or_default();
        match text(&event["event_type"]) {
            "waiting_list_joined" => line.push(text(&payload["user"])),
            "waiting_list_left" => line.retain(|user| payload["user"] != *user),
            "seat_held" if payload["options"]["offered"] == true => {
                let next = (!line.is_empty()).then(|| line.remove(0));
                ensure(next == payload["buyer"].as_str(), || {
                    format!(
                        "the offer at {position} is for {}, and {next:?} is next",
                        payload["buyer"]
                    )
                })?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// By account, in US cents: debits less credits.
struct Books(BTreeMap<String, i64>);

impl Books {
    async fn read(world: &World) -> Result<Self, String> {
        let head = world.app.head().await;
        let path = format!("/v1/ledger/trial_balance?min_position={head}");
        let answer = world.app.get(path).by(FINANCE).send().await;
        ensure(answer.status.is_success(), || answer.text.clone())?;
        let rows = answer.body["data"].as_array().cloned().unwrap_or_default();
        let row = |row: &Value| Some((row["account"].as_str()?.to_owned(), row["balance_minor"].as_i64()?));
        Ok(Self(rows.iter().filter_map(row).collect()))
    }

    fn of(&self, account: &str) -> i64 {
        self.0.get(account).copied().unwrap_or_default()
    }

    fn clearing_is_empty(&self) -> Law {
        let in_transit: Vec<_> = self
            .0
            .iter()
            .filter(|(account, minor)| account.starts_with("clearing:") && **minor != 0)
            .collect();
        ensure(in_transit.is_empty(), || format!("still in transit: {in_transit:?}"))
    }
}

/// The provider's own books come to what we think we have there.
fn the_provider_agrees(world: &World, books: &Books) -> Law {
    let sum = |objects: Vec<Value>, is_counted: fn(&Value) -> bool, minor: fn(&Value) -> i64| -> i64 {
        objects.iter().filter(|object| is_counted(object)).map(minor).sum()
    };
    let amount: fn(&Value) -> i64 = |object| object["amount"].as_i64().unwrap_or_default();
    let captured = sum(
        world.stripe.intents(),
        |intent| intent["status"] == "succeeded",
        |intent| {
            intent["latest_charge"]["balance_transaction"]["net"]
                .as_i64()
                .unwrap_or_default()
        },
    );
    let refunded = sum(world.stripe.refunds(), |refund| refund["status"] == "succeeded", amount);
    let transferred = sum(
        world.stripe.transfers(),
        |_| true,
        |transfer| {
            let minor = |field: &str| transfer[field].as_i64().unwrap_or_default();
            minor("amount") - minor("amount_reversed")
        },
    );
    let lost = sum(
        world.stripe.disputes(),
        |dispute| dispute["status"] == "lost",
        |dispute| -dispute["balance_transactions"][0]["net"].as_i64().unwrap_or_default(),
    );
    let there = captured - refunded - transferred - lost;
    let here = books.of("cash:provider:stripe");
    ensure(there == here, || {
        format!("the provider has {there}, and the books say {here}: {:?}", books.0)
    })
}

/// The same for what an app store owes.
fn the_store_agrees(world: &World, books: &Books) -> Law {
    let (there, here) = (world.due_from_store(), books.of("cash:provider:app_store"));
    ensure(there == here, || {
        format!("the store owes {there}, and the books say {here}: {:?}", books.0)
    })
}

/// The first of a month comes once: the money goes out, or waits for the next.
fn a_month_is_paid_once(events: &[Value]) -> Law {
    const YEAR_AND_MONTH: usize = "2030-01".len();
    let by_the_month = Fingerprint::of(b"monthly").to_string();
    let mut months = BTreeSet::new();
    for event in events {
        let payload = &event["payload"];
        let at = match text(&event["event_type"]) {
            "payout_requested" if payload["request"] == by_the_month.as_str() => &payload["requested_at"],
            "payout_rolled_over" => &payload["due_at"],
            _ => continue,
        };
        let month = &text(at)[..YEAR_AND_MONTH];
        let is_new = months.insert((text(&event["aggregate_id"]), month));
        ensure(is_new, || format!("{month} comes twice: {event}"))?;
    }
    Ok(())
}

/// A host's account and the ledger are one.
async fn the_host_agrees(world: &World, host: Person, books: &Books) -> Law {
    let look = |account: &Payout| {
        let amounts = [Payout::available, Payout::pending, Payout::reserved, Payout::receivable];
        amounts.map(|amount| amount(account, Currency::USD).amount_minor())
    };
    let host: Uuid = host.id.parse().expect("an id");
    let read = world.app.aggregates.payouts.read(host, look).await;
    let (account, _) = read.map_err(|error| error.to_string())?;
    let available = -books.of(&format!("liability:host:{host}:available"));
    let pending = -books.of(&format!("liability:host:{host}:pending"));
    let reserved = -books.of(&format!("liability:host:{host}:reserve"));
    let receivable = books.of(&format!("asset:host:{host}:receivable"));
    let ledger = [available, pending, reserved, receivable];
    ensure(account == ledger, || {
        format!("the account has {account:?}, and the ledger {ledger:?}")
    })
}

/// What tickets have in them and nobody has earned yet is what the ledger has as unearned.
async fn the_tickets_agree(world: &World, events: &[Value], books: &Books) -> Law {
    let tickets: BTreeSet<&str> = events
        .iter()
        .filter(|event| event["aggregate_type"] == "ticket")
        .map(|event| text(&event["aggregate_id"]))
        .collect();
    let mut unearned: BTreeMap<String, i64> = BTreeMap::new();
    for ticket in tickets {
        let ticket: TicketId = ticket.parse().map_err(|_| format!("{ticket} is no id"))?;
        let read = world.app.aggregates.tickets.read(ticket.as_uuid(), unearned_of).await;
        let (found, _) = read.map_err(|error| error.to_string())?;
        if let Some((room, minor)) = found {
            *unearned.entry(room).or_default() += minor;
        }
    }
    for (room, minor) in unearned {
        let ledger = -books.of(&format!("liability:unearned:{room}"));
        ensure(minor == ledger, || {
            format!("tickets of room {room} have {minor} in them, and the ledger {ledger}")
        })?;
    }
    Ok(())
}

/// The room, and what is left of the capture that bought the ticket.
fn unearned_of(ticket: &Ticket) -> Option<(String, i64)> {
    let room = ticket.sale()?.room_id.to_string();
    match ticket.phase() {
        TicketPhase::Issued | TicketPhase::Admitted => {}
        TicketPhase::Unordered
        | TicketPhase::Ordered
        | TicketPhase::Lapsed
        | TicketPhase::Refunded
        | TicketPhase::Settled
        | TicketPhase::Revoked => return Some((room, 0)),
    }
    // What came twice went back.
    let captured = ticket.captured()?.amount_minor();
    let gone: i64 = ticket.refunds().map(|refund| refund.amount.amount_minor()).sum();
    let lost = ticket.disputes().filter(|dispute| dispute.state == DisputeState::Lost);
    let lost: i64 = lost.map(|dispute| dispute.amount.amount_minor()).sum();
    Some((room, captured - gone - lost))
}

fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Law {
    if holds { Ok(()) } else { Err(otherwise()) }
}
