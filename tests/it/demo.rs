//! The demo is the story of the README: it must pass as it stands, and leave nothing behind.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

#[test]
fn the_demo_plays_a_room_from_schedule_to_payout() {
    let python = crate::support::python();
    let output = Command::new(env!("CARGO_BIN_EXE_boxoffice"))
        .args(["demo", "--python"])
        .arg(python)
        .env_remove("DATABASE_URL")
        .output()
        .expect("the binary runs");
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{out}\n{err}");
    let closing: Value = serde_json::from_str(out.lines().last().expect("a closing line")).expect("JSON");
    let expected = [
        ("demo", Value::from("ok")),
        ("seats", 5.into()),
        ("holds_granted", 5.into()),
        ("sold_out_refusals", 3.into()),
        ("tickets_issued", 6.into()),
        ("refunds", 1.into()),
        ("captured_minor", 6_000.into()),
        ("refunded_minor", 1_000.into()),
        ("payout_status", "paid".into()),
        ("listeners_heard", 5.into()),
        ("ledger_imbalance_minor", 0.into()),
        ("chain", "verified".into()),
    ];
    for (field, value) in expected {
        assert_eq!(closing[field], value, "{field} in {closing}");
    }
    assert!(
        closing["host_heard_ms"].as_u64().is_some_and(|heard| heard > 0),
        "{closing}"
    );
    assert!(
        closing["removed_out_ms"].as_u64().is_some_and(|out| out <= 2_000),
        "{closing}"
    );
    assert!(
        closing["payout_minor"]
            .as_i64()
            .is_some_and(|paid| paid > 0 && paid < 5_000),
        "{closing}"
    );
    assert_eq!(left_running(), Vec::<String>::new());
}

/// Command lines of processes that the demo started and did not stop.
fn left_running() -> Vec<String> {
    let processes = std::fs::read_dir("/proc").expect("a Linux machine").flatten();
    let commands = processes.filter_map(|process| command_line(&process.path()));
    commands.filter(|command| command.contains("boxoffice-demo-")).collect()
}

fn command_line(process: &Path) -> Option<String> {
    let raw = std::fs::read(process.join("cmdline")).ok()?;
    Some(String::from_utf8_lossy(&raw).replace('\0', " "))
}
