//! Runs commands on hot aggregates.
//!
//! Replaces `CqrsFramework::execute`, which answers a refusal at once: ours may rest on a sale that then never becomes
//! durable, so it waits.

use std::sync::Arc;
use std::time::Duration;

use cqrs_es::event_sink::EventSink;
use cqrs_es::{Aggregate, AggregateContext as _};
use domain::{Payout, Room, Ticket};
use thiserror::Error;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::hot::{HotContext, HotError, HotStore};
use crate::jitter::jitter;
use crate::{AppendError, EventLog, Metadata, ReadError};

/// Decisions per command: the first, and again after a lost race.
const ATTEMPTS: u32 = 3;
/// The longest pause before another try; the first is a third of it.
const PAUSE_MAX: Duration = Duration::from_millis(30);
/// How long a command waits for its aggregate. It has not decided anything then, so giving up is safe.
const CHECK_OUT_LIMIT: Duration = Duration::from_secs(10);

/// A command that is durable: what it recorded (nothing, if it was a repeat) and the log position its answer rests on.
#[derive(Debug)]
pub struct Executed<A: Aggregate> {
    pub events: Vec<A::Event>,
    pub position: u64,
}

#[derive(Debug, Error)]
pub enum ExecuteError<E: std::error::Error + 'static> {
    /// The aggregate says no. The state this rests on is durable.
    #[error(transparent)]
    Refused(E),
    /// Lost three races against other writers.
    #[error("lost a race three times")]
    Conflict,
    #[error("overloaded")]
    Overloaded,
    /// The log is away. The command may or may not become durable: repeat it.
    #[error("the log is unavailable: {0}")]
    Unavailable(String),
    /// The log takes nothing of the kind: a defect, not a race.
    #[error("the log rejects the events: {0}")]
    Rejected(String),
    #[error("the stored events of this aggregate cannot be read: {0}")]
    Corrupt(String),
}

/// Executes commands of one kind of aggregate. Cheap to clone; all executors on one log share their aggregates.
#[derive(Debug)]
pub struct Executor<A: Aggregate> {
    store: HotStore<A>,
    tracker: TaskTracker,
}

impl<A: Aggregate> Clone for Executor<A> {
    fn clone(&self) -> Self {
        Self {
            store: self.store.clone(),
            tracker: self.tracker.clone(),
        }
    }
}

impl<A> Executor<A>
where
    A: Aggregate<Services = ()> + Clone + 'static,
    A::Command: Clone + Send + Sync + 'static,
    A::Event: 'static,
    A::Error: Send + Sync + 'static,
{
    pub fn new(log: Arc<dyn EventLog>) -> Self {
        Self::with_tracker(log, TaskTracker::new())
    }

    /// Commands run on `tracker`: shutdown waits for them.
    pub fn with_tracker(log: Arc<dyn EventLog>, tracker: TaskTracker) -> Self {
        Self {
            store: HotStore::new(log),
            tracker,
        }
    }

    pub fn store(&self) -> &HotStore<A> {
        &self.store
    }

    /// Decides, records, and returns when it is durable. Runs in its own task: a caller who goes away cancels nothing.
    pub async fn execute(
        &self,
        id: Uuid,
        command: A::Command,
        metadata: Metadata,
    ) -> Result<Executed<A>, ExecuteError<A::Error>> {
        let store = self.store.clone();
        let run = self.tracker.spawn(run(store, id, command, metadata));
        run.await
            .unwrap_or_else(|panic| Err(ExecuteError::Corrupt(format!("the command did not finish: {panic}"))))
    }

    /// Looks at the aggregate's durable state. `(answer, position of its last event)`; the default state if it has none.
    pub async fn read<T: Send>(
        &self,
        id: Uuid,
        look: impl FnOnce(&A) -> T + Send,
    ) -> Result<(T, u64), ExecuteError<A::Error>> {
        let id = id.hyphenated().to_string();
        let mut failure = ExecuteError::Conflict;
        for attempt in 0..ATTEMPTS {
            pause(attempt).await;
            let context = in_time(self.store.visit(&id)).await?;
            let foundation = context.foundation();
            if foundation.is_known_durable() {
                let answer = look(context.look());
                let position = context.untouched().durable().await.map_err(append_error)?;
                return Ok((answer, position));
            }
            // Others go on deciding while this look waits, so it needs a state of its own.
            let aggregate = context.look().clone();
            drop(context.untouched());
            match foundation.durable().await {
                Ok(position) => return Ok((look(&aggregate), position)),
                Err(error) => failure = append_error(error),
            }
        }
        Err(failure)
    }
}

enum Attempt<A: Aggregate> {
    Done(Executed<A>),
    Refused(A::Error),
    /// What the decision rested on, or the decision itself, did not become durable.
    Again(AppendError),
}

