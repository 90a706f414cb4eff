//! Tokens: ours are accepted; forged, foreign, early and expired ones are not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::{MethodRouter, get};
use chrono::{DateTime, TimeDelta, Utc};
use domain::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use super::jwks::JwksError;
use super::{Auth, AuthError, JwksConfig, Role, SubjectIds, mint_development_token};

const HOUR: Duration = Duration::from_hours(1);
const USER: &str = "0192f000-0000-7000-8000-000000000001";
const ISSUER: &str = "https://id.example";
const AUDIENCE: &str = "boxoffice";
const ES256: &[u8] = include_bytes!("testing/es256.pem");
const RS256: &[u8] = include_bytes!("testing/rs256.pem");
const JWKS: &str = include_str!("testing/jwks.json");

fn now() -> Timestamp {
    DateTime::<Utc>::from_timestamp(1_800_000_000, 0).unwrap()
}

fn secret() -> SecretString {
    "a development secret of some length".into()
}

fn minted(subject: &str, roles: &[Role]) -> String {
    mint_development_token(&secret(), subject, roles, HOUR, now()).unwrap()
}

async fn verify(token: &str, at: Timestamp) -> Result<super::Identity, AuthError> {
    Auth::development(&secret()).verify(token, at).await
}

/// Signs with the development secret whatever is asked.
fn signed(header: &Header, claims: &Value) -> String {
    use secrecy::ExposeSecret;
    super::verifier::install_crypto();
    let key = EncodingKey::from_secret(secret().expose_secret().as_bytes());
    jsonwebtoken::encode(header, claims, &key).unwrap()
}

