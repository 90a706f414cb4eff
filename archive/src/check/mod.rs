//! The verdict on a bundle: every hash is computed anew, from the first event on.
//!
//! Segments are worked on side by side. Each begins with what the manifest says of the one before it, whose own check bears that
//! out or names where it does not; results are taken in order, so what is named first is first in the log.

mod evidence;
mod files;
mod segment;
mod verdict;

use std::io::ErrorKind;
use std::num::NonZero;
use std::pin::pin;
use std::sync::Arc;
use std::thread;

use event_log::stretches::RawEvent;
use futures::stream::{self, Stream, StreamExt as _};
use tokio::task::spawn_blocking;

use crate::format::HeadEntry;
use crate::{ArchiveError, Bundle};

use evidence::Evidence;
pub use evidence::Trust;
pub(crate) use segment::Piece;
use verdict::Trouble;
pub use verdict::{Flaw, Summary, Verdict, Vouched};

/// Segments in work at once, at most: each takes as much memory as two of them have text.
const SIDE_BY_SIDE_MAX: usize = 8;

/// Checks the whole bundle, and holds it against what is trusted.
pub async fn verify(bundle: &Arc<Bundle>, trust: &Trust) -> Result<Verdict, ArchiveError> {
    check(bundle, trust, |(): &mut (), _: &RawEvent<'_>| {}, async |()| Ok(())).await
}

/// Checks the whole bundle, and hands its events on: each segment is folded into a value of its own while it is checked, and
/// the values of those that hold are taken in the order of the log. What was taken before a flaw was found is worth nothing: the
/// caller drops it when the verdict says so.
pub async fn check<T, S>(
    bundle: &Arc<Bundle>,
    trust: &Trust,
    show: S,
    take: impl AsyncFnMut(T) -> Result<(), ArchiveError>,
) -> Result<Verdict, ArchiveError>
where
    T: Default + Send + 'static,
    S: Fn(&mut T, &RawEvent<'_>) + Clone + Send + 'static,
{
    match walk(bundle, trust, show, take).await {
        Ok(summary) => Ok(Verdict::Verified(summary)),
        Err(Trouble::Flaw(flaw)) => Ok(Verdict::Broken(flaw)),
        Err(Trouble::Archive(error)) => Err(error),
    }
}

async fn walk<T, S>(
    bundle: &Arc<Bundle>,
    trust: &Trust,
    show: S,
    mut take: impl AsyncFnMut(T) -> Result<(), ArchiveError>,
) -> Result<Summary, Trouble>
where
    T: Default + Send + 'static,
    S: Fn(&mut T, &RawEvent<'_>) + Clone + Send + 'static,
{
    let (shared, trust) = (Arc::clone(bundle), trust.clone());
    let mut evidence = blocking(move || Evidence::open(&shared, &trust)).await?;
    let mut pieces = pin!(pieces(bundle, show));
    let mut head = HeadEntry::default();
    let mut recorded_at = i64::MIN;
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        let (first, last) = piece.times.unwrap_or((recorded_at, recorded_at));
        if first < recorded_at {
            return Err(Flaw::at(head.position + 1, segment::TIME_GOES_BACK).into());
        }
        recorded_at = last;
        if evidence.is_awaited() {
            let leaves = piece.leaves;
            evidence = blocking(move || evidence.extend(&leaves).map(|()| evidence)).await?;
        }
        head = piece.reached?;
        take(piece.value).await?;
    }
    let (vouched, of_evidence) = evidence.finish(head.position)?;
    let shared = Arc::clone(bundle);
    let of_files = blocking(move || Ok(files::check(&shared, head)?)).await?;
    let (of_log, beside) = of_files.map_or((None, None), |flaw| match flaw.position {
        Some(_) => (Some(flaw), None),
        None => (None, Some(flaw)),
    });
    if let Some(flaw) = of_log.or(of_evidence).or(beside) {
        return Err(flaw.into());
    }
    Ok(Summary {
        events: head.position,
        head,
        vouched,
    })
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Trouble> + Send + 'static) -> Result<T, Trouble> {
    spawn_blocking(work).await.map_err(|_| ArchiveError::Panicked)?
}

fn pieces<T, S>(bundle: &Arc<Bundle>, show: S) -> impl Stream<Item = Result<Piece<T>, ArchiveError>>
where
    T: Default + Send + 'static,
    S: Fn(&mut T, &RawEvent<'_>) + Clone + Send + 'static,
{
    let side_by_side = thread::available_parallelism().map_or(1, NonZero::get);
    let bundle = Arc::clone(bundle);
    let works = (0..bundle.manifest().segments.len()).map(move |nth| {
        let (bundle, show) = (Arc::clone(&bundle), show.clone());
        spawn_blocking(move || segment::check(&bundle, nth, show))
    });
    let done = stream::iter(works).buffered(side_by_side.min(SIDE_BY_SIDE_MAX));
    done.map(|piece| piece.map_err(|_| ArchiveError::Panicked)?)
}

/// Whether it is about the bundle, and not about the machine it is read on.
fn is_of_the_bundle(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::NotFound
            | ErrorKind::UnexpectedEof
            | ErrorKind::InvalidData
            | ErrorKind::InvalidInput
            | ErrorKind::Other
            | ErrorKind::FileTooLarge
    )
}
