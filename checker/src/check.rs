//! The check itself: one snapshot, walked once; again until nothing is in flight, or the time is over.

use std::path::PathBuf;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use tokio::time::{Instant, sleep, timeout_at};

use crate::CheckError;
use crate::acknowledged::{self, Acknowledgement};
use crate::chain::Walk;
use crate::fold::Fold;
use crate::report::{Findings, Read, Report, Rule};
use crate::snapshot::{Balances, LedgerView, Snapshot};

/// Pause before what was in flight is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// A snapshot is begun within this time, or the database is away.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// What to check.
#[derive(Clone, Debug)]
pub struct Task {
    pub database: PgConnectOptions,
    /// The clients' records.
    pub acknowledged: Vec<PathBuf>,
    /// How long to wait for what is in flight: captures without a ticket or refund, views that are behind.
    pub patience: Duration,
}

/// Judges the log. What is wrong for good is reported at once; what may only be late, when the patience is over.
pub async fn check(task: &Task) -> Result<Report, CheckError> {
    let deadline = Instant::now() + task.patience;
    let mut records = Vec::new();
    for path in &task.acknowledged {
        records.extend(acknowledged::read(path).await?);
    }
    loop {
        let look = look(task, &records).await;
        if Instant::now() >= deadline {
            return look.map(Look::at_the_end);
        }
        match look {
            Ok(look) if !look.broken.is_empty() || look.unfinished.is_empty() => return Ok(look.at_the_end()),
            // A database that is coming back is waited for like everything else.
            Ok(_) | Err(CheckError::Database(_)) => sleep(LOOK_AGAIN).await,
            Err(error) => return Err(error),
        }
    }
}

/// One look at the log.
struct Look {
    read: Read,
    broken: Findings,
    unfinished: Findings,
}

impl Look {
    fn at_the_end(mut self) -> Report {
        self.broken.append(self.unfinished);
        Report::new(self.read, self.broken)
    }
}

async fn look(task: &Task, records: &[Acknowledgement]) -> Result<Look, CheckError> {
    let limit = Instant::now() + CONNECT_LIMIT;
    let mut snapshot = timeout_at(limit, Snapshot::open(&task.database))
        .await
        .unwrap_or(Err(CheckError::Database(sqlx::Error::PoolTimedOut)))?;
    let view = snapshot.ledger_view().await?;
    let (mut walk, mut fold) = (Walk::new(), Fold::default());
    let (mut broken, mut unfinished) = (Findings::default(), Findings::default());
    let mut at_view = Balances::new();
    let view_position = view.as_ref().map(|view| view.position);
    snapshot
        .events(|entry| {
            walk.step(entry, &mut broken);
            fold.take(entry, &mut broken);
            if Some(entry.position) == view_position {
                at_view.clone_from(fold.balances());
            }
        })
        .await?;
    snapshot.close().await?;
    if let Some(view) = &view {
        compare_ledger(view, &at_view, walk.position, &mut broken, &mut unfinished);
    }
    acknowledged::compare(records, &fold, &mut broken, &mut unfinished);
    fold.find_unfinished(&mut unfinished);
    Ok(Look {
        read: Read {
            events: walk.events,
            head: walk.position,
            acknowledged: records.len() as u64,
            ledger_view: view_position,
            balances: fold.balances().clone(),
        },
        broken,
        unfinished,
    })
}

fn compare_ledger(view: &LedgerView, books: &Balances, head: u64, broken: &mut Findings, unfinished: &mut Findings) {
    for (position, currency) in &view.unbalanced {
        let what = format!("the lines do not sum to zero in {currency}");
        broken.add(Rule::LedgerView, *position, what);
    }
    for (name, shown) in [("accounts", &view.accounts), ("lines", &view.lines)] {
        for (key, minor) in differing(shown, books) {
            let (account, currency) = key;
            let expected = books.get(key).copied().unwrap_or(0);
            let what = format!("{name} show {account} at {minor} {currency}, and the events come to {expected}");
            broken.add(Rule::LedgerView, view.position, what);
        }
    }
    if view.position > head {
        let what = format!("the view is at {}, beyond the log's end at {head}", view.position);
        broken.add(Rule::LedgerView, None, what);
    } else if view.position < head {
        let what = format!("the view is at {}, behind the log's end at {head}", view.position);
        unfinished.add(Rule::LedgerView, None, what);
    }
}

/// Accounts that `shown` has otherwise than `books`. One that is missing stands at zero.
fn differing<'a>(shown: &'a Balances, books: &'a Balances) -> impl Iterator<Item = (&'a (String, String), i128)> {
    let of = |balances: &Balances, key| balances.get(key).copied().unwrap_or(0);
    let missing = books.keys().filter(|key| !shown.contains_key(*key));
    let keys = shown.keys().chain(missing);
    keys.map(move |key| (key, of(shown, key)))
        .filter(move |(key, minor)| *minor != of(books, key))
}
