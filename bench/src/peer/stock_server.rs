//! The stock store behind HTTP: the same path, the same tokens, the shortest handler that answers. Validation beyond the
//! token, idempotency and problem documents are left out, in the peer's favour.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use api::auth::Auth;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::{get, post};
use axum::{Json, Router};
use clap::Args;
use domain::room::HoldSeat;
use domain::{Channel, RoomId, TicketId};
use event_log::{Clock as _, Metadata, SystemClock};
use secrecy::SecretString;
use serde_json::{Value, json};
use sqlx::postgres::PgPoolOptions;
use uuid::Uuid;

use super::room::StockCommand;
use super::stock::{Held, Stock, Variant};
use crate::load::fingerprint;

#[derive(Clone, Debug, Args)]
pub(crate) struct StockServerOptions {
    #[arg(long)]
    database_url: String,
    #[arg(long)]
    listen: SocketAddr,
    #[arg(long)]
    variant: Variant,
    #[arg(long)]
    connections: u32,
    #[arg(long, env = "BOXOFFICE_AUTH_SECRET", hide_env_values = true)]
    auth_secret: SecretString,
}

#[derive(Clone)]
struct Shop {
    stock: Stock,
    auth: Auth,
}

pub(crate) async fn serve(options: StockServerOptions) -> Result<()> {
    let pool = PgPoolOptions::new()
        .max_connections(options.connections)
        .connect(&options.database_url)
        .await?;
    let shop = Arc::new(Shop {
        stock: Stock::new(pool, options.variant),
        auth: Auth::development(&options.auth_secret),
    });
    let router = Router::new()
        .route("/v1/rooms/{room}/tickets", post(hold))
        .route("/healthz", get(|| async { "ok" }))
        .with_state(shop);
    let listener = tokio::net::TcpListener::bind(options.listen).await?;
    axum::serve(listener, router).await.context("serve the stock store")
}

async fn hold(
    State(shop): State<Arc<Shop>>,
    Path(room): Path<Uuid>,
    headers: HeaderMap,
) -> Result<(StatusCode, Json<Value>), StatusCode> {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let token = text(header::AUTHORIZATION).trim_start_matches("Bearer ");
    let now = SystemClock.now();
    let caller = shop
        .auth
        .verify(token, now)
        .await
        .map_err(|_| StatusCode::UNAUTHORIZED)?;
    let key = text(header::HeaderName::from_static("idempotency-key"));
    let name = format!("{}/{room}/{key}", caller.subject.derived_id);
    let ticket_id = TicketId::from_uuid(Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()));
    let wish = || {
        StockCommand::Hold(HoldSeat {
            wish: None,
            rollout: None,
            ticket_id,
            buyer: caller.subject.derived_id,
            channel: Channel::Web,
            options: None,
            request: fingerprint(),
            at: SystemClock.now(),
            customer: domain::Customer::NotAsked,
        })
    };
    let metadata = Metadata::for_actor(caller.subject.derived_id.to_string(), ticket_id.as_uuid())
        .with_idempotency_key_sha256(ticket_id.as_uuid().simple().to_string().repeat(2));
    match shop.stock.execute(RoomId::from_uuid(room), wish, &metadata).await {
        Ok(Held::Done { .. }) => Ok((StatusCode::CREATED, Json(json!({ "id": ticket_id })))),
        Ok(Held::SoldOut) => Ok((StatusCode::CONFLICT, Json(json!({ "code": "sold_out" })))),
        Err(_) => Err(StatusCode::INTERNAL_SERVER_ERROR),
    }
}
