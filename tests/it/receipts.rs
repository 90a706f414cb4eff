//! Receipts outlive the shop: what the binary, and a verifier in another language, say of them offline.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use boxoffice::client::eventually;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Executor};

use crate::support::{IN_USE, Shop, ShopOptions, buy, issued_receipt};

const LIMIT: Duration = Duration::from_secs(30);

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

fn verify(file: &Path, key: &str, more: &[&str]) -> Result<(bool, String)> {
    let output = Command::new(env!("CARGO_BIN_EXE_boxoffice"))
        .args(["receipt", "verify", "--key", key])
        .args(more)
        .arg(file)
        .output()?;
    said(&output)
}

fn said(output: &Output) -> Result<(bool, String)> {
    ensure!(output.status.code().is_some_and(|code| code <= 1), "{output:?}");
    Ok((output.status.success(), String::from_utf8(output.stdout.clone())?))
}

/// In which example what is changed, and what is said of it.
const FORGERIES: [(&str, &str, &str, &str); 7] = [
    (
        "receipt_full_line.json",
        "waiting 1000 limit 1000",
        "waiting 1001 limit 1000",
        "the signature by example.org/boxoffice does not go with the note",
    ),
    (
        "receipt_code.json",
        "\" frühbucher \"",
        "\"anderer\"",
        "the statement is about another promo code than the receipt",
    ),
    (
        "receipt_ticket.json",
        "\"position\": 3",
        "\"position\": 4",
        "the event at position 4 is not in the log of the checkpoint",
    ),
    (
        "receipt_ticket.json",
        "Nachtz",
        "Tagz",
        "the event's payload is not what its hash stands for",
    ),
    (
        "receipt_ticket.json",
        "\\n11\\n",
        "\\n12\\n",
        "the signature by example.org/boxoffice does not go with the note",
    ),
    (
        "receipt_ticket.json",
        "boxoffice/receipt/1",
        "boxoffice/receipt/9",
        "which this program does not know",
    ),
    ("receipt_ticket.json", "{", "[", "the file is no receipt"),
];

