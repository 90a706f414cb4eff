//! How far an opening was watched. Where nobody looked, or the media server did not answer, nothing that was not seen says
//! anything about who was there.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use chrono::TimeDelta;
use domain::room::{Interruption, InterruptionCause};
use domain::{SessionId, Timestamp};
use sqlx::PgPool;

/// Observations are a second apart. What is not longer than this is no interruption.
pub(crate) const UNWATCHED_MIN: TimeDelta = TimeDelta::seconds(5);
/// A watch in which nothing happens is written this often.
const WRITE_EVERY: TimeDelta = TimeDelta::seconds(2);
/// More are not read of one opening: it was hardly ever to be heard.
const INTERRUPTIONS_MAX: i64 = 1_000;

/// What is known of one opening, beside the interruptions.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Watch {
    media_sid: Option<String>,
    first_at: Option<Timestamp>,
    watched_at: Option<Timestamp>,
    failing_since: Option<Timestamp>,
}

impl Watch {
    /// Seen now, in the media server's room of this name. Says what interruption that ends.
    fn look(&mut self, media_sid: &str, now: Timestamp) -> Option<Interruption> {
        let was_lost = self.media_sid.as_deref().is_some_and(|known| known != media_sid);
        let since = self.watched_at.or(self.failing_since);
        let is_long = |since: Timestamp| now - since > UNWATCHED_MIN;
        let cause = if was_lost || self.failing_since.is_some() {
            InterruptionCause::MediaServer
        } else {
            InterruptionCause::Unwatched
        };
        let interruption = since
            .filter(|since| was_lost || is_long(*since))
            .map(|from| Interruption {
                from,
                until: now,
                cause,
            });
        *self = Self {
            media_sid: Some(media_sid.to_owned()),
            first_at: self.first_at.or(Some(now)),
            watched_at: Some(now),
            failing_since: None,
        };
        interruption
    }

    /// The media server does not answer. `true` if that is new.
    fn fail(&mut self, now: Timestamp) -> bool {
        let is_new = self.failing_since.is_none();
        self.failing_since.get_or_insert(now);
        is_new
    }
}

/// The watches of the rooms that are live, in memory and in `media_watches`.
#[derive(Debug, Default)]
pub(crate) struct Watches {
    known: HashMap<SessionId, Known>,
}

#[derive(Debug, Default)]
struct Known {
    watch: Watch,
    written: Option<Timestamp>,
}

impl Watches {
    pub(crate) async fn look(
        &mut self,
        pool: &PgPool,
        session: SessionId,
        media_sid: &str,
        now: Timestamp,
    ) -> Result<(), sqlx::Error> {
        let known = self.load(pool, session).await?;
        let before = known.watch.clone();
        let interruption = known.watch.look(media_sid, now);
        let is_due = interruption.is_some()
            || before.media_sid != known.watch.media_sid
            || before.failing_since.is_some()
            || known.written.is_none_or(|written| now - written >= WRITE_EVERY);
        if !is_due {
            return Ok(());
        }
        let written = write(pool, session, &known.watch, interruption).await;
        match written {
            Ok(()) => known.written = Some(now),
            // As if nobody had looked: the next look ends it.
            Err(_) => known.watch = before,
        }
        written
    }

    pub(crate) async fn fail(&mut self, pool: &PgPool, session: SessionId, now: Timestamp) -> Result<(), sqlx::Error> {
        let known = self.load(pool, session).await?;
        if !known.watch.fail(now) {
            return Ok(());
        }
        let written = write(pool, session, &known.watch, None).await;
        if written.is_err() {
            known.watch.failing_since = None;
        }
        written
    }

    pub(crate) fn forget(&mut self, is_over: impl Fn(SessionId) -> bool) {
        self.known.retain(|session, _| !is_over(*session));
    }

