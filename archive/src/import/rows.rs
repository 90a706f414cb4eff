//! Events as PostgreSQL's binary COPY takes them. Payload and metadata are the very bytes of the bundle.

use event_log::stretches::RawEvent;

use crate::ArchiveError;

pub(super) const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
pub(super) const TRAILER: &[u8] = &(-1_i16).to_be_bytes();
const COLUMNS: i16 = 10;
/// PostgreSQL counts microseconds from 2000 on.
const EPOCH_MICROS: i64 = 946_684_800_000_000;

/// The rows of a segment.
#[derive(Debug, Default)]
pub(super) struct Rows {
    bytes: Vec<u8>,
    /// An event that PostgreSQL has no room for.
    unfit: Option<u64>,
}

impl Rows {
    pub(super) fn push(&mut self, event: &RawEvent<'_>) {
        if self.try_push(event).is_none() {
            self.unfit.get_or_insert(event.leaf.position);
        }
    }

    fn try_push(&mut self, event: &RawEvent<'_>) -> Option<()> {
        let leaf = &event.leaf;
        let position = i64::try_from(leaf.position).ok()?;
        let sequence = i64::try_from(leaf.sequence).ok()?;
        let micros = leaf.recorded_at.timestamp_micros().checked_sub(EPOCH_MICROS)?;
        self.bytes.extend_from_slice(&COLUMNS.to_be_bytes());
        for field in [
            &position.to_be_bytes()[..],
            leaf.aggregate_type.as_bytes(),
            leaf.aggregate_id.as_bytes(),
            &sequence.to_be_bytes(),
            leaf.event_type.as_bytes(),
            leaf.event_version.as_bytes(),
            leaf.payload,
            leaf.metadata,
            &micros.to_be_bytes(),
            &event.hash,
        ] {
            self.bytes
                .extend_from_slice(&i32::try_from(field.len()).ok()?.to_be_bytes());
            self.bytes.extend_from_slice(field);
        }
        Some(())
    }

    pub(super) fn finish(self) -> Result<Vec<u8>, ArchiveError> {
        match self.unfit {
            None => Ok(self.bytes),
            Some(position) => Err(ArchiveError::Unstorable { position }),
        }
    }
}