#[test]
fn the_examples_are_verified_by_the_program_and_by_one_written_from_the_page_alone() -> Result<()> {
    let keys: serde_json::Value = serde_json::from_slice(&std::fs::read(vectors().join("keys.json"))?)?;
    let key = |name: &str| keys[name].as_str().unwrap_or_default().to_owned();
    let (log, witness) = (key("log"), key("witness"));
    for (file, claim) in [
        ("receipt_ticket.json", "by ticket_issued"),
        (
            "receipt_refusal.json",
            "was sold out: seats 5 held 1 sold 3, tier early: 2 held 1 sold 1",
        ),
        (
            "receipt_full_line.json",
            "had a full waiting list: seats 2000 held 1 sold 3, waiting 1000 limit 1000 paid 1, tier late: 3 held 0 sold 2",
        ),
        (
            "receipt_code.json",
            "had a promo code that was used up: seats 5 held 1 sold 3, promo code ",
        ),
    ] {
        let (holds, said) = verify(&vectors().join(file), &log, &["--witness", &witness])?;
        assert!(
            holds && said.starts_with("verified: ") && said.contains(claim),
            "{said}"
        );
    }
    let scratch = tempfile::tempdir()?;
    let forged = scratch.path().join("forged.json");
    for (file, from, to, reason) in FORGERIES {
        let receipt = std::fs::read_to_string(vectors().join(file))?;
        assert!(receipt.contains(from), "{from}");
        std::fs::write(&forged, receipt.replacen(from, to, 1))?;
        let (holds, said) = verify(&forged, &log, &[])?;
        assert!(
            !holds && said.starts_with("refused: ") && said.contains(reason),
            "{said}"
        );
        let (holds, said) = verify(&forged, &log, &["--json"])?;
        let line: serde_json::Value = serde_json::from_str(&said)?;
        assert!(!holds && line["receipt"] == "refused", "{said}");
        let elsewhere = Command::new("python3")
            .arg(vectors().join("verify_receipt.py"))
            .args([forged.as_os_str(), log.as_ref()])
            .output()?;
        assert!(!elsewhere.status.success(), "{from} → {to}: {elsewhere:?}");
    }
    let output = Command::new("python3")
        .arg(vectors().join("verify_receipt.py"))
        .output()?;
    assert!(output.status.success(), "{output:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_holds_when_the_shop_is_gone_and_a_changed_log_is_not_signed() -> Result<()> {
    let shop = Shop::open(ShopOptions::default()).await?;
    let room = shop.schedule(2, 60).await?;
    let buyer = shop.person().await?;
    let ticket = buy(&buyer, &room).await?;
    let receipt = issued_receipt(&buyer, &ticket).await?;
    let key = shop.server.command(&["notary", "key"]).await?;
    let file = shop.server.options().data_dir.join("receipt.json");
    std::fs::write(&file, serde_json::to_vec_pretty(&receipt)?)?;
    let published = shop.server.options().data_dir.join("checkpoints/checkpoint");
    let is_published = async || Ok::<_, anyhow::Error>(published.exists().then_some(()));
    eventually("a checkpoint outside of the database", LIMIT, is_published).await?;

    let shop = shop.kill_server().await?;
    let (holds, said) = verify(&file, key.trim(), &[])?;
    assert!(holds && said.contains(&format!("ticket {ticket}")), "{said}");
    let output = Command::new("python3")
        .arg(vectors().join("verify_receipt.py"))
        .args([file.as_os_str(), key.trim().as_ref()])
        .output()?;
    assert!(output.status.success(), "{output:?}");

    // Somebody who administers the database changes what was sold, while nobody looks.
    let options: PgConnectOptions = shop.server.database_url().parse()?;
    let mut administrator = options.connect().await?;
    let position = receipt["entry"]["position"].as_u64().context("a position")?;
    let edit = format!(
        "ALTER TABLE events DISABLE TRIGGER events_append_only;
        UPDATE events SET recorded_at = recorded_at - interval '1 hour' WHERE position = {position};
        ALTER TABLE events ENABLE TRIGGER events_append_only"
    );
    administrator.execute(edit.as_str()).await?;
    let shop = shop.kill_and_restart().await?;
    shop.finds_a_fork("notary").await?;
    let named = format!("the event at position {position} is not the one that was notarised");
    assert!(shop.log()?.contains(&named), "{named} is in the log");

    let undo = edit.replace("- interval", "+ interval");
    administrator.execute(undo.as_str()).await?;
    begins_anew(shop, (&file, key.trim())).await
}

/// The log goes on under another key, which an old receipt does not hold against; the old one is kept, and signs nothing more.
async fn begins_anew(shop: Shop, (old_receipt, old_key): (&Path, &str)) -> Result<()> {
    let folder = shop.server.options().data_dir.clone();
    let position = shop.head().await?.to_string();
    shop.assert_refuses(&["notary", "renew", "--position", &position], IN_USE)
        .await?;
    let shop = shop.kill_server().await?;
    let head = shop.head().await?;
    let (position, further) = (head.to_string(), (head + 1).to_string());
    let ends = format!("the log ends at position {head}");
    shop.assert_refuses(&["notary", "renew", "--position", &further], &ends)
        .await?;
    assert_eq!(
        shop.server.command(&["notary", "key"]).await?.trim(),
        old_key,
        "nothing has changed"
    );

    let renewed = shop
        .server
        .command(&["notary", "renew", "--position", &position])
        .await?;
    let key = shop.server.command(&["notary", "key"]).await?.trim().to_owned();
    assert!(renewed.contains(&key) && key != old_key, "{renewed}");
    let kept = std::fs::read_dir(&folder)?.filter_map(Result::ok);
    let kept: Vec<_> = kept
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    for name in ["notary.key.retired-", "notary.checkpoint.retired-"] {
        assert!(
            kept.iter().any(|file| file.starts_with(name)),
            "{name} is not in {kept:?}"
        );
    }
    let shop = shop.kill_and_restart().await?;
    let name = key.split('+').next().context("a name")?.to_owned();
    let signs = async || {
        let newest = shop
            .finance
            .get("/v1/log/checkpoints?limit=1")
            .await?
            .expect(200, "checkpoints")?;
        let note = newest["data"][0]["note"].as_str().unwrap_or_default().to_owned();
        Ok::<_, anyhow::Error>((note.lines().next() == Some(&name)).then_some(()))
    };
    eventually("a checkpoint under the new key", LIMIT, signs).await?;
    let (holds, said) = verify(old_receipt, old_key, &[])?;
    assert!(holds, "{said}");
    let (holds, said) = verify(old_receipt, &key, &[])?;
    assert!(!holds && said.starts_with("refused: "), "{said}");
    Ok(())
}
