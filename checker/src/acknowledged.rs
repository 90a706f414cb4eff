//! What clients wrote down as acknowledged to them: one JSON object a line.

use std::path::Path;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::CheckError;
use crate::fold::Fold;
use crate::report::{Findings, Rule};

/// What a client was told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A seat is held: it was on the log when the client heard of it.
    Hold,
    /// The provider has the money: it gets to the log by itself.
    Captured,
    /// The ticket is there: it was on the log when the client heard of it.
    Issued,
}

/// A line of a client's record, written after the answer and before anything else.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Acknowledgement {
    pub ticket_id: Uuid,
    pub room_id: Uuid,
    pub kind: Kind,
    /// The answer's `Log-Position`, where it had one: what was acknowledged is there or before.
    #[serde(default)]
    pub position: Option<u64>,
    #[serde(default)]
    pub buyer: Option<Uuid>,
}

/// Reads a record. A last line without its end was never written whole, so nobody rests on it.
pub(crate) async fn read(path: &Path) -> Result<Vec<Acknowledgement>, CheckError> {
    let text = tokio::fs::read_to_string(path)
        .await
        .map_err(|source| CheckError::File {
            path: path.to_owned(),
            source,
        })?;
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let lines = whole.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            serde_json::from_str(line).map_err(|source| CheckError::Line {
                path: path.to_owned(),
                line: number + 1,
                source,
            })
        })
        .collect()
}

/// Names what is not as it was acknowledged. `lost` is for good; `late` may still come.
pub(crate) fn compare(records: &[Acknowledgement], fold: &Fold, lost: &mut Findings, late: &mut Findings) {
    for record in records {
        let found = match record.kind {
            Kind::Hold => fold
                .seat(record.ticket_id)
                .and_then(|seat| Some((seat.held_at?, seat.room, seat.buyer))),
            Kind::Captured => fold
                .ticket(record.ticket_id)
                .and_then(|ticket| Some((ticket.captured_at()?, ticket.room, ticket.buyer))),
            Kind::Issued => fold
                .ticket(record.ticket_id)
                .and_then(|ticket| Some((ticket.issued_at?, ticket.room, ticket.buyer))),
        };
        let Some((position, room, buyer)) = found else {
            let what = format!("{:?} of ticket {} is not on the log", record.kind, record.ticket_id);
            match record.kind {
                Kind::Captured => late.add(Rule::Acknowledged, record.position, what),
                Kind::Hold | Kind::Issued => lost.add(Rule::Acknowledged, record.position, what),
            }
            continue;
        };
        let is_early = record.position.is_none_or(|acknowledged| position <= acknowledged);
        if room != record.room_id || record.buyer.is_some_and(|told| told != buyer) || !is_early {
            let what = format!(
                "{:?} of ticket {} is another one: by {buyer} in room {room}",
                record.kind, record.ticket_id
            );
            lost.add(Rule::Acknowledged, position, what);
        }
    }
}
