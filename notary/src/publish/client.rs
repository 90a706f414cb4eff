//! HTTP to places and witnesses: limited in time and in what is read.

use std::error::Error as _;
use std::time::Duration;

use reqwest::Response;
use reqwest::redirect::Policy;
use tracing::warn;

use super::PublishError;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const IDLE_TIMEOUT: Duration = Duration::from_mins(1);
/// No checkpoint with all its signatures is longer.
const BODY_MAX: usize = 256 << 10;
/// Messages of its chain of causes that are kept of a failure.
const CAUSES_MAX: usize = 4;

/// A client that goes where it is told and nowhere else.
pub(crate) fn client(answer_limit: Duration) -> reqwest::Client {
    // An error says that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = || {
        reqwest::Client::builder()
            .user_agent(concat!("boxoffice/", env!("CARGO_PKG_VERSION")))
            .timeout(answer_limit)
            .connect_timeout(CONNECT_TIMEOUT.min(answer_limit))
            .pool_idle_timeout(IDLE_TIMEOUT)
            .redirect(Policy::none())
    };
    builder().build().unwrap_or_else(|error| {
        warn!("this machine's CA certificates cannot be read: checkpoints over https will fail. {error}");
        let without = builder().tls_certs_only([]).build();
        without.expect("a client with a crypto provider and without certificates to load can be built")
    })
}

/// The body as text, if it is not longer than anything of ours.
pub(crate) async fn text_of(mut response: Response) -> Result<String, PublishError> {
    let mut body = vec![];
    while let Some(chunk) = response.chunk().await.map_err(|error| unanswered(&error))? {
        if body.len() + chunk.len() > BODY_MAX {
            return Err(PublishError::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    String::from_utf8(body).map_err(|_| PublishError::Unusable("answers with something that is no text".to_owned()))
}

/// The causes say what went wrong; the URL may hold a secret.
pub(super) fn unanswered(error: &reqwest::Error) -> PublishError {
    let mut causes = vec![];
    let mut next = error.source();
    while let Some(cause) = next.filter(|_| causes.len() < CAUSES_MAX) {
        causes.push(cause.to_string());
        next = cause.source();
    }
    if error.is_timeout() {
        causes.insert(0, "no answer in time".to_owned());
    }
    PublishError::Unanswered(causes.join(": "))
}

impl From<reqwest::Error> for PublishError {
    fn from(error: reqwest::Error) -> Self {
        unanswered(&error)
    }
}
