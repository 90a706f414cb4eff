//! The verdict on an opening (`rules.md` 9 to 11). The room starts at second 3600, for 3600 seconds; it was opened at 3500
//! and ended at 7000.

use super::*;

fn live() -> [RoomEvent; 2] {
    [room_scheduled(), room_opened()]
}

fn ended() -> [RoomEvent; 3] {
    [room_scheduled(), room_opened(), room_ended()]
}

fn stay(
    user: UserId,
    ticket_id: Option<TicketId>,
    (from, until): (i64, i64),
    spoke: &[(i64, i64)],
) -> PresenceInterval {
    let speaking = |(from, until): &(i64, i64)| Speaking {
        from: at(*from),
        until: at(*until),
        source: Source::Poll,
    };
    let seconds: i64 = spoke.iter().map(|(from, until)| until.saturating_sub(*from)).sum();
    PresenceInterval {
        user,
        ticket_id,
        joined_at: at(from),
        left_at: at(until),
        audible_ms: u64::try_from(seconds.saturating_mul(1_000)).expect("positive"),
        joined_by: Some(Source::Poll),
        left_by: Some(Source::Webhook),
        speaking: spoke.iter().map(speaking).collect(),
    }
}

fn host(there: (i64, i64), spoke: &[(i64, i64)]) -> PresenceInterval {
    stay(HOST, None, there, spoke)
}

fn lost(from: i64, until: i64, cause: InterruptionCause) -> Interruption {
    Interruption {
        from: at(from),
        until: at(until),
        cause,
    }
}

const MEDIA: InterruptionCause = InterruptionCause::MediaServer;
const UNWATCHED: InterruptionCause = InterruptionCause::Unwatched;

fn record(intervals: Vec<PresenceInterval>, interruptions: Vec<Interruption>) -> RoomCommand {
    RoomCommand::RecordDelivery(RecordDelivery {
        session_id: session(1),
        opened_at: at(3_500),
        intervals,
        interruptions,
        at: at(7_010),
    })
}

/// The verdict on a room that was ended.
#[track_caller]
fn verdict(intervals: Vec<PresenceInterval>, interruptions: Vec<Interruption>) -> Verdict {
    let events = given(ended()).when(record(intervals, interruptions)).events();
    let verdict = events.iter().find_map(|event| {
        let RoomEvent::DeliveryRecorded(delivery) = event else {
            return None;
        };
        Some((delivery.verdict, delivery.delivered))
    });
    let (verdict, delivered) = verdict.expect("a verdict");
    let verdict = verdict.expect("of this version");
    let voided = events.iter().find_map(|event| {
        let RoomEvent::RoomVoided { reason, .. } = event else {
            return None;
        };
        Some(*reason)
    });
    let expected = match verdict {
        Verdict::Void { reason } => Some(reason),
        Verdict::Delivered | Verdict::Crashed(_) => None,
    };
    assert_eq!((voided, delivered), (expected, expected.is_none()));
    verdict
}

const fn void(reason: VoidReason) -> Verdict {
    Verdict::Void { reason }
}

const fn crashed(missing_seconds: u64) -> Verdict {
    Verdict::Crashed(Missing {
        missing_ms: missing_seconds.saturating_mul(1_000),
        promised_ms: 3_600_000,
    })
}

#[test]
fn a_room_is_delivered_if_the_host_was_heard() {
    assert_eq!(
        verdict(vec![host((3_500, 7_000), &[(3_600, 6_900)])], vec![]),
        Verdict::Delivered
    );
    // However short: who ends early by choice owes what the policy says.
    assert_eq!(
        verdict(vec![host((3_500, 3_700), &[(3_600, 3_601)])], vec![]),
        Verdict::Delivered
    );
}

#[test]
fn a_co_host_is_heard_for_the_hosts_side_and_a_guest_is_not() {
    let appointed = [
        room_scheduled(),
        RoomEvent::CoHostAppointed {
            user: BOB,
            by: HOST,
            appointed_at: at(1),
        },
        room_opened(),
        room_ended(),
    ];
    let bob = stay(BOB, Some(ticket(2)), (3_500, 7_000), &[(3_600, 6_900)]);
    let state = given(appointed).when(record(vec![bob.clone()], vec![])).state();
    let delivery = state.delivery().expect("a delivery");
    assert_eq!((delivery.host_heard_ms, delivery.delivered), (3_300_000, true));
    assert_eq!(verdict(vec![bob], vec![]), void(VoidReason::NoShow));
}

