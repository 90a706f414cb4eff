//! Takes in the media server's webhooks. They are hints: verified, kept, answered at once.

use std::borrow::Cow;
use std::sync::Arc;

use chrono::DateTime;
use event_log::Clock;
use livekit_api::webhooks::{WebhookError, WebhookReceiver};
use livekit_protocol as proto;
use serde_json::Value;
use sqlx::PgPool;
use thiserror::Error;
use tracing::warn;

use crate::Bridge;
use crate::identity::session_of;
use crate::livekit::{LiveKitConfig, live_participant};
use crate::presence::Leave;
use crate::shared::Hint;

#[derive(Debug, Error)]
pub enum WebhookRefused {
    /// Not signed with our key, or not this body: answer 401.
    #[error("the webhook is not authentic")]
    NotAuthentic,
    /// It could not be stored: answer 503, and it comes again.
    #[error("the webhook cannot be stored")]
    Unavailable(#[source] sqlx::Error),
}

/// Receives webhooks for a bridge. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Receiver {
    verifier: WebhookReceiver,
    pool: PgPool,
    clock: Arc<dyn Clock>,
    bridge: Bridge,
}

impl Receiver {
    pub fn new(config: &LiveKitConfig, pool: PgPool, clock: Arc<dyn Clock>, bridge: Bridge) -> Self {
        Self {
            verifier: WebhookReceiver::new(config.verifier()),
            pool,
            clock,
            bridge,
        }
    }

    /// Takes in one webhook: `authorization` is the raw header, `body` the exact bytes. What is authentic is accepted even
    /// if it cannot be read, as a newer media server's might: it is stored, and the bridge looks for itself.
    pub async fn receive(&self, authorization: &str, body: &[u8]) -> Result<(), WebhookRefused> {
        let text = std::str::from_utf8(body).map_err(|_| WebhookRefused::NotAuthentic)?;
        let event = match self.verifier.receive(text, authorization) {
            Ok(event) => Some(event),
            Err(WebhookError::InvalidData(unreadable)) => {
                warn!(
                    error = &unreadable as &dyn std::error::Error,
                    "an authentic webhook cannot be read"
                );
                None
            }
            Err(_) => {
                metrics::counter!("boxoffice_media_webhooks_total", "outcome" => "refused").increment(1);
                return Err(WebhookRefused::NotAuthentic);
            }
        };
        let is_new = self
            .store(text, event.as_ref())
            .await
            .map_err(WebhookRefused::Unavailable)?;
        metrics::counter!("boxoffice_media_webhooks_total", "outcome" => "accepted").increment(1);
        if is_new {
            if let Some(hint) = event.and_then(leave_hint) {
                self.bridge.shared.hint(hint);
            }
            self.bridge.wake();
        }
        Ok(())
    }

    /// `false` if it was here before.
    async fn store(&self, body: &str, event: Option<&proto::WebhookEvent>) -> Result<bool, sqlx::Error> {
        let id = event.map_or_else(|| id_of_unreadable(body), |event| event.id.clone());
        let kept = without_name(body);
        let stored = sqlx::query!(
            "INSERT INTO media_webhooks (id, body, received_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING",
            id,
            kept.as_bytes(),
            self.clock.now(),
        )
        .execute(&self.pool)
        .await?;
        Ok(stored.rows_affected() > 0)
    }
}

fn id_of_unreadable(body: &str) -> String {
    let id = serde_json::from_str::<Value>(body)
        .ok()
        .and_then(|event| event.get("id")?.as_str().map(ToOwned::to_owned));
    id.unwrap_or_else(|| uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, body.as_bytes()).to_string())
}

/// As it came, but for what its participant is called: webhooks are kept, and names are under lock.
fn without_name(body: &str) -> Cow<'_, str> {
    let mut event = serde_json::from_str::<Value>(body).unwrap_or_default();
    let participant = event.get_mut("participant").and_then(Value::as_object_mut);
    match participant.and_then(|participant| participant.remove("name")) {
        Some(_) => Cow::Owned(event.to_string()),
        None => Cow::Borrowed(body),
    }
}

fn leave_hint(event: proto::WebhookEvent) -> Option<Hint> {
    if event.event != "participant_left" {
        return None;
    }
    let info = event.participant?;
    let timed_out = info.disconnect_reason() == proto::DisconnectReason::ConnectionTimeout;
    let participant = live_participant(info);
    Some(Hint {
        session: session_of(&event.room?.name)?,
        identity: participant.identity.parse().ok()?,
        participant_sid: participant.sid,
        leave: Leave {
            joined_at: participant.joined_at,
            at: DateTime::from_timestamp(event.created_at, 0)?,
            timed_out,
        },
    })
}
