//! A moment of the log, as a command is told it.

use std::str::FromStr;

use analytics::project::Moment;
use anyhow::{Context, anyhow, ensure};
use domain::Timestamp;
use event_log::{EventLog as _, LogLimits, PostgresLog};

use super::whatif::parse_time;
use crate::database::Database;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Until {
    Position(u64),
    Time(Timestamp),
}

impl FromStr for Until {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        if let Ok(position) = text.parse() {
            return Ok(Self::Position(position));
        }
        let time = parse_time(text).map_err(|error| anyhow!("must be a log position, or: {error}"))?;
        Ok(Self::Time(time))
    }
}

impl Until {
    /// The same for who may read the views of analysts alone.
    pub(super) const fn into_moment(self) -> Moment {
        match self {
            Self::Position(position) => Moment::Position(position),
            Self::Time(time) => Moment::Time(time),
        }
    }
}

/// The position that is meant; the log's end, if none is. What lies beyond that end is not known yet.
pub(super) async fn position(database: &Database, until: Option<Until>) -> anyhow::Result<u64> {
    let log = PostgresLog::for_reading(database.pool.clone(), &LogLimits::default());
    let head = log.head().await.context("read the end of the log")?.position;
    match until {
        None => Ok(head),
        Some(Until::Position(position)) => {
            ensure!(
                position <= head,
                "--until is beyond the log's end, which is at position {head}"
            );
            Ok(position)
        }
        Some(Until::Time(time)) => log.position_at(time).await.context("find the time in the log"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_position_a_day_or_a_time() {
        assert!(matches!("17".parse(), Ok(Until::Position(17))));
        let day: Until = "2026-11-01".parse().unwrap();
        assert!(matches!(day, Until::Time(time) if time == parse_time("2026-11-01T00:00:00Z").unwrap()));
        assert!("-1".parse::<Until>().is_err());
        assert!("soon".parse::<Until>().is_err());
    }
}
