//! Four hold the four seats, two wait. One of the four lets go, and the first in line has the seat.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::cast::{Cast, Sale};
use super::figures::Figures;
use crate::client::{Caller, eventually};
use crate::demo::people::{Holder, text};
use crate::demo::say;
use crate::demo::tickets::{ISSUE_LIMIT, hold, issued, pay, try_hold};

const LINE: &str = "/waiting_list/me";

/// Who has paid, before anybody thinks better of it.
pub(super) struct First {
    pub(super) ann: Sale,
    pub(super) ben: Sale,
    pub(super) cleo: Sale,
    pub(super) eva: Sale,
}

pub(super) async fn play(cast: &Cast, figures: &mut Figures) -> Result<First> {
    let ann = buy(hold(&cast.room, &cast.ann).await?, figures).await?;
    let ben = buy(hold(&cast.room, &cast.ben).await?, figures).await?;
    let cleo = buy(hold(&cast.room, &cast.cleo).await?, figures).await?;
    let undecided = hold(&cast.room, &cast.dan).await?;
    for (place, late) in [&cast.eva, &cast.fay].into_iter().enumerate() {
        try_hold(&cast.room, late)
            .await?
            .expect_problem(409, "sold_out", "somebody comes too late")?;
        let joined = late
            .post_with_key(&cast.room_path(LINE), "wait-in-line", &json!({}))
            .await?
            .expect(201, "somebody gets in line")?;
        ensure!(
            joined["place"] == place + 1,
            "expected place {} in line, and got {joined}",
            place + 1
        );
    }
    say("three paid, one has not yet; two more stand in line");
    undecided
        .caller
        .post(&undecided.path("/release"), &json!({}))
        .await?
        .expect(200, "a buyer gives a held seat back")?;
    let eva = take_offer(cast, &cast.eva, figures).await?;
    let second = look(cast, &cast.fay).await?;
    ensure!(
        second["state"] == "waiting" && second["place"] == 1,
        "expected the second in line to be the next one, and got {second}"
    );
    say("the fourth gave the seat back: it was held for the first in line, who paid; the second is the next one now");
    Ok(First { ann, ben, cleo, eva })
}

/// Pays for a held seat.
async fn buy(holder: Holder, figures: &mut Figures) -> Result<Sale> {
    let payment = pay(&holder, "ok", "once").await?;
    figures.captured_minor += issued(&holder).await?;
    figures.tickets_issued += 1;
    Ok(Sale { holder, payment })
}

/// Waits for the offer of a seat, and pays for it.
pub(super) async fn take_offer(cast: &Cast, caller: &Caller, figures: &mut Figures) -> Result<Sale> {
    let offered = eventually("a seat for the first in line", ISSUE_LIMIT, || async {
        let place = look(cast, caller).await?;
        Ok((place["state"] == "offered").then_some(place))
    });
    let holder = Holder {
        caller: caller.clone(),
        ticket: text(&offered.await?, "/offer/ticket_id")?,
    };
    figures.offers_taken += 1;
    buy(holder, figures).await
}

async fn look(cast: &Cast, caller: &Caller) -> Result<Value> {
    caller
        .get(&cast.room_path(LINE))
        .await?
        .expect(200, "somebody looks at their place in line")
}
