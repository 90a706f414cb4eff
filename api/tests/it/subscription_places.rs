//! Webhooks out: which places are never called, and who delivers where there are several nodes.

use std::time::{Duration, Instant};

use outbound::webhooks::WebhookSettings;
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::subscriptions::{path, settings, start, subscribe, tell};
use crate::support::{ADMIN, BOB, HOST, Mood, Receiver, text};

#[sqlx::test(migrations = "../migrations")]
async fn a_redirect_is_not_followed(_: PgPoolOptions, options: PgConnectOptions) {
    let app = start(options, settings()).await;
    let (receiver, elsewhere) = (Receiver::start().await, Receiver::start().await);
    receiver.becomes(Mood::Redirects(elsewhere.url.clone()));
    let subscription = subscribe(&app, &receiver, json!({})).await;
    app.approve(HOST).await;
    let read = app
        .eventually(ADMIN, &path(&subscription), |body| body["failures"] != 0)
        .await;
    assert!(text(&read["last_error"]).contains("307"), "{read}");
    assert!(elsewhere.seen().is_empty());
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn nothing_near_the_server_is_called_unless_the_operator_allows_it(_: PgPoolOptions, options: PgConnectOptions) {
    let app = start(options.clone(), settings()).await;
    let receiver = Receiver::start().await;
    let subscription = subscribe(&app, &receiver, json!({})).await;
    tell(&app, &subscription, "pause", json!({})).await;
    app.approve(HOST).await;
    app.stop().await;
    // The operator has changed their mind: what is stored is judged again.
    let strict = WebhookSettings {
        allow_private: false,
        ..settings()
    };
    let app = start(options, strict).await;
    tell(&app, &subscription, "resume", json!({})).await;
    let read = app
        .eventually(ADMIN, &path(&subscription), |body| body["failures"] != 0)
        .await;
    assert!(text(&read["last_error"]).contains("must be https"), "{read}");
    assert!(receiver.seen().is_empty());
    for url in [
        "https://127.0.0.1/",
        "https://localhost/",
        "https://10.1.2.3/",
        "https://[::1]/",
        "http://hooks.example.org/",
    ] {
        let answer = app
            .post("/v1/subscriptions")
            .by(ADMIN)
            .json(&json!({"url": url}))
            .send()
            .await;
        answer.expect_problem(422, "invalid_field");
        assert_eq!(answer.pointer(), Some("/url"), "{url}");
    }
    app.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn of_two_nodes_one_delivers_and_the_other_goes_on_after_it(_: PgPoolOptions, options: PgConnectOptions) {
    let first = start(options.clone(), settings()).await;
    let receiver = Receiver::start().await;
    let subscription = subscribe(&first, &receiver, json!({})).await;
    let second = start(options, settings()).await;
    first.schedule(HOST, "room", |_| {}).await;
    let head = first.head().await;
    let is_told = |body: &Value| body["position"] == head;
    first.eventually(ADMIN, &path(&subscription), is_told).await;
    assert_eq!(receiver.seen().len() as u64, head, "nothing came twice");
    first.stop().await;
    let deadline = Instant::now() + Duration::from_secs(20);
    let approve = format!("/v1/hosts/{}/approve", BOB.id);
    while second.post(approve.clone()).by(ADMIN).send().await.status != 200 {
        assert!(Instant::now() < deadline, "nobody leads");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let head = second.head().await;
    receiver
        .until("the rest is told", |receiver| {
            receiver.positions().last() == Some(&head)
        })
        .await;
    assert_eq!(receiver.positions(), (1..=head).collect::<Vec<_>>());
    second.stop().await;
}