    async fn load(&mut self, pool: &PgPool, session: SessionId) -> Result<&mut Known, sqlx::Error> {
        let vacant = match self.known.entry(session) {
            Entry::Occupied(known) => return Ok(known.into_mut()),
            Entry::Vacant(vacant) => vacant,
        };
        let row = sqlx::query!(
            "SELECT media_sid, first_at, watched_at, failing_since FROM media_watches WHERE session_id = $1",
            session.as_uuid(),
        )
        .fetch_optional(pool)
        .await?;
        let watch = row.map_or_else(Watch::default, |row| Watch {
            media_sid: row.media_sid,
            first_at: row.first_at,
            watched_at: row.watched_at,
            failing_since: row.failing_since,
        });
        Ok(vacant.insert(Known { watch, written: None }))
    }
}

/// Together: an interruption is over when somebody looks, or neither is known.
async fn write(
    pool: &PgPool,
    session: SessionId,
    watch: &Watch,
    interruption: Option<Interruption>,
) -> Result<(), sqlx::Error> {
    let mut transaction = pooling::begin(pool).await?;
    if let Some(interruption) = interruption {
        sqlx::query!(
            "INSERT INTO media_interruptions (session_id, began_at, ended_at, cause) VALUES ($1, $2, $3, $4)
             ON CONFLICT (session_id, began_at) DO UPDATE SET ended_at = EXCLUDED.ended_at, cause = EXCLUDED.cause",
            session.as_uuid(),
            interruption.from,
            interruption.until,
            cause_name(interruption.cause),
        )
        .execute(&mut *transaction)
        .await?;
    }
    sqlx::query!(
        "INSERT INTO media_watches (session_id, media_sid, first_at, watched_at, failing_since)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (session_id) DO UPDATE
         SET media_sid = EXCLUDED.media_sid, first_at = EXCLUDED.first_at, watched_at = EXCLUDED.watched_at,
             failing_since = EXCLUDED.failing_since",
        session.as_uuid(),
        watch.media_sid.as_deref(),
        watch.first_at,
        watch.watched_at,
        watch.failing_since,
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await
}

const fn cause_name(cause: InterruptionCause) -> &'static str {
    match cause {
        InterruptionCause::MediaServer => "media_server",
        InterruptionCause::Unwatched => "unwatched",
    }
}

/// All that is known of how an opening was watched.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Watched {
    pub(crate) watch: Watch,
    pub(crate) interruptions: Vec<Interruption>,
}

pub(crate) async fn watched(pool: &PgPool, session: SessionId) -> Result<Watched, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT began_at, ended_at, cause FROM media_interruptions WHERE session_id = $1 ORDER BY began_at LIMIT $2",
        session.as_uuid(),
        INTERRUPTIONS_MAX,
    )
    .fetch_all(pool)
    .await?;
    let interruptions = rows.into_iter().map(|row| Interruption {
        from: row.began_at,
        until: row.ended_at,
        cause: if row.cause == cause_name(InterruptionCause::MediaServer) {
            InterruptionCause::MediaServer
        } else {
            InterruptionCause::Unwatched
        },
    });
    let interruptions = interruptions.collect();
    let mut watches = Watches::default();
    let watch = watches.load(pool, session).await?.watch.clone();
    Ok(Watched { watch, interruptions })
}

