//! `POST /v1/webhooks/livekit`

use axum::extract::{Request, State};
use http::StatusCode;
use http::header::AUTHORIZATION;
use media_bridge::webhook::WebhookRefused;

use super::WEBHOOK_BYTES_MAX;
use crate::error::ProblemBody;
use crate::extract::read_body;
use crate::{ApiError, ApiState};

/// The media server's webhook. Answered as soon as its raw body is durable
#[utoipa::path(post, path = "/v1/webhooks/livekit", tag = "webhooks",
    request_body(content_type = "application/webhook+json", content = Object), responses(
    (status = 200, description = "It is durable."),
    (status = 401, description = "`unauthenticated`: not the media server's signature", body = ProblemBody, content_type = "application/problem+json"),
    (status = 404, description = "`not_found`: no media server is configured", body = ProblemBody, content_type = "application/problem+json"),
    (status = 413, description = "`body_too_large`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(crate) async fn receive_livekit_webhook(
    State(state): State<ApiState>,
    request: Request,
) -> Result<StatusCode, ApiError> {
    let receiver = state.media_webhooks.as_ref().ok_or(ApiError::NotFound)?;
    let header = request.headers().get(AUTHORIZATION);
    let authorization = header
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let body = read_body(request.into_body(), WEBHOOK_BYTES_MAX).await?;
    match receiver.receive(&authorization, &body).await {
        Ok(()) => Ok(StatusCode::OK),
        Err(WebhookRefused::NotAuthentic) => Err(ApiError::Unauthenticated {
            reason: "The signature is not the media server's.",
        }),
        Err(WebhookRefused::Unavailable(source)) => Err(source.into()),
    }
}
