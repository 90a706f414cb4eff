//! The API, whole: real log, real views, real processes, the sandbox provider.

mod access;
mod bad_cases;
mod bad_input;
mod changing;
mod closing;
mod contract;
mod disputing;
mod dividing;
mod earning;
mod explaining;
mod limits;
mod live;
mod money_threads;
mod outage;
mod past;
mod pricing;
mod promises;
mod reading;
mod selling;
mod server;
mod staging;
mod storing;
mod support;
mod threads;
mod waiting;
