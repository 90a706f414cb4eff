mod database;
mod lines;
mod notarised;
mod story;
mod tampering;
mod vectors;
