//! Both sides of the reconciler in memory, for tests here and in the crates above.

mod entitlements;
mod media_server;
mod recorder;
mod room;

pub use entitlements::FakeEntitlements;
pub use media_server::FakeMediaServer;
pub use recorder::FakeRecorder;
pub use room::schedule_of;
