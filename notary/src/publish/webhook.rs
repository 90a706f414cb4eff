//! A system that is told of checkpoints. The note is its own proof of who sent it.

use reqwest::Url;
use reqwest::header::CONTENT_TYPE;

use super::PublishError;
use super::place::{NOTE_TYPE, Publication};

pub(super) struct Webhook {
    url: Url,
    client: reqwest::Client,
}

impl Webhook {
    pub(super) const fn new(url: Url, client: reqwest::Client) -> Self {
        Self { url, client }
    }

    /// Without what may be a token.
    pub(super) fn name(&self) -> String {
        format!("at {}", self.url.origin().ascii_serialization())
    }

    /// Any 2xx takes it.
    pub(super) async fn post(&self, publication: &Publication) -> Result<(), PublishError> {
        let request = self.client.post(self.url.clone()).header(CONTENT_TYPE, NOTE_TYPE);
        let response = request.body(publication.note.clone()).send().await?;
        let status = response.status();
        if status.is_success() {
            Ok(())
        } else {
            Err(PublishError::Status(status))
        }
    }
}
