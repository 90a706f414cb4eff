//! What handlers work with.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use domain::{Preset, TaxRules, Timestamp};
use event_log::{Aggregates, Clock, EventLog};
use media_bridge::Bridge;
use media_bridge::webhook::Receiver;
use notary::Notary;
use outbound::webhooks::Webhooks;
use payments::PaymentProvider;
use payments::sandbox::Sandbox;
use processes::Processes;
use projections::{Projections, View};
use sqlx::PgPool;
use uuid::{Builder, Uuid};

use crate::ApiError;
use crate::Live;
use crate::auth::Auth;
use crate::extract::AsOf;
use crate::hosts::HostTerms;
use crate::limits::Limits;
use crate::recordings::Keeping;
use crate::rollout::RolloutGate;

/// How long a read waits for its `min_position`, and a write for its own effect.
const VIEW_WAIT_MAX: Duration = Duration::from_secs(2);

/// Everything the API is wired to.
pub struct ApiParts {
    pub log: Arc<dyn EventLog>,
    pub aggregates: Aggregates,
    pub projections: Projections,
    pub pool: PgPool,
    pub processes: Processes,
    pub provider: Arc<dyn PaymentProvider>,
    /// The sandbox provider, where its buyers' endpoint is to be served.
    pub sandbox: Option<Arc<Sandbox>>,
    /// `None` where no media server is configured: doors answer 503.
    pub bridge: Option<Bridge>,
    pub media_webhooks: Option<Receiver>,
    pub clock: Arc<dyn Clock>,
    pub auth: Auth,
    pub limits: Limits,
    pub live: Live,
    /// The shop's own systems that are told what happens.
    pub webhooks: Webhooks,
    /// How many people a second are let in, all rooms together; 0 is as many as come.
    pub doors_per_second: u32,
    /// Where clients find the signalling of the media server: boxoffice's own URL.
    pub public_ws_url: String,
    pub preset: Preset,
    /// What is tax in a price, by the customer's country.
    pub taxes: TaxRules,
    /// What hosts of priced rooms must accept, if the shop has terms of hosting.
    pub host_terms: Option<HostTerms>,
    pub rollout: RolloutGate,
    /// Who makes proofs, and signs.
    pub notary: Notary,
    pub keeping: Keeping,
}

impl fmt::Debug for ApiParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiParts")
            .field("provider", &self.provider.name())
            .field("public_ws_url", &self.public_ws_url)
            .finish_non_exhaustive()
    }
}

/// The parts as handlers get them. One pointer, because every layer and every request takes a clone.
#[derive(Clone, Debug)]
pub(crate) struct ApiState(Arc<ApiParts>);

impl From<ApiParts> for ApiState {
    fn from(parts: ApiParts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for ApiState {
    type Target = ApiParts;

    fn deref(&self) -> &ApiParts {
        &self.0
    }
}

impl ApiState {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A new id, ordered by time. Its chance comes from this thread's own generator: asking the kernel for every request
    /// would cost as much as reading it.
    pub(crate) fn new_uuid(&self) -> Uuid {
        let millis = u64::try_from(self.now().timestamp_millis()).unwrap_or(0);
        Builder::from_unix_timestamp_millis(millis, &rand::random()).into_uuid()
    }

    /// Waits until `view` shows the position that the client asks for, if it asks for one.
    pub(crate) async fn wait_for(&self, view: View, min_position: Option<u64>) -> Result<(), ApiError> {
        match min_position {
            Some(position) if !self.has_reached(view, position).await => Err(ApiError::ProjectionBehind),
            _ => Ok(()),
        }
    }

    /// The position that a client means by a moment of the log, if it means one. What lies beyond the log's end is not
    /// known yet, so it is refused rather than answered with what will change.
    pub(crate) async fn position_of(&self, as_of: Option<AsOf>) -> Result<Option<u64>, ApiError> {
        let position = match as_of {
            None => return Ok(None),
            Some(AsOf::Position(position)) => {
                let head = self.log.head().await?.position;
                if position > head {
                    let detail = format!("is beyond the log's end, which is at position {head}");
                    return Err(ApiError::invalid("/query/as_of", detail));
                }
                position
            }
            Some(AsOf::Time(time)) if time > self.now() => {
                return Err(ApiError::invalid("/query/as_of", "is in the future"));
            }
            Some(AsOf::Time(time)) => self.settled_position_at(time).await?,
        };
        Ok(Some(position))
    }

    /// The last position that was recorded by `time`, once that is sure for good.
    async fn settled_position_at(&self, time: Timestamp) -> Result<u64, ApiError> {
        let head = self.log.head().await?.position;
        let position = self.log.position_at(time).await?;
        // Times never go back along the log: if there was an event behind, nothing can come before it any more.
        if position < head {
            return Ok(position);
        }
        let detail = match self.log.settles_within() {
            Some(wait) if (self.now() - time).to_std().is_ok_and(|age| age >= wait) => return Ok(position),
            Some(wait) => format!(
                "is too young: what was recorded by then is known for good {} seconds later",
                wait.as_secs_f64()
            ),
            None => "is not behind the last event: what was recorded by then is known for good when more is".to_owned(),
        };
        Err(ApiError::invalid("/query/as_of", detail))
    }

    /// The same, and waits until `view` shows it.
    pub(crate) async fn view_as_of(&self, view: View, as_of: Option<AsOf>) -> Result<Option<u64>, ApiError> {
        let position = self.position_of(as_of).await?;
        self.wait_for(view, position).await?;
        Ok(position)
    }

    /// Waits a limited time for `view` to show `position`.
    pub(crate) async fn has_reached(&self, view: View, position: u64) -> bool {
        self.projections.wait_for(view, position, VIEW_WAIT_MAX).await
    }

    /// The last position that is known to be durable.
    pub(crate) fn durable_position(&self) -> u64 {
        *self.log.wake().borrow()
    }
}
