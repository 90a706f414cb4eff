//! Places at work: each is told of the newest checkpoint at its own pace, and none waits for another.

use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;
use futures::future::join_all;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use super::bucket::Bucket;
use super::directory::Directory;
use super::webhook::Webhook;
use super::{Destination, PublishError, client};
use crate::keeper::{NotaryLimits, SignedCheckpoint};

/// How notes are sent.
pub(super) const NOTE_TYPE: &str = "text/plain; charset=utf-8";
/// The wait after a first failure; it doubles from there.
const BACK_OFF_FIRST: Duration = Duration::from_secs(1);
/// A folder is told this often: it costs nothing but the disk.
const DIRECTORY_INTERVAL: Duration = Duration::from_secs(1);

/// A checkpoint on its way out.
pub(super) struct Publication {
    pub(super) size: u64,
    pub(super) note: String,
    pub(super) signed_at: Timestamp,
}

impl Publication {
    /// The name of the newest, as `tlog-tiles` has it.
    pub(super) const LATEST: &str = "checkpoint";

    /// The name of one that stays. It sorts by size.
    pub(super) fn lasting(&self) -> String {
        format!("checkpoints/{}/{:020}", self.signed_at.format("%Y-%m-%d"), self.size)
    }

    /// One of each minute stays.
    fn minute(&self) -> i64 {
        self.signed_at.timestamp().div_euclid(60)
    }
}

impl From<&SignedCheckpoint> for Publication {
    fn from(signed: &SignedCheckpoint) -> Self {
        Self {
            size: signed.size,
            note: signed.note.clone(),
            signed_at: signed.signed_at,
        }
    }
}

enum Kind {
    Directory(Directory),
    Bucket(Bucket),
    Webhook(Webhook),
}

struct Place {
    kind: Kind,
    interval: Duration,
}

impl Place {
    fn new(destination: &Destination, limits: &NotaryLimits) -> Self {
        let kind = match destination.clone() {
            Destination::Directory(path) => Kind::Directory(Directory::new(path)),
            Destination::Bucket(settings) => Kind::Bucket(Bucket::new(settings, client(limits.answer))),
            Destination::Webhook(url) => Kind::Webhook(Webhook::new(url, client(limits.answer))),
        };
        let interval = match &kind {
            Kind::Directory(_) => limits.publish.min(DIRECTORY_INTERVAL),
            Kind::Bucket(_) | Kind::Webhook(_) => limits.publish,
        };
        Self { kind, interval }
    }

    fn name(&self) -> String {
        match &self.kind {
            Kind::Directory(directory) => directory.name(),
            Kind::Bucket(bucket) => bucket.name(),
            Kind::Webhook(webhook) => webhook.name(),
        }
    }

    const fn label(&self) -> &'static str {
        match &self.kind {
            Kind::Directory(_) => "directory",
            Kind::Bucket(_) => "bucket",
            Kind::Webhook(_) => "webhook",
        }
    }

    /// What is there now. A webhook keeps nothing.
    async fn read(&self) -> Result<Option<String>, PublishError> {
        match &self.kind {
            Kind::Directory(directory) => directory.read().await,
            Kind::Bucket(bucket) => bucket.read().await,
            Kind::Webhook(_) => Ok(None),
        }
    }

    async fn write(&self, publication: &Publication, stays: bool) -> Result<(), PublishError> {
        match &self.kind {
            Kind::Directory(directory) => directory.write(publication, stays).await,
            Kind::Bucket(bucket) => bucket.write(publication, stays).await,
            Kind::Webhook(webhook) => webhook.post(publication).await,
        }
    }
}

/// All places.
pub(crate) struct Places {
    all: Vec<Arc<Place>>,
    answer: Duration,
    back_off: Duration,
}

/// What a place has, beside the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Found {
    BorneOut,
    Contradicting,
    /// Nobody can tell now.
    NotComparable,
}

/// What a place is checked against before anything there is overwritten.
pub(crate) type Check = Arc<dyn Fn(String, String) -> futures::future::BoxFuture<'static, Found> + Send + Sync>;

