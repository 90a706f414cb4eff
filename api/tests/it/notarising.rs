//! Checkpoints, proofs and receipts, as clients get and check them.

use std::time::Duration;

use notary::receipt::Receipt;
use notary::tree::{Hash, leaf_hash, verify_consistency, verify_inclusion};
use notary::{Checkpoint, Frontier, VerifierKey};
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::time::Instant;

use crate::support::{ADMIN, ALICE, ANALYST, BOB, FINANCE, HOST, Person, Shop, TestApp, text};

/// Nothing that a test waits for takes this long.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) async fn notarised(options: PgConnectOptions) -> TestApp {
    let shop = Shop {
        notarises: true,
        ..Shop::default()
    };
    TestApp::start_as(options, shop).await
}

/// The log's end, once all of it is notarised.
pub(crate) async fn settled(app: &TestApp) -> Value {
    let is_whole = |head: &Value| head["checkpoint"]["size"] == head["position"];
    app.eventually(FINANCE, "/v1/log/head", is_whole).await
}

pub(crate) fn key(head: &Value) -> VerifierKey {
    text(&head["verifier_key"]).parse().expect("a key")
}

fn hash(value: &Value) -> Hash {
    let hex = text(value);
    assert_eq!(hex.len(), 64);
    std::array::from_fn(|nth| u8::from_str_radix(&hex[2 * nth..2 * nth + 2], 16).expect("hex"))
}

fn hashes(value: &Value) -> Vec<Hash> {
    value.as_array().expect("a list").iter().map(hash).collect()
}

pub(crate) fn number(value: &Value) -> u64 {
    value.as_u64().expect("a number")
}

