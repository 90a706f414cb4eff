//! Settings: one struct per concern, each from flags and environment, each checked before anything starts.

mod auth;
mod claims;
mod data;
mod database;
mod http;
mod limits;
mod log;
mod media;
mod notary;
mod outbound;
mod payments;
mod recording;
mod rules;
mod vault;

pub(crate) use auth::{AuthOptions, DevelopmentSecret};
pub(crate) use data::DataOptions;
pub(crate) use database::DatabaseOptions;
pub(crate) use http::{HttpOptions, local_url};
pub(crate) use limits::LimitOptions;
#[cfg(feature = "esdb")]
pub(crate) use log::names_event_store;
pub(crate) use log::{Engine, EngineOptions, LogOptions};
pub(crate) use media::MediaOptions;
pub(crate) use notary::{NotaryKeyOptions, NotaryOptions};
pub(crate) use outbound::{MailOptions, OutboundOptions};
pub(crate) use payments::PaymentOptions;
pub(crate) use recording::{RecorderChoice, RecordingOptions};
pub(crate) use rules::RulesOptions;
pub(crate) use vault::VaultOptions;

/// An environment variable that is set to nothing counts as not set.
fn given<T: AsRef<str>>(value: Option<T>) -> Option<T> {
    value.filter(|value| !value.as_ref().trim().is_empty())
}
