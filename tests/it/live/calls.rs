//! Changes whose outcome nobody knows, and people who come and go meanwhile.

use std::time::Duration;

use anyhow::{Context, Result};
use tokio::time::sleep;

use super::house::House;
use super::line::Weather;

/// Longer than a call is waited for.
const LATE: Duration = Duration::from_millis(2_600);
/// When what is late has happened, and was looked at.
const ALL_OVER: Duration = Duration::from_secs(4);

fn with(stage: &[(String, bool)], identity: &str, may_publish: bool) -> Result<Vec<(String, bool)>> {
    let mut stage = stage.to_vec();
    let person = stage.iter_mut().find(|(who, _)| who == identity);
    person.context("expected them to be there")?.1 = may_publish;
    Ok(stage)
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_with_an_unknown_outcome_are_made_good() -> Result<()> {
    let (house, _) = House::full(4).await?;
    let (guest, before) = (&house.guests[1], house.stage().await?);
    let promoted = with(&before, &guest.identity(), true)?;

    house.line.set(Weather::LosesAnswers);
    house.promote(guest).await?;
    house.may_speak(&guest.name, true).await?;
    house.becomes(&promoted).await?;
    let dismiss = format!("/stage/{}/dismiss", guest.caller.user_id());
    house.direct(&dismiss).await?;
    house.may_speak(&guest.name, false).await?;
    house.becomes(&before).await?;
    house.line.set(Weather::Fair);

    // They get the word when it was taken from them again, and lose it when that is seen.
    house.ask(guest).await?;
    house.raises_a_hand(guest).await?;
    house.line.set(Weather::Late(LATE));
    house.approve(guest).await?;
    sleep(LATE / 4).await;
    house.direct(&dismiss).await?;
    house.line.set(Weather::Fair);
    house.may_speak(&guest.name, true).await.context("the late promotion")?;
    house.may_speak(&guest.name, false).await?;
    sleep(ALL_OVER).await;
    house.becomes(&before).await
}
