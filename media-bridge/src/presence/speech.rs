//! When somebody's microphone was open, as it was seen.

use domain::Timestamp;
use domain::room::{Source, Speaking};
use serde::{Deserialize, Serialize};

/// Times of one stay. Whoever opens and closes their microphone more often is taken to have spoken in the pauses, too.
pub(crate) const SPANS_MAX: usize = 2_000;

/// In order and apart. Milliseconds since 1970.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Speech(Vec<(i64, i64)>);

impl Speech {
    pub(crate) fn begin(&mut self, at: Timestamp) {
        let at = at.timestamp_millis();
        let is_full = self.0.len() >= SPANS_MAX;
        match self.0.last_mut() {
            Some(last) if is_full || at <= last.1 => last.1 = last.1.max(at),
            _ => self.0.push((at, at)),
        }
    }

    /// The last time goes on until then.
    pub(crate) fn extend(&mut self, until: Timestamp) {
        if let Some(last) = self.0.last_mut() {
            last.1 = last.1.max(until.timestamp_millis());
        }
    }

    /// Nothing was heard after this.
    pub(crate) fn cut(&mut self, at: Timestamp) {
        let at = at.timestamp_millis();
        self.0.retain(|(from, _)| *from < at);
        if let Some(last) = self.0.last_mut() {
            last.1 = last.1.min(at);
        }
    }

    /// Nothing that was heard before this counts.
    pub(crate) fn cut_before(&mut self, at: Timestamp) {
        let at = at.timestamp_millis();
        self.0.retain(|(_, until)| *until > at);
        if let Some(first) = self.0.first_mut() {
            first.0 = first.0.max(at);
        }
    }

    pub(crate) fn total_ms(&self) -> i64 {
        let lengths = self.0.iter().map(|(from, until)| until.saturating_sub(*from));
        lengths.fold(0, i64::saturating_add)
    }

    /// As it is recorded. Each ended as it was seen to, the last one, if it lasted as long as the stay, with that.
    pub(crate) fn recorded(&self, left_at: Timestamp, left_by: Source) -> Vec<Speaking> {
        let spans = self.0.iter().filter(|(from, until)| from < until);
        let recorded = spans.filter_map(|(from, until)| {
            Some(Speaking {
                from: Timestamp::from_timestamp_millis(*from)?,
                until: Timestamp::from_timestamp_millis(*until)?,
                source: if *until == left_at.timestamp_millis() {
                    left_by
                } else {
                    Source::Poll
                },
            })
        });
        recorded.collect()
    }
}
