//! One reader of the log, and a writer for each view, each as far as it has come.

use std::pin::pin;
use std::sync::Arc;

use event_log::replay::{self, ReplayPage, Wanted};
use event_log::{Head, Progress, Recorded};
use futures::StreamExt as _;
use sqlx::PgPool;
use sqlx::postgres::PgConnection;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{ReplayIntoError, ReplaySchema, Rewrite, state};
use crate::View;
use crate::error::chain;
use crate::view::ViewSubscriber;

/// How many pages a slow view may leave waiting before the reader waits for it.
const PAGES_WAITING: usize = 2;

/// A crash may take the last pages, and their place with them: they are done again.
const BEGIN: &str = "BEGIN; SET LOCAL synchronous_commit = off";

/// What is to be filled, and how far.
#[derive(Clone, Debug)]
pub struct ReplayPlan {
    pub into: ReplaySchema,
    pub views: Vec<View>,
    /// A position that the log has reached.
    pub up_to: u64,
    /// The name of the rules by which the log is told otherwise; empty for the log as it is.
    pub rules: String,
}

/// How a replay ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Every view is where it was to be.
    Reached,
    /// It was told to stop.
    Stopped,
}

/// A replay that has its schemas to itself.
#[derive(Debug)]
pub struct Replay {
    pool: PgPool,
    plan: ReplayPlan,
    views: Vec<Place>,
    exclusive: PgConnection,
}

#[derive(Clone, Debug)]
struct Place {
    view: View,
    at: Head,
    progress: Progress,
}

impl Replay {
    /// Takes the schema, makes what is missing of it, and finds out where each view is. Nothing is changed if the plan does
    /// not fit what is there.
    pub async fn open(pool: &PgPool, plan: ReplayPlan) -> Result<Self, ReplayIntoError> {
        let exclusive = state::lock(pool, &plan.into).await?;
        match find_places(pool, &plan).await {
            Ok(views) => Ok(Self {
                pool: pool.clone(),
                plan,
                views,
                exclusive,
            }),
            Err(error) => {
                state::unlock(exclusive).await;
                Err(error)
            }
        }
    }

    /// Where the view is that has the longest way to go.
    pub fn position(&self) -> u64 {
        let positions = self.views.iter().map(|place| place.progress.position());
        positions.min().unwrap_or(self.plan.up_to)
    }

    pub fn up_to(&self) -> u64 {
        self.plan.up_to
    }

    /// Fills every view up to the plan's position, or until it is cancelled: then pages that were begun are finished.
    pub async fn run(
        &self,
        rewrite: Option<Box<dyn Rewrite>>,
        cancel: &CancellationToken,
    ) -> Result<Outcome, ReplayIntoError> {
        let tracker = TaskTracker::new();
        let (mut writers, mut queues) = (vec![], vec![]);
        for place in &self.views {
            let (queue, pages) = mpsc::channel(PAGES_WAITING);
            let writer = write(self.pool.clone(), self.plan.into.clone(), place.clone(), pages);
            writers.push((place.view, tracker.spawn(writer)));
            queues.push(queue);
        }
        let mut outcome = self.read(rewrite, &queues, cancel).await;
        drop(queues);
        for (view, writer) in writers {
            let written = writer.await.unwrap_or_else(|_| {
                let reason = "it panicked".to_owned();
                Err(ReplayIntoError::Stopped { view, reason })
            });
            outcome = outcome.and_then(|outcome| written.map(|()| outcome));
        }
        if outcome? == Outcome::Stopped && self.position() < self.plan.up_to {
            return Ok(Outcome::Stopped);
        }
        for place in &self.views {
            state::finish(&self.pool, &self.plan.into, place.view).await?;
        }
        Ok(Outcome::Reached)
    }

