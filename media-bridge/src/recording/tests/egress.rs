//! LiveKit Egress, as its API is spoken to.

use std::time::Duration;

use livekit_protocol as proto;
use proto::EgressStatus;

use super::super::{Egress, PartStatus, Recorder};
use super::twirp::Twirp;
use super::{at, part};
use crate::MediaError;
use crate::identity::room_name;

const TIMEOUT: Duration = Duration::from_millis(500);
const NANOS: i64 = 1_000_000_000;

async fn egress() -> (Twirp, Egress) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (twirp, config) = Twirp::serve().await;
    let egress = Egress::with_timeout(&config, "/out/", TIMEOUT);
    (twirp, egress)
}

fn path(number: u32) -> String {
    let part = part(number);
    format!("/out/{}/{}/part-{number:04}.ogg", part.room, part.recording)
}

/// As somebody who lost the answer would find it.
fn request(number: u32) -> proto::RoomCompositeEgressRequest {
    proto::RoomCompositeEgressRequest {
        room_name: room_name(part(number).session),
        file_outputs: vec![proto::EncodedFileOutput {
            filepath: path(number),
            ..proto::EncodedFileOutput::default()
        }],
        ..proto::RoomCompositeEgressRequest::default()
    }
}

#[tokio::test]
async fn a_part_is_recorded_from_start_to_end() {
    let (twirp, egress) = egress().await;
    assert_eq!(egress.status(&part(1)).await.expect("a status"), PartStatus::Absent);
    egress.start(&part(1)).await.expect("a start");
    let asked = twirp.calls().starts.clone();
    let [asked] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!(asked.room_name, room_name(part(1).session));
    assert!(asked.audio_only && !asked.video_only && asked.custom_base_url.is_empty());
    let [output] = &asked.file_outputs[..] else {
        panic!("one file")
    };
    assert_eq!(
        (output.file_type(), &output.filepath),
        (proto::EncodedFileType::Ogg, &path(1))
    );
    assert!(
        output.disable_manifest && output.output.is_none(),
        "to a file of its own disk"
    );
    assert!(asked.stream_outputs.is_empty() && asked.segment_outputs.is_empty());

    assert_eq!(egress.status(&part(1)).await.expect("a status"), PartStatus::Starting);
    twirp.set("EG_0", |info| {
        info.set_status(EgressStatus::EgressActive);
        info.started_at = at(10).timestamp() * NANOS;
    });
    let running = PartStatus::Running { since: at(10) };
    assert_eq!(egress.status(&part(1)).await.expect("a status"), running);
    egress.stop(&part(1)).await.expect("a stop");
    assert_eq!(twirp.calls().stops, ["EG_0"]);
    assert_eq!(egress.status(&part(1)).await.expect("a status"), PartStatus::Ending);
    twirp.set("EG_0", |info| {
        info.set_status(EgressStatus::EgressComplete);
        info.file_results.push(proto::FileInfo {
            filename: path(1),
            started_at: at(11).timestamp() * NANOS,
            duration: 5 * NANOS,
            ..proto::FileInfo::default()
        });
    });
    let ended = PartStatus::Ended {
        began_at: Some(at(11)),
        duration_ms: Some(5_000),
    };
    assert_eq!(egress.status(&part(1)).await.expect("a status"), ended);
    egress.stop(&part(1)).await.expect("nothing to stop");
    assert_eq!(twirp.calls().stops.len(), 1);
    assert_eq!(egress.status(&part(2)).await.expect("a status"), PartStatus::Absent);
}

/// It may have happened: nothing is started again until that is known.
#[tokio::test]
async fn a_start_whose_answer_is_lost_is_found_and_not_repeated() {
    let (twirp, egress) = egress().await;
    twirp.calls().lost_answers = 1;
    let lost = egress.start(&part(1)).await;
    assert!(matches!(lost, Err(MediaError::Unavailable(_))), "{lost:?}");
    assert_eq!(egress.status(&part(1)).await.expect("a status"), PartStatus::Starting);
    // It comes to something only later.
    let known = std::mem::take(&mut twirp.calls().known);
    assert_eq!(egress.status(&part(1)).await.expect("a status"), PartStatus::Starting);
    twirp.calls().known = known;
    twirp.set("EG_0", |info| {
        info.set_status(EgressStatus::EgressActive);
        info.started_at = at(10).timestamp() * NANOS;
    });
    let running = PartStatus::Running { since: at(10) };
    assert_eq!(egress.status(&part(1)).await.expect("a status"), running);
    assert_eq!(twirp.calls().starts.len(), 1);
}

#[tokio::test]
async fn of_two_that_record_the_same_part_the_later_one_is_stopped() {
    let (twirp, egress) = egress().await;
    let later = twirp.add(request(1), EgressStatus::EgressActive, at(20).timestamp() * NANOS);
    twirp.add(request(1), EgressStatus::EgressActive, at(10).timestamp() * NANOS);
    twirp.add(request(2), EgressStatus::EgressActive, at(5).timestamp() * NANOS);
    let first = PartStatus::Running { since: at(10) };
    assert_eq!(egress.status(&part(1)).await.expect("a status"), first);
    assert_eq!(twirp.calls().stops, [later]);
}

#[tokio::test]
async fn what_is_refused_or_fails_has_ended() {
    let (twirp, egress) = egress().await;
    twirp.calls().refuses = Some("not_found");
    assert!(matches!(egress.start(&part(1)).await, Err(MediaError::NotFound)));
    assert_eq!(egress.status(&part(1)).await.expect("a status"), PartStatus::Absent);
    for status in [
        EgressStatus::EgressFailed,
        EgressStatus::EgressAborted,
        EgressStatus::EgressLimitReached,
    ] {
        let (twirp, egress) = self::egress().await;
        twirp.add(request(1), status, at(10).timestamp() * NANOS);
        let seen = egress.status(&part(1)).await.expect("a status");
        assert!(matches!(seen, PartStatus::Ended { .. }), "{seen:?}");
    }
}
