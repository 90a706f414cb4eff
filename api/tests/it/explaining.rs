//! The books as they were, and what is behind a balance.

use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::disputing::bank;
use crate::dividing::{books, buy, customer, deliver, earned, german_taxes, pay_out, refund_in_part};
use crate::support::{ALICE, BOB, FINANCE, HOST, Shop, TestApp, text};

async fn read(app: &TestApp, path: &str) -> Value {
    app.get(path).by(FINANCE).send().await.expect(200)
}

/// A shop in Germany and Austria, where much has happened: a sale earned, one disputed and lost, one refunded in part, one
/// payout.
async fn eventful(options: PgConnectOptions) -> TestApp {
    let shop = Shop {
        taxes: german_taxes(),
        ..Shop::default()
    };
    let app = TestApp::start_as(options, shop).await;
    let room = app.schedule(HOST, "room", |room| room["capacity"] = json!(5)).await;
    let held = app
        .post(format!("/v1/rooms/{room}/tickets"))
        .by(ALICE)
        .key("hold")
        .json(&customer("DE"))
        .send()
        .await
        .expect(201);
    let disputed = text(&held["id"]).to_owned();
    let payment = app.start_payment(&disputed, ALICE, "pay").await;
    app.confirm(&payment, json!({})).await.expect(200);
    app.ticket_becomes(&disputed, ALICE, "issued").await;
    let ticket = buy(&app, &room, BOB, &customer("AT")).await;
    refund_in_part(&app, &ticket, BOB, 250).await;
    deliver(&app, &room).await;
    // Of 10.00: 1.60 tax, 0.59 provider, 0.39 platform; of 7.50: 0.59 provider, 0.34 platform.
    let both = (1_000 - 160 - 59 - 39) + (750 - 59 - 34);
    app.eventually(HOST, "/v1/me/earnings", earned(both)).await;
    pay_out(&app, 500).await;
    bank(&app, &payment, "open").await;
    bank(&app, &payment, "lost").await;
    app.ticket_becomes(&disputed, ALICE, "revoked").await;
    app
}

