//! Ids in paths. What is no id names nothing: 404, as for an id that nobody has.

use std::str::FromStr;

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;

use crate::ApiError;

/// The only parameter of a path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Id<T>(pub(crate) T);

/// The two parameters of a path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ids<A, B>(pub(crate) A, pub(crate) B);

/// The three parameters of a path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<A, B, C>(pub(crate) A, pub(crate) B, pub(crate) C);

async fn parameters<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<RawPathParams, ApiError> {
    RawPathParams::from_request_parts(parts, state)
        .await
        .map_err(|_| ApiError::NotFound)
}

fn parse<T: FromStr>(text: Option<(&str, &str)>) -> Result<T, ApiError> {
    text.filter(|(_, value)| !value.contains('\0'))
        .and_then(|(_, value)| value.parse().ok())
        .ok_or(ApiError::NotFound)
}

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let parameters = parameters(parts, state).await?;
        Ok(Self(parse(parameters.iter().next())?))
    }
}

impl<A: FromStr, B: FromStr, S: Send + Sync> FromRequestParts<S> for Ids<A, B> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let parameters = parameters(parts, state).await?;
        let mut parameters = parameters.iter();
        Ok(Self(parse(parameters.next())?, parse(parameters.next())?))
    }
}

impl<A: FromStr, B: FromStr, C: FromStr, S: Send + Sync> FromRequestParts<S> for Place<A, B, C> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let parameters = parameters(parts, state).await?;
        let mut parameters = parameters.iter();
        let (first, second) = (parse(parameters.next())?, parse(parameters.next())?);
        Ok(Self(first, second, parse(parameters.next())?))
    }
}
