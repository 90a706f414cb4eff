//! A day is sealed when it is over. The shop's clock is put ahead to the next morning, as the sandbox allows.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Days, NaiveDate, Utc};
use event_log::{Clock, SystemClock};
use serde_json::{Value, json};

use super::cast::Cast;
use super::figures::Figures;
use crate::client::{Server, eventually};
use crate::demo::people::{list, number, text};
use crate::demo::say;
use crate::output;

/// `2026-11-24` of `2026-11-24T20:00:00.000Z`.
const DATE_CHARS: usize = 10;
/// After midnight: a day is sealed one minute later at the earliest.
const MORNING_MINUTES: i64 = 5;
/// Both sides are read once a minute, and at the start.
const RECONCILED_LIMIT: Duration = Duration::from_secs(90);

pub(super) async fn play(server: &mut Server, cast: &mut Cast, figures: &mut Figures) -> Result<()> {
    let day = last_day(cast).await?;
    let next = day.checked_add_days(Days::new(1)).context("expected a next day")?;
    let minutes = minutes_to_morning_of(next, SystemClock.now())?;
    server
        .restart_with(vec![(
            "BOXOFFICE_SANDBOX_AHEAD_MINUTES".to_owned(),
            minutes.to_string(),
        )])
        .await?;
    cast.move_to(server);
    say(format!(
        "the sandbox's clock is {minutes} minutes ahead: it is the morning after {day}"
    ));
    reconcile(cast, figures).await?;
    let nothing = json!({});
    cast.finance
        .post_with_key(&format!("/v1/days/{next}/seal"), "too-early", &nothing)
        .await?
        .expect_problem(409, "wrong_state", "a day that is not over is to be sealed")?;
    let path = format!("/v1/days/{day}/seal");
    let sealed = cast
        .finance
        .post_with_key(&path, "the-first-day", &nothing)
        .await?
        .expect(201, "finance seals the day")?;
    let again = cast
        .finance
        .post_with_key(&path, "the-first-day-again", &nothing)
        .await?
        .expect(201, "finance seals it once more")?;
    ensure!(sealed == again, "expected the same seal, got {sealed} and {again}");
    check(cast, &sealed).await?;
    figures.sealed_events = u64::try_from(number(&sealed, "/events")?)?;
    ensure!(
        number(&sealed, "/unreconciled")? == 0,
        "expected a day without open lines, and got {sealed}"
    );
    say(format!(
        "{day} is sealed: {} events, up to position {}, where the chain's value is {}…",
        figures.sealed_events,
        sealed["position"],
        text(&sealed, "/hash")?.chars().take(16).collect::<String>()
    ));
    figures.sealed_day = day.to_string();
    Ok(())
}

/// The day (UTC) on which the last event so far was recorded.
async fn last_day(cast: &Cast) -> Result<NaiveDate> {
    let head = cast
        .finance
        .get("/v1/log/head")
        .await?
        .expect(200, "finance reads the log's head")?;
    let last = event(cast, number(&head, "/position")? - 1).await?;
    let day: String = text(&last, "/recorded_at")?.chars().take(DATE_CHARS).collect();
    day.parse().with_context(|| format!("expected a date, and got {day}"))
}

/// From now until a while after a day has begun (UTC), in whole minutes.
fn minutes_to_morning_of(day: NaiveDate, now: DateTime<Utc>) -> Result<i64> {
    let midnight = day.and_hms_opt(0, 0, 0).context("expected a midnight")?;
    Ok((midnight.and_utc() - now).num_minutes() + MORNING_MINUTES)
}

/// Every line of the provider's statement has its line in the books, and none is left on either side.
async fn reconcile(cast: &Cast, figures: &mut Figures) -> Result<()> {
    let is_whole = |body: &Value| body["provider_lines_open"] == 0 && body["ledger_lines_open"] == 0;
    let body = eventually("every line of the provider in the books", RECONCILED_LIMIT, || async {
        let body = cast
            .finance
            .get("/v1/reconciliation")
            .await?
            .expect(200, "finance compares the provider's statement")?;
        let has_fee = list(&body, "/matched")?.iter().any(|line| line["kind"] == "transfer");
        Ok((is_whole(&body) && has_fee).then_some(body))
    });
    let body = body.await?;
    output::line("Reconciled with the sandbox's statement (lines, net; minor units):");
    for line in list(&body, "/matched")? {
        let lines = number(line, "/lines")?;
        figures.reconciled_pairs += u64::try_from(lines)?;
        output::line(format!(
            "  {:<14} {lines:>4} {:>8}",
            text(line, "/kind")?,
            number(line, "/net/amount_minor")?
        ));
    }
    figures.unreconciled_lines = u64::try_from(number(&body, "/provider_lines_open")?)?;
    figures.unreconciled_lines += u64::try_from(number(&body, "/ledger_lines_open")?)?;
    say("both sides have the same lines");
    Ok(())
}

/// The seal says what the books said at the day's last position, by class of account, and what the chain's value was.
async fn check(cast: &Cast, sealed: &Value) -> Result<()> {
    let position = number(sealed, "/position")?;
    let last = event(cast, position - 1).await?;
    ensure!(
        last["hash"] == sealed["hash"],
        "expected the chain's value of {last}, and got {sealed}"
    );
    let path = format!("/v1/ledger/trial_balance?as_of={position}");
    let books = cast
        .finance
        .get(&path)
        .await?
        .expect(200, "finance reads the day's books")?;
    let (mut expected, mut by_currency) = (BTreeMap::<_, i64>::new(), BTreeMap::<_, i64>::new());
    for line in list(&books, "/data")? {
        let account = text(line, "/account")?;
        let class = account.splitn(3, ':').take(2).collect::<Vec<_>>().join(":");
        *expected.entry((class, text(line, "/currency")?)).or_default() += number(line, "/balance_minor")?;
    }
    let mut totals = BTreeMap::new();
    for total in list(sealed, "/totals")? {
        let balance = number(total, "/balance_minor")?;
        *by_currency.entry(text(total, "/currency")?).or_default() += balance;
        totals.insert((text(total, "/class")?, text(total, "/currency")?), balance);
    }
    ensure!(
        totals == expected && by_currency.values().all(|sum| *sum == 0),
        "expected the sealed totals to be {expected:?}, and got {totals:?}"
    );
    Ok(())
}

/// The event behind a position.
async fn event(cast: &Cast, after: i64) -> Result<Value> {
    let body = cast
        .finance
        .get(&format!("/v1/log/events?after={after}&limit=1"))
        .await?
        .expect(200, "finance reads the log")?;
    let found = list(&body, "/data")?.first().cloned();
    found.with_context(|| format!("expected an event after {after}"))
}
