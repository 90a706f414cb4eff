//! The log line by line: NDJSON, as fast as the client takes it.
//!
//! Invariants: at most a few stretches of the log wait for a client, however slow it is, and no connection of the pool does;
//! a stream that does not reach the position it named in `Log-Position` breaks off, so that nobody takes it for whole.

use std::io::Write as _;
use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use chrono::SecondsFormat;
use event_log::chain::Leaf;
use event_log::replay::ReplayError;
use event_log::stretches::{self, RawEvent};
use event_log::{EventLog, ReadError, StreamId};
use futures::stream::{self, BoxStream, StreamExt as _};
use http::header::CONTENT_TYPE;
use metrics::counter;
use tracing::warn;

use super::events::NDJSON;
use crate::answer::LOG_POSITION;
use crate::extract::hex;
use crate::{ApiError, ApiState};

/// Events that are read at once. Two such pages are made ahead of the client.
const PAGE: u64 = 1_000;
/// What a line takes beside payload and metadata.
const LINE_BYTES: usize = 320;

/// Which events a client wants.
pub(super) struct Wanted {
    pub(super) after: u64,
    pub(super) limit: Option<u64>,
    /// One stream of the log; then `after` is a sequence in it.
    pub(super) of: Option<StreamId>,
}

/// Why a stream breaks off.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("read the log")]
    Replay(#[from] ReplayError),
    #[error("read a stream of the log")]
    Read(#[from] ReadError),
    #[error("the event at position {0} has a line break in it")]
    NoLine(u64),
    #[error("the server stops")]
    Stopping,
}

type Pages = BoxStream<'static, Result<Lines, Broken>>;

/// The events that are there now, up to the position in `Log-Position`.
pub(super) async fn respond(state: &ApiState, wanted: Wanted) -> Result<Response, ApiError> {
    let place = state.limits.enter_log_stream()?;
    let head = state.log.head().await?.position;
    let (pages, up_to) = if let Some(stream) = wanted.of {
        let pages = of_stream(Arc::clone(&state.log), stream, (wanted.after, head), wanted.limit);
        (pages, head)
    } else {
        let most = wanted.limit.map_or(head, |limit| wanted.after.saturating_add(limit));
        let up_to = most.min(head);
        let range = (wanted.after, up_to);
        let pages = stretches::fold(state.pool.clone(), range, PAGE, Lines::new, Lines::push_raw);
        (pages.map(|page| Ok(page?)).boxed(), up_to)
    };
    let stopping = state.live.ending();
    let bodies = stream::unfold(Some((pages, stopping, place)), async |open| {
        let (mut pages, stopping, place) = open?;
        let page = tokio::select! {
            biased;
            () = stopping.cancelled() => Err(Broken::Stopping),
            page = pages.next() => page?.and_then(Lines::finish),
        };
        let is_whole = page.as_ref().inspect_err(|reason| tell(reason)).is_ok();
        Some((page, is_whole.then_some((pages, stopping, place))))
    });
    let headers = [(CONTENT_TYPE, NDJSON.to_owned()), (LOG_POSITION, up_to.to_string())];
    Ok((headers, Body::from_stream(bodies)).into_response())
}

fn tell(reason: &Broken) {
    warn!(
        error = reason as &dyn std::error::Error,
        "a stream of the log breaks off"
    );
}

/// The events of one stream after a sequence, as far as they are at or before a position.
fn of_stream(log: Arc<dyn EventLog>, id: StreamId, (after, until): (u64, u64), limit: Option<u64>) -> Pages {
    let start = Some((after, limit.unwrap_or(u64::MAX)));
    let pages = stream::try_unfold(start, move |at| {
        let (log, id) = (Arc::clone(&log), id.clone());
        async move {
            let Some((after, left)) = at.filter(|(_, left)| *left > 0) else {
                return Ok(None);
            };
            let wanted = usize::try_from(left.min(PAGE)).unwrap_or_default();
            let events = log.read_stream(&id, after, wanted).await?;
            let mut lines = Lines::new();
            let mut last = None;
            for event in events.iter().take_while(|event| event.position <= until) {
                lines.push(&Leaf::from(event), &event.hash);
                last = Some(event.sequence);
            }
            let goes_on = lines.count == wanted as u64;
            let next = last.filter(|_| goes_on).map(|last| (last, left - lines.count));
            Ok(last.map(|_| (lines, next)))
        }
    });
    pages.boxed()
}

/// Lines on their way.
struct Lines {
    text: Vec<u8>,
    count: u64,
    /// An event that is no line.
    broken: Option<u64>,
}

impl Lines {
    fn new() -> Self {
        Self {
            text: Vec::new(),
            count: 0,
            broken: None,
        }
    }

    fn push_raw(&mut self, event: &RawEvent<'_>) {
        self.push(&event.leaf, &event.hash);
    }

    /// In the order, and with the text, that the JSON of the page has.
    fn push(&mut self, leaf: &Leaf<'_>, hash: &[u8; 32]) {
        let is_broken = [leaf.payload, leaf.metadata]
            .into_iter()
            .any(|json| json.contains(&b'\n'));
        if is_broken {
            self.broken.get_or_insert(leaf.position);
            return;
        }
        self.count += 1;
        let text = &mut self.text;
        text.reserve(LINE_BYTES + leaf.payload.len() + leaf.metadata.len());
        // Writing into memory does not fail.
        let _ = write!(text, r#"{{"position":{},"aggregate_type":"#, leaf.position);
        quoted(text, leaf.aggregate_type);
        text.extend_from_slice(br#","aggregate_id":"#);
        quoted(text, leaf.aggregate_id);
        let _ = write!(text, r#","sequence":{},"event_type":"#, leaf.sequence);
        quoted(text, leaf.event_type);
        text.extend_from_slice(br#","event_version":"#);
        quoted(text, leaf.event_version);
        text.extend_from_slice(br#","payload":"#);
        text.extend_from_slice(leaf.payload);
        text.extend_from_slice(br#","metadata":"#);
        text.extend_from_slice(leaf.metadata);
        let recorded_at = leaf.recorded_at.to_rfc3339_opts(SecondsFormat::Millis, true);
        let micros = leaf.recorded_at.timestamp_micros();
        let _ = write!(
            text,
            r#","recorded_at":"{recorded_at}","recorded_at_micros":{micros},"hash":""#
        );
        text.extend_from_slice(hex(hash).as_bytes());
        text.extend_from_slice(b"\"}\n");
    }

    fn finish(self) -> Result<Bytes, Broken> {
        if let Some(position) = self.broken {
            return Err(Broken::NoLine(position));
        }
        counter!("log_events_streamed_total").increment(self.count);
        Ok(Bytes::from(self.text))
    }
}

fn quoted(text: &mut Vec<u8>, value: &str) {
    let _ = serde_json::to_writer(text, value);
}