    /// The log from where the slowest view is. One that is told otherwise is told from its beginning, since what becomes of
    /// an event may rest on any before it.
    async fn read(
        &self,
        mut rewrite: Option<Box<dyn Rewrite>>,
        queues: &[mpsc::Sender<Arc<ReplayPage>>],
        cancel: &CancellationToken,
    ) -> Result<Outcome, ReplayIntoError> {
        let (after, wanted) = match (&rewrite, self.views.as_slice()) {
            (Some(_), _) => (0, Wanted::Everything),
            (None, [place]) => (place.at.position, Wanted::OfAggregates(place.view.aggregates())),
            (None, _) => (self.position(), Wanted::Everything),
        };
        let mut pages = pin!(replay::pages(&self.pool, wanted, after, self.plan.up_to));
        loop {
            let page = tokio::select! {
                biased;
                () = cancel.cancelled() => return Ok(Outcome::Stopped),
                page = pages.next() => page,
            };
            let Some(page) = page.transpose()? else {
                return Ok(Outcome::Reached);
            };
            let page = Arc::new(match &mut rewrite {
                Some(rewrite) => told_otherwise(page, &mut **rewrite)?,
                None => page,
            });
            for queue in queues {
                // A writer that has stopped says why by itself.
                if queue.send(Arc::clone(&page)).await.is_err() {
                    return Ok(Outcome::Stopped);
                }
            }
        }
    }

    /// Lets others have the schema.
    pub async fn close(self) {
        state::unlock(self.exclusive).await;
    }
}

/// Where each view of a plan is, if the plan fits what is there.
async fn find_places(pool: &PgPool, plan: &ReplayPlan) -> Result<Vec<Place>, ReplayIntoError> {
    state::create_missing(pool, &plan.into).await?;
    let mut views = Vec::with_capacity(plan.views.len());
    for &view in &plan.views {
        let at = state::find_or_create(pool, &plan.into, view, &plan.rules).await?;
        if at.position > plan.up_to {
            let (position, up_to) = (at.position, plan.up_to);
            return Err(ReplayIntoError::Beyond { view, position, up_to });
        }
        if !state::is_in_log(pool, at).await? {
            let position = at.position;
            return Err(ReplayIntoError::Forked { view, position });
        }
        let progress = Progress::new();
        progress.set(at.position);
        views.push(Place { view, at, progress });
    }
    Ok(views)
}

fn told_otherwise(page: ReplayPage, rewrite: &mut dyn Rewrite) -> Result<ReplayPage, ReplayIntoError> {
    let ReplayPage { events, to } = page;
    let tell = |event: Arc<Recorded>| {
        let position = event.position;
        let told = rewrite.rewrite(event);
        told.map_err(|source| ReplayIntoError::Rewrite { position, source })
    };
    let events = events.into_iter().map(tell).collect::<Result<_, _>>()?;
    Ok(ReplayPage { events, to })
}

async fn write(
    pool: PgPool,
    into: ReplaySchema,
    mut place: Place,
    mut pages: mpsc::Receiver<Arc<ReplayPage>>,
) -> Result<(), ReplayIntoError> {
    let subscriber = ViewSubscriber::in_schema(place.view, into.of(place.view));
    while let Some(page) = pages.recv().await {
        if page.to.position <= place.at.position {
            continue; // it has it from the time before
        }
        let seen = page.events.partition_point(|event| event.position <= place.at.position);
        take_in(&pool, &into, &place, &subscriber, (&page.events[seen..], page.to)).await?;
        place.at = page.to;
        place.progress.set(page.to.position);
    }
    Ok(())
}

async fn take_in(
    pool: &PgPool,
    into: &ReplaySchema,
    place: &Place,
    subscriber: &ViewSubscriber,
    (events, to): (&[Arc<Recorded>], Head),
) -> Result<(), ReplayIntoError> {
    let view = place.view;
    let mut transaction = pooling::begin_with(pool, BEGIN).await?;
    if !state::advance(&mut transaction, (into, view), place.at, to).await? {
        return Err(ReplayIntoError::Moved(view));
    }
    if events.iter().any(|event| view.concerns(&event.event)) {
        let written = subscriber.write(events, &mut transaction).await;
        written.map_err(|error| ReplayIntoError::Stopped {
            view,
            reason: chain(&error),
        })?;
    }
    transaction.commit().await?;
    Ok(())
}
