//! A full live room with a real media server, on bad days: what is on the log is what is heard.

mod calls;
mod house;
mod kills;
mod line;
mod permissions;
mod post;
mod watch;
mod webhooks;
