//! The figures of requests. A series is looked up by its labels once and then kept: making its key anew for each request
//! would cost more than counting it.
//!
//! Bounded: there are as many series as routes, methods and statuses, none of which a client can invent.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use http::StatusCode;
use metrics::{Counter, Histogram, counter, histogram};

/// The series of all routes.
#[derive(Default)]
pub(crate) struct Figures {
    routes: RwLock<HashMap<String, Vec<Series>>>,
}

/// The answers of one route with one status to one method.
struct Series {
    method: &'static str,
    status: StatusCode,
    requests: Counter,
    seconds: Histogram,
}

impl Figures {
    pub(crate) fn count(&self, method: &'static str, route: &str, status: StatusCode, elapsed: Duration) {
        if self.count_known(method, route, status, elapsed) {
            return;
        }
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        let series = Series::new(method, route, status);
        series.count(elapsed);
        routes.entry(route.to_owned()).or_default().push(series);
    }

    fn count_known(&self, method: &'static str, route: &str, status: StatusCode, elapsed: Duration) -> bool {
        let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
        let known = routes.get(route).and_then(|series| {
            let mut series = series.iter();
            series.find(|series| series.method == method && series.status == status)
        });
        known.map(|series| series.count(elapsed)).is_some()
    }
}

impl Series {
    fn new(method: &'static str, route: &str, status: StatusCode) -> Self {
        let route = route.to_owned();
        let code = status.as_u16().to_string();
        Self {
            method,
            status,
            requests: counter!("http_requests_total", "method" => method, "route" => route.clone(), "status" => code.clone()),
            seconds: histogram!("http_request_seconds", "method" => method, "route" => route, "status" => code),
        }
    }

    fn count(&self, elapsed: Duration) {
        self.requests.increment(1);
        self.seconds.record(elapsed);
    }
}
