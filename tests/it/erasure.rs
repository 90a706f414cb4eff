//! Nothing that is rebuilt, exported, verified or restored needs a single row that says who somebody is.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use boxoffice::client::{Caller, eventually};
use serde_json::{Value, json};
use sqlx::{Connection, Executor, PgConnection, Row};
use tokio::process::Command;

use crate::operations::commands;
use crate::support::{Shop, ShopOptions, buy, fresh_database, try_hold};

const LIMIT: Duration = Duration::from_mins(1);
/// Every table that leads from an id of the log to a person, or says how to reach one.
const VAULT: [&str; 5] = ["people", "contacts", "derived_people", "person_vault", "person_keys"];
const ADDRESS: &str = "alice.erasure@example.org";
const NAME: &str = "Alice Pleasance";

/// A command on a database: the JSON of its last line.
async fn succeeds(folder: &Path, database_url: &str, arguments: &[&str]) -> Result<Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_boxoffice"));
    command.args(arguments).current_dir(folder);
    command
        .env("DATABASE_URL", database_url)
        .env("BOXOFFICE_DATA_DIR", folder.join("data"));
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(LIMIT, command.output())
        .await
        .with_context(|| format!("{arguments:?} takes too long"))??;
    ensure!(output.status.success(), "{arguments:?}: {output:?}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let last = text.lines().last().and_then(|line| serde_json::from_str(line).ok());
    Ok(last.unwrap_or(Value::from(text)))
}

/// Sales, a refund, a hold, a room that is called off, and a buyer whose address is known.
///
/// Returns that buyer.
async fn play(shop: &Shop) -> Result<Caller> {
    let (room, other) = (shop.schedule(2, 300).await?, shop.schedule(2, 300).await?);
    let (alice, bob) = (shop.person().await?, shop.person().await?);
    let contact = json!({"email": ADDRESS, "locale": "de", "timezone": "Europe/Berlin"});
    alice.put("/v1/me/contact", &contact).await?.expect(200, "a contact")?;
    let profile = json!({"display_name": NAME});
    alice.put("/v1/me/profile", &profile).await?.expect(200, "a name")?;
    buy(&alice, &room).await?;
    let ticket = format!("/v1/tickets/{}", buy(&bob, &room).await?);
    let refunds = format!("{ticket}/refunds");
    let asked = bob.post_with_key(&refunds, "the-only-refund", &json!({})).await?;
    asked.expect(201, "a refund")?;
    eventually("the money is back", LIMIT, || async {
        let shown = bob.get(&ticket).await?.expect(200, "the buyer looks")?;
        Ok((shown["refunds"][0]["state"] == "done").then_some(()))
    })
    .await?;
    try_hold(&bob, &other).await?.expect(201, "a hold")?;
    let cancel = format!("/v1/rooms/{other}/cancel");
    shop.host
        .post(&cancel, &json!({}))
        .await?
        .expect(202, "a room is called off")?;
    Ok(alice)
}

async fn name_of(person: &Caller) -> Result<Value> {
    let profile = person.get("/v1/me/profile").await?.expect(200, "a profile")?;
    Ok(profile["display_name"].clone())
}

/// The database as the operators' page says to keep it for long: all of it but the keys to what is known of people.
async fn dump(folder: &Path, database_url: &str) -> Result<String> {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/OPERATIONS.md"))?;
    let script = format!(
        "set -eu\n{}\npg_restore --file=- boxoffice.dump",
        commands(&page, "dump")?
    );
    // As an operator writes it: what sqlx adds for itself means nothing to other programs.
    let mut url = reqwest::Url::parse(database_url)?;
    let parameters: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let known = parameters.iter().filter(|(name, _)| name == "host" || name == "port");
    url.query_pairs_mut().clear().extend_pairs(known);
    let mut bash = Command::new("bash");
    bash.args(["-c", &script])
        .current_dir(folder)
        .env("DATABASE_URL", url.as_str());
    bash.stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(LIMIT, bash.output()).await??;
    ensure!(output.status.success(), "{output:?}");
    Ok(String::from_utf8(output.stdout)?)
}

/// A new vault key, as the operators' page says, and the old one again: what a node has the key to, it reads.
async fn change_the_vault_key(shop: &Shop, alice: &Caller, folder: &Path) -> Result<()> {
    let database_url = shop.server.database_url();
    let old = shop.server.options().data_dir.join("vault.key");
    let new = folder.join("new.key");
    std::fs::write(&new, shop.server.command(&["vault", "generate"]).await?)?;
    let (old, new) = (old.to_str().context("a path")?, new.to_str().context("a path")?);
    let key_id = |path| {
        let key = std::fs::read_to_string(path)?;
        anyhow::Ok(key.split('+').nth(2).context("an id")?.to_owned())
    };
    let (old_id, new_id) = (key_id(old)?, key_id(new)?);
    let doctor = async |key| shop.server.command(&["doctor", "--vault-key-file", key]).await;
    let rewrap = async |from, to| {
        let arguments = [
            "vault",
            "rewrap",
            "--old-key-file",
            from,
            "--vault-key-file",
            to,
            "--json",
        ];
        succeeds(folder, database_url, &arguments).await
    };

    let found = doctor(new).await?;
    let lacking = format!("vault keys by which names are locked: 1 with {old_id}; {new_id} is here");
    assert!(found.contains(&lacking), "{found}");
    let done = rewrap(old, new).await?;
    let expected = json!({"rewrapped": 1, "unreadable": 0, "in_use": [{"vault_key": new_id, "people": 1}]});
    assert_eq!(done, expected);
    let found = doctor(new).await?;
    assert!(
        found.contains(&format!(
            "vault key {new_id} that nodes can share; names locked with it: 1"
        )),
        "{found}"
    );
    assert_eq!(name_of(alice).await?, Value::Null, "its node has the old key");
    assert_eq!(rewrap(old, new).await?["rewrapped"], 0);
    assert!(rewrap(new, new).await.is_err(), "one key is no change");
    let keyless = ["vault", "rewrap", "--old-key-file", old];
    assert!(succeeds(folder, database_url, &keyless).await.is_err(), "to which key?");
    assert_eq!(rewrap(new, old).await?["rewrapped"], 1);
    assert_eq!(name_of(alice).await?, NAME);
    Ok(())
}

