//! An S3-compatible bucket.

use std::fmt;
use std::sync::Arc;

use event_log::Clock;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Method, StatusCode, Url};
use secrecy::SecretString;

use super::place::{NOTE_TYPE, Publication};
use super::sigv4::{Access, sign};
use super::{PublishError, client};

/// Which bucket, and who may write to it.
#[derive(Clone)]
pub struct BucketSettings {
    /// The bucket, and in it a folder: `https://s3.eu-central-1.amazonaws.com/our-bucket/log`. Objects are addressed below it.
    pub url: Url,
    pub region: String,
    pub access_key_id: String,
    pub secret_access_key: SecretString,
    /// Requests are dated: S3 refuses what is 15 minutes off.
    pub clock: Arc<dyn Clock>,
}

impl fmt::Debug for BucketSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BucketSettings")
            .field("url", &self.url.as_str())
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

pub(super) struct Bucket {
    settings: BucketSettings,
    client: reqwest::Client,
}

impl Bucket {
    pub(super) const fn new(settings: BucketSettings, client: reqwest::Client) -> Self {
        Self { settings, client }
    }

    pub(super) fn name(&self) -> String {
        format!("in bucket {}", self.settings.url)
    }

    pub(super) async fn read(&self) -> Result<Option<String>, PublishError> {
        let response = self.send(Method::GET, Publication::LATEST, String::new()).await?;
        match response.status() {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => client::text_of(response).await.map(Some),
            status => Err(PublishError::Status(status)),
        }
    }

    pub(super) async fn write(&self, publication: &Publication, stays: bool) -> Result<(), PublishError> {
        if stays {
            self.put(&publication.lasting(), &publication.note).await?;
        }
        self.put(Publication::LATEST, &publication.note).await
    }

    async fn put(&self, name: &str, note: &str) -> Result<(), PublishError> {
        let response = self.send(Method::PUT, name, note.to_owned()).await?;
        let status = response.status();
        if status.is_success() {
            Ok(())
        } else {
            Err(PublishError::Status(status))
        }
    }

    async fn send(&self, method: Method, name: &str, body: String) -> Result<reqwest::Response, PublishError> {
        let settings = &self.settings;
        let mut url = settings.url.clone();
        let path = format!("{}/{name}", url.path().trim_end_matches('/'));
        url.set_path(&path);
        let mut headers = HeaderMap::new();
        if method == Method::PUT {
            headers.insert(CONTENT_TYPE, reqwest::header::HeaderValue::from_static(NOTE_TYPE));
        }
        let access = Access {
            key_id: &settings.access_key_id,
            secret: &settings.secret_access_key,
            region: &settings.region,
        };
        sign(
            &access,
            settings.clock.now(),
            &method,
            &url,
            &mut headers,
            body.as_bytes(),
        )?;
        let request = self.client.request(method, url).headers(headers).body(body);
        Ok(request.send().await?)
    }
}
