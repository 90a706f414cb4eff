//! A log made by hand, and what the checker says of it.
//!
//! Facts can be changed before the log is chained, as a server with a mistake would write it; or afterwards by SQL, as
//! somebody with the administrator's password would.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::{Executor as _, PgPool};
use uuid::Uuid;

use crate::chain::link;
use crate::snapshot::Entry;
use crate::{Acknowledgement, CheckError, Finding, Kind, Report, Rule, Task, check};

/// 2030-05-01T18:00:00Z, in microseconds.
const START: i64 = 1_903_888_800_000_000;
pub(super) const PRICE: i64 = 1_000;
const FEE: i64 = 59;
const PLATFORM_FEE: i64 = 47;
pub(super) const HOST_SHARE: i64 = PRICE - FEE - PLATFORM_FEE;

pub(super) const ROOM: Uuid = Uuid::from_u128(1);
pub(super) const HOST: Uuid = Uuid::from_u128(2);
pub(super) const CO_HOST: Uuid = Uuid::from_u128(3);

pub(super) const fn ticket(number: u128) -> Uuid {
    Uuid::from_u128(0x100 + number)
}

pub(super) const fn buyer(number: u128) -> Uuid {
    Uuid::from_u128(0x200 + number)
}

pub(super) const fn payment(number: u128) -> Uuid {
    Uuid::from_u128(0x300 + number)
}

pub(super) const fn refund(number: u128) -> Uuid {
    Uuid::from_u128(0x400 + number)
}

pub(super) const PAYOUT: Uuid = Uuid::from_u128(0x500);

pub(super) fn usd(minor: i64) -> Value {
    json!({"amount_minor": minor, "currency": "USD"})
}

#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) stream: (&'static str, Uuid),
    pub(super) event_type: &'static str,
    pub(super) payload: Value,
}

/// Facts in the order of the log. The position of a fact is its place, counted from 1.
#[derive(Clone, Debug, Default)]
pub(super) struct Story(pub(super) Vec<Line>);

impl Story {
    /// A room of two seats: one sold, delivered, earned and paid out; one refunded; one hold that lapsed.
    pub(super) fn whole() -> Self {
        let mut story = Self::scheduled(2);
        story.buy(1);
        story.hold(3);
        story.release(3, "lapsed");
        story.buy(2);
        story.owe(2, PRICE);
        story.release(2, "refunded");
        story.complete(2, PRICE);
        for event_type in ["room_opened", "room_ended", "delivery_recorded"] {
            story.add("room", ROOM, event_type, json!({}));
        }
        story.add("ticket", ticket(1), "ticket_settled", split());
        story.credit(1);
        story.request_payout(HOST_SHARE);
        story.pay(HOST_SHARE);
        story
    }

    pub(super) fn scheduled(capacity: u32) -> Self {
        let mut story = Self::default();
        story.add("payout", HOST, "host_approved", json!({}));
        let scheduled = json!({"room_id": ROOM, "host": HOST, "capacity": capacity});
        story.add("room", ROOM, "room_scheduled", scheduled);
        story
    }

    pub(super) fn add(&mut self, aggregate: &'static str, id: Uuid, event_type: &'static str, payload: Value) -> u64 {
        self.0.push(Line {
            stream: (aggregate, id),
            event_type,
            payload,
        });
        self.0.len() as u64
    }

    fn seat(&mut self, number: u128, event_type: &'static str, reason: Option<&str>) -> u64 {
        let seat = json!({"ticket_id": ticket(number), "buyer": buyer(number), "reason": reason});
        self.add("room", ROOM, event_type, seat)
    }

    pub(super) fn hold(&mut self, number: u128) -> u64 {
        self.seat(number, "seat_held", None)
    }

    /// By a tier or a promo code.
    pub(super) fn hold_at(&mut self, number: u128, pricing: &Value) -> u64 {
        let position = self.hold(number);
        self.payload(position)["terms"] = json!({"pricing": pricing});
        position
    }

    pub(super) fn sell(&mut self, number: u128) -> u64 {
        self.seat(number, "seat_sold", None)
    }

    /// After its hold was released.
    pub(super) fn sell_anew(&mut self, number: u128) -> u64 {
        let position = self.sell(number);
        self.payload(position)["late"] = json!(true);
        position
    }

    pub(super) fn release(&mut self, number: u128, reason: &str) -> u64 {
        self.seat(number, "seat_released", Some(reason))
    }

    pub(super) fn deny(&mut self, number: u128) -> u64 {
        self.seat(number, "seat_denied", Some("sold_out"))
    }

    pub(super) fn order(&mut self, number: u128) -> u64 {
        let order = json!({
            "ticket_id": ticket(number), "room_id": ROOM, "buyer": buyer(number), "terms": {"total": usd(PRICE)},
        });
        self.add("ticket", ticket(number), "ticket_ordered", order)
    }

    pub(super) fn start(&mut self, number: u128) -> u64 {
        let start = json!({"payment_id": payment(number), "provider": "sandbox", "amount": usd(PRICE)});
        self.add("ticket", ticket(number), "payment_started", start)
    }

