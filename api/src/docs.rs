//! The OpenAPI document: what all endpoints have in common is said here once.

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn, PathItem};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{Components, Content, OpenApi, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{OpenApi as _, ToSchema};

use crate::error::{FieldErrorBody, ProblemBody};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "boxoffice",
        description = "Ticketed live audio rooms: rooms, tickets, money and the log they rest on. Errors are \
            `application/problem+json` with a stable `code`. Writes answer with `Log-Position`; reads take \
            `?min_position=`. Should a read model be more than two seconds behind a write, the write's answer carries \
            `id` and `position` only."
    ),
    components(schemas(ProblemBody, FieldErrorBody))
)]
struct Frame;

/// The document without its paths.
pub(crate) fn frame() -> OpenApi {
    let mut document = Frame::openapi();
    env!("CARGO_PKG_VERSION").clone_into(&mut document.info.version);
    let components = document.components.get_or_insert_with(Components::new);
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    components.add_security_scheme("bearer", bearer);
    document
}

/// Adds to each operation what follows from what it takes: problems, headers, the words for a success.
pub(crate) fn complete(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        let PathItem {
            get,
            put,
            post,
            delete,
            patch,
            ..
        } = item;
        if let Some(read) = get {
            describe_successes(read, false);
            if path != "/healthz" && path != "/readyz" {
                add_common_problems(read, false);
            }
        }
        for write in [put, post, delete, patch].into_iter().flatten() {
            let is_command = write.security.is_some();
            describe_successes(write, is_command && !path.ends_with("/rooms/{room}/entry"));
            add_common_problems(write, !is_webhook(write));
        }
    }
}

fn add_common_problems(operation: &mut Operation, reads_body: bool) {
    let has_key = has_parameter(operation, |parameter| parameter.name == "Idempotency-Key");
    let has_id = has_parameter(operation, |parameter| {
        matches!(parameter.parameter_in, ParameterIn::Path)
    });
    let has_query = has_parameter(operation, |parameter| {
        matches!(parameter.parameter_in, ParameterIn::Query)
    });
    if operation.security.is_some() {
        add(operation, "401", &["unauthenticated"]);
    }
    if has_id {
        add(operation, "404", &["not_found"]);
    }
    if reads_body {
        add(operation, "400", &["malformed_json"]);
        add(operation, "413", &["body_too_large"]);
        add(operation, "415", &["unsupported_media_type"]);
        add(operation, "422", &["invalid_field", "unknown_field"]);
    }
    if has_key {
        add(operation, "400", &["idempotency_key_missing"]);
        add(operation, "422", &["idempotency_key_reused"]);
    }
    if reads_body && operation.security.is_some() {
        add(operation, "409", &["conflict"]);
    }
    if has_query || !reads_body {
        add(operation, "422", &["invalid_field"]);
    }
    if has_parameter(operation, |parameter| parameter.name == "min_position") {
        add(operation, "503", &["projection_behind"]);
    }
    if !is_webhook(operation) {
        add(operation, "429", &["too_many_requests"]);
    }
    add(operation, "503", &["overloaded", "log_unavailable"]);
    say_when_to_return(operation);
    add(operation, "500", &["internal"]);
}

fn say_when_to_return(operation: &mut Operation) {
    for status in ["429", "503"] {
        if let Some(RefOr::T(response)) = operation.responses.responses.get_mut(status) {
            let header = HeaderBuilder::new().description(Some("Seconds to wait before the next try."));
            response
                .headers
                .insert("Retry-After".to_owned(), RefOr::T(header.build()));
        }
    }
}

fn describe_successes(operation: &mut Operation, says_position: bool) {
    let has_etag = operation.responses.responses.contains_key("304");
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        let (words, header) = match status.as_str() {
            "200" => ("Done.", has_etag.then_some(("ETag", "Names this very content."))),
            "201" => ("Created.", Some(("Location", "Where it is to be found."))),
            "202" => ("Decided; the rest goes on by itself.", None),
            _ => continue,
        };
        if response.description.is_empty() {
            words.clone_into(&mut response.description);
        }
        let position = says_position.then_some(("Log-Position", "What `?min_position=` takes, to read this write."));
        for (name, meaning) in header.into_iter().chain(position) {
            let header = HeaderBuilder::new().description(Some(meaning)).build();
            response.headers.insert(name.to_owned(), RefOr::T(header));
        }
    }
}

fn is_webhook(operation: &Operation) -> bool {
    operation.tags.iter().flatten().any(|tag| tag == "webhooks")
}

fn has_parameter(operation: &Operation, is_it: impl Fn(&Parameter) -> bool) -> bool {
    let parameters = operation.parameters.iter().flatten();
    parameters.into_iter().any(|parameter| match parameter {
        RefOr::T(parameter) => is_it(parameter),
        RefOr::Ref(_) => false,
    })
}

/// Adds codes to the response of a status; those that it names already are left alone.
fn add(operation: &mut Operation, status: &str, codes: &[&str]) {
    let response = operation
        .responses
        .responses
        .entry(status.to_owned())
        .or_insert_with(|| RefOr::T(problem()));
    let RefOr::T(response) = response else { return };
    for code in codes.iter().map(|code| format!("`{code}`")) {
        if !response.description.contains(&code) {
            let separator = if response.description.is_empty() { "" } else { " · " };
            response.description.push_str(separator);
            response.description.push_str(&code);
        }
    }
}

fn problem() -> Response {
    let schema = Ref::from_schema_name(ProblemBody::name());
    ResponseBuilder::new()
        .content("application/problem+json", Content::new(Some(schema)))
        .build()
}
