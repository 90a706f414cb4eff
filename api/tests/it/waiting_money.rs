//! Money that is earned and not available yet, and payouts that come back.

use chrono::TimeDelta;
use domain::{BasisPoints, EarningRules, Preset};
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::dividing::{books, deliver, earned};
use crate::support::{ADMIN, ALICE, BOB, FINANCE, HOST, Person, Shop, TestApp, text};

const EARNINGS: &str = "/v1/me/earnings";

/// Earnings are pending for a week, and a tenth of each is kept for a month.
fn careful() -> Shop {
    let mut preset = Preset::open();
    preset.fees.earning = EarningRules {
        pending_days: 7,
        reserve: BasisPoints::try_new(1_000).expect("a tenth"),
        reserve_days: 30,
    };
    Shop {
        preset,
        is_provider_free: true,
        ..Shop::default()
    }
}

/// Available, pending, reserved.
fn pots(parts: [i64; 3]) -> impl Fn(&Value) -> bool {
    move |body| {
        let balance = &body["balances"][0];
        let shown = ["available", "pending", "reserved"].map(|part| balance[part]["amount_minor"].as_i64());
        shown == parts.map(Some)
    }
}

async fn ask(app: &TestApp, key: &str, currency: &str) -> crate::support::Answer {
    let wish = json!({"currency": currency});
    app.post("/v1/me/payouts").by(HOST).key(key).json(&wish).send().await
}

async fn link(app: &TestApp, person: Person, destination: &str) {
    let body = json!({"destination": destination});
    app.put("/v1/me/payout_destination")
        .by(person)
        .json(&body)
        .send()
        .await
        .expect(200);
}

/// How many events of this type the log holds.
pub(crate) async fn count(app: &TestApp, event_type: &str) -> usize {
    let page = app.get("/v1/log/events?limit=200").by(FINANCE).send().await.expect(200);
    let events = page["data"].as_array().expect("events").iter();
    events.filter(|event| event["event_type"] == event_type).count()
}

fn state_of_last(state: &'static str) -> impl Fn(&Value) -> bool {
    move |body| body["data"][0]["state"] == state
}

#[sqlx::test(migrations = "../migrations")]
async fn an_earning_is_pending_for_its_days_and_a_part_is_kept_for_longer(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start_as(options, careful()).await;
    link(&app, HOST, "acct_host").await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    for (buyer, key) in [(ALICE, "a"), (BOB, "b")] {
        app.buy(&room, buyer, key).await;
    }
    deliver(&app, &room).await;
    // 10.00 less 5 %, twice; a tenth of each 9.50 is kept.
    app.eventually(HOST, EARNINGS, pots([0, 2 * 855, 2 * 95])).await;
    let account = |part: &str| format!("liability:host:{}:{part}", HOST.id);
    let waiting = json!({
        "cash:provider:sandbox": 2_000,
        account("pending"): -1_710,
        account("reserve"): -190,
        "revenue:platform_fee": -100,
    });
    assert_eq!(books(&app).await, waiting);
    ask(&app, "early", "USD")
        .await
        .expect_problem(409, "below_minimum_payout");

    app.clock.skip(TimeDelta::days(8));
    app.eventually(HOST, EARNINGS, pots([1_710, 0, 190])).await;
    assert_eq!(count(&app, "earnings_matured").await, 1, "one event for the whole room");
    ask(&app, "payout", "USD").await.expect(202);
    app.eventually(HOST, "/v1/me/payouts", state_of_last("paid")).await;

    app.clock.skip(TimeDelta::days(23));
    app.eventually(HOST, EARNINGS, pots([190, 0, 0])).await;
    let paid = json!({"cash:provider:sandbox": 290, account("available"): -190, "revenue:platform_fee": -100});
    assert_eq!(books(&app).await, paid);
    let statement = app.get("/v1/me/statements").by(HOST).send().await.expect(200);
    let net = statement["data"].as_array().unwrap().iter();
    let net: i64 = net.map(|line| line["net"]["amount_minor"].as_i64().unwrap()).sum();
    assert_eq!(net, 190, "the statement adds up to what is available");
    app.stop().await;
}

