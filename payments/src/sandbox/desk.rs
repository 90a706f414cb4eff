//! Calls that are written together: what becomes of each when the batch fails.

use std::future::Future;
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use gather::Limits;

use super::error::StoreError;
use super::provider::CALL_TIMEOUT;

/// For each kind of call. A buyer waits for a confirmation: the pace is what it may cost under load.
pub(super) const LIMITS: Limits = Limits {
    waiting: 4_096,
    batch: 256,
    write: CALL_TIMEOUT,
    pace: Duration::from_millis(5),
};

/// One for each call, in their order.
pub(super) type Answers<D> = Vec<Result<<D as Desk>::Answer, <D as Desk>::Error>>;

/// Writes many calls in one transaction, or none of them.
pub(super) trait Desk: Sync + Sized {
    type Call: Send + Sync;
    type Answer: Send;
    type Error: From<StoreError> + Send;

    /// An error says that nothing was written, or that nobody knows.
    fn try_write(&self, calls: &[Self::Call]) -> impl Future<Output = Result<Answers<Self>, StoreError>> + Send;
}

/// Writes the calls together. If the database does not take one of them, each is written by itself, so that it fails alone.
pub(super) async fn write<D: Desk>(desk: &D, calls: Vec<D::Call>) -> Answers<D> {
    let error = match desk.try_write(&calls).await {
        Ok(answers) => return answers,
        Err(error) => error,
    };
    if calls.len() == 1 || !error.may_be_of_one_call() {
        let error = Arc::new(error);
        let share = |_: &D::Call| Err(StoreError::Batch(Arc::clone(&error)).into());
        return calls.iter().map(share).collect();
    }
    let mut answers = Vec::with_capacity(calls.len());
    for call in &calls {
        match desk.try_write(slice::from_ref(call)).await {
            Ok(answer) => answers.extend(answer),
            Err(error) => answers.push(Err(error.into())),
        }
    }
    answers
}
