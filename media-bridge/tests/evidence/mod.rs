//! What is recorded of a room, against what was done in it.

mod truth;