    pub(super) fn capture(&mut self, number: u128) -> u64 {
        let capture = json!({"payment_id": payment(number), "amount": usd(PRICE), "provider_fee": usd(FEE)});
        self.add("ticket", ticket(number), "payment_captured", capture)
    }

    pub(super) fn issue(&mut self, number: u128) -> u64 {
        self.add("ticket", ticket(number), "ticket_issued", json!({}))
    }

    /// Up to the capture.
    pub(super) fn charge(&mut self, number: u128) -> u64 {
        self.hold(number);
        self.order(number);
        self.start(number);
        self.capture(number)
    }

    pub(super) fn buy(&mut self, number: u128) -> u64 {
        self.charge(number);
        self.sell(number);
        self.issue(number)
    }

    pub(super) fn owe(&mut self, number: u128, minor: i64) -> u64 {
        let owed = json!({
            "refund_id": refund(number), "payment_id": payment(number), "amount": usd(minor),
            "in_full": minor == PRICE, "was_issued": true,
        });
        self.add("ticket", ticket(number), "refund_owed", owed)
    }

    pub(super) fn complete(&mut self, number: u128, minor: i64) -> u64 {
        let completed = json!({"refund_id": refund(number), "amount": usd(minor)});
        self.add("ticket", ticket(number), "refund_completed", completed)
    }

    pub(super) fn credit(&mut self, number: u128) -> u64 {
        let mut earning = split();
        earning["ticket_id"] = json!(ticket(number));
        earning["room_id"] = json!(ROOM);
        self.add("payout", HOST, "earning_credited", earning)
    }

    pub(super) fn request_payout(&mut self, minor: i64) -> u64 {
        let request = json!({"payout_id": PAYOUT, "amount": usd(minor), "provider": "sandbox"});
        self.add("payout", HOST, "payout_requested", request)
    }

    pub(super) fn pay(&mut self, minor: i64) -> u64 {
        let paid = json!({"payout_id": PAYOUT, "amount": usd(minor)});
        self.add("payout", HOST, "payout_paid", paid)
    }

    /// What was sold is shared: a tenth of it is somebody else's.
    pub(super) fn share(&mut self) {
        let part = HOST_SHARE / 10;
        let ordered = self.position(ticket(1), "ticket_ordered");
        self.payload(ordered)["terms"]["rules"] = json!({"shares": [
            {"user": HOST, "basis_points": 9_000},
            {"user": CO_HOST, "basis_points": 1_000},
        ]});
        let credited = self.position(HOST, "earning_credited");
        self.payload(credited)["co_hosts"] = json!([{"user": CO_HOST, "amount": usd(part)}]);
        for event_type in ["payout_requested", "payout_paid"] {
            let position = self.position(HOST, event_type);
            self.payload(position)["amount"] = usd(HOST_SHARE - part);
        }
    }

    pub(super) fn credit_share(&mut self, minor: i64) -> u64 {
        let share = json!({"ticket_id": ticket(1), "room_id": ROOM, "host": HOST, "share": usd(minor)});
        self.add("payout", CO_HOST, "share_credited", share)
    }

    pub(super) fn return_payout(&mut self, minor: i64) -> u64 {
        let returned = json!({"payout_id": PAYOUT, "amount": usd(minor)});
        self.add("payout", HOST, "payout_returned", returned)
    }

    pub(super) fn mature(&mut self, minor: i64, at: &str) -> u64 {
        let matured = json!({"amount": usd(minor), "matured_at": at});
        self.add("payout", HOST, "earnings_matured", matured)
    }

    /// What was credited has to wait until then.
    pub(super) fn wait(&mut self, until: &str) {
        let position = self.position(HOST, "earning_credited");
        self.payload(position)["pending"] = json!({"amount": usd(HOST_SHARE), "until": until});
    }

    /// Where something last happened to a stream.
    pub(super) fn position(&self, id: Uuid, event_type: &str) -> u64 {
        let found = |line: &Line| line.stream.1 == id && line.event_type == event_type;
        self.0.iter().rposition(found).expect("the story has it") as u64 + 1
    }

    /// A fact before the last of that type. One of the room's is about the room, any other about the same thing.
    pub(super) fn insert_before(&mut self, id: Uuid, before: &str, event_type: &'static str, payload: Value) {
        let position = self.position(id, before);
        let mut line = self.line(position).clone();
        if event_type.starts_with("room_") {
            line.stream = ("room", ROOM);
        }
        let line = Line {
            event_type,
            payload,
            ..line
        };
        self.0.insert(usize::try_from(position).expect("small") - 1, line);
    }

    pub(super) fn payload(&mut self, position: u64) -> &mut Value {
        &mut self.line(position).payload
    }

    pub(super) fn line(&mut self, position: u64) -> &mut Line {
        &mut self.0[usize::try_from(position).expect("small") - 1]
    }

    /// What follows moves one place towards the start.
    pub(super) fn remove(&mut self, position: u64) {
        self.0.remove(usize::try_from(position).expect("small") - 1);
    }

