//! Checkpoints leave the database, and nothing that was published is contradicted.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use event_log::SystemClock;
use sqlx::PgPool;

use super::bucket::Bucket;
use super::support::*;
use crate::publish::BucketSettings;
use crate::{Alarm, Checkpoint, Destination, NotaryLimits};

fn bucket_settings(bucket: &Bucket) -> BucketSettings {
    BucketSettings {
        url: format!("{}/evidence/log", bucket.url).parse().unwrap(),
        region: "eu-test-1".to_owned(),
        access_key_id: "AKIATEST".to_owned(),
        secret_access_key: "hunter2".into(),
        clock: Arc::new(SystemClock),
    }
}

fn size_of(note: &str) -> u64 {
    Checkpoint::open(note, &key().verifier()).unwrap().checkpoint.size
}

#[sqlx::test(migrations = "../migrations")]
async fn a_folder_has_the_newest_and_one_of_each_minute(pool: PgPool) {
    let mut outside = Outside::new();
    let folder = outside.path().join("published");
    outside.destinations = vec![Destination::Directory(folder.clone())];
    let office = Office::open(&pool, &outside).await;
    for round in 0..5 {
        office.append("a", round * 10, 10).await;
        office.signed((round + 1) * 10).await;
    }
    let latest = folder.join("checkpoint");
    until("it is published", async || {
        fs::read_to_string(&latest).is_ok_and(|note| size_of(&note) == 50)
    })
    .await;
    let days: Vec<_> = fs::read_dir(folder.join("checkpoints"))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let lasting: Vec<_> = days
        .iter()
        .flat_map(|day| fs::read_dir(day.path()).unwrap())
        .map(Result::unwrap)
        .collect();
    // Two, if a minute ended meanwhile.
    assert!((1..=2).contains(&lasting.len()), "{lasting:?}");
    for file in lasting {
        let name = file.file_name().into_string().unwrap();
        assert_eq!(
            name.parse::<u64>().unwrap(),
            size_of(&fs::read_to_string(file.path()).unwrap())
        );
    }
    office.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_bucket_and_a_webhook_that_were_away_get_the_newest(pool: PgPool) {
    let (bucket, webhook) = (Bucket::start().await, Bucket::start().await);
    for away in [&bucket, &webhook] {
        away.answer_with(Some(503));
    }
    let mut outside = Outside::new();
    outside.destinations = vec![
        Destination::Bucket(bucket_settings(&bucket)),
        Destination::Webhook(format!("{}/hook?token=1", webhook.url).parse().unwrap()),
    ];
    let office = Office::open(&pool, &outside).await;
    office.append("a", 0, 10).await;
    office.signed(10).await;
    until("both were asked", async || {
        bucket.refused() > 1 && webhook.refused() > 1
    })
    .await;
    office.append("a", 10, 10).await;
    office.signed(20).await;
    for back in [&bucket, &webhook] {
        back.answer_with(None);
    }
    let has = |place: &Bucket, name: &str| place.get(name).is_some_and(|note| size_of(&note) == 20);
    until("the bucket has it", async || has(&bucket, "/evidence/log/checkpoint")).await;
    until("the webhook has it", async || has(&webhook, "/hook?token=1")).await;
    let lasting = bucket
        .names()
        .into_iter()
        .filter(|name| name.starts_with("/evidence/log/checkpoints/"));
    assert!(lasting.count() >= 1, "{:?}", bucket.names());
    let authorization = bucket.authorization();
    assert!(
        authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIATEST/") && authorization.contains("/eu-test-1/s3/"),
        "{authorization}"
    );
    office.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_bucket_that_comes_back_with_more_than_the_log_has_stops_the_notary(pool: PgPool) {
    let bucket = Bucket::start().await;
    let mut outside = Outside::new();
    let settings = bucket_settings(&bucket);
    outside.destinations = vec![Destination::Bucket(settings)];
    let ahead = Checkpoint {
        origin: key().name().to_owned(),
        size: 1_000,
        root: [7; 32],
    };
    bucket.put("/evidence/log/checkpoint", &ahead.sign(&key()).to_string());
    bucket.answer_with(Some(500));
    let office = Office::open(&pool, &outside).await;
    office.append("a", 0, 10).await;
    office.signed(10).await;
    assert!(office.notary.standing().alarm.is_none(), "nobody knows better yet");
    bucket.answer_with(None);
    let alarm = office.alarm().await;
    assert!(
        matches!(
            alarm,
            Alarm::Shrunk {
                end: 10,
                size: 1_000,
                ..
            }
        ),
        "{alarm:?}"
    );
    assert_eq!(size_of(&bucket.get("/evidence/log/checkpoint").unwrap()), 1_000);
    // It is known for good, also while the bucket is away again.
    bucket.answer_with(Some(500));
    let refused = bucket.refused();
    until("it was looked for again", async || bucket.refused() > refused + 10).await;
    assert_eq!(office.notary.standing().alarm, Some(alarm));
    office.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_cannot_be_compared_yet_is_not_overwritten(pool: PgPool) {
    let bucket = Bucket::start().await;
    let mut outside = Outside::new();
    outside.destinations = vec![Destination::Bucket(bucket_settings(&bucket))];
    bucket.answer_with(Some(500));
    let other = Checkpoint {
        origin: key().name().to_owned(),
        size: 5,
        root: [7; 32],
    };
    bucket.put("/evidence/log/checkpoint", &other.sign(&key()).to_string());
    let quiet = NotaryLimits {
        patrol: Duration::from_hours(1),
        ..limits()
    };
    let office = Office::with(&pool, &outside, quiet).await;
    office.append("a", 0, 10).await;
    office.signed(10).await;
    sql(&pool, "DELETE FROM notary_tiles").await;
    bucket.answer_with(None);
    let read = bucket.read();
    until("it was read", async || bucket.read() > read + 2).await;
    assert_eq!(size_of(&bucket.get("/evidence/log/checkpoint").unwrap()), 5);
    // The next checkpoint brings the tree back, and what is there is no part of it.
    office.append("a", 10, 1).await;
    let alarm = office.alarm().await;
    assert!(matches!(alarm, Alarm::Forked { after: 0, size: 5, .. }), "{alarm:?}");
    assert_eq!(size_of(&bucket.get("/evidence/log/checkpoint").unwrap()), 5);
    office.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_was_signed_and_not_published_is_published_by_the_next_process(pool: PgPool) {
    let mut outside = Outside::new();
    let office = Office::open(&pool, &outside).await;
    office.append("a", 0, 10).await;
    office.signed(10).await;
    office.close().await;
    let folder = outside.path().join("published");
    outside.destinations = vec![Destination::Directory(folder.clone())];
    let office = Office::open(&pool, &outside).await;
    let latest = folder.join("checkpoint");
    until("it is published", async || {
        fs::read_to_string(&latest).is_ok_and(|note| size_of(&note) == 10)
    })
    .await;
    office.close().await;
}
