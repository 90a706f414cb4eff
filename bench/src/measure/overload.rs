//! More than can be served: who is turned away, how fast, and what the others notice.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::http::{BUYERS, CONNECTIONS, seed};
use super::{Bench, Outcome};
use crate::harness::{Goal, Latencies, NEVER_MS, Rounds, Row, Sample, ratio};
use crate::world::{Kind, Script, Shop, Trickle, Wrk};

/// More than is served at a time.
struct Flood {
    title: &'static str,
    connections: usize,
    /// How long a connection that is turned away stays away.
    retry: Duration,
}

/// Ten times the connections at which throughput is measured, whatever they are told.
const DEAF: Flood = Flood {
    title: "10x overload",
    connections: CONNECTIONS * 10,
    retry: Duration::ZERO,
};
/// A hundred times, who heed `Retry-After`.
const POLITE: Flood = Flood {
    title: "100x overload, Retry-After heeded",
    connections: CONNECTIONS * 100,
    retry: Duration::from_secs(1),
};
const TRICKLE_PER_SECOND: u32 = 200;
const OTHER_ROOMS: u64 = 100;
const RUSH: usize = 256;

/// A flood on one room, and a trickle of others on the same room.
pub(super) async fn overload(bench: &Bench) -> Result<Outcome> {
    let mut rows = flood(bench, &DEAF).await?;
    rows.extend(flood(bench, &POLITE).await?);
    Ok(rows.into())
}

async fn flood(bench: &Bench, kind: &Flood) -> Result<Vec<Row>> {
    let script = Script::holds(&bench.folder, BUYERS, 1)?;
    let (mut admitted, mut shed, mut inside) = (Rounds::default(), Rounds::default(), Rounds::default());
    let (mut seen, mut turned_away) = (0, 0);
    for _ in 0..bench.rounds() {
        let database = bench.cluster.fresh(Kind::Boxoffice).await?;
        seed(&database, 1, u32::MAX, 0).await?;
        let shop = Shop::ours(&bench.folder, &database, &[]).await?;
        let flood = Wrk {
            retry: kind.retry,
            ..Wrk::new(
                shop.url(),
                &script,
                kind.connections,
                bench.measured() + Duration::from_secs(1),
            )
        };
        let trickle = Trickle {
            first_room: 0,
            rooms: 1,
            per_second: TRICKLE_PER_SECOND,
            duration: bench.measured(),
        };
        let (report, answers) = tokio::try_join!(flood.run(), trickle.run(shop.url(), &bench.folder))?;
        inside.ours.push(Sample::plain(quick_refusals(&shop.figures().await?)?));
        shop.stop().await?;
        bench.cluster.discard(database).await?;
        ensure!(answers.others == 0 && report.lost == 0, "answers were lost: {report:?}");
        seen += report.requests;
        turned_away += report.refused;
        admitted.ours.push(p99(&answers.admitted));
        if answers.shed.count() > 0 {
            shed.ours.push(p99(&answers.shed));
        }
    }
    let (title, connections) = (kind.title, kind.connections);
    let flood = format!("wrk with {connections} connections on one room: {seen} answers, {turned_away} of them 503.");
    let first = Row::new(
        &format!("{title}: admitted holds, p99"),
        "ms",
        &admitted,
        &[Goal::AtMost(250.0)],
    )
    .note(format!(
        "{flood} Timed on {TRICKLE_PER_SECOND} holds/s of their own (vegeta), each from its planned moment on."
    ));
    let second = format!("{title}: 503 answers, p99");
    let second = if shed.ours.is_empty() {
        Row::new(&second, "ms", &Rounds::single(Sample::plain(0.0)), &[])
            .note("Nobody of those that are timed was turned away.")
    } else {
        Row::new(&second, "ms", &shed, &[Goal::AtMost(5.0)]).note(flood)
    };
    let third = format!("{title}: 503 answers, within 5 ms of their request by the server's own clock");
    let third = Row::new(&third, "share", &inside, &[Goal::AtLeast(0.99)]).note(
        "`http_request_seconds` of the server, from the head of a request to its answer: without what lies in sockets.",
    );
    Ok(vec![first, second, third])
}

/// Of all 503 to holds, the share that left within 5 ms, as the server counted them.
fn quick_refusals(figures: &str) -> Result<f64> {
    let count = |name: &str, bound: &str| -> Option<f64> {
        let is_wanted = |line: &&str| {
            let labels = ["route=\"/v1/rooms/{room}/tickets\"", "status=\"503\"", bound];
            line.starts_with(name) && labels.iter().all(|label| line.contains(label))
        };
        figures.lines().find(is_wanted)?.rsplit(' ').next()?.parse().ok()
    };
    let quick = count("http_request_seconds_bucket", "le=\"0.005\"").context("expected refusals within 5 ms")?;
    let all = count("http_request_seconds_count", "").context("expected refusals")?;
    ratio(quick, all).context("expected refusals")
}

/// One room at full rush, a hundred others at a trickle.
pub(super) async fn fairness(bench: &Bench) -> Result<Outcome> {
    let script = Script::holds(&bench.folder, BUYERS, 1)?;
    let mut rounds = Rounds::default();
    let mut rush = 0;
    for _ in 0..bench.rounds() {
        let database = bench.cluster.fresh(Kind::Boxoffice).await?;
        seed(&database, 1 + OTHER_ROOMS, u32::MAX, 0).await?;
        let shop = Shop::ours(&bench.folder, &database, &[]).await?;
        let flood = Wrk::new(shop.url(), &script, RUSH, bench.measured() + Duration::from_secs(1));
        let trickle = Trickle {
            first_room: 1,
            rooms: OTHER_ROOMS,
            per_second: TRICKLE_PER_SECOND,
            duration: bench.measured(),
        };
        let (report, answers) = tokio::try_join!(flood.run(), trickle.run(shop.url(), &bench.folder))?;
        shop.stop().await?;
        bench.cluster.discard(database).await?;
        ensure!(
            answers.others == 0 && answers.shed.count() == 0,
            "the other rooms were turned away {} times",
            answers.shed.count() + answers.others
        );
        rush += report.requests;
        rounds.ours.push(p99(&answers.admitted));
    }
    let row = Row::new(
        "fairness: 100 other rooms beside a rush, p99",
        "ms",
        &rounds,
        &[Goal::AtMost(250.0)],
    )
    .note(format!(
        "wrk with {RUSH} connections on one room ({rush} answers), and vegeta with {TRICKLE_PER_SECOND} holds/s over \
             {OTHER_ROOMS} other rooms; none of those was turned away. The goal is that of admitted requests."
    ));
    Ok(vec![row].into())
}

fn p99(latencies: &Latencies) -> Sample {
    Sample {
        value: latencies.percentile_ms(99).unwrap_or(NEVER_MS),
        p50_ms: latencies.percentile_ms(50),
        p99_ms: latencies.percentile_ms(99),
    }
}