#[sqlx::test(migrations = "../migrations")]
async fn the_books_of_a_position_stay_what_they_were(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    app.buy(&room, ALICE, "a").await;
    let then = app.head().await;
    let books_then = books(&app).await;
    let time_then = app.now();
    let path = format!("/v1/me/earnings?as_of={then}");
    let earnings_then = app.get(path).by(HOST).send().await.expect(200)["balances"].clone();
    app.buy(&room, BOB, "b").await;
    deliver(&app, &room).await;
    app.eventually(HOST, "/v1/me/earnings", earned(2 * 894)).await;
    assert_ne!(books(&app).await, books_then);

    let later = (time_then + chrono::TimeDelta::milliseconds(1))
        .to_rfc3339()
        .replace("+00:00", "Z");
    for moment in [then.to_string(), later] {
        let trial = read(&app, &format!("/v1/ledger/trial_balance?as_of={moment}")).await;
        assert_eq!(trial["position"], then);
        assert_eq!(trial["totals"], json!([{"currency": "USD", "balance_minor": 0}]));
        let rows = trial["data"].as_array().unwrap().iter();
        let open = rows.filter(|row| row["balance_minor"] != 0);
        let open: Value = open
            .map(|row| (text(&row["account"]).to_owned(), row["balance_minor"].clone()))
            .collect();
        assert_eq!(open, books_then);
        let accounts = read(&app, &format!("/v1/ledger/accounts?limit=200&as_of={moment}")).await;
        assert_eq!(accounts["data"], trial["data"]);
        let lines = read(
            &app,
            &format!("/v1/ledger/accounts/clearing:charge/lines?as_of={moment}"),
        )
        .await;
        assert_eq!(lines["data"].as_array().unwrap().len(), 2);
        let path = format!("/v1/ledger/accounts/revenue:platform_fee/lines?as_of={moment}");
        app.get(path).by(FINANCE).send().await.expect_problem(404, "not_found");
        let path = format!("/v1/me/earnings?as_of={moment}");
        let earnings = app.get(path).by(HOST).send().await.expect(200);
        assert_eq!(
            (&earnings["balances"], &earnings["position"]),
            (&earnings_then, &json!(then))
        );
        // When and from how much on the host is paid is a rule of today.
        let of_balance = ["payout_minimum", "rolls_over"].map(|name| earnings["balances"][0].get(name));
        let of_today = (earnings.get("payout_schedule"), &earnings["next_payout_at"]);
        assert_eq!((of_today, of_balance), ((None, &Value::Null), [None; 2]), "{earnings}");
    }
    let now = app.get("/v1/me/earnings").by(HOST).send().await.expect(200);
    let path = format!("/v1/me/earnings?as_of={}", app.head().await);
    let at_head = app.get(path).by(HOST).send().await.expect(200);
    let mut balances = now["balances"].clone();
    for name in ["payout_minimum", "rolls_over"] {
        let balance = balances[0].as_object_mut().expect("a balance");
        assert!(balance.remove(name).is_some(), "{name} of today");
    }
    assert_eq!(at_head["balances"], balances);
    let empty = read(&app, "/v1/ledger/trial_balance?as_of=0").await;
    assert_eq!((&empty["data"], &empty["position"]), (&json!([]), &json!(0)));
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_not_known_yet_is_not_answered(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    app.schedule(HOST, "room", |_| {}).await;
    let head = app.head().await;
    let tomorrow = (app.now() + chrono::TimeDelta::days(1))
        .to_rfc3339()
        .replace("+00:00", "Z");
    let paths = [
        "/v1/ledger/trial_balance?as_of=",
        "/v1/ledger/accounts?as_of=",
        "/v1/ledger/accounts/clearing:charge/lines?as_of=",
        "/v1/ledger/explain?account=clearing:charge&as_of=",
        "/v1/me/earnings?as_of=",
    ];
    for path in paths {
        for moment in [
            (head + 1).to_string(),
            tomorrow.clone(),
            "yesterday".to_owned(),
            "-1".to_owned(),
        ] {
            let answer = app.get(format!("{path}{moment}")).by(FINANCE).send().await;
            answer.expect_problem(422, "invalid_field");
            assert_eq!(answer.pointer(), Some("/query/as_of"), "{path}{moment}");
        }
    }
    app.stop().await;
}

/// Every cent of every account, page by page: the leaves add up to the balance, and each names an event of the log.
#[sqlx::test(migrations = "../migrations")]
async fn every_balance_is_explained_to_the_cent(_: PgPoolOptions, options: PgConnectOptions) {
    let app = eventful(options).await;
    let head = app.head().await;
    for position in [head, head * 2 / 3] {
        let trial = read(&app, &format!("/v1/ledger/trial_balance?as_of={position}")).await;
        for row in trial["data"].as_array().unwrap() {
            let (mut sum, mut next) = (0, String::new());
            loop {
                let account = text(&row["account"]);
                let path = format!("/v1/ledger/explain?account={account}&as_of={position}&limit=2{next}");
                let page = read(&app, &path).await;
                let balance = &page["balances"][0];
                assert_eq!(
                    balance["balance_minor"], row["balance_minor"],
                    "{account} at {position}"
                );
                assert_eq!(balance["opening_minor"], sum, "{account} at {position}");
                for line in page["lines"].as_array().unwrap() {
                    sum += line["amount"]["amount_minor"].as_i64().unwrap();
                    check_leaf(&app, line, position).await;
                }
                assert_eq!(balance["closing_minor"], sum, "{account} at {position}");
                match page["next"].as_str() {
                    Some(cursor) => next = format!("&after={cursor}"),
                    None => break,
                }
            }
            assert_eq!(row["balance_minor"], sum, "{row}");
        }
    }
    let unknown = app.get("/v1/ledger/explain?account=cash:bank").by(FINANCE).send().await;
    unknown.expect_problem(404, "not_found");
    let nameless = app.get("/v1/ledger/explain").by(FINANCE).send().await;
    nameless.expect_problem(422, "invalid_field");
    assert_eq!(nameless.pointer(), Some("/query/account"));
    app.stop().await;
}

/// The event is the one of the log, and the sale's facts are those up to it.
async fn check_leaf(app: &TestApp, line: &Value, position: u64) {
    let event = &line["event"];
    let at = event["position"].as_u64().expect("a position");
    assert!(at <= position);
    let page = read(app, &format!("/v1/log/events?after={}&limit=1", at - 1)).await;
    let stored = &page["data"][0];
    for name in ["position", "event_type", "payload", "hash", "sequence"] {
        assert_eq!(event[name], stored[name], "{name} of {at}");
    }
    if text(&event["aggregate"]).starts_with("payout-") && line["payout"].is_object() {
        return;
    }
    let sale = &line["sale"];
    assert_eq!(
        (&sale["rules"]["preset"], &sale["rules"]["preset_version"]),
        (&json!("open"), &json!(1))
    );
    assert!(text(&sale["payments"][0]["provider_ref"]).starts_with("pi_"), "{sale}");
    assert_eq!(sale["facts"][0]["event_type"], "ticket_ordered");
    let facts = sale["facts"].as_array().expect("a list");
    assert!(
        facts
            .iter()
            .all(|fact| fact["position"].as_u64().expect("a position") <= at)
    );
}

/// The provider's name of a payout is told from the moment on at which it was learnt, and not before.
#[sqlx::test(migrations = "../migrations")]
async fn nothing_is_explained_by_what_was_learnt_later(_: PgPoolOptions, options: PgConnectOptions) {
    let app = eventful(options).await;
    let page = read(&app, "/v1/log/events?limit=200").await;
    let events = page["data"].as_array().expect("a list");
    let of_type = |name: &str| {
        let event = events.iter().find(|event| event["event_type"] == name);
        event.and_then(|event| event["position"].as_u64()).expect(name)
    };
    let (requested, sent) = (of_type("payout_requested"), of_type("payout_sent"));
    assert!(requested < sent, "{requested} {sent}");
    let trial = read(&app, &format!("/v1/ledger/trial_balance?as_of={requested}")).await;
    for (moment, is_known) in [(requested, false), (sent - 1, false), (sent, true)] {
        let mut told = 0;
        for row in trial["data"].as_array().expect("a list") {
            let account = text(&row["account"]);
            let path = format!("/v1/ledger/explain?account={account}&as_of={moment}&limit=200");
            for line in read(&app, &path).await["lines"].as_array().expect("a list") {
                if line["event"]["position"].as_u64() == Some(requested) {
                    assert_eq!(line["payout"]["reference"].is_string(), is_known, "at {moment}: {line}");
                    told += 1;
                }
            }
        }
        assert!(told > 0, "a line of the request");
    }
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_tax_leads_to_its_rule_and_its_evidence(_: PgPoolOptions, options: PgConnectOptions) {
    let app = eventful(options).await;
    let tax = read(&app, "/v1/ledger/explain?account=liability:tax:DE").await;
    // Due with the ticket, and not any more when the bank kept the money.
    let lines = tax["lines"].as_array().unwrap().iter();
    let told: Vec<_> = lines
        .map(|line| {
            (
                text(&line["event"]["event_type"]),
                line["amount"]["amount_minor"].as_i64().unwrap(),
            )
        })
        .collect();
    assert_eq!(told, [("ticket_issued", -160), ("dispute_lost", 160)]);
    let rules = &tax["lines"][0]["sale"]["rules"];
    let rule = (
        &rules["tax_country"],
        &rules["tax_rate_basis_points"],
        &rules["tax_version"],
    );
    assert_eq!(rule, (&json!("DE"), &json!(1_900), &json!(3)));
    let evidence = json!([{"kind": "ip_address", "country": "DE"}, {"kind": "payment_card", "country": "DE"}]);
    assert_eq!(rules["tax_evidence"], evidence);
    app.stop().await;
}
