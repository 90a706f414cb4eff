//! A subscription of the whole log: what there is, and then what comes.

use std::collections::VecDeque;
use std::future;
use std::sync::Arc;

use esdb_protocol::event_store::client::streams::ReadResp;
use esdb_protocol::event_store::client::streams::read_resp::{CaughtUp, Checkpoint, Content, SubscriptionConfirmation};
use futures::stream::{self, Stream};
use tokio::sync::watch;
use tonic::Status;
use uuid::Uuid;

use crate::fault::{Cuts, Faults};
use crate::service::wire;
use crate::store::{Store, is_own};

/// Events taken from the store at once.
const PAGE: usize = 100;

/// How a subscription is served.
pub(crate) struct Feed {
    store: Arc<Store>,
    faults: Arc<Faults>,
    count: watch::Receiver<usize>,
    cuts: watch::Receiver<Cuts>,
    /// What had happened when it began.
    begun: Cuts,
    /// Everything up to here is said.
    at: u64,
    without_own: bool,
    is_live: bool,
    to_say: VecDeque<Content>,
}

impl Feed {
    /// After a position; without the engine's own events if so filtered.
    pub(crate) fn new(store: Arc<Store>, faults: Arc<Faults>, after: u64, without_own: bool) -> Self {
        let mut cuts = faults.cuts();
        let begun = *cuts.borrow_and_update();
        Self {
            count: store.count(),
            store,
            faults,
            begun,
            cuts,
            at: after,
            without_own,
            is_live: false,
            to_say: VecDeque::from([Content::Confirmation(SubscriptionConfirmation {
                subscription_id: Uuid::new_v4().to_string(),
            })]),
        }
    }

    pub(crate) fn into_stream(self) -> impl Stream<Item = Result<ReadResp, Status>> + Send {
        stream::unfold(self, |mut feed| async move {
            let content = feed.next().await?;
            Some((Ok(ReadResp { content: Some(content) }), feed))
        })
    }

    /// `None` when it is ended.
    async fn next(&mut self) -> Option<Content> {
        loop {
            let cuts = *self.cuts.borrow_and_update();
            if cuts.ended > self.begun.ended {
                return None;
            }
            if cuts.silenced > self.begun.silenced {
                future::pending::<()>().await;
            }
            if let Some(content) = self.to_say.pop_front() {
                return Some(content);
            }
            self.count.borrow_and_update();
            if self.take_page() {
                continue;
            }
            tokio::select! {
                _ = self.count.changed() => {}
                _ = self.cuts.changed() => {}
            }
        }
    }

    /// Whether there was anything to say.
    fn take_page(&mut self) -> bool {
        let page = self.store.after(self.at, PAGE);
        let Some(last) = page.last() else {
            let was_live = std::mem::replace(&mut self.is_live, true);
            if !was_live {
                self.to_say.push_back(Content::CaughtUp(CaughtUp::default()));
            }
            return !was_live;
        };
        self.at = last.position;
        let is_passed = self.without_own && is_own(&last.stream);
        let times = if self.faults.is_repeating() { 2 } else { 1 };
        for event in std::iter::repeat_n(page, times).flatten() {
            if !self.without_own || !is_own(&event.stream) {
                self.to_say.push_back(wire(event));
            }
        }
        if is_passed {
            self.to_say.push_back(Content::Checkpoint(Checkpoint {
                commit_position: self.at,
                prepare_position: self.at,
            }));
        }
        true
    }
}
