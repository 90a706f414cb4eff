//! The log for analysts: typed views of each event type, a star schema, folds of their own in SQL, and Parquet files.
//!
//! Everything here only reads the log, and writes nothing but the schema `analytics`, schemas of analysts, and files.

pub mod columns;
pub mod install;
#[cfg(feature = "parquet")]
pub mod parquet;
pub mod project;
pub mod star;
#[cfg(test)]
mod tests;
mod views;

/// Where views and tables for analysts are.
pub const SCHEMA: &str = "analytics";
