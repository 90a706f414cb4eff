//! When to activate.

use std::sync::Arc;
use std::time::Duration;

use domain::{RoomCommand, Timestamp};
use event_log::{Aggregates, EventLog, Metadata, leader};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::activation::{Outcome, Reconciler};
use crate::leading::Handover;
use crate::shared::Hint;

/// Wakes come in bursts: the first waits for the rest.
const DEBOUNCE: Duration = Duration::from_millis(15);
/// Activations are at least this far apart, however busy the log is.
const MIN_INTERVAL: Duration = Duration::from_millis(100);
/// The wish is a projection, which may lag behind the event that woke us: look again, and again.
const FOLLOW_UPS: [Duration; 3] = [
    Duration::from_millis(100),
    Duration::from_millis(300),
    Duration::from_millis(600),
];
/// While rooms are live: presence is counted, and nothing missed may matter for longer.
const POLL_LIVE: Duration = Duration::from_secs(1);
const POLL_IDLE: Duration = Duration::from_secs(5);
/// After a failure.
const RETRY: Duration = Duration::from_millis(250);
const MAX_HINTS: usize = 1_024;
/// The log may take this long to take a hand-over in; meanwhile the rooms wait.
const HAND_OVER_MAX: Duration = Duration::from_secs(1);

/// When the next activation is due.
struct Timetable {
    last: Option<Instant>,
    next: Instant,
    follow_ups: std::slice::Iter<'static, Duration>,
}

impl Timetable {
    fn new(now: Instant) -> Self {
        Self {
            last: None,
            next: now,
            follow_ups: [].iter(),
        }
    }

    fn wake(&mut self, now: Instant) {
        let earliest = self.last.map_or(now, |last| last + MIN_INTERVAL);
        self.next = self.next.min(earliest.max(now + DEBOUNCE));
        self.follow_ups = FOLLOW_UPS.iter();
    }

    fn activated(&mut self, started: Instant, ended: Instant, outcome: Outcome) {
        self.last = Some(started);
        let poll = if outcome.live_rooms > 0 { POLL_LIVE } else { POLL_IDLE };
        let pause = if outcome.complete { poll } else { RETRY };
        let follow_up = self.follow_ups.next().copied().unwrap_or(poll);
        // Polls keep their pace: the time an activation takes is not added to it.
        self.next = (started + pause.min(follow_up)).max(ended);
    }
}

/// Activates until cancelled, while this process leads: two that put the same rooms in order would count who is there twice.
pub(crate) async fn run(
    mut reconciler: Reconciler,
    log: Arc<dyn EventLog>,
    aggregates: Aggregates,
    mut hints: mpsc::Receiver<Hint>,
    cancel: CancellationToken,
) {
    let _fatal = cancel.clone().drop_guard();
    let shared = reconciler.shared().clone();
    let mut timetable = Timetable::new(Instant::now());
    let mut received = Vec::new();
    let mut news = log.wake();
    let mut log_is_open = true;
    loop {
        // What is due comes before what makes it due sooner, and a simulation has one order only.
        tokio::select! {
            biased;
            () = cancel.cancelled() => return,
            () = tokio::time::sleep_until(timetable.next) => {}
            () = shared.woken() => {
                timetable.wake(Instant::now());
                continue;
            }
            changed = news.changed(), if log_is_open => {
                log_is_open = changed.is_ok();
                timetable.wake(Instant::now());
                continue;
            }
        }
        let on_duty = leader::on_duty(&*log);
        if cancel.run_until_cancelled(on_duty).await.is_none() {
            return;
        }
        let started = Instant::now();
        while received.len() < MAX_HINTS
            && let Ok(hint) = hints.try_recv()
        {
            received.push(hint);
        }
        reconciler.take_hints(std::mem::take(&mut received)).await;
        let outcome = tokio::select! {
            () = cancel.cancelled() => return,
            outcome = reconciler.activate() => outcome,
        };
        for handover in reconciler.take_handovers() {
            hand_over(&aggregates, handover, reconciler.now()).await;
        }
        timetable.activated(started, Instant::now(), outcome);
    }
}

/// What fails is found again by the next activation, as is whatever the room refuses: it may just have changed.
pub(super) async fn hand_over(aggregates: &Aggregates, handover: Handover, at: Timestamp) {
    let Handover { room, to } = handover;
    let metadata = Metadata::for_actor("process:hand_over", room.as_uuid());
    let command = RoomCommand::HandOver { to, at };
    let executed = aggregates.rooms.execute(room.as_uuid(), command, metadata);
    match tokio::time::timeout(HAND_OVER_MAX, executed).await {
        Ok(Ok(_)) => info!(room.id = %room, "somebody else leads the room"),
        Ok(Err(failure)) => {
            warn!(room.id = %room, error = &failure as &dyn std::error::Error, "a room is not handed over yet");
        }
        Err(_) => warn!(room.id = %room, "a room is not handed over in time"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIVE: Outcome = Outcome {
        live_rooms: 1,
        complete: true,
    };

    #[test]
    fn a_wake_is_followed_up_until_the_projection_had_its_second_and_then_the_poll_goes_on() {
        let now = Instant::now();
        let mut timetable = Timetable::new(now);
        timetable.activated(now, now, LIVE);
        assert_eq!(timetable.next - now, POLL_LIVE);
        timetable.wake(now + Duration::from_millis(500));
        assert_eq!(timetable.next - now, Duration::from_millis(515));
        for pause in FOLLOW_UPS {
            let activated = timetable.next;
            timetable.activated(activated, activated, LIVE);
            assert_eq!(timetable.next - activated, pause);
        }
        let activated = timetable.next;
        timetable.activated(activated, activated, LIVE);
        assert_eq!(timetable.next - activated, POLL_LIVE);
    }

    #[test]
    fn a_busy_log_activates_ten_times_a_second_at_most() {
        let now = Instant::now();
        let mut timetable = Timetable::new(now);
        timetable.activated(now, now, LIVE);
        for millis in 1..50 {
            timetable.wake(now + Duration::from_millis(millis));
        }
        assert_eq!(timetable.next - now, MIN_INTERVAL);
    }

    #[test]
    fn a_failure_is_retried_soon() {
        let now = Instant::now();
        let mut timetable = Timetable::new(now);
        let failed = Outcome {
            live_rooms: 1,
            complete: false,
        };
        timetable.activated(now, now, failed);
        assert_eq!(timetable.next - now, RETRY);
    }
}
