//! How much a log holds and how long it waits.

use std::time::Duration;

/// Every bound of a log. The defaults are for production; tests tighten them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogLimits {
    /// Commands that may wait to be recorded, including those that are still being decided.
    pub queue: usize,
    /// Commands of one aggregate that may be under way, decided or not: the others find places in the queue beside the
    /// hottest room there is.
    pub queue_share: usize,
    /// Commands that are recorded by one statement.
    pub batch: usize,
    /// How long a queued command waits for a database that is away.
    pub outage_wait: Duration,
    /// How long PostgreSQL may work on one statement of the log.
    pub statement_limit: Duration,
    /// How often an idle leader makes sure that its session is alive.
    pub idle_check: Duration,
    /// How long a leader trusts its memory after it last made sure that it leads, and how long another process waits
    /// after it got the lock of a leader that did not resign.
    pub lease: Duration,
    /// How long a leader's session may be silent before another process ends it. Longer than the lease.
    pub silence: Duration,
    /// How long `connect` waits to lead the log before it goes on without.
    pub startup_wait: Duration,
    /// Streams whose version the sequencer remembers.
    pub versions: usize,
    /// Aggregates of one kind that are kept in memory.
    pub hot_aggregates: usize,
    /// Bytes that the aggregates of one kind may take, as far as they are idle: those in use stay. Estimated by the JSON they
    /// were made of, which is longer than they are.
    pub hot_bytes: u64,
    /// An aggregate that nobody used for so long leaves, at the latest after twice the time.
    pub hot_idle: Duration,
    /// Events between two snapshots of a stream, or a quarter of the stream if that is more.
    pub snapshot_every: u64,
    /// Streams that may wait for a snapshot. Others ask again later.
    pub snapshot_queue: usize,
    /// A state with more bytes of JSON gets no snapshot.
    pub snapshot_bytes: usize,
    /// The advisory lock that elects the one process that writes. It keeps processes from getting into each other's way;
    /// what keeps the log right is that a position exists once.
    pub leader_lock: i64,
}

impl Default for LogLimits {
    fn default() -> Self {
        Self {
            queue: 8192,
            queue_share: 4096,
            batch: 1000,
            outage_wait: Duration::from_secs(5),
            statement_limit: Duration::from_secs(3),
            idle_check: Duration::from_millis(250),
            lease: Duration::from_secs(1),
            silence: Duration::from_millis(2500),
            startup_wait: Duration::from_secs(5),
            versions: 200_000,
            hot_aggregates: 50_000,
            hot_bytes: 256 << 20,
            hot_idle: Duration::from_mins(10),
            snapshot_every: 1000,
            snapshot_queue: 1024,
            snapshot_bytes: 64 << 20,
            leader_lock: i64::from_be_bytes(*b"boxoffic"),
        }
    }
}
