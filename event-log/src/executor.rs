//! Runs commands on hot aggregates.
//!
//! Replaces `CqrsFramework::execute`, which answers a refusal at once: ours may rest on a sale that then never becomes
//! durable, so it waits.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use cqrs_es::event_sink::EventSink;
use cqrs_es::{Aggregate, AggregateContext as _};
use domain::{Payout, Room, Shop, Storable, Ticket};
use futures::FutureExt as _;
use thiserror::Error;
use tokio::time::error::Elapsed;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use crate::hot::{HotContext, HotError, HotStore};
use crate::jitter::jitter;
use crate::{AppendError, Appended, EventLog, Metadata, ReadError};

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

/// What became of a command that was decided.
#[derive(Debug)]
pub enum Judged<A: Aggregate> {
    Accepted(Executed<A>),
    /// The aggregate says no. What this rests on is durable: `position` is that of the aggregate's last event by then.
    Refused {
        refusal: A::Error,
        position: u64,
    },
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
    A: Storable + Aggregate<Services = ()> + 'static,
    A::Command: Clone + Send + Sync + 'static,
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

    /// Decides, records, and returns when it is durable. A caller who goes away cancels nothing that was decided: from
    /// the decision until its events are in the queue, nothing waits.
    pub async fn execute(
        &self,
        id: Uuid,
        command: A::Command,
        metadata: Metadata,
    ) -> Result<Executed<A>, ExecuteError<A::Error>> {
        accepted(self.run(id, std::slice::from_ref(&command), &metadata).await?)
    }

    /// The same for whoever wants to know what a refusal rests on.
    pub async fn judge(
        &self,
        id: Uuid,
        command: A::Command,
        metadata: Metadata,
    ) -> Result<Judged<A>, ExecuteError<A::Error>> {
        self.run(id, std::slice::from_ref(&command), &metadata).await
    }

    /// Decides several commands, each on what the ones before it decided, and records them as one: all or none. If one
    /// of them is refused, all are.
    pub async fn execute_all(
        &self,
        id: Uuid,
        commands: Vec<A::Command>,
        metadata: Metadata,
    ) -> Result<Executed<A>, ExecuteError<A::Error>> {
        accepted(self.run(id, &commands, &metadata).await?)
    }

    async fn run(
        &self,
        id: Uuid,
        commands: &[A::Command],
        metadata: &Metadata,
    ) -> Result<Judged<A>, ExecuteError<A::Error>> {
        // Shutdown waits for it.
        let _tracked = self.tracker.token();
        let id = StreamName::of(id);
        let metadata: Arc<[u8]> = serde_json::to_vec(metadata)
            .map_err(|error| ExecuteError::Rejected(error.to_string()))?
            .into();
        let mut failure = ExecuteError::Conflict;
        for attempt in 0..ATTEMPTS {
            pause(attempt).await;
            let context = in_time(timeout(CHECK_OUT_LIMIT, self.store.check_out(id.as_str())).await)?;
            match self.decide(context, commands, &metadata).await? {
                Attempt::Final(judged) => return Ok(judged),
                Attempt::Again(error) => failure = append_error(error),
            }
        }
        Err(failure)
    }

    async fn decide(
        &self,
        mut context: HotContext<A>,
        commands: &[A::Command],
        metadata: &Arc<[u8]>,
    ) -> Result<Attempt<A>, ExecuteError<A::Error>> {
        let (decision, events) = handle_all(&mut context, commands)?;
        match decision {
            Err(refusal) => {
                let foundation = if events.is_empty() {
                    context.untouched()
                } else {
                    context.spoiled()
                };
                Ok(match foundation.durable().await {
                    Ok(position) => Attempt::Final(Judged::Refused { refusal, position }),
                    Err(error) => Attempt::Again(error),
                })
            }
            Ok(()) if events.is_empty() => Ok(match context.untouched().durable().await {
                Ok(position) => Attempt::Final(Judged::Accepted(Executed { events, position })),
                Err(error) => Attempt::Again(error),
            }),
            Ok(()) => {
                let pending = context.record(&events, Arc::clone(metadata)).map_err(hot_error)?;
                match pending.await {
                    Ok(Appended { position, .. }) => {
                        Ok(Attempt::Final(Judged::Accepted(Executed { events, position })))
                    }
                    Err(error @ (AppendError::Conflict { .. } | AppendError::Cascade { .. })) => {
                        Ok(Attempt::Again(error))
                    }
                    Err(error) => Err(append_error(error)),
                }
            }
        }
    }

