//! Query strings: every parameter known, every value parsed, every mistake named.

use std::fmt::Display;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use domain::Timestamp;
use http::request::Parts;
use utoipa::IntoParams;

use super::Moment;
use crate::ApiError;
use crate::error::FieldError;

const LIMIT_DEFAULT: u32 = 50;
const LIMIT_MAX: u32 = 200;
/// Longer values are no parameter of ours.
const VALUE_LENGTH_MAX: usize = 256;

/// A parsed query string.
#[derive(Clone, Debug)]
pub(crate) struct Query<T>(pub(crate) T);

/// What an endpoint takes from the query string.
pub(crate) trait FromQuery: Sized {
    fn from_query(parameters: &mut QueryParams) -> Self;
}

/// The parameters that nobody has asked for yet, and what was wrong with those that were.
#[derive(Debug)]
pub(crate) struct QueryParams {
    parameters: Vec<(String, String)>,
    errors: Vec<FieldError>,
}

impl QueryParams {
    /// The parameter `name`, if it is given. A value that does not parse is remembered as a mistake.
    pub(crate) fn take<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<T> {
        let text = self.take_text(name)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.refuse(name, error.to_string());
                None
            }
        }
    }

    fn take_text(&mut self, name: &str) -> Option<String> {
        let index = self.parameters.iter().position(|(key, _)| key == name)?;
        let (_, text) = self.parameters.remove(index);
        if text.contains('\0') {
            self.refuse(name, "must not contain U+0000");
            return None;
        }
        if text.len() > VALUE_LENGTH_MAX {
            self.refuse(name, format!("must have at most {VALUE_LENGTH_MAX} bytes"));
            return None;
        }
        Some(text)
    }

    pub(crate) fn refuse(&mut self, name: &str, detail: impl Into<String>) {
        self.errors.push(FieldError::new(format!("/query/{name}"), detail));
    }

    fn finish(mut self) -> Result<(), ApiError> {
        for (name, _) in self.parameters {
            let pointer = format!("/query/{}", name.replace('~', "~0").replace('/', "~1"));
            self.errors
                .push(FieldError::new(pointer, "unknown or repeated parameter"));
        }
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(ApiError::InvalidFields(self.errors))
        }
    }
}

impl<T: FromQuery, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let pairs = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        let axum::extract::Query(parameters) =
            pairs.map_err(|_| ApiError::invalid("/query", "must be a query string"))?;
        let errors = Vec::new();
        let mut parameters = QueryParams { parameters, errors };
        let parsed = T::from_query(&mut parameters);
        parameters.finish()?;
        Ok(Self(parsed))
    }
}

/// A log position: what `Log-Position` said.
pub(crate) fn take_position(parameters: &mut QueryParams, name: &str) -> Option<u64> {
    let position: u64 = parameters.take(name)?;
    if i64::try_from(position).is_err() {
        parameters.refuse(name, "beyond every position");
    }
    Some(position)
}

/// How many rows a page may have.
pub(crate) fn take_limit(parameters: &mut QueryParams) -> u32 {
    let limit = parameters.take("limit").unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        parameters.refuse("limit", format!("must be 1 to {LIMIT_MAX}"));
    }
    limit
}

/// How many are wanted, where a page is not the only answer: see [`check_page`].
pub(crate) fn take_count(parameters: &mut QueryParams) -> Option<u64> {
    let count: u64 = parameters.take("limit")?;
    if count == 0 {
        parameters.refuse("limit", "must be at least 1");
    }
    Some(count)
}

/// How many rows of a page a count means.
pub(crate) fn check_page(count: Option<u64>) -> Result<usize, ApiError> {
    let limit = count.unwrap_or(LIMIT_DEFAULT.into());
    let limit = usize::try_from(limit)
        .ok()
        .filter(|limit| (1..=LIMIT_MAX as usize).contains(limit));
    limit.ok_or_else(|| ApiError::invalid("/query/limit", format!("must be 1 to {LIMIT_MAX}")))
}

/// Read your writes.
#[derive(Clone, Copy, Default, Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct MinPosition {
    /// Answer with what the log held at this position or later; waits up to 2 s, then 503 `projection_behind`.
    pub(crate) min_position: Option<u64>,
}

impl FromQuery for MinPosition {
    fn from_query(parameters: &mut QueryParams) -> Self {
        Self {
            min_position: take_position(parameters, "min_position"),
        }
    }
}

/// A page of a list.
#[derive(Clone, Copy, Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Paging {
    /// How many at most: 1 to 200, 50 if absent.
    #[param(minimum = 1, maximum = 200, default = 50, required = false)]
    pub(crate) limit: u32,
    /// The `next` of the page before.
    #[param(value_type = Option<String>, pattern = "^[0-9]{1,18}$")]
    pub(crate) after: Option<u64>,
    /// Answer with what the log held at this position or later; waits up to 2 s, then 503 `projection_behind`.
    pub(crate) min_position: Option<u64>,
}

impl FromQuery for Paging {
    fn from_query(parameters: &mut QueryParams) -> Self {
        Self {
            limit: take_limit(parameters),
            after: take_position(parameters, "after"),
            min_position: take_position(parameters, "min_position"),
        }
    }
}

/// A moment of the log that a client names: by its position, or by a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum AsOf {
    Position(u64),
    /// Whatever was recorded by then.
    Time(Timestamp),
}

#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("must be a log position, or a time like 2026-11-24T20:00:00.000Z")]
pub(crate) struct NoMomentOfTheLog;

impl FromStr for AsOf {
    type Err = NoMomentOfTheLog;

    fn from_str(text: &str) -> Result<Self, NoMomentOfTheLog> {
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().map(Self::Position).map_err(|_| NoMomentOfTheLog);
        }
        let moment: Moment = text.parse().map_err(|_| NoMomentOfTheLog)?;
        Ok(Self::Time(moment.0))
    }
}

/// Read what was, instead of what is.
#[derive(Clone, Copy, Default, Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AsOfQuery {
    /// Answer with what was true when the log ended at this position, or at this time (RFC 3339): then everything counts
    /// that was recorded by then. 422 `invalid_field` beyond the log's end, in the future, or at a time as of which more may still
    /// be recorded: that has no event after it, and is less than 14 seconds ago, or any time ago if the log is a copy of an
    /// engine's.
    #[param(value_type = Option<String>)]
    pub(crate) as_of: Option<AsOf>,
}

impl FromQuery for AsOfQuery {
    fn from_query(parameters: &mut QueryParams) -> Self {
        Self {
            as_of: parameters.take("as_of"),
        }
    }
}

impl<A: FromQuery, B: FromQuery> FromQuery for (A, B) {
    fn from_query(parameters: &mut QueryParams) -> Self {
        (A::from_query(parameters), B::from_query(parameters))
    }
}

/// Where nothing is asked.
impl FromQuery for () {
    fn from_query(_: &mut QueryParams) -> Self {}
}
