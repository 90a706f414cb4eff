mod database;
mod lines;
mod story;
mod tampering;
mod vectors;
