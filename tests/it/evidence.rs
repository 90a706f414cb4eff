//! The log leaves the house and comes back, by the commands of the command line.

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use boxoffice::client::{Server, eventually};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::support::{Shop, ShopOptions, buy, fresh_database};

const LIMIT: Duration = Duration::from_secs(30);

/// The binary on nobody's behalf: without a database, in a folder of its own.
async fn run(folder: &Path, arguments: &[&str], database_url: Option<&str>) -> Result<Output> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_boxoffice"));
    command.args(arguments).current_dir(folder).env_remove("DATABASE_URL");
    command
        .env("BOXOFFICE_DATA_DIR", folder.join("data"))
        .stdin(Stdio::null());
    if let Some(url) = database_url {
        command.env("DATABASE_URL", url);
    }
    command.output().await.context("running boxoffice")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A command that has to succeed, and the JSON of its last line.
async fn json(folder: &Path, arguments: &[&str], database_url: Option<&str>) -> Result<Value> {
    let output = run(folder, arguments, database_url).await?;
    ensure!(output.status.success(), "{arguments:?}: {output:?}");
    let text = stdout(&output);
    let last = text.lines().last().context("it printed something")?;
    Ok(serde_json::from_str(last)?)
}

/// What the shop has published of its log, as an auditor keeps it; and how many events that is about.
async fn keep_a_checkpoint(shop: &Shop, folder: &Path) -> Result<u64> {
    let published = shop.server.options().data_dir.join("checkpoints/checkpoint");
    let is_published = async || Ok::<_, anyhow::Error>(std::fs::read_to_string(&published).ok());
    let note = eventually("a checkpoint is published", LIMIT, is_published).await?;
    std::fs::write(folder.join("kept"), &note)?;
    Ok(note.lines().nth(1).context("a size")?.parse()?)
}

/// The bundle is held against the key of the shop, and what was kept.
async fn is_signed(folder: &Path, key: &str, kept: u64) -> Result<()> {
    let held = [
        "log",
        "verify",
        "bundle.tar",
        "--key",
        key,
        "--checkpoint",
        "kept",
        "--json",
    ];
    let signed = json(folder, &held, None).await?["signed"].clone();
    assert_eq!(signed["key_was_given"], true, "{signed}");
    assert!(
        signed["size"].as_u64() >= Some(kept),
        "{signed}: {kept} were signed before"
    );
    Ok(())
}

