//! Keeps the media server as the log says it should be, and knows who is there.

pub mod attendance;
pub mod bridge;
pub mod delivery;
pub mod desired;
mod entry;
#[doc(hidden)]
pub mod fake;
pub mod gate;
pub mod identity;
mod leading;
pub mod livekit;
mod marks;
pub mod media_server;
mod presence;
pub mod reactions;
mod reconciler;
pub mod recording;
pub mod rehearsal;
pub mod server_config;
mod shared;
pub mod webhook;

pub use bridge::{Bridge, BridgeDeps, EntryError, EntryToken, Knock};
pub use delivery::DeliveryDeps;
pub use desired::{
    Admission, DesiredPerson, DesiredRecording, DesiredRoom, Entitlements, EntitlementsError, RefusalReason, StageRole,
};
pub use entry::FIRST_ENTRY;
pub use identity::Identity;
pub use livekit::{LiveKit, LiveKitConfig};
pub use marks::Marks;
pub use media_server::{Badge, LiveParticipant, LiveRoom, LiveTrack, MediaError, MediaServer, Permission};
pub use server_config::{ServerConfig, livekit_config};
