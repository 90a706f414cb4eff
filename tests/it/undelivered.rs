//! A room that nobody could hear: the money goes back, also when there is no media server at all.

use std::time::Duration;

use anyhow::Result;
use boxoffice::client::eventually;
use serde_json::json;

use crate::support::{Shop, ShopOptions, buy};

const LIMIT: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn a_room_without_a_media_server_is_refunded_to_everybody() -> Result<()> {
    let shop = Shop::open(ShopOptions::default()).await?;
    let room = shop.schedule(3, 60).await?;
    let mut tickets = Vec::new();
    for buyer in shop.people(2).await? {
        let ticket = buy(&buyer, &room).await?;
        tickets.push((buyer, ticket));
    }
    for step in ["open", "end"] {
        let path = format!("/v1/rooms/{room}/{step}");
        shop.host
            .post(&path, &json!({}))
            .await?
            .expect(200, "the host opens and ends")?;
    }
    for (buyer, ticket) in &tickets {
        let path = format!("/v1/tickets/{ticket}");
        eventually("a refund of an undelivered room", LIMIT, || async {
            let shown = buyer.get(&path).await?.expect(200, "a buyer looks at the ticket")?;
            let is_back = shown["state"] == "refunded" && shown["refunds"][0]["state"] == "done";
            Ok(is_back.then_some(()))
        })
        .await?;
    }
    let attendance = format!("/v1/rooms/{room}/attendance?min_position={}", shop.head().await?);
    let report = shop
        .host
        .get(&attendance)
        .await?
        .expect(200, "the host reads the report")?;
    assert_eq!(report["delivered"], false, "{report}");
    shop.assert_books_closed().await
}
