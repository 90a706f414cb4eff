//! How soon the media server follows the log, and those it concerns are told.

use std::time::Duration;

use anyhow::{Context, Result};
use tokio::time::{Instant, sleep};

use super::house::{Guest, House, LIMIT};
use super::watch::percentile;
use crate::support::setting;

/// `STAGE_CHANGES` asks for more.
const CHANGES: u64 = 80;
const PROMISED: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_millis(4);

/// All that gives or takes the word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Change {
    AcceptsInvitation,
    IsMuted,
    Unmutes,
    IsMovedToTheAudience,
    IsApproved,
    AllAreMuted,
    UnmutesAgain,
    StepsDown,
}

impl Change {
    const ALL: [Self; 8] = [
        Self::AcceptsInvitation,
        Self::IsMuted,
        Self::Unmutes,
        Self::IsMovedToTheAudience,
        Self::IsApproved,
        Self::AllAreMuted,
        Self::UnmutesAgain,
        Self::StepsDown,
    ];

    const fn gives_the_word(self) -> bool {
        matches!(
            self,
            Self::AcceptsInvitation | Self::Unmutes | Self::IsApproved | Self::UnmutesAgain
        )
    }

    /// What has to come before.
    async fn prepare(self, house: &House, guest: &Guest) -> Result<()> {
        let answer = match self {
            Self::AcceptsInvitation => {
                let invite = format!("/stage/{}/invite", guest.caller.user_id());
                house.act(&house.co_host, &invite).await?
            }
            Self::IsApproved => house.act(&guest.caller, "/speak_requests/me").await?,
            _ => return Ok(()),
        };
        answer.expect(200, "a change is prepared").map(drop)
    }

    async fn make(self, house: &House, guest: &Guest) -> Result<()> {
        let of = |verb: &str| format!("/stage/{}/{verb}", guest.caller.user_id());
        let (who, path) = match self {
            Self::AcceptsInvitation => (&guest.caller, "/stage/me/accept".to_owned()),
            Self::IsMuted => (&house.co_host, of("mute")),
            Self::Unmutes | Self::UnmutesAgain => (&guest.caller, "/stage/me/unmute".to_owned()),
            Self::IsMovedToTheAudience => (&house.co_host, of("dismiss")),
            Self::IsApproved => (&house.co_host, of("approve")),
            Self::AllAreMuted => (&house.shop.host, "/stage/mute_all".to_owned()),
            Self::StepsDown => (&guest.caller, "/stage/me/step_down".to_owned()),
        };
        let what = format!("{self:?}");
        house.act(who, &path).await?.expect(200, &what).map(drop)
    }
}

/// When the media server itself says so.
async fn is_seen(house: &House, identity: &str, may_publish: bool) -> Result<Instant> {
    let deadline = Instant::now() + LIMIT;
    while Instant::now() < deadline {
        let people = house.people().await?;
        let person = people.iter().find(|person| person.identity == identity);
        if person.context("expected everybody to be there")?.may_publish == may_publish {
            return Ok(Instant::now());
        }
        sleep(LOOK_EVERY).await;
    }
    anyhow::bail!("expected the media server to follow within {LIMIT:?}")
}

/// Both times are counted from before the request, which is a little before the event on the log.
#[tokio::test(flavor = "multi_thread")]
async fn the_media_server_follows_the_log_within_a_second() -> Result<()> {
    let (house, _) = House::full(5).await?;
    let wanted = usize::try_from(setting("STAGE_CHANGES")?.unwrap_or(CHANGES))?;
    let (mut seen, mut told) = (Vec::new(), Vec::new());
    let guests = house.guests[1..].iter().cycle();
    'changes: for guest in guests {
        for change in Change::ALL {
            change.prepare(&house, guest).await?;
            let began = Instant::now();
            let identity = guest.identity();
            let (made, at_server, at_client) = tokio::join!(
                change.make(&house, guest),
                is_seen(&house, &identity, change.gives_the_word()),
                house.may_speak(&guest.name, change.gives_the_word()),
            );
            made?;
            seen.push(at_server? - began);
            told.push(at_client? - began);
            if seen.len() >= wanted {
                break 'changes;
            }
        }
    }
    seen.sort_unstable();
    told.sort_unstable();
    for (what, times) in [("the media server", &seen), ("their client", &told)] {
        let (half, most, all) = (percentile(times, 50), percentile(times, 99), percentile(times, 100));
        println!(
            "{} changes, as {what} has it: p50 {half:?}, p99 {most:?}, longest {all:?}",
            times.len()
        );
        assert!(most <= PROMISED, "{what} follows after {most:?}");
    }
    Ok(())
}