#[test]
fn who_speaks_together_is_heard_once_and_who_was_there_then_is_counted() {
    let stays = vec![
        host((3_500, 7_000), &[(3_600, 3_700), (3_800, 3_900)]),
        stay(CLEO, None, (3_500, 7_000), &[(3_650, 3_750)]),
        stay(ANN, Some(ticket(1)), (3_500, 3_640), &[]),
        stay(ANN, Some(ticket(1)), (3_660, 3_670), &[]),
        stay(BOB, Some(ticket(2)), (3_750, 3_800), &[(3_760, 3_790)]),
    ];
    let state = given(ended()).when(record(stays, vec![])).state();
    let delivery = state.delivery().expect("a delivery");
    assert_eq!((delivery.host_heard_ms, delivery.listeners_present), (250_000, 1));
}

#[test]
fn nobody_heard_is_a_no_show_unless_nobody_could_be() {
    let silent = host((3_500, 7_000), &[]);
    assert_eq!(verdict(vec![], vec![]), void(VoidReason::NoShow));
    assert_eq!(verdict(vec![silent.clone()], vec![]), void(VoidReason::NoShow));
    // A blip takes nothing that would have made a difference.
    assert_eq!(
        verdict(vec![silent.clone()], vec![lost(4_000, 4_010, MEDIA)]),
        void(VoidReason::NoShow)
    );
    assert_eq!(
        verdict(vec![], vec![lost(3_500, 7_000, MEDIA)]),
        void(VoidReason::Crash)
    );
    assert_eq!(
        verdict(vec![], vec![lost(3_500, 7_000, UNWATCHED)]),
        void(VoidReason::Crash)
    );
    // The host gave up.
    assert_eq!(
        verdict(vec![], vec![lost(3_505, 7_000, MEDIA)]),
        void(VoidReason::Crash)
    );
}

#[test]
fn less_than_half_because_of_the_media_server_is_a_crash() {
    // Heard for 900 seconds; then the media server fails, and the host ends the room 20 seconds after it is back.
    let stays = || vec![host((3_500, 4_500), &[(3_600, 4_500)])];
    assert_eq!(verdict(stays(), vec![lost(4_500, 6_980, MEDIA)]), crashed(2_700));
    // It was down for ten minutes, and people came back: that was not what was missing.
    let later = host((5_110, 7_000), &[]);
    let both = vec![stays().remove(0), later];
    assert_eq!(verdict(both, vec![lost(4_500, 5_100, MEDIA)]), Verdict::Delivered);
}

#[test]
fn half_is_enough_and_a_hosts_own_silence_is_not_ours() {
    let half = host((3_500, 5_400), &[(3_600, 5_400)]);
    assert_eq!(verdict(vec![half], vec![lost(5_400, 7_000, MEDIA)]), Verdict::Delivered);
    // The host had left an hour before the media server failed, and did not come back.
    let gone = host((3_500, 4_000), &[(3_600, 4_000)]);
    assert_eq!(verdict(vec![gone], vec![lost(4_200, 6_900, MEDIA)]), Verdict::Delivered);
}

#[test]
fn what_was_heard_while_nobody_looked_is_not_lost() {
    // One connection whose microphone was open before and after: the host was heard all the time.
    let through = host((3_500, 5_000), &[(3_600, 5_000)]);
    assert_eq!(
        verdict(vec![through], vec![lost(3_700, 4_900, UNWATCHED)]),
        Verdict::Delivered
    );
}

#[test]
fn a_verdict_stands() {
    let first = given(ended()).when(record(vec![host((3_500, 7_000), &[(3_600, 3_601)])], vec![]));
    given(ended())
        .and(first.events())
        .when(record(vec![], vec![]))
        .then_nothing();
    let voided = given(ended()).when(record(vec![], vec![]));
    let state = given(ended()).and(voided.events()).state;
    assert_eq!(state.void_reason(), Some(VoidReason::NoShow));
    assert_eq!((state.phase(), state.ended_at()), (RoomPhase::Voided, Some(at(7_000))));
}

