//! Bad days.

use axum::http::Method;

use crate::state::State;

/// What becomes of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// 429, not carried out; after so many seconds, if it says.
    RateLimit { retry_after: Option<u32> },
    /// 409: another call with the same key is under way. Not carried out.
    InUse,
    /// 500, not carried out and not remembered.
    Fail,
    /// 500, and every repeat with the same key gets it again. It may have been carried out all the same.
    FailAndRemember { is_carried_out: bool },
    /// Carried out, and the answer is half of one.
    Garble,
    /// Carried out, and never answered.
    LoseAnswer,
    /// Neither.
    LoseRequest,
}

#[derive(Debug)]
pub(crate) struct Scripted {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) fault: Fault,
    pub(crate) times: usize,
}

impl State {
    pub(crate) fn next_fault(&mut self, method: &Method, path: &str) -> Option<Fault> {
        let fits = |scripted: &Scripted| method.as_str() == scripted.method && path.starts_with(scripted.path);
        let index = self.faults.iter().position(fits)?;
        let scripted = self.faults.get_mut(index)?;
        let fault = scripted.fault;
        scripted.times = scripted.times.saturating_sub(1);
        if scripted.times == 0 {
            self.faults.remove(index);
        }
        Some(fault)
    }
}
