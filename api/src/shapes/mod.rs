//! Shapes that several resources share.

mod customer;
mod money;
mod names;
mod presence;
mod prices;
mod recording;
mod refund_policy;

pub(crate) use customer::*;
pub(crate) use money::MoneyBody;
pub(crate) use names::NamesBody;
pub(crate) use presence::*;
pub(crate) use prices::*;
pub(crate) use recording::*;
pub(crate) use refund_policy::RefundPolicyBody;