#[sqlx::test(migrations = "../migrations")]
async fn every_event_is_proved_against_a_signed_checkpoint(_: PgPoolOptions, options: PgConnectOptions) {
    let app = notarised(options).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    app.buy(&room, ALICE, "a").await;
    let head = settled(&app).await;
    let size = number(&head["position"]);
    let opened = Checkpoint::open(text(&head["checkpoint"]["note"]), &key(&head)).expect("a checkpoint of this log");
    assert_eq!(opened.checkpoint.size, size);
    assert_eq!(opened.checkpoint.root, hash(&head["checkpoint"]["root"]));
    assert_eq!(head["checkpoint"]["hash"], head["hash"]);
    for position in 1..=size {
        let path = format!("/v1/log/proofs/{position}?size={size}");
        let proof = app.get(path).by(ANALYST).send().await.expect(200);
        let (leaf, path) = (hash(&proof["leaf_hash"]), hashes(&proof["proof"]));
        let proved = verify_inclusion(&leaf, position - 1, size, &path, &opened.checkpoint.root);
        proved.unwrap_or_else(|error| panic!("position {position}: {error}"));
    }
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_cannot_be_proved_is_said(_: PgPoolOptions, options: PgConnectOptions) {
    let app = notarised(options).await;
    app.schedule(HOST, "room", |_| {}).await;
    let head = settled(&app).await;
    let size = number(&head["position"]);
    let ask = |path: String| app.get(path).by(FINANCE).send();
    for position in ["0".to_owned(), (size + 1).to_string(), "first".to_owned()] {
        ask(format!("/v1/log/proofs/{position}"))
            .await
            .expect_problem(404, "not_found");
    }
    for query in [
        format!("1?size={}", size + 1),
        "2?size=1".to_owned(),
        "1?size=0".to_owned(),
    ] {
        ask(format!("/v1/log/proofs/{query}"))
            .await
            .expect_problem(422, "invalid_field");
    }
    for query in ["", "?from=2&to=1", &format!("?from=0&to={}", size + 1)] {
        ask(format!("/v1/log/consistency{query}"))
            .await
            .expect_problem(422, "invalid_field");
    }
    app.stop().await;
}

/// From the tiles alone somebody builds the tree that was signed.
#[sqlx::test(migrations = "../migrations")]
async fn the_tree_is_there_in_tiles(_: PgPoolOptions, options: PgConnectOptions) {
    let app = notarised(options).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    app.buy(&room, ALICE, "a").await;
    let head = settled(&app).await;
    let size = number(&head["position"]);
    let tile = |path: String| app.get(format!("/v1/log/tile/{path}")).by(ANALYST).send();
    let partial = tile(format!("0/000.p/{size}")).await;
    assert_eq!(partial.status, 200, "{}", partial.text);
    assert_eq!(partial.header("content-type"), Some("application/octet-stream"));
    let leaves = partial
        .bytes
        .chunks_exact(32)
        .map(|leaf| Hash::try_from(leaf).expect("32 bytes"));
    let mut tree = Frontier::new();
    tree.extend(leaves);
    assert_eq!(tree.root(), hash(&head["checkpoint"]["root"]));
    let narrower = tile("0/000.p/1".to_owned()).await;
    assert_eq!(narrower.bytes, partial.bytes[..32]);
    for absent in [
        "0/000",
        "0/001.p/1",
        "0/x001/000",
        "1/000.p/1",
        "8/000.p/1",
        "0/0.p/1",
        "0/000.p/0",
        "0/000.p/256",
        "entries/000",
        "entries/001.p/1",
        "entries/0.p/1",
        "entries/000.p/256",
    ] {
        tile(absent.to_owned()).await.expect_problem(404, "not_found");
    }
    // What is stored and not signed, as by a notary that catches up: it may never be.
    let beyond = "UPDATE notary_tiles SET hashes = hashes || decode(repeat('ab', 32 * 100), 'hex') WHERE level = 0";
    sqlx::raw_sql(beyond).execute(&app.pool).await.expect("an update");
    for unsigned in ["0", "entries"] {
        let path = format!("{unsigned}/000.p/{}", size + 90);
        tile(path).await.expect_problem(404, "not_found");
    }
    assert_eq!(tile(format!("0/000.p/{size}")).await.bytes, partial.bytes);
    app.stop().await;
}

/// Each behind its length, to the last byte.
fn unbundle(mut bundle: &[u8]) -> Vec<&[u8]> {
    let mut entries = vec![];
    while let Some((length, rest)) = bundle.split_first_chunk() {
        let (entry, rest) = rest.split_at(usize::from(u16::from_be_bytes(*length)));
        entries.push(entry);
        bundle = rest;
    }
    assert!(bundle.is_empty(), "half a length is left");
    entries
}

/// The tile of level 0 is made again of its entries; and nothing is given out that the tree does not vouch for.
#[sqlx::test(migrations = "../migrations")]
async fn the_entries_of_a_tile_are_what_its_leaves_are_hashes_of(_: PgPoolOptions, options: PgConnectOptions) {
    let app = notarised(options).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    app.buy(&room, ALICE, "a").await;
    // More than a tile, so that there is one that is full.
    for nth in 0..130 {
        let (one, another) = (format!("t{nth}"), json!({"title": format!("Evening {nth}")}));
        let path = format!("/v1/rooms/{room}");
        app.patch(&path).by(HOST).json(&another).send().await.expect(200);
        app.schedule(HOST, &one, |_| {}).await;
    }
    let head = settled(&app).await;
    let rest = number(&head["position"]) - 256;
    let get = |path: String| app.get(format!("/v1/log/{path}")).by(ANALYST).send();
    let mut tree = Frontier::new();
    for tile in ["000".to_owned(), format!("001.p/{rest}")] {
        let (hashes, bundle) = (
            get(format!("tile/0/{tile}")).await,
            get(format!("tile/entries/{tile}")).await,
        );
        assert_eq!(bundle.status, 200, "{}", bundle.text);
        assert_eq!(bundle.header("content-type"), Some("application/octet-stream"));
        let entries = unbundle(&bundle.bytes);
        let leaves: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
        assert_eq!(leaves.concat(), hashes.bytes);
        assert!(
            entries[0].starts_with(b"boxoffice/event/1\0"),
            "as docs/LOG-FORMAT.md says"
        );
        tree.extend(leaves);
    }
    let note = get("checkpoint".to_owned()).await;
    let opened = Checkpoint::open(&note.text, &key(&head)).expect("the newest checkpoint");
    assert_eq!(
        (opened.checkpoint.size, opened.checkpoint.root),
        (tree.size(), tree.root())
    );
    let narrower = get("tile/entries/000.p/1".to_owned()).await;
    assert_eq!(unbundle(&narrower.bytes).len(), 1);

    let edit = "ALTER TABLE events DISABLE TRIGGER events_append_only;
        UPDATE events SET sequence = sequence + 1000 WHERE position = 256;
        ALTER TABLE events ENABLE TRIGGER events_append_only";
    sqlx::raw_sql(edit)
        .execute(&app.pool)
        .await
        .expect("an administrator may");
    get("tile/entries/000".to_owned()).await.expect_problem(500, "internal");
    assert_eq!(get("tile/entries/000.p/255".to_owned()).await.status, 200);
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn the_log_of_yesterday_is_the_beginning_of_todays(_: PgPoolOptions, options: PgConnectOptions) {
    let app = notarised(options).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let before = settled(&app).await;
    app.buy(&room, ALICE, "a").await;
    let after = settled(&app).await;
    let (old, new) = (number(&before["position"]), number(&after["position"]));
    let path = format!("/v1/log/consistency?from={old}");
    let proof = app.get(path).by(FINANCE).send().await.expect(200);
    let roots = [&before, &after].map(|head| hash(&head["checkpoint"]["root"]));
    assert_eq!(roots, [hash(&proof["from_root"]), hash(&proof["to_root"])]);
    verify_consistency((old, &roots[0]), (new, &roots[1]), &hashes(&proof["proof"])).expect("the same log");

    let (mut sizes, mut next) = (vec![], String::new());
    loop {
        let page = app
            .get(format!("/v1/log/checkpoints?limit=1{next}"))
            .by(FINANCE)
            .send()
            .await
            .expect(200);
        sizes.extend(
            page["data"]
                .as_array()
                .expect("a list")
                .iter()
                .map(|one| number(&one["size"])),
        );
        match page["next"].as_str() {
            Some(cursor) => next = format!("&after={cursor}"),
            None => break,
        }
    }
    assert!(
        sizes.is_sorted() && sizes.contains(&old) && sizes.last() == Some(&new),
        "{sizes:?}"
    );
    app.stop().await;
}

/// A receipt, once a checkpoint covers its event: the shop itself waits a moment for one, and no longer.
pub(crate) async fn receipt(app: &TestApp, path: &str, by: Person, head: &Value) -> Receipt {
    let deadline = Instant::now() + PATIENCE;
    let answer = loop {
        let answer = app.get(path).by(by).send().await;
        if answer.status != 503 {
            break answer;
        }
        assert!(Instant::now() < deadline, "no checkpoint covers it: {}", answer.text);
    };
    let receipt: Receipt = serde_json::from_value(answer.expect(200)).expect("a receipt");
    receipt.verify(&key(head)).expect("it holds");
    receipt
}

/// The tag of what is the same when it is asked for again, as soon as no checkpoint comes between.
async fn unchanged(app: &TestApp, path: &str, by: Person) -> String {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = app.get(path).by(by).send().await;
        let etag = answer.header("etag").expect("a tag").to_owned();
        let again = app.get(path).by(by).header("if-none-match", &etag).send().await;
        if again.status == 304 {
            return etag;
        }
        assert_eq!(again.status, 200, "{}", again.text);
        assert!(Instant::now() < deadline, "it is another one each time");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_holder_has_a_receipt_that_holds_without_the_shop(_: PgPoolOptions, options: PgConnectOptions) {
    let app = notarised(options).await;
    let room = app
        .schedule(HOST, "room", |room| room["transferable"] = json!(true))
        .await;
    let ticket = app.hold(&room, ALICE, "a").await;
    let path = format!("/v1/tickets/{ticket}/receipt");
    let head = settled(&app).await;
    let held = receipt(&app, &path, ALICE, &head).await;
    assert_eq!(held.entry.event_type, "seat_held");
    let payment = app.start_payment(&ticket, ALICE, "a").await;
    app.confirm(&payment, json!({})).await.expect(200);
    app.ticket_becomes(&ticket, ALICE, "issued").await;
    let issued = receipt(&app, &path, ALICE, &head).await;
    assert_eq!(issued.entry.event_type, "ticket_issued");
    let stored = app.events().await;
    let stored = &stored[usize::try_from(issued.entry.position - 1).expect("a position")];
    let payload: Value = serde_json::from_str(issued.entry.payload.as_deref().expect("its content")).expect("JSON");
    assert_eq!(
        (&stored["payload"], stored["aggregate_id"].as_str()),
        (&payload, Some(ticket.as_str()))
    );
    let etag = unchanged(&app, &path, ALICE).await;
    app.schedule(HOST, "another-room", |_| {}).await;
    settled(&app).await;
    let newer = app.get(&path).by(ALICE).header("if-none-match", &etag).send().await;
    assert_eq!(newer.status, 200, "a newer checkpoint is another receipt");

    app.get(&path).by(BOB).send().await.expect_problem(404, "not_found");
    let gift = json!({"user_id": BOB.id});
    app.post(format!("/v1/tickets/{ticket}/transfer"))
        .by(ALICE)
        .json(&gift)
        .send()
        .await
        .expect(200);
    app.eventually(ADMIN, &format!("/v1/tickets/{ticket}"), |ticket| {
        ticket["holder_id"] == BOB.id
    })
    .await;
    let given = receipt(&app, &path, BOB, &head).await;
    assert_eq!(given.entry.event_type, "ticket_transferred");
    app.get(&path).by(ALICE).send().await.expect_problem(404, "not_found");
    app.stop().await;
}
