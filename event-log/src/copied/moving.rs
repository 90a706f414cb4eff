//! Puts a database's own log on another one; the database is its copy then.

use std::ops::ControlFlow;
use std::time::Duration;

use thiserror::Error;
use tokio::time::timeout;

use super::copier::append;
use super::origin::{self, origin};
use crate::chain::Leaf;
use crate::leader::Leader;
use crate::pipeline::Pending;
use crate::{AppendError, EventLog, Head, PostgresLog, ReadError, RecordedEvent};

/// For the lead: longer than the lease of one that was killed.
const LEAD_WAIT: Duration = Duration::from_secs(4);
const PAGE: usize = 1000;
/// Events of one stream, one after another in the log, that are sent without waiting.
const RUN: usize = 500;

#[derive(Debug, Error)]
pub enum MoveError {
    #[error("another process leads the log: it has to be stopped first")]
    Led,
    #[error("the database holds a copy already")]
    IsCopy,
    #[error("the other log holds something else than the database does at position {position}")]
    Differs { position: u64 },
    #[error("the other log does not take what the database holds after position {position}")]
    Append {
        position: u64,
        #[source]
        error: AppendError,
    },
    /// As asked. It can go on.
    #[error("stopped at position {position}")]
    Stopped { position: u64 },
    #[error("a log cannot be read")]
    Read(#[from] ReadError),
    #[error("the database")]
    Database(#[from] sqlx::Error),
}

/// Appends every event of `own` to `other`, in the order of the log and with its times, and has the database be the copy.
/// `other` is empty, or holds the beginning: what stopped half-way goes on. `own` leads, so that nobody appends meanwhile; nobody
/// can who takes over before it is done, either. What fails or is stopped leaves the database with its own log.
/// Returns how many events the log has; says now and then up to which position they are moved, and can be told to stop there.
pub async fn move_log(
    other: &dyn EventLog,
    own: &PostgresLog,
    mut progress: impl FnMut(u64) -> ControlFlow<()> + Send,
) -> Result<u64, MoveError> {
    let mut leader = own.leader();
    // Whoever led may have been killed, and is believed for a while yet.
    let leads = async {
        let leads = leader.wait_for(|leader| *leader == Leader::Here).await;
        leads.is_ok()
    };
    if timeout(LEAD_WAIT, leads).await != Ok(true) {
        return Err(MoveError::Led);
    }
    // At 0 somebody was killed half-way.
    if origin(own.pool()).await?.is_some_and(|origin| origin.position > 0) {
        return Err(MoveError::IsCopy);
    }
    let moved = move_all(other, own, &mut progress).await;
    if moved.is_err() && own.is_leading() {
        origin::withdraw(own.pool()).await?;
    }
    moved
}

async fn move_all(
    other: &dyn EventLog,
    own: &PostgresLog,
    progress: &mut (impl FnMut(u64) -> ControlFlow<()> + Send),
) -> Result<u64, MoveError> {
    let mut moved = begun(other, own, progress).await?;
    origin::keep(own.pool(), Head::EMPTY).await?;
    loop {
        let page = own.read_all(moved, PAGE).await?;
        let Some(last) = page.last() else { break };
        send(other, &page).await?;
        moved = last.position;
        say(progress, moved)?;
    }
    if !own.is_leading() {
        return Err(MoveError::Led);
    }
    let end = other.head().await?;
    origin::keep(own.pool(), end).await?;
    Ok(moved)
}

/// Up to which position the other log holds the same events.
async fn begun(
    other: &dyn EventLog,
    own: &PostgresLog,
    progress: &mut (impl FnMut(u64) -> ControlFlow<()> + Send),
) -> Result<u64, MoveError> {
    let (mut of_other, mut of_own) = (Head::EMPTY.position, Head::EMPTY.position);
    loop {
        let there = other.read_all(of_other, PAGE).await?;
        let Some(last) = there.last() else { return Ok(of_own) };
        of_other = last.position;
        let here = own.read_all(of_own, there.len()).await?;
        for (nth, event) in there.iter().enumerate() {
            let position = of_own + 1;
            match here.get(nth) {
                Some(own) if is_same(own, event) => of_own = position,
                _ => return Err(MoveError::Differs { position }),
            }
        }
        say(progress, of_own)?;
    }
}

fn say(progress: &mut (impl FnMut(u64) -> ControlFlow<()> + Send), position: u64) -> Result<(), MoveError> {
    match progress(position) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(MoveError::Stopped { position }),
    }
}

/// Wherever they lie.
fn is_same(one: &RecordedEvent, other: &RecordedEvent) -> bool {
    Leaf::from(one)
        == Leaf {
            position: one.position,
            ..Leaf::from(other)
        }
}

/// In the order of the log: events of one stream go together, those of the next when these are there.
async fn send(other: &dyn EventLog, page: &[RecordedEvent]) -> Result<(), MoveError> {
    let same_stream = |one: &RecordedEvent, next: &RecordedEvent| {
        (&one.aggregate_type, &one.aggregate_id) == (&next.aggregate_type, &next.aggregate_id)
    };
    for run in page.chunk_by(same_stream).flat_map(|run| run.chunks(RUN)) {
        let before = run.first().map_or(0, |event| event.position - 1);
        let refused = |error| MoveError::Append {
            position: before,
            error,
        };
        let mut pending: Vec<Pending> = Vec::with_capacity(run.len());
        for event in run {
            let append = append(event).map_err(|stop| refused(AppendError::Rejected(stop.to_string())))?;
            let permit = other.reserve().map_err(refused)?;
            pending.push(permit.enqueue_copy(append, event.recorded_at));
        }
        for pending in pending {
            pending.await.map_err(refused)?;
        }
    }
    Ok(())
}
