//! Strict JSON bodies: the right type, no unknown fields, and for each mistake the field it is in.

use axum::body::HttpBody;
use axum::extract::{FromRequest, Request};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};

use super::read_body;
use crate::ApiError;
use crate::error::FieldError;

pub(crate) const BODY_BYTES_MAX: usize = 64 * 1024;

/// A body that must be there.
#[derive(Clone, Debug)]
pub(crate) struct JsonBody<T>(pub(crate) T);

/// A body that may be left out.
#[derive(Clone, Debug)]
pub(crate) struct OptionalJsonBody<T>(pub(crate) T);

/// Nothing to say: no body, or an empty object.
#[derive(Clone, Copy, Default, Debug, Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoBody {}

impl<T: DeserializeOwned + Serialize, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(ApiError::UnsupportedMediaType);
        }
        let body = read_body(request.into_body(), BODY_BYTES_MAX).await?;
        parse(&body).map(Self)
    }
}

impl<T: DeserializeOwned + Serialize + Default, S: Send + Sync> FromRequest<S> for OptionalJsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let is_json = is_json(request.headers());
        let body = read_body(request.into_body(), BODY_BYTES_MAX).await?;
        match body.is_empty() {
            true => Ok(Self(T::default())),
            false if !is_json => Err(ApiError::UnsupportedMediaType),
            false => parse(&body).map(Self),
        }
    }
}

impl<S: Send + Sync> FromRequest<S> for NoBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if request.body().is_end_stream() {
            return Ok(Self {});
        }
        OptionalJsonBody::from_request(request, state).await.map(|body| body.0)
    }
}

/// `application/json` or `application/<something>+json`, in UTF-8 if it says so.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(Ok(value)) = headers.get(CONTENT_TYPE).map(|value| value.to_str()) else {
        return false;
    };
    let mut parts = value.split(';').map(|part| part.trim().to_ascii_lowercase());
    let essence = parts.next().unwrap_or_default();
    let is_json = essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"));
    let is_utf8 = parts.all(|parameter| match parameter.strip_prefix("charset=") {
        Some(charset) => charset.trim_matches('"') == "utf-8",
        None => true,
    });
    is_json && is_utf8
}

pub(super) fn parse<T: DeserializeOwned + Serialize>(body: &[u8]) -> Result<T, ApiError> {
    // Whether it is JSON at all comes first: half a body is no wrong field.
    serde_json::from_slice::<IgnoredAny>(body).map_err(|error| malformed(&error))?;
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let parsed: T = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| refusal(&error))?;
    let sent: Value = serde_json::from_slice(body).map_err(|error| malformed(&error))?;
    let understood = serde_json::to_value(&parsed).map_err(|error| ApiError::Internal(Box::new(error)))?;
    match find_list(&sent, &understood, String::new()) {
        Some(pointer) => return Err(ApiError::invalid(pointer, "invalid type: sequence, expected an object")),
        None => refuse_nul(&sent)?,
    }
    Ok(parsed)
}

/// serde reads a list of values where an object is expected. Clients who send one mean something else.
fn find_list(sent: &Value, understood: &Value, pointer: String) -> Option<String> {
    match (sent, understood) {
        (Value::Array(_), Value::Object(_)) => Some(pointer),
        (Value::Array(sent), Value::Array(understood)) => sent
            .iter()
            .zip(understood)
            .enumerate()
            .find_map(|(index, (sent, understood))| find_list(sent, understood, format!("{pointer}/{index}"))),
        (Value::Object(sent), Value::Object(understood)) => sent.iter().find_map(|(name, sent)| {
            let understood = understood.get(name)?;
            find_list(sent, understood, format!("{pointer}/{}", escape(name)))
        }),
        _ => None,
    }
}

fn malformed(error: &serde_json::Error) -> ApiError {
    ApiError::MalformedJson {
        detail: format!("The body is not JSON: {error}."),
    }
}

fn refusal(error: &serde_path_to_error::Error<serde_json::Error>) -> ApiError {
    let inner = error.inner();
    let text = without_place(&inner.to_string());
    // A number like 1e999 is well-formed JSON, but no number that anything here can hold.
    let is_huge_number = text == "number out of range";
    if inner.classify() != Category::Data && !is_huge_number {
        return malformed(inner);
    }
    match unknown_field(&text) {
        Some(name) => ApiError::UnknownField(FieldError::new(child(error.path(), name), "unknown field")),
        None => ApiError::InvalidFields(vec![FieldError::new(field_pointer(error.path(), &text), text)]),
    }
}

/// `serde_json` ends its texts with the place in the body, which the pointer says better.
fn without_place(text: &str) -> String {
    text.rsplit_once(" at line ").map_or(text, |(text, _)| text).to_owned()
}

fn unknown_field(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("unknown field `")?;
    rest.rsplit_once("`, expected")
        .or_else(|| rest.rsplit_once("`, there are no fields"))
        .map(|(name, _)| name)
}

/// A field that is missing or there twice is reported for its object; the client wants to know which one.
fn field_pointer(path: &Path, text: &str) -> String {
    let named = text
        .strip_prefix("missing field `")
        .or_else(|| text.strip_prefix("duplicate field `"))
        .and_then(|rest| rest.strip_suffix('`'));
    named.map_or_else(|| pointer(path), |name| child(path, name))
}

/// Whether the path already ends with the field's name depends on how the object is read.
fn child(path: &Path, name: &str) -> String {
    let pointer = pointer(path);
    let last = format!("/{}", escape(name));
    if pointer.ends_with(&last) {
        pointer
    } else {
        pointer + &last
    }
}

fn pointer(path: &Path) -> String {
    path.iter().fold(String::new(), |pointer, segment| match segment {
        Segment::Seq { index } => format!("{pointer}/{index}"),
        Segment::Map { key } => format!("{pointer}/{}", escape(key)),
        Segment::Enum { .. } | Segment::Unknown => pointer,
    })
}

fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// PostgreSQL cannot store U+0000 in text.
fn refuse_nul(sent: &Value) -> Result<(), ApiError> {
    match find_nul(sent, String::new()) {
        Some(pointer) => Err(ApiError::invalid(pointer, "must not contain U+0000")),
        None => Ok(()),
    }
}

fn find_nul(value: &Value, pointer: String) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then_some(pointer),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(index, item)| find_nul(item, format!("{pointer}/{index}"))),
        Value::Object(fields) => fields
            .iter()
            .find_map(|(name, field)| find_nul(field, format!("{pointer}/{}", escape(name)))),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}
