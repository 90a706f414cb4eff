//! The whole, from outside: the real binary, PostgreSQL, livekit-server and audio clients.

mod analysts;
mod architecture;
mod command_line;
mod crash;
mod demo;
mod doors;
#[cfg(feature = "esdb")]
mod engine;
mod erasure;
mod evidence;
mod faults;
mod live;
mod lost_tail;
mod nodes;
mod operations;
mod outages;
mod receipts;
mod rehearsal;
mod rush;
mod support;
mod undelivered;