/// The audits of the bundle and of the database it was restored into say the same.
async fn is_audited(folder: &Path, room: &str, restored: &str) -> Result<()> {
    for question in ["capacity", "money", "access"] {
        let of_bundle = json(
            folder,
            &["audit", question, room, "--bundle", "bundle.tar", "--json"],
            None,
        )
        .await?;
        let of_table = json(folder, &["audit", question, room, "--json"], Some(restored)).await?;
        assert_eq!(of_bundle["holds"], true, "{question}: {of_bundle}");
        assert_eq!(of_bundle["changes"], of_table["changes"], "{question}");
    }
    let table = run(folder, &["audit", "capacity", room], Some(restored)).await?;
    assert!(
        stdout(&table).contains("held + sold ≤ capacity: holds at every position"),
        "{table:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_is_exported_checked_audited_and_restored() -> Result<()> {
    let shop = Shop::open(ShopOptions::for_nodes()).await?;
    let room = shop.schedule(3, 300).await?;
    let (alice, bob) = (shop.person().await?, shop.person().await?);
    let ticket = buy(&alice, &room).await?;
    let scratch = TempDir::new()?;
    let folder = scratch.path();
    let source = shop.server.database_url().to_owned();

    let kept = keep_a_checkpoint(&shop, folder).await?;
    let key = shop.server.command(&["notary", "key"]).await?;
    let target = folder.join("bundle.tar");
    let exported = shop
        .server
        .command(&["log", "export", &target.to_string_lossy(), "--json"])
        .await?;
    let exported: Value = serde_json::from_str(exported.trim())?;
    let taken = run(folder, &["log", "export", "bundle.tar"], Some(&source)).await?;
    assert_eq!(taken.status.code(), Some(1), "an export writes over nothing: {taken:?}");
    let verified = json(folder, &["log", "verify", "bundle.tar", "--json"], None).await?;
    assert_eq!(verified["bundle"], "verified");
    assert_eq!(
        (&verified["position"], &verified["hash"]),
        (&exported["position"], &exported["hash"])
    );
    assert_eq!(verified["signed"]["key_was_given"], false, "{verified}");
    is_signed(folder, key.trim(), kept).await?;

    let target = fresh_database().await?;
    let restored = json(folder, &["log", "import", "bundle.tar", "--json"], Some(&target)).await?;
    assert_eq!(
        (&restored["position"], &restored["hash"]),
        (&exported["position"], &exported["hash"])
    );
    let again = run(folder, &["log", "import", "bundle.tar"], Some(&target)).await?;
    assert_eq!(again.status.code(), Some(1), "a log is there: {again:?}");
    let into_source = run(folder, &["log", "import", "bundle.tar"], Some(&source)).await?;
    assert_eq!(into_source.status.code(), Some(1), "a shop is there: {into_source:?}");
    let chain = json(folder, &["log", "verify", "--json"], Some(&target)).await?;
    assert_eq!(
        (&chain["chain"], &chain["hash"]),
        (&Value::from("verified"), &exported["hash"])
    );
    is_audited(folder, &room, &target).await?;

    let position = &exported["position"];
    let path = format!("/v1/ledger/trial_balance?as_of={position}");
    let balance = shop.finance.get(&path).await?.expect(200, "the books of the shop")?;
    let mut options = shop.server.options().clone();
    options.data_dir = folder.join("restored");
    // Wherever its log was, it is in the database now.
    options
        .environment
        .retain(|(name, _)| !["DATABASE_URL", "LOG_URL"].contains(&&**name));
    options.environment.push(("DATABASE_URL".to_owned(), target));
    let server = Server::start(options).await?;
    let (finance, alice, bob) = (shop.finance.clone().at(&server), alice.at(&server), bob.at(&server));
    let path = format!("/v1/tickets/{ticket}?min_position={position}");
    let shown = alice.get(&path).await?.expect(200, "the ticket is where it was")?;
    assert_eq!(shown["state"], "issued");
    let path = format!("/v1/ledger/trial_balance?as_of={position}");
    assert_eq!(
        finance.get(&path).await?.expect(200, "the books restored")?["data"],
        balance["data"]
    );
    buy(&bob, &room).await?;
    Ok(())
}

#[tokio::test]
async fn a_bundle_that_was_changed_is_told_from_one_that_cannot_be_judged() -> Result<()> {
    let scratch = TempDir::new()?;
    let folder = scratch.path();
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/bundles");
    let verify = async |name: &str, more: &[&str]| {
        let path = vectors.join(name);
        let path = path.to_string_lossy();
        let arguments = [&["log", "verify", &path], more].concat();
        run(folder, &arguments, None).await
    };
    let whole = verify("whole", &[]).await?;
    let said = stdout(&whole);
    assert!(
        whole.status.success() && said.starts_with("verified: 12 events, head at position 12"),
        "{whole:?}"
    );
    assert!(said.ends_with("; no checkpoint vouches for it\n"), "{said}");
    let edited = verify("edited", &[]).await?;
    assert_eq!(edited.status.code(), Some(1));
    assert!(stdout(&edited).starts_with("broken at position 7: "), "{edited:?}");

    let signed = stdout(&verify("signed", &[]).await?);
    let vouched = "the first 12 events are what example.org/bundles signed; 3 checkpoints agree; key ";
    assert!(
        signed.contains(vouched) && signed.contains("the bundle's own key"),
        "{signed}"
    );
    let rechained = verify("rechained", &[]).await?;
    assert_eq!(rechained.status.code(), Some(1));
    assert!(
        stdout(&rechained).starts_with("broken between positions 5 and 9: "),
        "{rechained:?}"
    );
    let kept = vectors.join("../bundle_checkpoint.txt");
    let kept = kept.to_string_lossy();
    let key = std::fs::read_to_string(vectors.join("signed/key.txt"))?;
    let held = verify("restored", &["--key", key.trim(), "--checkpoint", &kept]).await?;
    assert_eq!(held.status.code(), Some(1));
    assert!(stdout(&held).starts_with("broken at position 10: missing"), "{held:?}");
    let keyless = verify("remade", &["--checkpoint", &kept]).await?;
    assert_eq!(
        (keyless.status.code(), stdout(&keyless).as_str()),
        (Some(2), ""),
        "{keyless:?}"
    );
    let absent = verify("no-such-bundle", &[]).await?;
    assert_eq!(
        (absent.status.code(), stdout(&absent).as_str()),
        (Some(2), ""),
        "{absent:?}"
    );
    Ok(())
}

#[tokio::test]
async fn an_audit_of_a_bundle_rests_on_what_somebody_vouches_for() -> Result<()> {
    let scratch = TempDir::new()?;
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/bundles");
    let audit = async |name: &str, more: &[&str]| {
        let path = vectors.join(name);
        let path = path.to_string_lossy();
        let room = "00000000-0000-0000-0000-000000000001";
        let arguments = [&["audit", "capacity", room, "--bundle", &path], more].concat();
        run(scratch.path(), &arguments, None).await
    };
    let own = audit("signed", &[]).await?;
    assert!(
        stdout(&own).starts_with("verified: 12 events") && stdout(&own).contains("the bundle's own key"),
        "{own:?}"
    );
    let key = std::fs::read_to_string(vectors.join("signed/key.txt"))?;
    let given = audit("signed", &["--key", key.trim()]).await?;
    assert!(stdout(&given).contains("the key that was given"), "{given:?}");
    let given = audit("signed", &["--key", key.trim(), "--json"]).await?;
    let text = stdout(&given);
    let last: Value = serde_json::from_str(text.lines().last().context("the outcome")?)?;
    assert_eq!(last["signed"]["key_was_given"], true, "{last}");
    assert_eq!(last["signed"]["size"], 12, "{last}");
    assert_eq!((given.status.code(), &last["holds"]), (Some(0), &Value::from(true)));
    // Nothing is shown of what nobody recorded, and it is told from a rule that does not hold.
    let kept = vectors.join("../bundle_checkpoint.txt");
    let kept = kept.to_string_lossy();
    let cases: [(&str, &[&str], &str); 4] = [
        ("edited", &[], "the bundle is broken at position 7: "),
        ("forged", &["--key", key.trim()], "the bundle is broken "),
        (
            "restored",
            &["--key", key.trim(), "--checkpoint", &kept],
            "the bundle is broken at position 10: missing",
        ),
        ("no-such-bundle", &[], "no-such-bundle"),
    ];
    for (name, more, says) in cases {
        let refused = audit(name, more).await?;
        assert_eq!(
            (refused.status.code(), stdout(&refused).as_str()),
            (Some(2), ""),
            "{name}: {refused:?}"
        );
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(said.contains(says), "{name}: {said}");
    }
    Ok(())
}