impl Places {
    pub(crate) fn new(destinations: &[Destination], limits: &NotaryLimits) -> Self {
        let places = destinations.iter().map(|one| Arc::new(Place::new(one, limits)));
        Self {
            all: places.collect(),
            answer: limits.answer,
            back_off: limits.back_off,
        }
    }

    /// The newest checkpoint at each place that can be reached now, with the place's name.
    pub(crate) async fn read_all(&self) -> Vec<(String, String)> {
        let reads = self.all.iter().map(|place| async {
            match self.in_time(place.read()).await {
                Ok(note) => note.map(|note| (place.name(), note)),
                Err(error) => {
                    warn!("what was published {} cannot be read now: {error}", place.name());
                    None
                }
            }
        });
        join_all(reads).await.into_iter().flatten().collect()
    }

    /// Tells every place of what is signed.
    pub(crate) fn start(
        &self,
        signed: &watch::Receiver<Option<Arc<SignedCheckpoint>>>,
        check: &Check,
        tracker: &TaskTracker,
        cancel: &CancellationToken,
    ) {
        for place in &self.all {
            let told = Told {
                place: Arc::clone(place),
                signed: signed.clone(),
                check: Arc::clone(check),
                answer: self.answer,
                back_off: self.back_off,
            };
            let cancel = cancel.clone();
            tracker.spawn(async move {
                let _cut = cancel.run_until_cancelled(told.run()).await;
            });
        }
    }

    async fn in_time<T>(&self, step: impl Future<Output = Result<T, PublishError>>) -> Result<T, PublishError> {
        in_time(self.answer, step).await
    }
}

async fn in_time<T>(limit: Duration, step: impl Future<Output = Result<T, PublishError>>) -> Result<T, PublishError> {
    let late = || PublishError::Unanswered("no answer in time".to_owned());
    timeout(limit, step).await.map_err(|_| late())?
}

/// One place that is told.
struct Told {
    place: Arc<Place>,
    signed: watch::Receiver<Option<Arc<SignedCheckpoint>>>,
    check: Check,
    answer: Duration,
    back_off: Duration,
}

impl Told {
    async fn run(mut self) {
        let (mut failures, mut is_checked, mut minute) = (0_u32, false, None);
        loop {
            if failures == 0 && self.signed.changed().await.is_err() {
                return;
            }
            let Some(signed) = self.signed.borrow_and_update().clone() else {
                continue;
            };
            let publication = Publication::from(&*signed);
            let stays = minute != Some(publication.minute());
            let told = self.tell(&publication, stays, &mut is_checked).await;
            let label = self.place.label();
            let pause = match told {
                Ok(()) => {
                    if failures > 0 {
                        info!("checkpoints are published {} again", self.place.name());
                    }
                    (failures, minute) = (0, Some(publication.minute()));
                    metrics::gauge!("notary_published_size", "place" => label).set(as_gauge(publication.size));
                    self.place.interval
                }
                Err(error) => {
                    if failures == 0 {
                        warn!("checkpoints are not published {}: {error}", self.place.name());
                    }
                    metrics::counter!("notary_publish_failures_total", "place" => label).increment(1);
                    let pause = BACK_OFF_FIRST.saturating_mul(1 << failures.min(16)).min(self.back_off);
                    failures = failures.saturating_add(1);
                    pause
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// The first time, looks at what is there: it is not overwritten by something that contradicts it.
    async fn tell(
        &self,
        publication: &Publication,
        mut stays: bool,
        is_checked: &mut bool,
    ) -> Result<(), PublishError> {
        if !*is_checked {
            if let Some(note) = in_time(self.answer, self.place.read()).await? {
                // One that stays is never written again.
                stays &= note.lines().nth(1) != Some(publication.size.to_string().as_str());
                let unusable = match (self.check)(self.place.name(), note).await {
                    Found::BorneOut => None,
                    Found::Contradicting => Some("has a checkpoint of another log"),
                    Found::NotComparable => Some("has a checkpoint that cannot be compared with the log now"),
                };
                if let Some(why) = unusable {
                    return Err(PublishError::Unusable(why.to_owned()));
                }
            }
            *is_checked = true;
        }
        in_time(self.answer, self.place.write(publication, stays)).await
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float; exact to 2^53")]
const fn as_gauge(count: u64) -> f64 {
    count as f64
}
