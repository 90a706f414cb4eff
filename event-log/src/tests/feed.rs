//! The tail of the log in memory: whole, in order, bounded.

use std::sync::Arc;
use std::time::Duration;

use super::subscriptions::rooms;
use super::support::*;
use crate::feed::{Batch, Feed, FeedPage, Recent};
use crate::pipeline::Permit;
use crate::plan::{Ground, Plan, Tail};
use crate::queue::Queue;
use crate::versions::Versions;
use crate::{Head, StreamAppend};

/// What a commit of these appends after `tail` hands on, and where the log ends then.
fn batch(tail: Tail, appends: Vec<StreamAppend>) -> (Batch, Tail) {
    let (queue, mut requests) = Queue::new(appends.len());
    let ground = Ground::new(tail.recorded_at, Duration::from_secs(1));
    let mut versions = Versions::new(usize::MAX);
    let mut plan = Plan::after(tail);
    for append in appends {
        let _pending = Permit::new(queue.reserve().unwrap()).enqueue(append, None);
        plan.judge(requests.try_recv().unwrap(), 0, &ground, &mut versions);
    }
    (Batch::of(&plan), plan.tail)
}

/// A feed with `count` batches of two events each, after `first`.
fn feed(first: u64, count: u128) -> (Feed, Tail) {
    let mut tail = Tail {
        head: Head {
            position: first,
            ..Head::EMPTY
        },
        ..Tail::EMPTY
    };
    let feed = Feed::default();
    for room in 0..count {
        let (next, end) = batch(tail, vec![rooms(room, 0, 2)]);
        feed.push(next);
        tail = end;
    }
    (feed, tail)
}

fn page(recent: Recent) -> FeedPage {
    match recent {
        Recent::Page(page) => page,
        other => panic!("{other:?}"),
    }
}

fn positions(page: &FeedPage) -> Vec<u64> {
    page.events.iter().map(|event| event.position).collect()
}

#[test]
fn a_page_is_what_follows_in_whole_batches() {
    let (feed, tail) = feed(10, 3);
    let all = page(feed.after(10, 100));
    assert_eq!(positions(&all), [11, 12, 13, 14, 15, 16]);
    assert_eq!(all.to, tail.head);
    let enough = page(feed.after(10, 3));
    assert_eq!((positions(&enough), enough.to.position), (vec![11, 12, 13, 14], 14));
    assert_eq!(
        positions(&page(feed.after(13, 100))),
        [14, 15, 16],
        "from the middle of a batch"
    );
    assert!(matches!(feed.after(16, 100), Recent::Nothing));
}

#[test]
fn what_it_does_not_hold_is_elsewhere() {
    assert!(matches!(Feed::default().after(0, 1), Recent::Elsewhere));
    let (feed, _) = feed(10, 1);
    assert!(matches!(feed.after(9, 1), Recent::Elsewhere));
    assert!(matches!(feed.after(13, 1), Recent::Elsewhere));
}

#[test]
fn everybody_sees_the_same_decoded_event() {
    let (feed, _) = feed(0, 1);
    let (one, other) = (page(feed.after(0, 1)), page(feed.after(0, 1)));
    assert!(Arc::ptr_eq(&one.events[0], &other.events[0]));
}

#[test]
fn a_batch_that_does_not_follow_begins_anew() {
    let (feed, _) = feed(0, 2);
    let elsewhere = Tail {
        head: Head {
            position: 9,
            ..Head::EMPTY
        },
        ..Tail::EMPTY
    };
    feed.push(batch(elsewhere, vec![rooms(7, 0, 1)]).0);
    assert!(matches!(feed.after(0, 1), Recent::Elsewhere));
    assert_eq!(positions(&page(feed.after(9, 1))), [10]);
}

#[test]
fn the_oldest_is_forgotten_at_the_bound() {
    let (feed, mut tail) = feed(0, 1);
    for room in 1..=9 {
        let (next, end) = batch(tail, vec![rooms(room, 0, 8_192)]);
        feed.push(next);
        tail = end;
    }
    assert!(matches!(feed.after(0, 1), Recent::Elsewhere));
    let held = tail.head.position - page(feed.after(2 + 8_192, 1)).events[0].position + 1;
    assert_eq!(held, 65_536);
    assert!(matches!(feed.after(tail.head.position, 1), Recent::Nothing));
}

#[test]
fn a_batch_that_does_not_decode_is_left_to_the_database() {
    let (feed, tail) = feed(0, 1);
    feed.push(batch(tail, vec![append("a", 0, 1)]).0);
    assert_eq!(positions(&page(feed.after(0, 100))), [1, 2]);
    assert!(matches!(feed.after(2, 100), Recent::Elsewhere));
}
