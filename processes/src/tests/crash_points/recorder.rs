//! The awaits of a process, numbered as they come, and the one at which it dies.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// An await at a port.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Point {
    /// In which step of the flow.
    pub(super) step: usize,
    /// What is asked of whom, and about what.
    pub(super) name: String,
    /// Whether anything outside of the process is different afterwards.
    pub(super) has_effect: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Moment {
    /// Nothing was done.
    Before,
    /// It was done, and the process never hears of it.
    After,
}

/// What becomes of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fate {
    /// Carried out, and if nothing comes of it, [`Recorder::had_no_effect`].
    CarriedOut { number: Option<usize> },
    /// Carried out, but its answer is lost: whoever does it says so by [`Recorder::die`].
    CarriedOutUnseen,
    /// Not carried out, and never answered.
    Lost,
}

/// Clones are one recorder.
#[derive(Clone, Debug, Default)]
pub(super) struct Recorder(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    died: Notify,
}

#[derive(Debug, Default)]
struct State {
    is_counting: bool,
    step: usize,
    is_dead: bool,
    dies_at: Option<(usize, Moment)>,
    seen: Vec<Point>,
}

impl Recorder {
    /// Numbers from here on; the process dies at point `dies_at`, if there is one.
    pub(super) fn begin(&self, dies_at: Option<(usize, Moment)>) {
        let mut state = self.state();
        state.is_counting = true;
        state.step = 0;
        state.dies_at = dies_at;
        state.seen.clear();
    }

    pub(super) fn next_step(&self) {
        self.state().step += 1;
    }

    pub(super) fn had_no_effect(&self, number: usize) {
        if let Some(point) = self.state().seen.get_mut(number) {
            point.has_effect = false;
        }
    }

    /// What was numbered. Nothing is from here on.
    pub(super) fn end(&self) -> Vec<Point> {
        let mut state = self.state();
        state.is_counting = false;
        state.dies_at = None;
        std::mem::take(&mut state.seen)
    }

    /// The next life begins.
    pub(super) fn revive(&self) {
        self.state().is_dead = false;
    }

    pub(super) fn is_dead(&self) -> bool {
        self.state().is_dead
    }

    pub(super) fn ask(&self, name: String, has_effect: bool) -> Fate {
        let mut state = self.state();
        if state.is_dead {
            return Fate::Lost;
        }
        if !state.is_counting {
            return Fate::CarriedOut { number: None };
        }
        let (step, number) = (state.step, state.seen.len());
        state.seen.push(Point { step, name, has_effect });
        let Some((_, moment)) = state.dies_at.filter(|(at, _)| *at == number) else {
            return Fate::CarriedOut { number: Some(number) };
        };
        // From now on nothing else that it asks for is done.
        state.is_dead = true;
        state.is_counting = false;
        drop(state);
        match moment {
            Moment::Before => {
                self.die();
                Fate::Lost
            }
            Moment::After => Fate::CarriedOutUnseen,
        }
    }

    pub(super) fn die(&self) {
        self.0.died.notify_one();
    }

    /// Returns when the process has come to the point at which it dies.
    pub(super) async fn died(&self) {
        self.0.died.notified().await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