    /// Looks at the aggregate's durable state. `(answer, position of its last event)`; the default state if it has none.
    ///
    /// Looks at once, and answers when what it saw is durable: others go on deciding meanwhile.
    pub async fn read<T: Send>(
        &self,
        id: Uuid,
        look: impl Fn(&A) -> T + Send,
    ) -> Result<(T, u64), ExecuteError<A::Error>> {
        let id = StreamName::of(id);
        let mut failure = ExecuteError::Conflict;
        for attempt in 0..ATTEMPTS {
            pause(attempt).await;
            let (answer, foundation) = {
                let context = in_time(timeout(CHECK_OUT_LIMIT, self.store.visit(id.as_str())).await)?;
                (look(context.look()), context.untouched())
            };
            match foundation.durable().await {
                Ok(position) => return Ok((answer, position)),
                Err(error) => failure = append_error(error),
            }
        }
        Err(failure)
    }
}

enum Attempt<A: Aggregate> {
    Final(Judged<A>),
    /// What the decision rested on, or the decision itself, did not become durable.
    Again(AppendError),
}

fn accepted<A>(judged: Judged<A>) -> Result<Executed<A>, ExecuteError<A::Error>>
where
    A: Aggregate,
    A::Error: 'static,
{
    match judged {
        Judged::Accepted(executed) => Ok(executed),
        Judged::Refused { refusal, .. } => Err(ExecuteError::Refused(refusal)),
    }
}

/// Whether all commands were accepted, and the events that were written.
type Decided<A> = (Result<(), <A as Aggregate>::Error>, Vec<<A as Aggregate>::Event>);

/// What commands decide, up to the first that is refused, and the events they wrote. A decision never waits, so a caller
/// who goes away cannot stop it between two events, and no caller's future has to carry it; one that panics is a defect of
/// its own, not of whoever asked.
fn handle_all<A>(context: &mut HotContext<A>, commands: &[A::Command]) -> Result<Decided<A>, ExecuteError<A::Error>>
where
    A: Aggregate<Services = ()> + 'static,
    A::Command: Clone + Send + Sync,
    A::Error: Send + Sync,
{
    let waited = || ExecuteError::Corrupt("the decision waited".to_owned());
    let sink = EventSink::default();
    let handle = async {
        for command in commands {
            context.aggregate().handle(command.clone(), &(), &sink).await?;
        }
        Ok(())
    };
    let decision = tokio::task::unconstrained(AssertUnwindSafe(handle).catch_unwind())
        .now_or_never()
        .ok_or_else(waited)?
        .map_err(|_| ExecuteError::Corrupt("the decision panicked".to_owned()))?;
    let events = tokio::task::unconstrained(sink.collect())
        .now_or_never()
        .ok_or_else(waited)?;
    Ok((decision, events))
}

/// The id of a stream, written without asking for memory.
struct StreamName([u8; Hyphenated::LENGTH]);

impl StreamName {
    fn of(id: Uuid) -> Self {
        let mut name = [0; Hyphenated::LENGTH];
        id.hyphenated().encode_lower(&mut name);
        Self(name)
    }

    fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// What became of a step that was given [`CHECK_OUT_LIMIT`]. The step is polled where it is, not in a future round it.
fn in_time<T, E: std::error::Error + 'static>(
    outcome: Result<Result<T, HotError>, Elapsed>,
) -> Result<T, ExecuteError<E>> {
    match outcome {
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
    pub shop: Executor<Shop>,
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
            shop: Executor::with_tracker(Arc::clone(log), tracker.clone()),
        }
    }
}
