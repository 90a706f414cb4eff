//! What is decided about a recording, what files say, and what Egress is asked.

mod egress;
mod files;
mod plan;
mod twirp;

use domain::{RecordingId, RoomId, SessionId, Timestamp};
use uuid::Uuid;

use super::Part;

fn at(second: i64) -> Timestamp {
    Timestamp::from_timestamp(1_800_000_000 + second, 0).expect("a time")
}

const fn part(number: u32) -> Part {
    Part {
        recording: RecordingId::from_uuid(Uuid::from_u128(1)),
        room: RoomId::from_uuid(Uuid::from_u128(2)),
        session: SessionId::from_uuid(Uuid::from_u128(3)),
        number,
    }
}
