//! Against `stripe-mock`, which Stripe makes of its own description of the API: every request has the shape that the pinned
//! version wants, and every answer of that version can be read. It keeps no state; behaviour is the fake's part.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::*;
use crate::stripe::client::Client;
use crate::stripe::{accounts, intents};

const START_LIMIT: Duration = Duration::from_secs(30);
/// It takes any key of this form.
const KEY: &str = "sk_test_123";

/// Ends when dropped.
struct Mock {
    process: Child,
    url: String,
}

impl Drop for Mock {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// With `-strict-version-check` it refuses any version but its own: that one is ours.
async fn start_mock() -> Mock {
    let program = std::env::var_os("STRIPE_MOCK").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../.tools/bin/stripe-mock"),
        PathBuf::from,
    );
    let (http, https) = (free_address(), free_address());
    let process = Command::new(program)
        .args(["-http-addr", &http, "-https-addr", &https, "-strict-version-check"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("stripe-mock, which `scripts/setup test` installs");
    let mut mock = Mock {
        process,
        url: format!("http://{http}"),
    };
    let began = std::time::Instant::now();
    while tokio::net::TcpStream::connect(&http).await.is_err() {
        assert!(began.elapsed() < START_LIMIT, "{:?}", mock.process.try_wait());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    mock
}

fn real_config(url: &str) -> StripeConfig {
    StripeConfig {
        secret_key: SecretString::from(KEY),
        attempt_timeout: Duration::from_secs(10),
        ..config(url)
    }
}

/// One test, since the mock takes seconds to start.
#[tokio::test]
async fn every_request_has_the_shape_that_the_pinned_version_wants() {
    let mock = start_mock().await;
    let stripe = Stripe::new(real_config(&mock.url)).unwrap();
    let intent = stripe.create_intent(intent_request(1)).await.unwrap();
    assert!(intent.provider_ref.starts_with("pi_"));
    assert!(!intent.client_secret.is_empty());
    stripe.find_payment(&intent.provider_ref).await.unwrap();
    stripe
        .cancel_intent(cancel_request(1, Some(&intent.provider_ref)))
        .await
        .unwrap();
    let client = Client::new(&real_config(&mock.url)).unwrap();
    intents::search(&client, &intent_request(1)).await.unwrap();
    let refund = stripe.refund(refund_request(1, 1, &intent, 400)).await.unwrap();
    assert!(refund.provider_ref.starts_with("re_"));
    let transfer = stripe.create_transfer(transfer_request(1, 400)).await.unwrap();
    assert!(transfer.provider_ref.starts_with("tr_"));
    let account = stripe.open_account(account_request(None)).await.unwrap();
    assert!(account.destination.starts_with("acct_"));
    let known = account_request(Some(&account.destination));
    stripe.open_account(known).await.unwrap();
    let link = accounts::onboarding_link(&client, &account.destination, "https://tickets.example.org/");
    assert!(link.await.unwrap().starts_with("https://"));
    // Lists, from the beginning and after a cursor.
    let page = stripe.list_events(None, 100).await.unwrap();
    assert!(!page.events.is_empty());
    stripe.list_events(Some("evt_1"), 100).await.unwrap();
    stripe.list_statement(None, 100).await.unwrap();
    stripe.list_statement(Some("txn_1"), 100).await.unwrap();
}

/// The mock does look: what would be wrong at Stripe is wrong there.
#[tokio::test]
async fn the_mock_refuses_what_has_another_shape() {
    let mock = start_mock().await;
    let client = Client::new(&real_config(&mock.url)).unwrap();
    let fields = vec![crate::stripe::client::field("no_such_field", "1")];
    let refused = client
        .post::<serde_json::Value>("test", "/v1/payment_intents", &fields, None)
        .await;
    assert!(
        matches!(refused, Err(crate::stripe::StripeError::Refused { .. })),
        "an unknown parameter went through"
    );
}
