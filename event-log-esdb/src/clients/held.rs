//! The client that calls are made with, and how it is given up.
//!
//! Both clients stay with the node that they have found. Where a call fails as it does on a node that is gone, they say that
//! they look for another one, and take the same again; of a call that its caller gives up they hear nothing. So after such a
//! call the client itself is given up, and the next call has another one made, which looks for a node anew.
//!
//! Their worker never ends by itself, nor does the connection that it has made. So each client has a runtime of its own, which
//! ends when the last call is over that was made with it.

use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::{Builder, Handle, Runtime};

use crate::client::ClientError;

/// The client for the next call, if there is one.
pub(super) struct Holder<C>(Arc<Mutex<Option<Arc<Held<C>>>>>);

struct Held<C> {
    client: C,
    runtime: Option<Runtime>,
}

/// A call that is made with a client. Dropped before it is kept, it was given up, and the client is with it.
pub(super) struct Call<C> {
    holder: Holder<C>,
    held: Arc<Held<C>>,
    is_kept: bool,
}

impl<C> Holder<C> {
    pub(super) fn new() -> Self {
        Self(Arc::default())
    }

    /// With the client that is held, or with one that is made on this runtime.
    pub(super) fn call(&self, make: impl FnOnce(Handle) -> Result<C, String>) -> Result<Call<C>, ClientError> {
        let mut held = self.held();
        let held = match &*held {
            Some(held) => Arc::clone(held),
            None => Arc::clone(held.insert(Arc::new(Held::try_new(make)?))),
        };
        Ok(Call {
            holder: self.clone(),
            held,
            is_kept: false,
        })
    }

    /// Unless there is another one already.
    fn lose(&self, lost: &Arc<Held<C>>) {
        let mut held = self.held();
        if held.as_ref().is_some_and(|held| Arc::ptr_eq(held, lost)) {
            *held = None;
        }
    }

    fn held(&self) -> MutexGuard<'_, Option<Arc<Held<C>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C> Clone for Holder<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C> Held<C> {
    fn try_new(make: impl FnOnce(Handle) -> Result<C, String>) -> Result<Self, ClientError> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| ClientError::InDoubt(error.to_string()))?;
        let client = make(runtime.handle().clone()).map_err(ClientError::InDoubt)?;
        Ok(Self {
            client,
            runtime: Some(runtime),
        })
    }
}

impl<C> Drop for Held<C> {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl<C> Call<C> {
    /// A node has answered, whatever it has said.
    pub(super) fn keep(&mut self) {
        self.is_kept = true;
    }

    /// There is nobody who answers.
    pub(super) fn lose(&self) {
        self.holder.lose(&self.held);
    }
}

impl<C> Deref for Call<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.held.client
    }
}

impl<C> Drop for Call<C> {
    fn drop(&mut self) {
        if !self.is_kept {
            self.lose();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::sync::oneshot;

    use super::*;

    static MADE: AtomicU32 = AtomicU32::new(0);

    fn call(holder: &Holder<u32>) -> Call<u32> {
        let made = holder.call(|_| Ok(MADE.fetch_add(1, Ordering::Relaxed)));
        made.unwrap_or_else(|error| panic!("{error}"))
    }

    #[tokio::test]
    async fn a_client_is_given_up_once_and_ends_with_its_last_call() {
        let holder = Holder::new();
        let ended = {
            let (alive, ended) = oneshot::channel::<()>();
            let worker = async move {
                std::future::pending::<()>().await;
                drop(alive);
            };
            let mut first = holder.call(|runtime| {
                runtime.spawn(worker);
                Ok(u32::MAX)
            });
            first.iter_mut().for_each(Call::keep);
            ended
        };
        let (mut late, given_up) = (call(&holder), call(&holder));
        assert_eq!((*late, *given_up), (u32::MAX, u32::MAX));
        drop(given_up);
        let mut next = call(&holder);
        assert_eq!(*next, 0);
        next.keep();
        // That one is lost already.
        late.lose();
        assert_eq!(*call(&holder), 0);
        late.keep();
        drop(late);
        assert!(ended.await.is_err());
    }
}