#[test]
fn evidence_comes_in_parts_before_the_verdict() {
    let listener = stay(ANN, Some(ticket(1)), (3_600, 6_000), &[]);
    let spans: Vec<(i64, i64)> = (3_600..4_800)
        .step_by(2)
        .map(|from: i64| (from, from.saturating_add(1)))
        .collect();
    let mut stays = vec![listener; 1_001];
    stays.push(host((3_500, 7_000), &spans));
    stays.push(host((3_500, 7_000), &[(3_600, 3_601)]));
    let events = given(ended()).when(record(stays, vec![])).events();
    let sizes: Vec<_> = events
        .iter()
        .filter_map(|event| {
            let RoomEvent::PresenceRecorded { intervals, .. } = event else {
                return None;
            };
            Some(intervals.len())
        })
        .collect();
    assert_eq!(sizes, [FACTS_PER_EVENT_MAX, FACTS_PER_EVENT_MAX, 1, 1, 1]);
    assert!(matches!(events.last(), Some(RoomEvent::DeliveryRecorded(_))));
}

fn wrong_state(state: &'static str) -> RoomError {
    RoomError::WrongState { state }
}

#[test]
fn only_a_room_that_was_opened_and_is_over_has_evidence() {
    let record = || record(vec![], vec![]);
    given(live()).when(record()).then_err(wrong_state("live"));
    given([room_scheduled()])
        .when(record())
        .then_err(wrong_state("scheduled"));
    given([room_scheduled(), room_cancelled()])
        .when(record())
        .then_err(wrong_state("cancelled"));
    given([room_scheduled(), room_voided(VoidReason::NoShow)])
        .when(record())
        .then_err(wrong_state("voided"));
    given([]).when(record()).then_err(RoomError::NotScheduled);
    let other = RoomCommand::RecordDelivery(RecordDelivery {
        session_id: session(2),
        opened_at: at(3_500),
        intervals: vec![],
        interruptions: vec![],
        at: at(7_010),
    });
    given(ended())
        .when(other)
        .then_err(wrong_state("known by another session"));
}

fn room_voided(reason: VoidReason) -> RoomEvent {
    RoomEvent::RoomVoided {
        reason,
        voided_at: at(4_500),
    }
}

fn judge(second: i64, seen: impl Into<Option<SeenSoFar>>) -> RoomCommand {
    RoomCommand::JudgeComing(Box::new(JudgeComing {
        seen: seen.into(),
        at: at(second),
    }))
}

fn seen(intervals: Vec<PresenceInterval>, interruptions: Vec<Interruption>) -> SeenSoFar {
    SeenSoFar {
        session_id: session(1),
        opened_at: at(3_500),
        intervals,
        interruptions,
    }
}

#[test]
fn a_room_that_nobody_opened_in_time_is_voided() {
    let past = [room_scheduled(), seat_held(ticket(1), ANN, 4_490)];
    given(past.clone()).when(judge(4_499, None)).then_nothing();
    let state = given(past)
        .when(judge(4_500, None))
        .then([
            room_voided(VoidReason::NoShow),
            seat_released(ticket(1), ANN, ReleaseReason::RoomCancelled, 4_500),
        ])
        .state;
    assert_eq!((state.phase(), state.session_id()), (RoomPhase::Voided, None));
}

#[test]
fn a_live_room_is_voided_if_the_host_was_not_heard_in_time() {
    let silent = || vec![host((3_500, 4_500), &[])];
    given(live()).when(judge(4_499, seen(silent(), vec![]))).then_nothing();
    given(live())
        .when(judge(4_500, seen(silent(), vec![])))
        .then([room_voided(VoidReason::NoShow)])
        .when(judge(4_500, seen(silent(), vec![])))
        .then_nothing();
    given(live()).when(judge(4_500, None)).then_nothing();
    let heard = vec![host((3_500, 3_560), &[(3_550, 3_551)])];
    given(live()).when(judge(9_000, seen(heard, vec![]))).then_nothing();
}

