//! From the delivered room to the money on the host's account.

use chrono::TimeDelta;
use domain::room::{Interruption, PresenceInterval, RecordDelivery, Source, Speaking};
use domain::{Room, RoomCommand, RoomId};
use event_log::Metadata;
use serde_json::json;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use uuid::Uuid;

use crate::support::{ALICE, FINANCE, HOST, TestApp};

/// What the media bridge records when a room was heard.
pub(crate) async fn record_delivery(app: &TestApp, room: &str) {
    assert!(
        record_stay(app, room.parse().expect("an id"), 60_000).await,
        "a delivery"
    );
}

/// What it records when the host was heard for so long. `false` if the room refuses it, or never opened.
pub(crate) async fn record_stay(app: &TestApp, room: RoomId, host_heard_ms: u64) -> bool {
    record_evidence(app, room, host_heard_ms, vec![]).await
}

/// The same, of a room that was interrupted. Times are before now, when the room has ended.
pub(crate) async fn record_evidence(
    app: &TestApp,
    room: RoomId,
    host_heard_ms: u64,
    interruptions: Vec<Interruption>,
) -> bool {
    let rooms = &app.aggregates.rooms;
    let look = |room: &Room| Some((room.session_id()?, room.facts()?.host));
    let (found, _) = rooms.read(room.as_uuid(), look).await.expect("the log");
    let Some((session_id, host)) = found else {
        return false;
    };
    let at = app.now();
    let heard = TimeDelta::milliseconds(i64::try_from(host_heard_ms).expect("a day at most"));
    let opened_at = interruptions.first().map_or(at, |first| first.from) - heard;
    let speaking = Speaking {
        from: opened_at,
        until: opened_at + heard,
        source: Source::Poll,
    };
    let delivery = RoomCommand::RecordDelivery(RecordDelivery {
        session_id,
        opened_at,
        intervals: vec![PresenceInterval {
            user: host,
            ticket_id: None,
            joined_at: opened_at,
            left_at: opened_at + heard,
            audible_ms: host_heard_ms,
            joined_by: Some(Source::Poll),
            left_by: Some(Source::RoomEnd),
            speaking: vec![speaking],
        }],
        interruptions,
        at,
    });
    let metadata = Metadata::for_actor("process:test", Uuid::nil());
    rooms.execute(room.as_uuid(), delivery, metadata).await.is_ok()
}

#[sqlx::test(migrations = "../migrations")]
async fn a_delivered_room_pays_its_host(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    app.buy(&room, ALICE, "a").await;
    for verb in ["open", "end"] {
        app.post(format!("/v1/rooms/{room}/{verb}"))
            .by(HOST)
            .send()
            .await
            .expect(200);
    }
    record_delivery(&app, &room).await;
    // 10.00 less the provider's 0.59 (2.9 % + 0.30) less the platform's 0.47 (5 % of 9.41, rounded down).
    let earned = app
        .eventually(HOST, "/v1/me/earnings", |body| {
            body["balances"][0]["available"]["amount_minor"] == 894
        })
        .await;
    assert_eq!(
        earned["balances"][0]["platform_fees"],
        json!({"amount_minor": 47, "currency": "USD"})
    );

    let wish = json!({"currency": "USD"});
    let ask = |key| app.post("/v1/me/payouts").by(HOST).key(key).json(&wish).send();
    let (payout, _) = ask("payout").await.expect_written(202);
    assert_eq!(payout["amount"], json!({"amount_minor": 894, "currency": "USD"}));
    let again = ask("payout").await.expect(202);
    assert_eq!(again["id"], payout["id"]);
    let is_paid = |body: &serde_json::Value| body["data"][0]["state"] == "paid";
    let payouts = app.eventually(HOST, "/v1/me/payouts", is_paid).await;
    assert_eq!(payouts["data"].as_array().expect("a list").len(), 1);

    let statement = app.get("/v1/me/statements").by(HOST).send().await.expect(200);
    let kinds: Vec<_> = statement["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| &line["kind"])
        .collect();
    assert_eq!(kinds, ["earning", "payout_requested", "payout_paid"]);
    let attendance = app
        .get(format!("/v1/rooms/{room}/attendance"))
        .by(HOST)
        .send()
        .await
        .expect(200);
    assert_eq!(attendance["delivered"], true);
    let head = app.head().await;
    let path = format!("/v1/ledger/trial_balance?min_position={head}");
    let balance = app.get(path).by(FINANCE).send().await.expect(200);
    assert_eq!(balance["totals"], json!([{"currency": "USD", "balance_minor": 0}]));
    app.stop().await;
}
