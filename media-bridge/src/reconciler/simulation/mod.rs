//! The reconciler and its timetable, as they are, against a model of the media server, in model time.
//!
//! The model is what LiveKit documents and what was seen of it: a token is never revoked, and the one it hands out anew has
//! the rights of that moment; whoever comes a second time ends the first connection; a restart forgets every room and
//! tells nobody; a change of somebody who is gone is `NotFound`; webhooks are lost, doubled, late and out of order. People
//! race each other and the reconciler, some with every token they ever had. In storms calls are refused, or time out, and
//! are carried out never, before that, or some time later; the media server and the reconciler are killed; the wish cannot
//! be read.
//!
//! Left out: an entry that the media server drops from its list while the connection lives. Nobody can see it there.
//!
//! Everything is decided by the seed, which a failure prints: `RECONCILER_SEED=… RECONCILER_STEPS=1` plays it alone.

mod actions;
mod calls;
mod judge;
mod play;
mod server;
mod storm;
mod tests;
mod wish;
mod world;