/// A dispute takes what is pending before anything else, and it is pending again when it is won.
#[sqlx::test(migrations = "../migrations")]
async fn a_dispute_holds_pending_money(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start_as(options, careful()).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let ticket = app.hold(&room, ALICE, "a").await;
    let payment = app.start_payment(&ticket, ALICE, "a").await;
    app.confirm(&payment, json!({})).await.expect(200);
    app.ticket_becomes(&ticket, ALICE, "issued").await;
    deliver(&app, &room).await;
    app.eventually(HOST, EARNINGS, pots([0, 855, 95])).await;
    let open = json!({"payment_ref": payment["provider_ref"]});
    app.post("/sandbox/disputes")
        .by(ADMIN)
        .json(&open)
        .send()
        .await
        .expect(204);
    app.eventually(HOST, EARNINGS, pots([0, 0, 950])).await;
    let key = text(&payment["provider_ref"]).trim_start_matches("pi_");
    let won = json!({"outcome": "won"});
    app.post(format!("/sandbox/disputes/dp_{key}/close"))
        .by(ADMIN)
        .json(&won)
        .send()
        .await
        .expect(204);
    app.eventually(HOST, EARNINGS, pots([0, 855, 95])).await;
    app.clock.skip(TimeDelta::days(8));
    app.eventually(HOST, EARNINGS, pots([855, 0, 95])).await;
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn yen_and_dinars_wait_and_are_paid_to_the_last_unit(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start_as(options, careful()).await;
    link(&app, HOST, "acct_host").await;
    // 5 % of 999 yen are 49, a tenth of the other 950 is 95; of 1.005 dinars 0.050 and 0.095.
    for (currency, price, pending, kept) in [("JPY", 999, 855, 95), ("KWD", 1_005, 860, 95)] {
        let room = app
            .schedule(HOST, currency, |room| {
                room["price"] = json!({"amount_minor": price, "currency": currency});
            })
            .await;
        app.buy(&room, ALICE, currency).await;
        deliver(&app, &room).await;
        let of_currency = |body: &Value| {
            let mut balances = body["balances"].as_array().expect("balances").iter();
            balances.find(|balance| balance["currency"] == currency).cloned()
        };
        let stands = move |parts: [i64; 3]| move |body: &Value| pots(parts)(&json!({"balances": [of_currency(body)]}));
        app.eventually(HOST, EARNINGS, stands([0, pending, kept])).await;
        app.clock.skip(TimeDelta::days(31));
        app.eventually(HOST, EARNINGS, stands([pending + kept, 0, 0])).await;
        let payout = ask(&app, currency, currency).await.expect(202);
        assert_eq!(
            payout["amount"],
            json!({"amount_minor": pending + kept, "currency": currency})
        );
        app.eventually(HOST, EARNINGS, stands([0, 0, 0])).await;
        app.eventually(HOST, "/v1/me/payouts", state_of_last("paid")).await;
    }
    let path = format!("/v1/ledger/trial_balance?min_position={}", app.head().await);
    let balance = app.get(path).by(FINANCE).send().await.expect(200);
    for total in balance["totals"].as_array().expect("totals") {
        assert_eq!(total["balance_minor"], 0, "{total}");
    }
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_payout_that_comes_back_can_be_asked_for_again(_: PgPoolOptions, options: PgConnectOptions) {
    let shop = Shop {
        is_provider_free: true,
        ..Shop::default()
    };
    let app = TestApp::start_as(options, shop).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    app.buy(&room, ALICE, "a").await;
    deliver(&app, &room).await;
    app.eventually(HOST, EARNINGS, earned(950)).await;

    // The first account takes nothing; the second sends it back.
    link(&app, HOST, "acct_fails").await;
    ask(&app, "first", "USD").await.expect(202);
    let failed = app.eventually(HOST, "/v1/me/payouts", state_of_last("failed")).await;
    assert_eq!(failed["data"][0]["reason"], "destination_refused");
    link(&app, HOST, "acct_closed").await;
    let second = ask(&app, "second", "USD").await.expect(202);
    app.eventually(HOST, "/v1/me/payouts", state_of_last("paid")).await;
    app.eventually(HOST, EARNINGS, earned(0)).await;
    let path = format!("/sandbox/transfers/{}/return", text(&second["id"]));
    for _ in 0..2 {
        let returned = json!({"reason": "account_closed"});
        app.post(&path).by(ADMIN).json(&returned).send().await.expect(204);
    }
    let returned = app.eventually(HOST, "/v1/me/payouts", state_of_last("returned")).await;
    assert_eq!(returned["data"][0]["reason"], "account_closed");
    app.eventually(HOST, EARNINGS, earned(950)).await;
    let back = json!({
        "cash:provider:sandbox": 1_000,
        format!("liability:host:{}:available", HOST.id): -950,
        "revenue:platform_fee": -50,
    });
    assert_eq!(books(&app).await, back);

    // The old request is answered as before, and sends nothing.
    let again = ask(&app, "second", "USD").await.expect(202);
    assert_eq!((&again["id"], &again["state"]), (&second["id"], &json!("returned")));
    link(&app, HOST, "acct_new").await;
    ask(&app, "third", "USD").await.expect(202);
    app.eventually(HOST, "/v1/me/payouts", state_of_last("paid")).await;
    let paid = json!({"cash:provider:sandbox": 50, "revenue:platform_fee": -50});
    assert_eq!(books(&app).await, paid);
    assert_eq!(count(&app, "payout_returned").await, 1);
    app.stop().await;
}
