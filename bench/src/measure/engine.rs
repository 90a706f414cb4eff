//! The log on another engine, beside the log in PostgreSQL. The engine is a double in this process, which keeps everything in
//! memory: what is measured is what the engine's client and ours cost, not what an engine can do.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use esdb_fake::EsdbFake;
use event_log::{EventLog, NewEvent, StreamAppend, StreamId};
use event_log_esdb::{Client as _, Kurrent, Signal};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Bench, Outcome, on_workers};
use crate::harness::{Rounds, Row, Sample, alternate, per_second};
use crate::load::{Answer, Course, Office, Run, drive, engine as open_engine, timed};
use crate::world::Kind;

const CLIENTS: usize = 256;
const WARM_UP: Duration = Duration::from_millis(500);
/// The clients, and the double's own on the other core.
const WORKERS: usize = 1;
/// Events that a subscription brings, and that pages of the table bring.
const FOLLOWED: usize = 50_000;
const PAGE: usize = 1_000;
/// For one event of a subscription that has many to bring.
const SIGNAL_LIMIT: Duration = Duration::from_secs(10);
const NOTE: &str = "The double keeps events in memory, in this process and on the same two cores: the figure is what the engine's client, its \
                    protocol and ours cost. What a real node adds (disk, network, replicas) comes on top.";

pub(super) async fn engine(bench: &Bench) -> Result<Outcome> {
    let beside = "the log in PostgreSQL, same clients";
    let holds = alternate(
        bench.rounds(),
        async |_| holds(bench, true).await,
        async |_| holds(bench, false).await,
    )
    .await?;
    let appends = alternate(
        bench.rounds(),
        async |_| appends(bench, true).await,
        async |_| appends(bench, false).await,
    )
    .await?;
    let followed = follow_both(bench).await?;
    Ok(vec![
        Row::new(
            "holds, log on a double of KurrentDB, one room, 256 clients",
            "holds/s",
            &holds,
            &[],
        )
        .beside(beside)
        .note(format!(
            "Acknowledged when the double has it and the copy in PostgreSQL, too. {NOTE}"
        )),
        Row::new(
            "appends to the double, a stream for each of 256 clients",
            "appends/s",
            &appends,
            &[],
        )
        .beside(beside)
        .note(format!("The port alone, without a copy; one event each. {NOTE}")),
        Row::new("the double's $all by one subscription", "events/s", &followed, &[])
            .beside("PostgreSQL's table by pages of 1,000")
            .note(format!("{FOLLOWED} events from the first on. {NOTE}")),
    ]
    .into())
}

async fn holds(bench: &Bench, on_engine: bool) -> Result<Sample> {
    let database = bench.cluster.fresh(Kind::Boxoffice).await?;
    let course = timed(CLIENTS, WARM_UP, bench.measured());
    let run = on_workers(WORKERS, {
        let database = database.clone();
        async move || {
            let double = EsdbFake::start()?;
            let office = if on_engine {
                Office::open_on_engine(&database, &double.url()).await?
            } else {
                Office::open(&database).await?
            };
            office.schedule(1, u32::MAX, 1_000).await?;
            let run = office.hold(1, course).await?;
            office.close().await;
            if on_engine {
                let held = double.store().all();
                let ours = held.iter().filter(|event| !event.stream.starts_with('$')).count();
                ensure!(
                    ours as u64 == run.operations + 1,
                    "{ours} events for {} holds",
                    run.operations
                );
            }
            Ok(run)
        }
    })
    .await?;
    let events = database.number("SELECT count(*) FROM events").await?;
    ensure!(
        u64::try_from(events) == Ok(run.operations + 1),
        "{events} events for {} holds",
        run.operations
    );
    bench.cluster.discard(database).await?;
    Ok(run.sample())
}

async fn appends(bench: &Bench, on_engine: bool) -> Result<Sample> {
    let database = bench.cluster.fresh(Kind::Boxoffice).await?;
    let course = timed(CLIENTS, WARM_UP, bench.measured());
    let run = on_workers(WORKERS, {
        let database = database.clone();
        async move || {
            if on_engine {
                let (tracker, cancel) = (TaskTracker::new(), CancellationToken::new());
                let double = EsdbFake::start()?;
                let log = open_engine(&double.url(), &tracker, &cancel).await?;
                let run = append_all(log, course).await;
                cancel.cancel();
                tracker.close();
                tracker.wait().await;
                return run;
            }
            let office = Office::open(&database).await?;
            let run = append_all(Arc::clone(&office.log), course).await;
            office.close().await;
            run
        }
    })
    .await?;
    bench.cluster.discard(database).await?;
    Ok(run.sample())
}

/// Each append is the first of a stream of its own.
async fn append_all(log: Arc<dyn EventLog>, course: Course) -> Result<Run> {
    drive(course, move |number| {
        let log = Arc::clone(&log);
        async move {
            log.append(vec![small(number)]).await.remove(0)?;
            Ok(Answer::Done)
        }
    })
    .await
}

fn small(number: u64) -> StreamAppend {
    StreamAppend {
        stream: StreamId {
            aggregate_type: "bench",
            aggregate_id: format!("{number:032x}").into(),
        },
        expected_version: 0,
        events: vec![NewEvent {
            event_type: "counted".into(),
            event_version: "1".into(),
            payload: format!(
                r#"{{"number":{number},"of":"a hold has about as many bytes as this, and some more of them"}}"#
            )
            .into_bytes(),
        }],
        metadata: br#"{"actor":"bench"}"#.as_slice().into(),
    }
}

/// The same events in both, read from the first on.
async fn follow_both(bench: &Bench) -> Result<Rounds> {
    let double = EsdbFake::start()?;
    let (tracker, cancel) = (TaskTracker::new(), CancellationToken::new());
    let log = open_engine(&double.url(), &tracker, &cancel).await?;
    let database = bench.cluster.fresh(Kind::Boxoffice).await?;
    let office = Office::open(&database).await?;
    for first in (0..FOLLOWED as u64).step_by(PAGE) {
        let batch: Vec<StreamAppend> = (first..first + PAGE as u64).map(small).collect();
        for outcome in log.append(batch.clone()).await {
            outcome?;
        }
        for outcome in office.log.append(batch).await {
            outcome?;
        }
    }
    let url = double.url();
    let rounds = alternate(
        bench.rounds(),
        async |_| follow(&url).await,
        async |_| read(&*office.log).await,
    )
    .await?;
    office.close().await;
    cancel.cancel();
    tracker.close();
    tracker.wait().await;
    bench.cluster.discard(database).await?;
    Ok(rounds)
}

async fn follow(url: &str) -> Result<Sample> {
    let started = Instant::now();
    let mut subscription = Kurrent::connect(url)?.subscribe(0).await?;
    let mut seen = 0;
    while seen < FOLLOWED {
        let signal = timeout(SIGNAL_LIMIT, subscription.next())
            .await
            .context("the double is silent")?;
        if matches!(signal.context("the double ended it")??, Signal::Event(_)) {
            seen += 1;
        }
    }
    Ok(Sample::plain(per_second(seen, started.elapsed())))
}

async fn read(log: &dyn EventLog) -> Result<Sample> {
    let started = Instant::now();
    let (mut seen, mut after) = (0, 0);
    loop {
        let page = log.read_all(after, PAGE).await?;
        let Some(last) = page.last() else { break };
        (seen, after) = (seen + page.len(), last.position);
    }
    ensure!(seen == FOLLOWED, "{seen} of {FOLLOWED} events");
    Ok(Sample::plain(per_second(seen, started.elapsed())))
}
