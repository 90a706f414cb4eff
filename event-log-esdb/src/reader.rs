//! Reads the log.

use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;
use event_log::{ReadError, RecordedEvent};
use tokio::time::Instant;

use crate::client::{Client, ClientError, Found};
use crate::envelope::{self, Opened};
use crate::limits::EsdbLimits;
use crate::marks::Marks;

/// Reads the log; every call is bounded.
pub(crate) struct Reader<C> {
    pub(crate) client: Arc<C>,
    limits: EsdbLimits,
    marks: Arc<Marks>,
}

impl<C> Clone for Reader<C> {
    fn clone(&self) -> Self {
        Self {
            client: Arc::clone(&self.client),
            limits: self.limits.clone(),
            marks: Arc::clone(&self.marks),
        }
    }
}

impl<C: Client> Reader<C> {
    pub(crate) fn new(client: Arc<C>, limits: EsdbLimits) -> Self {
        Self {
            client,
            limits,
            marks: Arc::default(),
        }
    }

    pub(crate) async fn bounded(
        &self,
        call: impl Future<Output = Result<Vec<Found>, ClientError>>,
    ) -> Result<Vec<Found>, ReadError> {
        match tokio::time::timeout(self.limits.call_limit, call).await {
            Ok(found) => found.map_err(|error| ReadError::Unavailable(error.into())),
            Err(elapsed) => Err(ReadError::Unavailable(elapsed.into())),
        }
    }

    /// The events of the log after a position, which is 0 or that of an event, at most `limit`; fewer only where the log ends.
    pub(crate) async fn opened_after(&self, after: u64, limit: usize) -> Result<Vec<Opened>, ReadError> {
        let mut opened = Vec::new();
        let mut after = after;
        if after == u64::MAX {
            return Ok(opened);
        }
        for _ in 0..self.limits.pages_passed {
            // The event at `after` comes along.
            let count = (limit - opened.len()).clamp(1, self.limits.page) + 1;
            let found = self.bounded(self.client.read_all(after, count)).await?;
            let is_last = found.len() < count;
            let begun_after = after;
            for found in found {
                if found.position <= begun_after {
                    continue;
                }
                after = found.position;
                if !envelope::is_system(&found) && opened.len() < limit {
                    opened.push(envelope::open(found)?);
                }
            }
            if is_last || opened.len() >= limit {
                break;
            }
        }
        Ok(opened)
    }

    /// The last event of the log, from an engine that may not be there yet.
    pub(crate) async fn head_within(&self, wait: Duration) -> Result<Option<RecordedEvent>, ReadError> {
        let until = Instant::now() + wait;
        loop {
            match self.head().await {
                Err(ReadError::Unavailable(_)) if Instant::now() < until => {
                    tokio::time::sleep(self.limits.retry.0).await;
                }
                outcome => return outcome,
            }
        }
    }

    /// The last event of the log.
    pub(crate) async fn head(&self) -> Result<Option<RecordedEvent>, ReadError> {
        let mut before = None;
        for _ in 0..self.limits.pages_passed {
            let found = self.bounded(self.client.read_back(before, self.limits.page)).await?;
            let is_last = found.len() < self.limits.page;
            before = found.last().map(|event| event.position);
            if let Some(last) = found.into_iter().find(|found| !envelope::is_system(found)) {
                return envelope::open(last).map(|opened| Some(opened.event));
            }
            if is_last {
                break;
            }
        }
        Ok(None)
    }

    /// The events at these positions, in the order of the log; where none lies, none.
    pub(crate) async fn events_at(&self, positions: &[u64]) -> Result<Vec<RecordedEvent>, ReadError> {
        let mut wanted = positions.to_vec();
        wanted.sort_unstable();
        wanted.dedup();
        let mut events = Vec::with_capacity(wanted.len());
        for position in wanted {
            let call = async {
                match self.client.read_all(position, 1).await {
                    Err(ClientError::NoSuchPosition) => Ok(Vec::new()),
                    found => found,
                }
            };
            let found = self.bounded(call).await?;
            let found = found
                .into_iter()
                .find(|found| found.position == position && !envelope::is_system(found));
            if let Some(found) = found {
                events.push(envelope::open(found)?.event);
            }
        }
        Ok(events)
    }

    /// The last position recorded at or before a time. The engine can only be read from where an event lies, so there is no
    /// halving: the log is read from the last mark before that time on, and each page leaves a mark.
    pub(crate) async fn position_at(&self, time: Timestamp) -> Result<u64, ReadError> {
        let mut at = self.marks.before(time);
        loop {
            let page = self.opened_after(at, self.limits.page).await?;
            let by_then = page.iter().take_while(|opened| opened.event.recorded_at <= time);
            at = by_then.last().map_or(at, |opened| opened.event.position);
            match page.last() {
                Some(last) if last.event.position == at && page.len() >= self.limits.page => {
                    self.marks.set(last.event.recorded_at, at);
                }
                _ => return Ok(at),
            }
        }
    }
}
