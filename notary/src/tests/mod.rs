//! Examples for others.

mod vectors;
