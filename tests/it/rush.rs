//! What a rush must not do (`rules.md` §5): oversell, undersell, lose held seats.

use std::time::Duration;

use anyhow::Result;
use boxoffice::client::{Caller, eventually};
use futures::future::join_all;
use serde_json::json;

use crate::support::{Shop, ShopOptions, try_hold};

const LIMIT: Duration = Duration::from_secs(20);

/// Whether the buyer has a seat; whoever has none was told `sold_out`.
async fn is_seated(buyer: &Caller, room: &str) -> Result<bool> {
    let answer = try_hold(buyer, room).await?;
    if answer.status == 201 {
        return Ok(true);
    }
    answer.expect_problem(409, "sold_out", "a buyer comes too late")?;
    Ok(false)
}

async fn winners(buyers: &[Caller], room: &str) -> Result<usize> {
    let answers = join_all(buyers.iter().map(|buyer| is_seated(buyer, room))).await;
    let seated = answers.into_iter().collect::<Result<Vec<_>>>()?;
    Ok(seated.into_iter().filter(|is_seated| *is_seated).count())
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_buyers_and_one_seat_make_one_winner() -> Result<()> {
    let shop = Shop::open(ShopOptions::default()).await?;
    let room = shop.schedule(1, 60).await?;
    let buyers = shop.people(30).await?;
    assert_eq!(winners(&buyers, &room).await?, 1);
    shop.assert_books_closed().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_capacity_sells_and_every_lapsed_seat_comes_back() -> Result<()> {
    let shop = Shop::open(ShopOptions::default()).await?;
    let room = shop.schedule(20, 2).await?;
    let buyers = shop.people(30).await?;
    assert_eq!(
        winners(&buyers, &room).await?,
        20,
        "the whole capacity is there to be held"
    );
    eventually("every seat to be free after all holds lapsed", LIMIT, || async {
        let room = shop.room(&room).await?;
        Ok((room["seats"] == json!({"free": 20, "held": 0, "sold": 0})).then_some(()))
    })
    .await
}
