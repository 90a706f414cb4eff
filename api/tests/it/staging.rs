//! What an admin stages in the sandbox, and where hosts open their accounts.

use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::support::{ADMIN, ALICE, HOST, OTHER_HOST, TestApp};

#[sqlx::test(migrations = "../migrations")]
async fn an_admin_stages_how_the_next_payments_go(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let room = app.schedule(HOST, "room", |_| {}).await;
    let ticket = app.hold(&room, ALICE, "a").await;
    for outcome in ["decline", "hang", "dispute"] {
        let staged = app.post("/sandbox/next_payment").by(ADMIN);
        staged.json(&json!({"outcome": outcome})).send().await.expect(204);
    }
    let first = app.start_payment(&ticket, ALICE, "first").await;
    let declined = app.confirm(&first, json!({})).await.expect(200);
    assert_eq!(declined["state"], "declined");
    let second = app.start_payment(&ticket, ALICE, "second").await;
    let hangs = app.confirm(&second, json!({})).await.expect(200);
    assert_eq!(hangs["state"], "pending");
    let captured = app.confirm(&second, json!({"webhook": "never"})).await.expect(200);
    assert_eq!(captured["state"], "captured");
    app.ticket_becomes(&ticket, ALICE, "issued").await;
    let key = second["provider_ref"]
        .as_str()
        .expect("a text")
        .trim_start_matches("pi_");
    let close = format!("/sandbox/disputes/dp_{key}/close");
    for (outcome, status) in [("lost", 204), ("lost", 204), ("won", 409)] {
        let closed = app
            .post(&close)
            .by(ADMIN)
            .json(&json!({"outcome": outcome}))
            .send()
            .await;
        assert_eq!(closed.status.as_u16(), status, "{outcome}: {}", closed.text);
    }
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_host_gets_an_account_for_payouts(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    let open = async || {
        let call = app.post("/v1/me/payout_account").by(OTHER_HOST);
        let body = json!({"return_url": "https://tickets.example.org/host"});
        call.json(&body).send().await.expect(200)
    };
    let account = open().await;
    assert_eq!(account["is_ready"], true);
    assert_eq!(open().await["destination"], account["destination"]);
    let linked = |host: &Value| host["payout_destination"] == account["destination"];
    app.eventually(OTHER_HOST, "/v1/me/host", linked).await;
    app.stop().await;
}
