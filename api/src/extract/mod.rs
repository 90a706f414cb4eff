//! What handlers take from a request, parsed once: after these nothing is checked again.

mod caller;
mod fields;
mod idempotency_key;
mod ids;
mod json_body;
mod query;
mod raw_body;

#[cfg(test)]
mod tests;

pub(crate) use caller::Caller;
pub(crate) use fields::{Fields, Moment};
pub(crate) use idempotency_key::{IdempotencyKey, fingerprint, hex};
pub(crate) use ids::{Id, Ids, Place};
pub(crate) use json_body::{BODY_BYTES_MAX, JsonBody, NoBody, OptionalJsonBody};
pub(crate) use query::{
    AsOf, AsOfQuery, FromQuery, MinPosition, Paging, Query, QueryParams, check_page, take_count, take_limit,
    take_position,
};
pub(crate) use raw_body::read_body;
