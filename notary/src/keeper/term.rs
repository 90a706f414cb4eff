//! The notary's terms: it works while this node leads, and looks again after whatever stopped it.

use std::convert::Infallible;
use std::time::Duration;

use event_log::{Leader, leader};
use tracing::{error, warn};

use super::handle::Shared;
use super::reader::Trouble;
use super::round::Work;

/// The pause after the database was away, or another node was faster.
const OUTAGE_PAUSE: Duration = Duration::from_secs(1);

impl Shared {
    /// For ever.
    pub(super) async fn look_after(&self) {
        loop {
            leader::on_duty(&*self.deps.log).await;
            let mut leading = self.deps.log.leader();
            tokio::select! {
                _ = leading.wait_for(|leader| *leader != Leader::Here) => {}
                never = self.serve() => match never {},
            }
            // Whoever leads now looks for himself.
            self.set_alarm(None);
        }
    }

    async fn serve(&self) -> Infallible {
        loop {
            let Err(trouble) = self.term().await;
            let pause = match trouble {
                Trouble::Alarm(alarm) => {
                    if self.set_alarm(Some(alarm.clone())) {
                        error!(
                            log.position = alarm.position(),
                            "the notary signs nothing any more: {alarm}"
                        );
                    }
                    self.settings.limits.pause
                }
                trouble => {
                    let cause = std::error::Error::source(&trouble).map(ToString::to_string);
                    warn!("the notary has to wait: {trouble} {}", cause.unwrap_or_default());
                    OUTAGE_PAUSE
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    async fn term(&self) -> Result<Infallible, Trouble> {
        let mut work = Work::begin(self).await?;
        self.set_alarm(None);
        loop {
            work.round().await?;
        }
    }
}
