//! Where a flow ended: aggregates, books, the provider's own books, and the checker's verdict. Without ids and times, so
//! that two runs compare.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::DateTime;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use super::commands::REQUESTS;
use super::life::Process;
use super::run::{Run, TICKETS_MAX};
use super::steps::Scene;

/// By account and currency.
pub(super) type Books = BTreeMap<(String, String), i128>;

/// What was there before a run.
#[derive(Default)]
pub(super) struct Was {
    pub(super) books: Books,
    pub(super) transfers: usize,
}

/// The whole log is judged, each time.
pub(super) async fn judge(pool: &PgPool) -> Books {
    let task = checker::Task {
        database: (*pool.connect_options()).clone(),
        acknowledged: vec![],
        patience: Duration::ZERO,
    };
    let report = checker::check(&task).await.unwrap();
    assert!(report.ok, "{report}");
    report.balances
}

#[derive(PartialEq, Eq, Debug)]
pub(super) struct Outcome {
    aggregates: Vec<Value>,
    books: Books,
    provider: Vec<String>,
    /// Whom what was written to.
    letters: Vec<(String, String)>,
    /// How many of each kind were recorded.
    events: BTreeMap<String, i64>,
    dead_jobs: i64,
    webhooks_put_aside: i64,
}

impl Outcome {
    pub(super) async fn of(scene: &Scene, aggregates: Vec<Value>, pool: &PgPool, was: &Was, after: &Books) -> Self {
        let run = scene.run;
        let moved = after.iter().map(|(key, minor)| {
            let (account, currency) = key;
            let moved = minor - was.books.get(key).copied().unwrap_or(0);
            ((run.named(account), currency.clone()), moved)
        });
        let letters = scene.outside.postman.letters_to(&run.mail_domain()).into_iter();
        let now = event_log::Clock::now(&scene.outside.clock);
        let jobs = crate::jobs::count(pool, now).await.unwrap();
        assert_eq!(jobs.due, 0, "it rests");
        Self {
            aggregates,
            books: moved.filter(|(_, minor)| *minor != 0).collect(),
            provider: provider_books(scene, was.transfers),
            letters: letters.map(|letter| (letter.to, letter.subject)).collect(),
            events: events(run, pool).await,
            dead_jobs: jobs.dead,
            webhooks_put_aside: crate::inbox::count(pool).await.unwrap().put_aside,
        }
    }
}

/// The payments of this run, and the transfers after the first so many.
fn provider_books(scene: &Scene, transfers: usize) -> Vec<String> {
    let (run, books) = (scene.run, scene.outside.provider.books());
    let payments: Vec<String> = (1..=TICKETS_MAX)
        .map(|number| run.payment(number).to_string())
        .collect();
    let is_mine = |line: &&String| payments.iter().any(|payment| line.contains(payment));
    let mut lines: Vec<String> = books
        .iter()
        .filter(is_mine)
        .chain(books.iter().filter(|line| is_transfer(line)).skip(transfers))
        .map(|line| run.named(line))
        .collect();
    lines.sort();
    lines
}

pub(super) fn is_transfer(line: &str) -> bool {
    line.starts_with("transfer")
}

/// The room, the hosts' accounts, the tickets and the people, as the process has them.
pub(super) async fn aggregates(run: Run, process: &Process) -> Vec<Value> {
    let aggregates = &process.deps.aggregates;
    let whole = |state: &domain::Room| serde_json::to_value(state).unwrap();
    let mut states = vec![aggregates.rooms.read(run.room().as_uuid(), whole).await.unwrap().0];
    for host in [run.host(), run.co_host()] {
        let whole = |state: &domain::Payout| serde_json::to_value(state).unwrap();
        states.push(aggregates.payouts.read(host.as_uuid(), whole).await.unwrap().0);
    }
    for number in 1..=TICKETS_MAX {
        let whole = |state: &domain::Ticket| serde_json::to_value(state).unwrap();
        let id = run.ticket(number).as_uuid();
        states.push(aggregates.tickets.read(id, whole).await.unwrap().0);
    }
    for buyer in run.buyers() {
        let is_erased = |shop: &domain::Shop| shop.is_erased(buyer);
        let shop = domain::Shop::ID.as_uuid();
        let (is_erased, _) = aggregates.shop.read(shop, is_erased).await.unwrap();
        let is_reached = process.deps.people.contact(buyer).await.unwrap().is_some();
        states.push(json!({ "is_erased": is_erased, "is_reached": is_reached }));
    }
    states.into_iter().map(|state| run.compared(state)).collect()
}

async fn events(run: Run, pool: &PgPool) -> BTreeMap<String, i64> {
    let tickets = (1..=TICKETS_MAX).map(|number| run.ticket(number).to_string());
    let streams: Vec<String> = tickets
        .chain([
            run.room().to_string(),
            run.host().to_string(),
            run.co_host().to_string(),
        ])
        .collect();
    let counts = sqlx::query!(
        r#"SELECT event_type, count(*) AS "count!" FROM events WHERE aggregate_id = ANY($1) GROUP BY event_type"#,
        &streams
    );
    let counts = counts.fetch_all(pool).await.unwrap();
    counts.into_iter().map(|row| (row.event_type, row.count)).collect()
}

impl Run {
    /// Ids as they are called in this run, times as times. Objects that are keyed by ids are in the order of their names.
    fn compared(self, value: Value) -> Value {
        match value {
            Value::String(text) if DateTime::parse_from_rfc3339(&text).is_ok() => "a time".into(),
            Value::String(text) => self.named(&text).into(),
            Value::Array(items) => items.into_iter().map(|item| self.compared(item)).collect(),
            Value::Object(fields) => {
                let mut fields: Vec<(String, Value)> = fields
                    .into_iter()
                    .map(|(name, value)| (self.named(&name), self.compared(value)))
                    .collect();
                fields.sort_by_cached_key(|(name, value)| (name.clone(), value.to_string()));
                fields
                    .into_iter()
                    .map(|(name, value)| Value::from(vec![name.into(), value]))
                    .collect()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value,
        }
    }

    /// A text, with the ids in it as they are called. Those that processes derive have no other name.
    fn named(self, text: &str) -> String {
        let is_of_id = |char: char| char.is_ascii_hexdigit() || char == '-';
        let mut named = String::new();
        let mut rest = text;
        while let Some(start) = rest.find(is_of_id) {
            let (before, from) = rest.split_at(start);
            let end = from.find(|char| !is_of_id(char)).unwrap_or(from.len());
            let (word, after) = from.split_at(end);
            named.push_str(before);
            match Uuid::try_parse(word) {
                Ok(id) => named.push_str(&self.name(id).unwrap_or_else(|| "an id".to_owned())),
                Err(_) if is_digest(word) => named.push_str("a digest"),
                Err(_) => named.push_str(word),
            }
            rest = after;
        }
        named + rest
    }
}

/// Not a request's fingerprint, which is the same in each run: the hash of a promo code, or the name of what was bought in a
/// store, both made of an id.
fn is_digest(word: &str) -> bool {
    const DIGITS: usize = 16;
    let is_request = |request: &[u8]| domain::Fingerprint::of(request).to_string() == word;
    word.len() == DIGITS && !REQUESTS.iter().any(|request| is_request(request))
}
