//! `POST /v1/webhooks/{provider}`

use axum::extract::{Request, State};
use http::StatusCode;
use payments::store::{STATEMENT_BYTES_MAX, STORE, StatementError};

use super::WEBHOOK_BYTES_MAX;
use crate::error::ProblemBody;
use crate::extract::{Id, read_body};
use crate::{ApiError, ApiState};

/// A payment provider's webhook, or an app store's statement (`store`), whose signature is in its body. Answered as soon as
/// the raw body is durable
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
    if provider == STORE {
        return receive_store_notice(&state, request).await;
    }
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

async fn receive_store_notice(state: &ApiState, request: Request) -> Result<StatusCode, ApiError> {
    let store = state.processes.deps().store.as_ref().ok_or(ApiError::NotFound)?;
    let body = read_body(request.into_body(), STATEMENT_BYTES_MAX).await?;
    let statement = body.trim_ascii();
    let verified = std::str::from_utf8(statement).map(|statement| store.verify(statement));
    // What is authentic and not understood is kept: a later version may understand it.
    if !matches!(verified, Ok(Ok(_) | Err(StatementError::Unreadable(_)))) {
        return Err(ApiError::Unauthenticated {
            reason: "The signature is not the store's.",
        });
    }
    state.processes.receive_store_notice(statement).await?;
    Ok(StatusCode::OK)
}
