//! What the last snapshot holds, kept for a while: the next one of the same stream need not read the log again.

use std::any::Any;
use std::fmt;

use domain::Storable;

use super::load::{Loaded, catch_up};
use crate::{EventLog, StreamId};

/// At most one state: that of the stream which a rush is for. Folded from the log like any other, and only as long as it is
/// known to be what the log holds.
#[derive(Default)]
pub(crate) struct Memo(Option<(StreamId, Box<dyn Any + Send>)>);

impl Memo {
    pub(crate) fn forget(&mut self) {
        self.0 = None;
    }

    pub(super) fn keep<A: Storable + 'static>(&mut self, stream: &StreamId, folded: Loaded<A>) {
        self.0 = Some((stream.clone(), Box::new(folded)));
    }

    /// The stream as of now, without the database; nothing stays here.
    pub(super) async fn take<A: Storable + 'static>(
        &mut self,
        log: &dyn EventLog,
        stream: &StreamId,
    ) -> Option<Loaded<A>> {
        let (of, folded) = self.0.take()?;
        let folded = folded.downcast::<Loaded<A>>().ok().filter(|_| of == *stream)?;
        catch_up(*folded, log.feed()?, stream).await
    }
}

impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stream = self.0.as_ref().map(|(stream, _)| stream);
        f.debug_tuple("Memo").field(&stream).finish()
    }
}
