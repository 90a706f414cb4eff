//! Parquet files, read back by `DuckDB` and by pyarrow: totals are the ledger's.

use std::path::Path;

use analytics::parquet::{ExportError, ExportPlan, ExportReport, export};
use event_log::{LogLimits, PostgresLog};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::page::block;
use super::python::python;
use crate::support::{FINANCE, HOST, TestApp};

async fn export_into(app: &TestApp, folder: &Path, from: Option<u64>) -> Result<ExportReport, ExportError> {
    export_until(app, folder, from, &CancellationToken::new()).await
}

async fn export_until(
    app: &TestApp,
    folder: &Path,
    from: Option<u64>,
    cancel: &CancellationToken,
) -> Result<ExportReport, ExportError> {
    let log = PostgresLog::for_reading(app.pool.clone(), &LogLimits::default());
    let plan = ExportPlan {
        folder: folder.to_owned(),
        from,
    };
    export(&*log, &app.pool, &plan, |_| {}, cancel).await
}

/// What both programs find in a folder.
const READ: &str = "
import glob, json, sys
import duckdb, pyarrow as pa, pyarrow.dataset as dataset, pyarrow.parquet as pq
files = sorted(glob.glob('lake/*/*/*.parquet'))
kinds = {str(field.type) for file in files for field in pq.ParquetFile(file).schema_arrow}
positions = sorted(p for file in files for p in pq.ParquetFile(file).read(['position'])['position'].to_pylist())
earned = 'lake/*/type=earning_credited/*.parquet'
query = lambda sql: duckdb.sql(sql).fetchall()
table = pa.concat_tables([pq.ParquetFile(file).read() for file in sorted(glob.glob(earned))])
print(json.dumps({
    'kinds': sorted(kinds),
    'positions': positions,
    'duckdb': query(f\"SELECT sum(platform_fee_minor)::BIGINT, sum(gross_minor)::BIGINT FROM '{earned}'\")[0],
    'pyarrow': [sum(table[name].to_pylist()) for name in ('platform_fee_minor', 'gross_minor')],
    'refunded': query(\"SELECT sum(amount_minor)::BIGINT FROM 'lake/*/type=refund_completed/*.parquet'\")[0][0],
    'held_at': query(\"SELECT typeof(held_at), min(held_at)::VARCHAR FROM 'lake/*/type=seat_held/*.parquet' GROUP BY 1\"),
    'by_day': query(sys.argv[1]),
}, default=str))
";

async fn read(folder: &Path) -> Value {
    let mut python = python();
    python
        .arg("-c")
        .arg(READ)
        .arg(block("duckdb", "fees by day"))
        .current_dir(folder);
    let output = python.output().await.expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

pub(super) async fn the_files_add_up_to_the_ledger_in_other_programs(app: &TestApp) {
    let scratch = tempfile::tempdir().expect("a folder");
    let lake = scratch.path().join("lake");
    let first = export_into(app, &lake, None).await.expect("exported");
    assert_eq!((first.from, first.reached), (0, app.head().await));
    // What is new, and nothing twice.
    app.schedule(HOST, "later", |_| {}).await;
    let second = export_into(app, &lake, None).await.expect("exported");
    assert_eq!((second.from, second.reached), (first.reached, app.head().await));
    let third = export_into(app, &lake, None).await.expect("nothing to do");
    assert_eq!((third.from, third.files), (second.reached, 0));

    let found = read(scratch.path()).await;
    assert_eq!(
        found["positions"],
        serde_json::json!((1..=second.reached).collect::<Vec<u64>>())
    );
    for kind in found["kinds"].as_array().expect("kinds") {
        let allowed = ["bool", "date32[day]", "int64", "string", "timestamp[us, tz=UTC]"];
        assert!(allowed.iter().any(|allowed| kind == allowed), "{kind}");
    }
    let balance = app.get("/v1/ledger/trial_balance").by(FINANCE).send().await.expect(200);
    let credit = |account: &str| -> i64 {
        let lines = balance["data"].as_array().expect("lines").iter();
        lines
            .filter(|line| line["account"] == account)
            .map(|line| line["credit_minor"].as_i64().expect("minor units"))
            .sum()
    };
    let fees = credit("revenue:platform_fee");
    assert!(fees > 0);
    assert_eq!(found["duckdb"][0], fees);
    assert_eq!(found["duckdb"], found["pyarrow"]);
    assert_eq!(found["refunded"], credit("clearing:refund"));
    // The story may have gone on past midnight.
    let days = found["by_day"].as_array().expect("days").iter();
    assert_eq!(days.map(|day| day[1].as_i64().expect("minor units")).sum::<i64>(), fees);
    assert_eq!(found["held_at"][0][0], "TIMESTAMP WITH TIME ZONE");
}

pub(super) async fn an_export_that_was_broken_off_is_repeated_and_one_that_does_not_fit_is_refused(app: &TestApp) {
    let scratch = tempfile::tempdir().expect("a folder");
    let (lake, state) = (scratch.path().join("lake"), scratch.path().join("lake/_boxoffice.json"));
    let first = export_into(app, &lake, None).await.expect("exported");
    // Its files are there, but a crash came before it could say so; and it left one in the making.
    std::fs::remove_file(&state).expect("removed");
    std::fs::create_dir_all(lake.join("_partial")).expect("made");
    std::fs::write(lake.join("_partial/0.parquet"), "half").expect("written");
    app.schedule(HOST, "later-still", |_| {}).await;
    let again = export_into(app, &lake, None).await.expect("exported");
    assert_eq!((again.from, again.reached), (0, app.head().await));
    let found = read(scratch.path()).await;
    assert_eq!(
        found["positions"],
        serde_json::json!((1..=again.reached).collect::<Vec<u64>>())
    );

    let elsewhere = export_into(app, &lake, Some(first.reached)).await;
    assert!(matches!(elsewhere, Err(ExportError::From { .. })), "{elsewhere:?}");
    let kept = std::fs::read_to_string(&state).expect("a file");
    let mut spoilt: Value = serde_json::from_str(&kept).expect("JSON");
    spoilt["hash"] = "00".repeat(32).into();
    std::fs::write(&state, spoilt.to_string()).expect("written");
    let forked = export_into(app, &lake, None).await;
    assert!(matches!(forked, Err(ExportError::Forked(_))), "{forked:?}");

    // Where a folder begins is settled before it has a file.
    let part = scratch.path().join("part");
    let cancelled = CancellationToken::new();
    cancelled.cancel();
    let begun = export_until(app, &part, Some(5), &cancelled).await.expect("begun");
    assert_eq!((begun.reached, begun.is_stopped), (4, true));
    let elsewhere = export_into(app, &part, Some(1)).await;
    assert!(matches!(elsewhere, Err(ExportError::From { .. })), "{elsewhere:?}");
    let from = export_into(app, &part, Some(5)).await.expect("exported");
    assert_eq!((from.from, from.reached), (4, again.reached));
}
