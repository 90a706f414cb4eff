//! Bodies that are on their way: read before a request takes a place inside, which it would hold for as long as its client
//! likes.
//!
//! Beyond the limit the one that has been at it longest is turned away for the newest: a client that means to send needs a
//! moment, and whoever wanted to keep it out would have to begin as many new requests in that moment as there are places.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use axum::body::HttpBody as _;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use metrics::{Counter, Gauge, counter, gauge};
use tokio::sync::oneshot;

use crate::ApiError;
use crate::extract::read_body;

#[derive(Debug)]
pub(super) struct Bodies {
    most: usize,
    limit_bytes: usize,
    under_way: Mutex<UnderWay>,
    occupancy: Gauge,
    turned_away: Counter,
}

#[derive(Default, Debug)]
struct UnderWay {
    begun: u64,
    /// Oldest first. To drop one is to turn it away.
    readers: BTreeMap<u64, oneshot::Sender<()>>,
}

/// A body on its way. Dropped when it is there.
struct Reader {
    bodies: Arc<Bodies>,
    number: u64,
}

impl Bodies {
    /// At most so many at the same time, of so many bytes each.
    pub(super) fn new(name: &'static str, most: usize, limit_bytes: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            limit_bytes,
            under_way: Mutex::default(),
            occupancy: gauge!("http_bodies_in_flight", "door" => name),
            turned_away: counter!("http_bodies_shed_total", "door" => name),
        })
    }

    /// The request with its whole body. One that came with its head, as almost all do, takes no place here.
    pub(super) async fn complete(self: &Arc<Self>, request: Request) -> Result<Request, ApiError> {
        if request.body().is_end_stream() {
            return Ok(request);
        }
        let (head, body) = request.into_parts();
        let body = self.read(body).await?;
        Ok(Request::from_parts(head, Body::from(body)))
    }

    async fn read(self: &Arc<Self>, body: Body) -> Result<Bytes, ApiError> {
        let mut reading = pin!(read_body(body, self.limit_bytes));
        if let Poll::Ready(read) = futures::poll!(&mut reading) {
            return read;
        }
        let (_reader, turned_away) = self.begin();
        tokio::select! {
            biased;
            read = reading => read,
            _ = turned_away => Err(ApiError::Overloaded),
        }
    }

    fn begin(self: &Arc<Self>) -> (Reader, oneshot::Receiver<()>) {
        let (sender, turned_away) = oneshot::channel();
        let mut under_way = self.under_way();
        let number = under_way.begun;
        under_way.begun += 1;
        under_way.readers.insert(number, sender);
        if under_way.readers.len() > self.most && under_way.readers.pop_first().is_some() {
            self.turned_away.increment(1);
        }
        drop(under_way);
        self.occupancy.increment(1);
        let bodies = Arc::clone(self);
        (Reader { bodies, number }, turned_away)
    }

    fn under_way(&self) -> MutexGuard<'_, UnderWay> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.bodies.under_way().readers.remove(&self.number);
        self.bodies.occupancy.decrement(1);
    }
}
