//! What processes work with.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use domain::Preset;
use domain::payout::PayoutSchedule;
use event_log::clock::Clock;
use event_log::{Aggregates, EventLog};
use payments::{AppStore, PaymentProvider};
use sqlx::PgPool;

use crate::People;
use crate::mail::Mailer;

/// Cheap to clone.
#[derive(Clone)]
pub struct Deps {
    pub log: Arc<dyn EventLog>,
    pub aggregates: Aggregates,
    pub pool: PgPool,
    pub provider: Arc<dyn PaymentProvider>,
    /// Who checks what app stores say; absent where nothing is sold through one.
    pub store: Option<Arc<dyn AppStore>>,
    pub clock: Arc<dyn Clock>,
    pub people: People,
    /// `None` where no mail is sent.
    pub mail: Option<Arc<Mailer>>,
    pub settings: ProcessSettings,
}

impl fmt::Debug for Deps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deps")
            .field("provider", &self.provider.name())
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// The figures an operator, or a test in a hurry, may change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProcessSettings {
    /// How often the provider's own event list is read.
    pub sweep_interval: Duration,
    /// How long after its start a payment that the provider has not answered for is asked for again.
    pub payment_check_delay: Duration,
    /// How young a provider's event may be before the sweep applies it: its webhook is on its way.
    pub sweep_grace: Duration,
    /// Whoever records a capture carries it on to the ticket at once. Switched off, jobs do it.
    pub head_start: bool,
    /// How far behind the log jobs are made: what was done by then needs none.
    pub jobs_follow: Duration,
    /// How long a worker owns a job it took. After a crash its jobs wait for the rest of this.
    pub lease: Duration,
    /// Jobs that run at once: so many that ask the provider, and so many others.
    pub concurrency: u32,
    /// Tries before a job is put aside as dead. Tries that failed for want of the log, the database or the provider do
    /// not count; tries whose worker died do.
    pub attempts_max: i32,
    /// There is a mail server: letters are written from here on.
    pub sends_mail: bool,
    /// The wait after a first failed try; it doubles from there, up to [`crate::jobs::BACKOFF_MAX`].
    pub backoff_first: Duration,
    pub payouts: PayoutSettings,
}

/// How hosts are paid by themselves: figures of the shop's preset.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PayoutSettings {
    /// Below this nothing is paid out, in minor units.
    pub minimum_minor: i64,
    /// Of hosts who did not choose.
    pub schedule: PayoutSchedule,
}

impl PayoutSettings {
    pub const fn of(preset: &Preset) -> Self {
        Self {
            minimum_minor: preset.payout_min_minor,
            schedule: preset.payout_schedule,
        }
    }
}

impl Default for ProcessSettings {
    fn default() -> Self {
        Self {
            sweep_interval: Duration::from_secs(2),
            payment_check_delay: Duration::from_secs(5),
            sweep_grace: Duration::from_secs(3),
            head_start: true,
            jobs_follow: Duration::from_millis(300),
            lease: Duration::from_secs(10),
            concurrency: 32,
            attempts_max: 10,
            sends_mail: false,
            backoff_first: Duration::from_millis(200),
            payouts: PayoutSettings::default(),
        }
    }
}
