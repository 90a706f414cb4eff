//! Who has a connection: so many in all, and so many from one address.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::ServerLimits;
use crate::limits::network;

pub(super) struct Places {
    limits: ServerLimits,
    all: Arc<Semaphore>,
    /// Bounded by the places that there are.
    by_address: Mutex<HashMap<IpAddr, usize>>,
}

/// A connection's place. Leaving is dropping it.
pub(super) struct Place {
    places: Arc<Places>,
    counted: Option<IpAddr>,
    _permit: OwnedSemaphorePermit,
}

/// Who has too many.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Full {
    Server,
    Address,
}

impl Places {
    pub(super) fn new(limits: ServerLimits) -> Arc<Self> {
        Arc::new(Self {
            all: Arc::new(Semaphore::new(limits.connections)),
            limits,
            by_address: Mutex::default(),
        })
    }

    pub(super) fn take(self: &Arc<Self>, peer: IpAddr) -> Result<Place, Full> {
        let permit = Arc::clone(&self.all).try_acquire_owned().map_err(|_| Full::Server)?;
        Ok(Place {
            counted: self.count(peer)?,
            places: Arc::clone(self),
            _permit: permit,
        })
    }

    /// Nobody is counted without a limit, and a proxy of ours stands for many.
    fn count(&self, peer: IpAddr) -> Result<Option<IpAddr>, Full> {
        let peer = peer.to_canonical();
        let Some(most) = self.limits.connections_per_address else {
            return Ok(None);
        };
        if self.limits.trusted_proxies.contains(peer) {
            return Ok(None);
        }
        let address = network(peer);
        let mut by_address = self.by_address();
        let count = by_address.entry(address).or_default();
        if *count >= most.get() {
            return Err(Full::Address);
        }
        *count += 1;
        Ok(Some(address))
    }

    fn by_address(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.by_address.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(address) = self.counted else { return };
        if let Entry::Occupied(mut count) = self.places.by_address().entry(address) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}
