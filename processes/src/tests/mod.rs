//! Tests of the processes: on real PostgreSQL, with a provider that follows a script, and with the sandbox.

mod cancelling;
mod crash_points;
mod crashes;
mod expiry;
mod inbox;
mod jobs;
mod needed;
mod provider;
mod purchase;
mod reactions;
mod sandbox;
mod settling;
mod standing;
mod stripe;
mod timers;
mod waiting;
mod world;
