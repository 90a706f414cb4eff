//! Random stories of the whole: the API, the processes, PostgreSQL, and a provider with bad days.
//!
//! People, banks, the provider and time do whatever they like ([`act`]); when all has come to rest, the laws hold
//! ([`laws`]). A story that breaks one is made as short as can be, and its seed is kept in `proptest-regressions/whole.txt`;
//! once its defect is mended, it stays in [`regressions`] as well, since a seed means another story when there are new acts.
//!
//! `WHOLE_CASES` and `WHOLE_ACTS` make it run longer.

mod act;
mod databases;
mod elsewhere;
mod laws;
mod letters;
mod perform;
mod regressions;
mod stores;
mod world;

use std::collections::BTreeSet;
use std::str::FromStr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::test_runner::{Config, FileFailurePersistence, TestCaseError, TestRunner};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::runtime::Builder;

use self::act::{Story, stories};
use self::databases::Template;
use self::world::World;
use crate::support::text;

const SEEDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/whole.txt");
const CASES: u32 = 8;
/// Of which some are several.
const ACTS_MAX: usize = 30;
/// A story is made shorter for so long, at most.
const SHRINK_MS: u32 = 120_000;
const STORY_LIMIT: Duration = Duration::from_mins(1);

/// So many stories come by all that matters, or they prove nothing.
const MANY: u32 = 500;
const MATTERS: [&str; 21] = [
    "waiting_list_joined",
    "payment_captured",
    "payment_declined",
    "seat_denied",
    "ticket_issued",
    "ticket_lapsed",
    "ticket_transferred",
    "room_rescheduled",
    "refund_completed",
    "refund_failed",
    "ticket_settled",
    "earning_credited",
    "earning_held",
    "dispute_won",
    "dispute_lost",
    "payout_paid",
    "payout_returned",
    "share_credited",
    "earnings_matured",
    "host_suspended",
    "payout_schedule_chosen",
];

/// Kinds of events that a story came by.
type Seen = BTreeSet<String>;

/// Plays a story to its end, and says what it came by, or which law it breaks.
async fn play(options: PgConnectOptions, story: &Story) -> Result<Seen, String> {
    let mut world = World::open(options, story.earnings_wait).await;
    world.schedule(&story.rooms).await;
    for act in &story.acts {
        world.perform(act).await;
    }
    let verdict = world.rest().await;
    let events = world.app.events().await;
    let seen = events.iter().map(|event| text(&event["event_type"]).to_owned());
    let seen = seen.collect();
    world.app.stop().await;
    verdict.map(|()| seen)
}

/// On threads and a database of its own.
fn play_alone(template: &Template, story: &Story) -> Result<Seen, String> {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("threads").block_on(async {
        let copy = template.copy().await;
        let played = tokio::time::timeout(STORY_LIMIT, play(copy.options(), story)).await;
        copy.drop().await;
        played.unwrap_or_else(|_| Err("it takes for ever".to_owned()))
    })
}

fn figure<T: FromStr>(name: &str, otherwise: T) -> T {
    let given = std::env::var(name).ok();
    given.and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

#[sqlx::test(migrations = "../migrations")]
async fn any_story_keeps_the_laws(_: PgPoolOptions, options: PgConnectOptions) {
    let template = Template::prepare(options).await;
    let (cases, seen) = (figure("WHOLE_CASES", CASES), Arc::new(Mutex::new(Seen::new())));
    let all = Arc::clone(&seen);
    let tell = move || {
        let config = Config {
            cases,
            max_shrink_time: SHRINK_MS,
            failure_persistence: Some(Box::new(FileFailurePersistence::Direct(SEEDS))),
            ..Config::default()
        };
        let stories = stories(figure("WHOLE_ACTS", ACTS_MAX));
        TestRunner::new(config).run(&stories, |story| {
            let seen = play_alone(&template, &story).map_err(TestCaseError::fail)?;
            all.lock().expect("nobody panics here").extend(seen);
            Ok(())
        })
    };
    let told = tokio::task::spawn_blocking(tell).await.expect("a verdict");
    told.unwrap_or_else(|failure| panic!("{failure}"));
    let seen = seen.lock().expect("nobody panics here");
    let missed: Vec<_> = MATTERS.iter().filter(|kind| !seen.contains(**kind)).collect();
    assert!(
        cases < MANY || missed.is_empty(),
        "{cases} stories came by no {missed:?}"
    );
}
