//! The measures, in the order of the table.

mod analysts;
mod cold_load;
mod curves;
mod engine;
mod evidence;
mod holds;
mod http;
mod lag;
mod memory;
mod notary;
mod on_sale;
mod overload;
mod purchases;
mod reading;
mod restart;

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use futures::future::{FutureExt as _, LocalBoxFuture};
use tokio::sync::oneshot;

use crate::harness::{Curve, Row};
use crate::world::Cluster;

/// What a measure is given.
pub(crate) struct Bench {
    pub(crate) cluster: Cluster,
    pub(crate) is_quick: bool,
    /// For files of one run.
    pub(crate) folder: PathBuf,
}

impl Bench {
    /// `quick` in the short form, else `whole`.
    pub(crate) fn pick<T>(&self, quick: T, whole: T) -> T {
        if self.is_quick { quick } else { whole }
    }

    /// How long one side of one round is measured.
    pub(crate) fn measured(&self) -> Duration {
        self.pick(Duration::from_secs(2), Duration::from_secs(8))
    }

    /// Never less than four.
    pub(crate) fn rounds(&self) -> usize {
        self.pick(4, 6)
    }
}

/// What a measure comes to.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) rows: Vec<Row>,
    pub(crate) curves: Vec<Curve>,
}

impl From<Vec<Row>> for Outcome {
    fn from(rows: Vec<Row>) -> Self {
        Self { rows, curves: vec![] }
    }
}

/// One part of the benchmark.
pub(crate) struct Measure {
    pub(crate) name: &'static str,
    pub(crate) run: for<'a> fn(&'a Bench) -> LocalBoxFuture<'a, Result<Outcome>>,
}

/// What the short form has no time for.
pub(crate) const LONG: &[&str] = &["engine"];

pub(crate) const ALL: &[Measure] = &[
    Measure {
        name: "hot-room",
        run: |bench| holds::hot_room(bench).boxed_local(),
    },
    Measure {
        name: "thousand-rooms",
        run: |bench| holds::thousand_rooms(bench).boxed_local(),
    },
    Measure {
        name: "http-holds",
        run: |bench| http::holds(bench).boxed_local(),
    },
    Measure {
        name: "http-sold-out",
        run: |bench| http::sold_out(bench).boxed_local(),
    },
    Measure {
        name: "on-sale",
        run: |bench| on_sale::on_sale(bench).boxed_local(),
    },
    Measure {
        name: "purchases",
        run: |bench| purchases::purchases(bench).boxed_local(),
    },
    Measure {
        name: "lag",
        run: |bench| lag::projection_lag(bench).boxed_local(),
    },
    Measure {
        name: "notary-lag",
        run: |bench| notary::lag(bench).boxed_local(),
    },
    Measure {
        name: "proofs",
        run: |bench| notary::proofs(bench).boxed_local(),
    },
    Measure {
        name: "replay-verify",
        run: |bench| reading::replay_and_verify(bench).boxed_local(),
    },
    Measure {
        name: "analysts",
        run: |bench| analysts::analysts(bench).boxed_local(),
    },
    Measure {
        name: "bundles",
        run: |bench| evidence::bundles(bench).boxed_local(),
    },
    Measure {
        name: "past-balance",
        run: |bench| evidence::past_balance(bench).boxed_local(),
    },
    Measure {
        name: "restart",
        run: |bench| restart::restart(bench).boxed_local(),
    },
    Measure {
        name: "cold-load",
        run: |bench| cold_load::cold_load(bench).boxed_local(),
    },
    Measure {
        name: "memory",
        run: |bench| memory::memory(bench).boxed_local(),
    },
    Measure {
        name: "overload",
        run: |bench| overload::overload(bench).boxed_local(),
    },
    Measure {
        name: "fairness",
        run: |bench| overload::fairness(bench).boxed_local(),
    },
    Measure {
        name: "engine",
        run: |bench| engine::engine(bench).boxed_local(),
    },
    Measure {
        name: "curves",
        run: |bench| curves::curves(bench).boxed_local(),
    },
];

/// Runs a side of a round on a runtime of its own with that many worker threads: each side has what it is best at.
async fn on_workers<T, F>(workers: usize, work: impl FnOnce() -> F + Send + 'static) -> Result<T>
where
    T: Send + 'static,
    F: Future<Output = Result<T>>,
{
    let (answer, outcome) = oneshot::channel();
    let run = move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(workers)
            .enable_all()
            .build();
        let result = runtime
            .context("start a runtime")
            .and_then(|runtime| runtime.block_on(work()));
        let _ = answer.send(result);
    };
    thread::Builder::new()
        .name("side".to_owned())
        .spawn(run)
        .context("start a thread")?;
    outcome.await.map_err(|_| anyhow!("a side of a round panicked"))?
}
