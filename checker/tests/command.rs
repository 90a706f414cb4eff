//! The program, as a script meets it.

use std::process::{Command, Output};

use serde_json::Value;
use sqlx::{ConnectOptions as _, Executor as _, PgPool};

fn run(database_url: &str, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_boxoffice-checker"))
        .args(["--database-url", database_url])
        .args(more)
        .output()
        .expect("the program runs")
}

fn url(pool: &PgPool) -> String {
    pool.connect_options().to_url_lossy().to_string()
}

#[sqlx::test(migrations = "../migrations")]
async fn it_exits_with_0_when_the_log_holds(pool: PgPool) {
    let output = run(&url(&pool), &["--json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).expect("a line of JSON");
    assert_eq!(report["ok"], true, "{report}");
}

#[sqlx::test(migrations = "../migrations")]
async fn it_exits_with_1_and_names_what_is_broken(pool: PgPool) {
    let row = "
        ALTER TABLE events DISABLE TRIGGER ALL;
        INSERT INTO events VALUES
            (1, 'payout', '00000000-0000-0000-0000-000000000002', 1, 'host_approved', '1', '{}', '{}', now(), sha256(''))";
    pool.execute(row).await.expect("a row that nobody chained");
    let output = run(&url(&pool), &[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(text.starts_with("chain at position 1: "), "{text}");
    let report: Value = serde_json::from_slice(&run(&url(&pool), &["--json"]).stdout).expect("a line of JSON");
    assert_eq!(report["findings"][0]["rule"], "chain", "{report}");
    assert_eq!(report["findings"][0]["position"], 1, "{report}");
}

#[test]
fn it_exits_with_2_when_it_cannot_look() {
    let nowhere = "postgres://nobody@localhost/nothing?host=/nowhere";
    assert_eq!(run(nowhere, &[]).status.code(), Some(2));
    assert_eq!(run("no url", &[]).status.code(), Some(2));
}