/// A dump without keys, and a shop that lost them: names are missing, the operator is told once, and nothing else is different.
async fn lose_the_keys(shop: &Shop, alice: &Caller, folder: &Path) -> Result<()> {
    let database_url = shop.server.database_url();
    assert_eq!(name_of(alice).await?, NAME);
    let mut connection = PgConnection::connect(database_url).await?;
    let wrapped =
        "SELECT encode(wrapped, 'hex'), (SELECT encode(ciphertext, 'hex') FROM person_vault) FROM person_keys";
    let row = connection.fetch_one(wrapped).await?;
    let (key, text): (String, String) = (row.get(0), row.get(1));
    let dump = dump(folder, database_url).await?;
    assert!(dump.contains(ADDRESS) && dump.contains(&text), "people are in the dump");
    assert!(!dump.contains(&key), "the key is in the dump");
    assert!(
        !dump.contains(NAME) && !dump.contains("Pleasance"),
        "the name is in the database"
    );

    connection.execute("DELETE FROM person_keys").await?;
    connection.close().await?;
    for _ in 0..2 {
        assert_eq!(name_of(alice).await?, Value::Null);
    }
    let data_dir = &shop.server.options().data_dir;
    let ready: Value = serde_json::from_slice(&std::fs::read(data_dir.join("ready.json"))?)?;
    let metrics = ready["metrics"].as_str().context("where metrics are")?;
    let metrics = reqwest::get(metrics).await?.text().await?;
    let counted = "vault_unreadable_total{reason=\"no_key\"} 2";
    assert!(metrics.contains(counted), "{metrics}");
    let log = shop.log()?;
    for told in ["their keys are not in the table", "which is not the one here"] {
        assert_eq!(log.matches(told).count(), 1, "{log}");
    }
    assert!(!log.contains("Pleasance") && !metrics.contains("Pleasance"));
    Ok(())
}

/// Deletes whatever says who somebody is, and makes sure that there was something, and that the log never had it.
async fn erase_everybody(database_url: &str) -> Result<()> {
    let mut connection = PgConnection::connect(database_url).await?;
    let known = format!("SELECT 1 FROM contacts WHERE email = '{ADDRESS}'");
    ensure!(
        connection.fetch_optional(known.as_str()).await?.is_some(),
        "nobody is known"
    );
    let logged = format!(
        "SELECT 1 FROM events WHERE concat(payload, metadata) LIKE '%{ADDRESS}%' OR concat(payload, metadata) LIKE '%{NAME}%'"
    );
    ensure!(
        connection.fetch_optional(logged.as_str()).await?.is_none(),
        "the log knows somebody"
    );
    for table in VAULT {
        connection.execute(format!("DELETE FROM {table}").as_str()).await?;
    }
    Ok(connection.close().await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_whole_without_a_row_about_any_person() -> Result<()> {
    let shop = Shop::open(ShopOptions::default()).await?;
    let alice = play(&shop).await?;
    let source = shop.server.database_url().to_owned();
    let scratch = tempfile::tempdir()?;
    let folder = scratch.path();
    change_the_vault_key(&shop, &alice, folder).await?;
    lose_the_keys(&shop, &alice, folder).await?;
    let exported = succeeds(folder, &source, &["log", "export", "before.tar", "--json"]).await?;
    let balance = format!("/v1/ledger/trial_balance?as_of={}", exported["position"]);
    let before = shop.finance.get(&balance).await?.expect(200, "the books")?;
    erase_everybody(&source).await?;

    succeeds(folder, &source, &["projections", "rebuild", "--all"]).await?;
    let after = shop.finance.get(&balance).await?.expect(200, "the books rebuilt")?;
    assert_eq!(after["data"], before["data"]);
    let replayed = succeeds(folder, &source, &["replay", "--into", "forgotten", "--json"]).await?;
    assert_eq!(replayed["outcome"], "reached");
    let exported = succeeds(folder, &source, &["log", "export", "bundle.tar", "--json"]).await?;
    let chain = succeeds(folder, &source, &["log", "verify", "--json"]).await?;
    assert_eq!(chain["chain"], "verified");
    let verified = succeeds(folder, &source, &["log", "verify", "bundle.tar", "--json"]).await?;
    assert_eq!(
        (&verified["bundle"], &verified["hash"]),
        (&"verified".into(), &exported["hash"])
    );

    let target = fresh_database().await?;
    let restored = succeeds(folder, &target, &["log", "import", "bundle.tar", "--json"]).await?;
    assert_eq!(restored["hash"], exported["hash"]);
    succeeds(folder, &target, &["projections", "rebuild", "--all"]).await?;
    let replayed = succeeds(folder, &target, &["replay", "--into", "forgotten", "--json"]).await?;
    assert_eq!(replayed["position"], exported["position"]);
    Ok(())
}