fn claims() -> Value {
    json!({"iss": "boxoffice-development", "aud": "boxoffice", "sub": USER, "exp": now().timestamp() + 60})
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

#[tokio::test]
async fn a_minted_token_speaks_for_its_subject_and_roles() {
    let identity = verify(&minted(USER, &[Role::Finance]), now()).await.unwrap();
    assert_eq!(identity.subject.own_id.unwrap().to_string(), USER);
    assert!(identity.roles.contains(Role::Finance));
    assert!(!identity.roles.contains(Role::Admin));
}

#[tokio::test]
async fn a_subject_that_is_no_uuid_always_means_the_same_user() {
    let alice = verify(&minted("alice", &[]), now()).await.unwrap();
    let again = verify(&minted("alice", &[]), now()).await.unwrap();
    let bob = verify(&minted("bob", &[]), now()).await.unwrap();
    assert_eq!(alice.subject, again.subject);
    assert_ne!(alice.subject.own_id, bob.subject.own_id);
}

#[tokio::test]
async fn an_expired_token_is_refused_as_expired() {
    let at = now() + TimeDelta::hours(1) + TimeDelta::seconds(6);
    let refused = verify(&minted(USER, &[]), at).await;
    assert!(matches!(refused, Err(AuthError::Expired)), "{refused:?}");
}

#[tokio::test]
async fn a_token_of_another_secret_is_refused() {
    let token = mint_development_token(&"another secret".into(), USER, &[Role::Admin], HOUR, now()).unwrap();
    assert!(matches!(verify(&token, now()).await, Err(AuthError::Invalid)));
}

#[tokio::test]
async fn a_token_without_signature_is_refused() {
    // {"alg":"none","typ":"JWT"} with the claims of a good token.
    let good = minted(USER, &[Role::Admin]);
    let payload = good.split('.').nth(1).unwrap();
    for header in ["eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0", "eyJhbGciOiJOb25lIn0"] {
        for forged in [format!("{header}.{payload}."), format!("{header}.{payload}")] {
            assert!(
                matches!(verify(&forged, now()).await, Err(AuthError::Invalid)),
                "{forged}"
            );
        }
    }
}

#[tokio::test]
async fn changed_claims_are_refused() {
    let good = minted(USER, &[]);
    let admin = minted(USER, &[Role::Admin]);
    let parts: Vec<_> = good.split('.').collect();
    let forged = format!("{}.{}.{}", parts[0], admin.split('.').nth(1).unwrap(), parts[2]);
    assert!(matches!(verify(&forged, now()).await, Err(AuthError::Invalid)));
}

#[tokio::test]
async fn wrong_claims_are_refused() {
    let cases = [
        with("iss", json!("somebody else")),
        with("aud", json!("another application")),
        with("nbf", json!(now().timestamp() + 60)),
        with("sub", json!("")),
        with("sub", json!("x".repeat(300))),
        with("exp", Value::Null),
        with("roles", json!("admin")),
    ];
    for claims in cases {
        let token = signed(&Header::new(Algorithm::HS256), &claims);
        let refused = verify(&token, now()).await;
        assert!(matches!(refused, Err(AuthError::Invalid)), "{claims}");
    }
    let good = signed(&Header::new(Algorithm::HS256), &claims());
    assert!(verify(&good, now()).await.is_ok());
}

#[tokio::test]
async fn another_hash_than_the_agreed_one_is_refused() {
    let token = signed(&Header::new(Algorithm::HS512), &claims());
    assert!(matches!(verify(&token, now()).await, Err(AuthError::Invalid)));
}

#[tokio::test]
async fn rubbish_is_refused() {
    for token in ["", ".", "..", "a.b.c", &"x".repeat(20_000)] {
        assert!(matches!(verify(token, now()).await, Err(AuthError::Invalid)));
    }
}

#[tokio::test]
async fn roles_of_other_applications_are_ignored() {
    let claims = with("roles", json!(["superuser", "analyst", "ADMIN"]));
    let identity = verify(&signed(&Header::new(Algorithm::HS256), &claims), now())
        .await
        .unwrap();
    assert_eq!(identity.roles, [Role::Analyst].into_iter().collect());
}

/// An identity provider that counts how often its keys are asked for.
async fn identity_provider(tracker: &TaskTracker) -> (Auth, Arc<AtomicUsize>) {
    let _ = rustls_provider();
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let keys = get(move || {
        counter.fetch_add(1, Ordering::SeqCst);
        async { ([("content-type", "application/json")], JWKS) }
    });
    (serve_keys(tracker, keys).await, asked)
}

async fn serve_keys(tracker: &TaskTracker, keys: MethodRouter) -> Auth {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    let app = Router::new().route("/keys", keys);
    tracker.spawn(async move { axum::serve(listener, app).await });
    let (issuer, audience) = (ISSUER.to_owned(), AUDIENCE.to_owned());
    Auth::jwks(JwksConfig {
        url,
        issuer,
        audience,
        ids: SubjectIds::AsTheyAre,
    })
    .unwrap()
}

fn rustls_provider() -> Result<(), Arc<rustls::crypto::CryptoProvider>> {
    rustls::crypto::ring::default_provider().install_default()
}

fn published(kid: &str, algorithm: Algorithm, key: &EncodingKey) -> String {
    let claims = json!({"iss": ISSUER, "aud": [AUDIENCE], "sub": USER, "exp": now().timestamp() + 60});
    let header = Header {
        kid: Some(kid.to_owned()),
        ..Header::new(algorithm)
    };
    jsonwebtoken::encode(&header, &claims, key).unwrap()
}

#[tokio::test]
async fn keys_of_an_identity_provider_are_fetched_once() {
    let tracker = TaskTracker::new();
    let (auth, asked) = identity_provider(&tracker).await;
    let es = published("es", Algorithm::ES256, &EncodingKey::from_ec_pem(ES256).unwrap());
    let rs = published("rs", Algorithm::RS256, &EncodingKey::from_rsa_pem(RS256).unwrap());
    for token in [&es, &rs, &es] {
        assert_eq!(
            auth.verify(token, now())
                .await
                .unwrap()
                .subject
                .own_id
                .unwrap()
                .to_string(),
            USER
        );
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_published_key_is_good_for_its_own_algorithm_only() {
    let tracker = TaskTracker::new();
    let (auth, asked) = identity_provider(&tracker).await;
    let es = EncodingKey::from_ec_pem(ES256).unwrap();
    // A public key is no secret: whoever signs with it as one is refused.
    let public_as_secret = EncodingKey::from_secret(JWKS.as_bytes());
    let shared = EncodingKey::from_secret(b"secret");
    let forged = [
        published("rs", Algorithm::ES256, &es),
        published("es", Algorithm::HS256, &public_as_secret),
        published("secret", Algorithm::HS256, &shared),
        published("unknown", Algorithm::ES256, &es),
        published("unheard of", Algorithm::ES256, &es),
    ];
    for token in forged {
        assert!(matches!(auth.verify(&token, now()).await, Err(AuthError::Invalid)));
    }
    assert_eq!(
        asked.load(Ordering::SeqCst),
        1,
        "unknown keys are not asked for again at once"
    );
}

#[tokio::test]
async fn an_identity_provider_that_is_away_is_no_verdict_on_the_token() {
    let _ = rustls_provider();
    let (issuer, audience) = (ISSUER.to_owned(), AUDIENCE.to_owned());
    let url = "http://127.0.0.1:1/keys".to_owned();
    let auth = Auth::jwks(JwksConfig {
        url,
        issuer,
        audience,
        ids: SubjectIds::AsTheyAre,
    })
    .unwrap();
    let token = published("es", Algorithm::ES256, &EncodingKey::from_ec_pem(ES256).unwrap());
    for _ in 0..2 {
        let refused = auth.verify(&token, now()).await;
        assert!(matches!(refused, Err(AuthError::KeysUnavailable(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn a_key_set_without_an_end_is_not_read_to_it() {
    let _ = rustls_provider();
    let tracker = TaskTracker::new();
    let spaces = || futures::stream::repeat_with(|| Ok::<_, std::io::Error>(" ".repeat(8 * 1024)));
    let keys = get(async move || Body::from_stream(spaces()));
    let auth = serve_keys(&tracker, keys).await;
    let token = published("es", Algorithm::ES256, &EncodingKey::from_ec_pem(ES256).unwrap());
    let refused = auth.verify(&token, now()).await;
    assert!(
        matches!(refused, Err(AuthError::KeysUnavailable(JwksError::TooLarge))),
        "{refused:?}"
    );
}

async fn contact(claims: &Value) -> Option<String> {
    let identity = verify(&signed(&Header::default(), claims), now()).await.unwrap();
    let contact = identity.contact?;
    contact.email.as_ref().map(|email| email.reveal().to_owned())
}

#[tokio::test]
async fn an_address_counts_when_the_provider_has_verified_it() {
    let mut claims = with("email", "bo@example.org".into());
    assert_eq!(contact(&claims).await, None, "nobody says that it is verified");
    for (verified, expected) in [
        (json!(true), Some("bo@example.org")),
        (json!("true"), Some("bo@example.org")),
        (json!(false), None),
        (json!("false"), None),
        (json!(null), None),
    ] {
        claims["email_verified"] = verified;
        assert_eq!(contact(&claims).await.as_deref(), expected, "{claims}");
    }
    claims["email_verified"] = json!(true);
    for email in [
        json!("nobody"),
        json!(null),
        json!(7),
        json!("a@b.example\r\nBcc: c@d.example"),
    ] {
        claims["email"] = email;
        assert_eq!(contact(&claims).await, None, "{claims}");
    }
}

#[tokio::test]
async fn a_token_tells_how_its_person_is_reached_once() {
    let auth = Auth::development(&secret());
    let mut claims = with("email", "bo@example.org".into());
    claims["email_verified"] = json!(true);
    let token = signed(&Header::default(), &claims);
    assert!(auth.verify(&token, now()).await.unwrap().contact.is_some());
    assert!(auth.verify(&token, now()).await.unwrap().contact.is_none());
}
