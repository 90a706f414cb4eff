//! What a period would have brought under another preset. The log is only read.

mod divide;
mod fold;
mod retold;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use fold::WhatIf;
pub(crate) use retold::Retold;
pub(crate) use table::{json, text};
