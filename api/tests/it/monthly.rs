//! Payouts by the month: once, whatever runs twice; and what is too little rolls over.

use chrono::{Datelike, TimeDelta};
use domain::Preset;
use domain::payout::PayoutSchedule;
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::dividing::{deliver, earned};
use crate::support::{ADMIN, ALICE, FINANCE, HOST, Shop, TestApp, text};
use crate::waiting_money::count;

const EARNINGS: &str = "/v1/me/earnings";

fn shop(payout_min_minor: i64, payout_schedule: PayoutSchedule) -> Shop {
    Shop {
        preset: Preset {
            payout_min_minor,
            payout_schedule,
            ..Preset::open()
        },
        is_provider_free: true,
        ..Shop::default()
    }
}

async fn link(app: &TestApp) {
    let body = json!({"destination": "acct_host"});
    app.put("/v1/me/payout_destination")
        .by(HOST)
        .json(&body)
        .send()
        .await
        .expect(200);
}

async fn choose(app: &TestApp, schedule: &str) -> Value {
    let body = json!({"schedule": schedule});
    app.put("/v1/me/payout_schedule")
        .by(HOST)
        .json(&body)
        .send()
        .await
        .expect(200)
}

async fn earn(app: &TestApp, key: &str) {
    let room = app.schedule(HOST, key, |_| {}).await;
    app.buy(&room, ALICE, key).await;
    deliver(app, &room).await;
}

/// Into the next month.
fn skip_a_month(app: &TestApp) {
    let day = i64::from(app.now().day());
    app.clock.skip(TimeDelta::days(33 - day));
}

fn payouts(number: usize, state: &'static str) -> impl Fn(&Value) -> bool {
    move |body| {
        let payouts = body["data"].as_array().expect("payouts");
        payouts.len() == number && payouts.iter().all(|payout| payout["state"] == state)
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn who_chooses_it_is_paid_on_the_first_of_each_month(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start_as(options, shop(100, PayoutSchedule::OnRequest)).await;
    link(&app).await;
    earn(&app, "first").await;
    app.eventually(HOST, EARNINGS, earned(950)).await;
    let chosen = choose(&app, "monthly").await;
    assert_eq!(chosen["schedule"], "monthly");
    assert!(
        text(&chosen["next_payout_at"]).ends_with("-01T00:00:00.000Z"),
        "{chosen}"
    );
    let balance = app.get(EARNINGS).by(HOST).send().await.expect(200);
    assert_eq!(balance["next_payout_at"], chosen["next_payout_at"]);

    skip_a_month(&app);
    let paid = app.eventually(HOST, "/v1/me/payouts", payouts(1, "paid")).await;
    assert_eq!(paid["data"][0]["amount"]["amount_minor"], 950);
    earn(&app, "second").await;
    app.eventually(HOST, EARNINGS, earned(950)).await;
    assert_eq!(count(&app, "payout_requested").await, 1, "a month is paid once");
    skip_a_month(&app);
    app.eventually(HOST, "/v1/me/payouts", payouts(2, "paid")).await;

    choose(&app, "on_request").await;
    earn(&app, "third").await;
    app.eventually(HOST, EARNINGS, earned(950)).await;
    let balance = app.get(EARNINGS).by(HOST).send().await.expect(200);
    assert_eq!(
        (&balance["payout_schedule"], &balance["next_payout_at"]),
        (&json!("on_request"), &Value::Null)
    );
    what_was_chosen_is_exact_to_the_event(&app).await;
    app.stop().await;
}

/// Under `as_of`, the host's choices of the past are what they were, from the event on that has them.
async fn what_was_chosen_is_exact_to_the_event(app: &TestApp) {
    let path = format!("/v1/log/events?limit=200&aggregate=payout-{}", HOST.id);
    let account = app.get(path).by(FINANCE).send().await.expect(200);
    let events = account["data"].as_array().expect("events").iter();
    let choices: Vec<(u64, &Value)> = events
        .filter(|event| event["event_type"] == "payout_schedule_chosen")
        .map(|event| {
            (
                event["position"].as_u64().expect("a position"),
                &event["payload"]["schedule"],
            )
        })
        .collect();
    assert_eq!(
        choices.iter().map(|(_, chosen)| *chosen).collect::<Vec<_>>(),
        ["monthly", "on_request"]
    );
    let schedule_at = async |position: u64| {
        let path = format!("{EARNINGS}?as_of={position}");
        let earnings = app.get(path).by(HOST).send().await.expect(200);
        assert_eq!(earnings["next_payout_at"], Value::Null, "a rule of today");
        earnings.get("payout_schedule").cloned()
    };
    let mut before = None;
    for (position, chosen) in &choices {
        assert_eq!(schedule_at(position - 1).await, before);
        before = Some((*chosen).clone());
        assert_eq!(schedule_at(*position).await, before);
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_below_the_minimum_rolls_over(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start_as(options, shop(1_500, PayoutSchedule::Monthly)).await;
    link(&app).await;
    earn(&app, "first").await;
    let waits = |body: &Value| {
        let balance = &body["balances"][0];
        balance["rolls_over"] == true && balance["payout_minimum"]["amount_minor"] == 1_500
    };
    let balance = app.eventually(HOST, EARNINGS, waits).await;
    assert_eq!(balance["payout_schedule"], "monthly");
    skip_a_month(&app);
    let has_rolled = |body: &Value| body["data"][1]["kind"] == "payout_rolled_over";
    let statement = app.eventually(HOST, "/v1/me/statements", has_rolled).await;
    assert_eq!(statement["data"][1]["net"]["amount_minor"], 0);

    earn(&app, "second").await;
    app.eventually(HOST, EARNINGS, earned(1_900)).await;
    skip_a_month(&app);
    let paid = app.eventually(HOST, "/v1/me/payouts", payouts(1, "paid")).await;
    assert_eq!(paid["data"][0]["amount"]["amount_minor"], 1_900);
    app.stop().await;
}

/// The month of a suspension rolls over, and says why; what was earned is paid with the next one.
#[sqlx::test(migrations = "../migrations")]
async fn a_suspended_host_is_not_paid_by_the_month(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start_as(options, shop(100, PayoutSchedule::Monthly)).await;
    earn(&app, "first").await;
    app.eventually(HOST, EARNINGS, earned(950)).await;
    let tell = |verb: &str| {
        let (path, body) = (
            format!("/v1/hosts/{}/{verb}", HOST.id),
            json!({"reason": "chargebacks"}),
        );
        app.post(path).by(ADMIN).json(&body).send()
    };
    tell("suspend").await.expect(200);
    skip_a_month(&app);
    let has_rolled = |body: &Value| body["data"][1]["kind"] == "payout_rolled_over";
    app.eventually(HOST, "/v1/me/statements", has_rolled).await;
    let events = app.events().await;
    let rolled = events.iter().find(|event| event["event_type"] == "payout_rolled_over");
    assert_eq!(rolled.unwrap()["payload"]["reason"], "suspended");

    tell("reinstate").await.expect(200);
    skip_a_month(&app);
    let paid = app.eventually(HOST, "/v1/me/payouts", payouts(1, "paid")).await;
    assert_eq!(paid["data"][0]["amount"]["amount_minor"], 950);
    assert_eq!(count(&app, "payout_requested").await, 1);
    app.stop().await;
}
