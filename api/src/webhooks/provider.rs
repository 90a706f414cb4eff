//! `POST /v1/webhooks/{provider}`

use axum::extract::{Request, State};
use http::StatusCode;

use super::WEBHOOK_BYTES_MAX;
use crate::error::ProblemBody;
use crate::extract::{Id, read_body};
use crate::{ApiError, ApiState};

/// A payment provider's webhook. Answered as soon as its raw body is durable
#[utoipa::path(post, path = "/v1/webhooks/{provider}", tag = "webhooks", params(("provider" = String, Path)),
    request_body(content_type = "application/json", content = Object), responses(
    (status = 200, description = "It is durable."),
    (status = 401, description = "`unauthenticated`: not the provider's signature", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`: no such provider", body = ProblemBody, content_type = "application/problem+json"),
    (status = 413, description = "`body_too_large`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn receive_provider_webhook(
    State(state): State<ApiState>,
    Id(provider): Id<String>,
    request: Request,
) -> Result<StatusCode, ApiError> {
    if provider != state.provider.name() {
        return Err(ApiError::NotFound);
    }
    let forged = || ApiError::Unauthenticated {
        reason: "The signature is not the provider's.",
    };
    let header = request.headers().get(state.provider.signature_header());
    let signature = header
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned)
        .ok_or_else(forged)?;
    let body = read_body(request.into_body(), WEBHOOK_BYTES_MAX).await?;
    let verified = state.provider.verify_webhook(&signature, &body, state.now());
    verified.map_err(|_| forged())?;
    state.processes.receive_webhook(&body).await?;
    Ok(StatusCode::OK)
}
