//! The verdict on a bundle: every hash is computed anew, from the first event on.
//!
//! Segments are worked on side by side. Each begins with what the manifest says of the one before it, whose own check bears that
//! out or names where it does not; results are taken in order, so what is named first is first in the log.

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

pub(crate) use segment::Piece;
pub use verdict::{Flaw, Summary, Verdict};

/// Segments in work at once, at most: each takes as much memory as two of them have text.
const SIDE_BY_SIDE_MAX: usize = 8;

/// Checks the whole bundle.
pub async fn verify(bundle: &Arc<Bundle>) -> Result<Verdict, ArchiveError> {
    check(bundle, |(): &mut (), _: &RawEvent<'_>| {}, async |()| Ok(())).await
}

/// Checks the whole bundle, and hands its events on: each segment is folded into a value of its own while it is checked, and
/// the values of those that hold are taken in the order of the log. What was taken before a flaw was found is worth nothing: the
/// caller drops it when the verdict says so.
pub async fn check<T, S>(
    bundle: &Arc<Bundle>,
    show: S,
    mut take: impl AsyncFnMut(T) -> Result<(), ArchiveError>,
) -> Result<Verdict, ArchiveError>
where
    T: Default + Send + 'static,
    S: Fn(&mut T, &RawEvent<'_>) + Clone + Send + 'static,
{
    let mut pieces = pin!(pieces(bundle, show));
    let mut head = HeadEntry::default();
    let mut recorded_at = i64::MIN;
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        let (first, last) = piece.times.unwrap_or((recorded_at, recorded_at));
        if first < recorded_at {
            return Ok(Verdict::Broken(Flaw::at(head.position + 1, segment::TIME_GOES_BACK)));
        }
        recorded_at = last;
        match piece.reached {
            Ok(reached) => head = reached,
            Err(flaw) => return Ok(Verdict::Broken(flaw)),
        }
        take(piece.value).await?;
    }
    let shared = Arc::clone(bundle);
    let rest = spawn_blocking(move || files::check(&shared, head));
    if let Some(flaw) = rest.await.map_err(|_| ArchiveError::Panicked)?? {
        return Ok(Verdict::Broken(flaw));
    }
    Ok(Verdict::Verified(Summary {
        events: head.position,
        head,
    }))
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
