//! Rooms: what is on, and what its host does with it.

mod attendance;
mod attendance_sheet;
mod cancel;
mod end;
mod host_only;
mod list;
mod open;
mod pause_sales;
mod promo_codes;
mod read;
mod read_refusal;
mod reschedule;
mod resume_sales;
mod revise;
mod room;
mod sales;
mod schedule;
mod timeline;
mod void;

pub(crate) use attendance::*;
pub(crate) use cancel::*;
pub(crate) use end::*;
pub(crate) use list::*;
pub(crate) use open::*;
pub(crate) use pause_sales::*;
pub(crate) use promo_codes::*;
pub(crate) use read::*;
pub(crate) use read_refusal::*;
pub(crate) use reschedule::*;
pub(crate) use resume_sales::*;
pub(crate) use revise::*;
pub(crate) use sales::*;
pub(crate) use schedule::*;
pub(crate) use timeline::*;
pub(crate) use void::*;
