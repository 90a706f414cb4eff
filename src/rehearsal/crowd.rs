//! Audio clients in several processes: one carries some dozens that listen.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use media_bridge::rehearsal::{AudioClients, AudioEvent, Tally, WaitError};
use tokio::time::Instant;

use super::error::RehearsalError;

const CLIENTS_PER_PROCESS: usize = 25;
/// Letting everybody leave.
const LEAVE_LIMIT: Duration = Duration::from_secs(10);

pub(super) struct Crowd {
    processes: Vec<AudioClients>,
    url: String,
}

impl Crowd {
    pub(super) fn gather(python: &Path, url: &str, people: usize, tally: &Arc<Tally>) -> Result<Self, RehearsalError> {
        let processes = (0..people.div_ceil(CLIENTS_PER_PROCESS))
            .map(|_| AudioClients::start_counted(python, Arc::clone(tally)))
            .collect::<Result<_, _>>()
            .map_err(|_| RehearsalError::NoClients {
                python: python.to_owned(),
            })?;
        Ok(Self {
            processes,
            url: url.to_owned(),
        })
    }

    pub(super) fn pids(&self) -> impl Iterator<Item = u32> {
        self.processes.iter().filter_map(AudioClients::process_id)
    }

    fn of(&self, number: usize) -> &AudioClients {
        &self.processes[number / CLIENTS_PER_PROCESS]
    }

    pub(super) async fn connect(&self, number: usize, client: &str, token: &str) -> Result<(), RehearsalError> {
        Ok(self.of(number).connect(client, &self.url, token).await?)
    }

    pub(super) async fn publish(&self, number: usize, client: &str, hz: u32) -> Result<(), RehearsalError> {
        Ok(self.of(number).publish(client, hz).await?)
    }

    pub(super) async fn wait_for(
        &self,
        number: usize,
        client: &str,
        limit: Duration,
        is_wanted: impl Fn(&AudioEvent) -> bool + Send,
    ) -> Result<(Instant, AudioEvent), WaitError> {
        self.of(number).wait_for(client, limit, is_wanted).await
    }

    pub(super) async fn go_home(self) {
        let all = self.processes.into_iter().map(|process| process.finish(LEAVE_LIMIT));
        futures::future::join_all(all).await;
    }
}
