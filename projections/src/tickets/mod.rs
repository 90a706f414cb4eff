//! Tickets as their holders and hosts see them: held seats from the room's events, the rest from the sale's own.

mod apply;
mod evolve;
mod fold;
mod load;
mod past;
mod queries;
mod rows;
#[cfg(test)]
mod tests;

pub(crate) use apply::apply;
pub(crate) use evolve::evolve;
pub use past::{is_about, past_ticket};
pub use queries::{find_ticket, list_sales_of_room, list_tickets_of};
pub use rows::{PaymentRow, PaymentState, RefundRow, RefundState, TicketRow, TicketState};
