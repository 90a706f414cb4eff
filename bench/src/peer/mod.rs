//! What others reach: the same room in a stock event store, and PostgreSQL with nothing in front of it.

mod copy;
mod room;
mod stock;
mod stock_server;

pub(crate) use copy::Rows;
pub(crate) use stock::{Stock, Variant};
pub(crate) use stock_server::{StockServerOptions, serve};
