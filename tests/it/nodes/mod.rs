//! Several nodes on one database, and one database on several servers.

mod failover;
mod load;
mod takeover;