async fn run<A>(
    store: HotStore<A>,
    id: Uuid,
    command: A::Command,
    metadata: Metadata,
) -> Result<Executed<A>, ExecuteError<A::Error>>
where
    A: Aggregate<Services = ()> + 'static,
    A::Command: Clone + Send + Sync,
    A::Error: Send + Sync,
{
    let id = id.hyphenated().to_string();
    let metadata: Arc<[u8]> = serde_json::to_vec(&metadata)
        .map_err(|error| ExecuteError::Rejected(error.to_string()))?
        .into();
    let mut failure = ExecuteError::Conflict;
    for attempt in 0..ATTEMPTS {
        pause(attempt).await;
        let context = in_time(store.check_out(&id)).await?;
        match decide(context, command.clone(), Arc::clone(&metadata)).await? {
            Attempt::Done(executed) => return Ok(executed),
            Attempt::Refused(refusal) => return Err(ExecuteError::Refused(refusal)),
            Attempt::Again(error) => failure = append_error(error),
        }
    }
    Err(failure)
}

async fn decide<A>(
    mut context: HotContext<A>,
    command: A::Command,
    metadata: Arc<[u8]>,
) -> Result<Attempt<A>, ExecuteError<A::Error>>
where
    A: Aggregate<Services = ()> + 'static,
    A::Command: Send + Sync,
    A::Error: Send + Sync,
{
    let sink = EventSink::default();
    let decision = context.aggregate().handle(command, &(), &sink).await;
    let events = sink.collect().await;
    match decision {
        Err(refusal) => {
            let foundation = if events.is_empty() {
                context.untouched()
            } else {
                context.spoiled()
            };
            Ok(match foundation.durable().await {
                Ok(_) => Attempt::Refused(refusal),
                Err(error) => Attempt::Again(error),
            })
        }
        Ok(()) if events.is_empty() => Ok(match context.untouched().durable().await {
            Ok(position) => Attempt::Done(Executed { events, position }),
            Err(error) => Attempt::Again(error),
        }),
        Ok(()) => match context.record(&events, metadata).map_err(hot_error)?.await {
            Ok(appended) => Ok(Attempt::Done(Executed {
                events,
                position: appended.position,
            })),
            Err(error @ (AppendError::Conflict { .. } | AppendError::Cascade { .. })) => Ok(Attempt::Again(error)),
            Err(error) => Err(append_error(error)),
        },
    }
}

async fn in_time<T, E: std::error::Error + 'static>(
    step: impl Future<Output = Result<T, HotError>>,
) -> Result<T, ExecuteError<E>> {
    match tokio::time::timeout(CHECK_OUT_LIMIT, step).await {
        Ok(outcome) => outcome.map_err(hot_error),
        Err(_) => Err(ExecuteError::Unavailable(
            "the aggregate could not be loaded in time".to_owned(),
        )),
    }
}

async fn pause(attempt: u32) {
    if attempt > 0 {
        tokio::time::sleep(jitter(PAUSE_MAX * attempt / ATTEMPTS)).await;
    }
}

fn hot_error<E: std::error::Error + 'static>(error: HotError) -> ExecuteError<E> {
    match error {
        HotError::Append(error) => append_error(error),
        HotError::Read(ReadError::Unavailable(source)) => ExecuteError::Unavailable(source.to_string()),
        HotError::Read(corrupt @ ReadError::Corrupt { .. }) => ExecuteError::Corrupt(corrupt.to_string()),
        HotError::Corrupt(reason) => ExecuteError::Corrupt(reason),
    }
}

fn append_error<E: std::error::Error + 'static>(error: AppendError) -> ExecuteError<E> {
    match error {
        AppendError::Conflict { .. } | AppendError::Cascade { .. } => ExecuteError::Conflict,
        AppendError::Overloaded => ExecuteError::Overloaded,
        AppendError::Unavailable(reason) => ExecuteError::Unavailable(reason),
        AppendError::Rejected(reason) => ExecuteError::Rejected(reason),
    }
}

/// The executors of all aggregates.
#[derive(Clone, Debug)]
pub struct Aggregates {
    pub rooms: Executor<Room>,
    pub tickets: Executor<Ticket>,
    pub payouts: Executor<Payout>,
}

impl Aggregates {
    pub fn new(log: &Arc<dyn EventLog>) -> Self {
        Self::with_tracker(log, &TaskTracker::new())
    }

    /// Commands run on `tracker`: shutdown waits for them.
    pub fn with_tracker(log: &Arc<dyn EventLog>, tracker: &TaskTracker) -> Self {
        Self {
            rooms: Executor::with_tracker(Arc::clone(log), tracker.clone()),
            tickets: Executor::with_tracker(Arc::clone(log), tracker.clone()),
            payouts: Executor::with_tracker(Arc::clone(log), tracker.clone()),
        }
    }
}