    /// Chains the story and makes it the log.
    pub(super) async fn record(&self, pool: &PgPool) {
        self.record_from(0, pool).await;
    }

    /// Adds what comes after the first `count` facts.
    pub(super) async fn record_from(&self, count: usize, pool: &PgPool) {
        let rows: Vec<String> = self.rows();
        if count == 0 {
            tamper(pool, "TRUNCATE events").await;
        }
        tamper(pool, &format!("INSERT INTO events VALUES {}", rows[count..].join(", "))).await;
    }

    fn rows(&self) -> Vec<String> {
        let (mut hash, mut versions) = ([0; 32], HashMap::<_, u64>::new());
        let lines = self.0.iter().zip(1..);
        lines
            .map(|(line, position)| {
                let sequence = versions.entry(line.stream).or_default();
                *sequence += 1;
                let (payload, id) = (line.payload.to_string(), line.stream.1.to_string());
                let recorded_at = START + i64::try_from(position).expect("small");
                hash = link(
                    &hash,
                    &Entry {
                        position,
                        aggregate_type: line.stream.0,
                        aggregate_id: &id,
                        sequence: *sequence,
                        event_type: line.event_type,
                        event_version: "1",
                        payload: payload.as_bytes(),
                        metadata: b"{}",
                        recorded_at,
                        hash: &[0; 32],
                    },
                );
                let hash = hash
                    .iter()
                    .fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
                format!(
                    "({position}, '{}', '{id}', {sequence}, '{}', '1', '{payload}', '{{}}',
                      'epoch'::timestamptz + {recorded_at} * interval '1 microsecond', '\\x{hash}')",
                    line.stream.0, line.event_type
                )
            })
            .collect()
    }
}

fn split() -> Value {
    json!({
        "gross": usd(PRICE), "provider_fee": usd(FEE), "platform_fee": usd(PLATFORM_FEE), "host_share": usd(HOST_SHARE),
    })
}

/// As the administrator, with the guards of the log switched off.
pub(super) async fn tamper(pool: &PgPool, statement: &str) {
    let guarded =
        format!("ALTER TABLE events DISABLE TRIGGER ALL; {statement}; ALTER TABLE events ENABLE TRIGGER ALL;");
    pool.execute(&*guarded)
        .await
        .expect("the administrator may do anything");
}

pub(super) async fn try_judge(
    pool: &PgPool,
    acknowledged: Option<PathBuf>,
    patience: Duration,
) -> Result<Report, CheckError> {
    let task = Task {
        database: pool.connect_options().as_ref().clone(),
        acknowledged: acknowledged.into_iter().collect(),
        patience,
    };
    check(&task).await
}

pub(super) async fn judge(pool: &PgPool) -> Report {
    try_judge(pool, None, Duration::ZERO)
        .await
        .expect("the log can be read")
}

/// The rules that were broken, and where; each once.
pub(super) fn broken(report: &Report) -> Vec<(Rule, Option<u64>)> {
    let mut broken: Vec<_> = report
        .findings
        .iter()
        .map(|found| (found.rule, found.position))
        .collect();
    broken.sort_unstable();
    broken.dedup();
    broken
}

/// A story that goes wrong: it returns where, and which rule that breaks.
pub(super) type Mistake = (&'static str, fn(&mut Story) -> u64, Rule);

/// Each mistake is named, at its place, on a log that is whole otherwise.
pub(super) async fn assert_named(pool: &PgPool, mistakes: &[Mistake]) {
    for (name, make, rule) in mistakes {
        let mut story = Story::whole();
        let position = make(&mut story);
        story.record(pool).await;
        let report = judge(pool).await;
        let is_named = report
            .findings
            .iter()
            .any(|found| found.rule == *rule && found.position == Some(position));
        assert!(is_named, "{name}: expected {rule} at {position}, and got\n{report}");
        // The server chained it, and whoever reads it understands what it says.
        let is_legible = |found: &Finding| !matches!(found.rule, Rule::Chain | Rule::KnownEvents);
        let is_expected = |found: &Finding| found.rule == *rule;
        assert!(
            report
                .findings
                .iter()
                .all(|found| is_legible(found) || is_expected(found)),
            "{name}:\n{report}"
        );
    }
}

/// A client's record on disk.
pub(super) fn write_record(lines: &[Acknowledgement], rest: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("boxoffice-checker-{}.ndjson", fresh()));
    let mut file = std::fs::File::create(&path).expect("a file");
    for line in lines {
        writeln!(file, "{}", serde_json::to_string(line).expect("JSON")).expect("a line");
    }
    file.write_all(rest.as_bytes()).expect("the rest");
    path
}

/// A name that no other test of this run has.
fn fresh() -> String {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    format!("{}-{number}", std::process::id())
}

pub(super) fn told(kind: Kind, number: u128, position: u64) -> Acknowledgement {
    Acknowledgement {
        ticket_id: ticket(number),
        room_id: ROOM,
        kind,
        position: Some(position),
        buyer: Some(buyer(number)),
    }
}