impl Watched {
    /// The interruptions of an opening from its beginning until `until`, the one that goes on then included.
    pub(crate) fn interruptions(&self, opened_at: Timestamp, until: Timestamp) -> Vec<Interruption> {
        let watch = &self.watch;
        let gap = |from: Timestamp, until: Timestamp, cause| Interruption { from, until, cause };
        let failing = watch.failing_since.map(|since| watch.watched_at.unwrap_or(since));
        let known_from = self.interruptions.first().map(|first| first.from);
        let first = [watch.first_at, failing, known_from].into_iter().flatten().min();
        let before = gap(
            opened_at,
            first.unwrap_or(until).min(until),
            InterruptionCause::Unwatched,
        );
        let after = match (failing, watch.watched_at) {
            (Some(from), _) => Some(gap(from, until, InterruptionCause::MediaServer)),
            (None, Some(from)) => Some(gap(from, until, InterruptionCause::Unwatched)),
            (None, None) => None,
        };
        let is_long = |gap: &Interruption| gap.until - gap.from > UNWATCHED_MIN;
        let before = Some(before).filter(is_long);
        let after = after.filter(|gap| gap.until > gap.from && (failing.is_some() || is_long(gap)));
        let cut = self.interruptions.iter().filter_map(|interruption| {
            let cut = Interruption {
                from: interruption.from.max(opened_at),
                until: interruption.until.min(until),
                ..*interruption
            };
            (cut.from < cut.until).then_some(cut)
        });
        before.into_iter().chain(cut).chain(after).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEDIA: InterruptionCause = InterruptionCause::MediaServer;
    const UNWATCHED: InterruptionCause = InterruptionCause::Unwatched;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_timestamp(1_800_000_000 + second, 0).expect("a time")
    }

    fn gap(from: i64, until: i64, cause: InterruptionCause) -> Interruption {
        Interruption {
            from: at(from),
            until: at(until),
            cause,
        }
    }

    /// Looks at these seconds, `None` where the media server fails; what is known then of seconds 0 to 100.
    fn after(looks: &[(i64, Option<&str>)]) -> Vec<Interruption> {
        let (mut watch, mut interruptions) = (Watch::default(), vec![]);
        for (second, sid) in looks {
            match sid {
                Some(sid) => interruptions.extend(watch.look(sid, at(*second))),
                None => {
                    watch.fail(at(*second));
                }
            }
        }
        Watched { watch, interruptions }.interruptions(at(0), at(100))
    }

    fn steady(seconds: std::ops::Range<i64>, sid: &'static str) -> Vec<(i64, Option<&'static str>)> {
        seconds.map(|second| (second, Some(sid))).collect()
    }

    #[test]
    fn what_is_looked_at_every_second_has_no_interruption() {
        assert_eq!(after(&steady(1..100, "RM_1")), []);
        let hiccup = [
            steady(1..50, "RM_1"),
            vec![(50, None), (51, None)],
            steady(52..100, "RM_1"),
        ];
        assert_eq!(after(&hiccup.concat()), [], "it was there all the time");
    }

    #[test]
    fn a_media_server_that_does_not_answer_or_has_lost_the_room_interrupts() {
        let away: Vec<_> = (50..60).map(|second| (second, None)).collect();
        let away = [steady(1..50, "RM_1"), away, steady(60..100, "RM_1")];
        assert_eq!(after(&away.concat()), [gap(49, 60, MEDIA)]);
        let restarted = [steady(1..50, "RM_1"), steady(52..100, "RM_2")];
        assert_eq!(after(&restarted.concat()), [gap(49, 52, MEDIA)]);
        let for_good = [steady(1..50, "RM_1"), vec![(50, None)]];
        assert_eq!(after(&for_good.concat()), [gap(49, 100, MEDIA)]);
        assert_eq!(after(&[(0, None)]), [gap(0, 100, MEDIA)]);
        assert_eq!(
            after(&[vec![(0, None)], steady(30..100, "RM_1")].concat()),
            [gap(0, 30, MEDIA)]
        );
    }

    #[test]
    fn where_nobody_looked_nothing_is_known() {
        let gone = [steady(1..50, "RM_1"), steady(80..100, "RM_1")];
        assert_eq!(after(&gone.concat()), [gap(49, 80, UNWATCHED)]);
        assert_eq!(after(&steady(1..50, "RM_1")), [gap(49, 100, UNWATCHED)]);
        assert_eq!(after(&steady(30..100, "RM_1")), [gap(0, 30, UNWATCHED)]);
        assert_eq!(after(&[]), [gap(0, 100, UNWATCHED)]);
    }
}