#[test]
fn what_an_interruption_took_is_given_to_the_host() {
    let stays = || vec![host((3_500, 3_700), &[])];
    // 300 seconds, and up to a minute to come back; nobody was heard after it.
    let outage = || vec![lost(3_700, 4_000, MEDIA)];
    given(live()).when(judge(4_799, seen(stays(), outage()))).then_nothing();
    let voided = given(live()).when(judge(4_800, seen(stays(), outage()))).events();
    assert_eq!(voided.len(), 1);
    // It goes on: so does the wait.
    let ongoing = || vec![lost(3_700, 9_000, MEDIA)];
    given(live())
        .when(judge(9_000, seen(stays(), ongoing())))
        .then_nothing();
    // Before the start there was nothing to take, and from who was away neither.
    let early = vec![lost(3_500, 3_600, MEDIA)];
    assert_eq!(given(live()).when(judge(4_500, seen(vec![], early))).events().len(), 1);
    let away = vec![lost(4_000, 4_100, MEDIA)];
    assert_eq!(given(live()).when(judge(4_500, seen(vec![], away))).events().len(), 1);
}

#[test]
fn an_admin_takes_a_room_down_until_it_is_judged() {
    let moderate = || RoomCommand::Moderate { at: at(4_500) };
    for past in [vec![room_scheduled()], live().to_vec(), ended().to_vec()] {
        given(past)
            .when(moderate())
            .then([room_voided(VoidReason::Moderation)])
            .when(moderate())
            .then_nothing();
    }
    let judged = given(ended()).when(record(vec![host((3_500, 7_000), &[(3_600, 3_601)])], vec![]));
    given(ended())
        .and(judged.events())
        .when(moderate())
        .then_err(RoomError::RoomOver);
    given([room_scheduled(), room_cancelled()])
        .when(moderate())
        .then_err(wrong_state("cancelled"));
    given([]).when(moderate()).then_err(RoomError::NotScheduled);
}

/// What was seen of it is evidence all the same.
#[test]
fn a_room_that_was_taken_down_while_live_has_its_evidence() {
    let past = [room_scheduled(), room_opened(), room_voided(VoidReason::Moderation)];
    let heard = vec![host((3_500, 4_500), &[(3_600, 4_500)])];
    let events = given(past).when(record(heard, vec![])).events();
    let [
        RoomEvent::PresenceRecorded { .. },
        RoomEvent::DeliveryRecorded(delivery),
    ] = &events[..]
    else {
        panic!("the evidence and nothing else: {events:?}");
    };
    assert_eq!((delivery.host_heard_ms, delivery.delivered), (900_000, false));
    assert_eq!(delivery.verdict, Some(void(VoidReason::Moderation)));
}

#[test]
fn a_voided_room_is_over() {
    let past = || given([room_scheduled(), room_opened(), room_voided(VoidReason::NoShow)]);
    let hold = hold(ticket(2), BOB, at(4_600));
    past().when(hold).then_err(RoomError::RoomOver);
    past()
        .when(RoomCommand::End {
            by: Authority::User(HOST),
            at: at(4_600),
        })
        .then_nothing();
    past()
        .when(RoomCommand::Cancel {
            by: Authority::Admin,
            at: at(4_600),
        })
        .then_err(wrong_state("voided"));
}

/// What `docs/LIVE.md` says of the log: an hour of `listeners` who come three times each, and of a full stage whose people
/// speak once a minute.
fn events_of_an_hour(listeners: u128) -> usize {
    let come = |number: u128| {
        [3_600_i64, 4_800, 6_000].map(|from| {
            let guest = user(number.saturating_add(100));
            stay(guest, Some(ticket(number)), (from, from.saturating_add(1_100)), &[])
        })
    };
    let spoke: Vec<(i64, i64)> = (3_600..7_200)
        .step_by(60)
        .map(|from: i64| (from, from.saturating_add(40)))
        .collect();
    let stage = (0..13).map(|number| stay(user(number), None, (3_600, 7_000), &spoke));
    let stays: Vec<PresenceInterval> = (0..listeners).flat_map(come).chain(stage).collect();
    given(ended()).when(record(stays, vec![])).events().len()
}

#[test]
fn a_listener_hour_is_a_twentieth_of_an_event_at_most() {
    assert_eq!(events_of_an_hour(100), 4);
    assert_eq!(events_of_an_hour(1_000), 9);
}
