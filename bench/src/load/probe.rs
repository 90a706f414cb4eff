//! A trickle of holds beside a flood: each at its planned moment, whatever became of those before it, and each timed from that
//! moment on.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tokio::time::{Instant, sleep_until};
use tokio_util::task::TaskTracker;

use super::buyers::buyer_id;
use super::office::room_id;
use crate::harness::Latencies;
use crate::world::token;

const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// So many holds a second on rooms `first..first + rooms` in turn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trickle {
    pub(crate) first_room: u64,
    pub(crate) rooms: u64,
    pub(crate) per_second: u32,
    pub(crate) duration: Duration,
}

/// What the holds were answered, by kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers {
    pub(crate) admitted: Latencies,
    pub(crate) shed: Latencies,
    pub(crate) others: usize,
}

impl Trickle {
    pub(crate) async fn run(self, url: &str) -> Result<Answers> {
        let client = reqwest::Client::builder()
            .timeout(ANSWER_LIMIT)
            .build()
            .context("build an HTTP client")?;
        let token: Arc<str> = token(&buyer_id(u64::MAX / 8).to_string(), &[])?.into();
        let tracker = TaskTracker::new();
        let (begin, step) = (Instant::now(), Duration::from_secs(1) / self.per_second);
        let mut tries = Vec::new();
        for number in 0.. {
            let planned = begin + step * number;
            if planned >= begin + self.duration {
                break;
            }
            sleep_until(planned).await;
            let room = room_id(self.first_room + u64::from(number) % self.rooms);
            let request = client
                .post(format!("{url}/v1/rooms/{room}/tickets"))
                .bearer_auth(&token)
                .header("Idempotency-Key", format!("trickle-{}-{number}", self.first_room))
                .header("Content-Length", "0");
            tries.push(tracker.spawn(async move {
                let status = request.send().await.map(|answer| answer.status().as_u16());
                (status, planned.elapsed())
            }));
        }
        let (mut admitted, mut shed, mut others) = (vec![], vec![], 0);
        for answer in tries {
            let (status, elapsed) = answer.await.map_err(|panic| anyhow!("a client panicked: {panic}"))?;
            let micros = u32::try_from(elapsed.as_micros()).unwrap_or(u32::MAX);
            match status {
                Ok(201) => admitted.push(micros),
                Ok(503) => shed.push(micros),
                Ok(_) | Err(_) => others += 1,
            }
        }
        Ok(Answers {
            admitted: Latencies::new(admitted),
            shed: Latencies::new(shed),
            others,
        })
    }
}
