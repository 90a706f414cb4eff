//! As much of LiveKit's Egress API as is spoken to: requests are decoded with the protocol's own types.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use livekit_api::access_token::TokenVerifier;
use livekit_protocol as proto;
use prost::Message;
use proto::EgressStatus;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::LiveKitConfig;

const KEY: &str = "egress-key";
const SECRET: &str = "a secret for egress, of at least 32 characters";
/// Longer than anybody waits.
const SILENCE: Duration = Duration::from_mins(1);

#[derive(Default)]
pub(super) struct Calls {
    pub(super) known: Vec<proto::EgressInfo>,
    pub(super) starts: Vec<proto::RoomCompositeEgressRequest>,
    pub(super) stops: Vec<String>,
    /// The next starts happen, and are never answered.
    pub(super) lost_answers: usize,
    /// Starts are refused with this code.
    pub(super) refuses: Option<&'static str>,
}

#[derive(Clone, Default)]
pub(super) struct Twirp(Arc<Mutex<Calls>>);

impl Twirp {
    /// A server, and how to reach it.
    pub(super) async fn serve() -> (Self, LiveKitConfig) {
        let twirp = Self::default();
        let router = Router::new()
            .route("/twirp/livekit.Egress/StartRoomCompositeEgress", post(start))
            .route("/twirp/livekit.Egress/ListEgress", post(list))
            .route("/twirp/livekit.Egress/StopEgress", post(stop))
            .with_state(twirp.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        TaskTracker::new().spawn(async move { axum::serve(listener, router).await });
        let config = LiveKitConfig {
            url: format!("http://{address}"),
            api_key: KEY.to_owned(),
            api_secret: SECRET.into(),
        };
        (twirp, config)
    }

    pub(super) fn calls(&self) -> MutexGuard<'_, Calls> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One that this very request made.
    pub(super) fn add(
        &self,
        request: proto::RoomCompositeEgressRequest,
        status: EgressStatus,
        started_at: i64,
    ) -> String {
        let mut calls = self.calls();
        let id = format!("EG_{}", calls.known.len());
        calls.known.push(proto::EgressInfo {
            egress_id: id.clone(),
            room_name: request.room_name.clone(),
            status: status as i32,
            started_at,
            request: Some(proto::egress_info::Request::RoomComposite(request)),
            ..proto::EgressInfo::default()
        });
        id
    }

    pub(super) fn set(&self, id: &str, change: impl FnOnce(&mut proto::EgressInfo)) {
        let mut calls = self.calls();
        let known = calls.known.iter_mut().find(|info| info.egress_id == id);
        change(known.expect("an egress"));
    }
}

/// Whoever asks may record.
fn read<M: Message + Default>(headers: &HeaderMap, body: &Bytes) -> M {
    assert_eq!(headers[header::CONTENT_TYPE], "application/protobuf");
    let bearer = headers[header::AUTHORIZATION].to_str().expect("a token");
    let token = bearer.strip_prefix("Bearer ").expect("a bearer");
    let claims = TokenVerifier::with_api_key(KEY, SECRET)
        .verify(token)
        .expect("our own signature");
    assert!(claims.video.room_record);
    M::decode(body.clone()).expect("a request")
}

fn answer(message: &impl Message) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/protobuf")];
    (kind, message.encode_to_vec()).into_response()
}

fn refusal(code: &str) -> Response {
    let body = format!(r#"{{"code":"{code}","msg":"no"}}"#);
    let kind = [(header::CONTENT_TYPE, "application/json")];
    let status = if code == "not_found" {
        StatusCode::NOT_FOUND
    } else {
        StatusCode::BAD_REQUEST
    };
    (status, kind, body).into_response()
}

async fn start(State(twirp): State<Twirp>, headers: HeaderMap, body: Bytes) -> Response {
    let request: proto::RoomCompositeEgressRequest = read(&headers, &body);
    if let Some(code) = twirp.calls().refuses {
        return refusal(code);
    }
    twirp.calls().starts.push(request.clone());
    let id = twirp.add(request, EgressStatus::EgressStarting, 0);
    let is_lost = {
        let mut calls = twirp.calls();
        let is_lost = calls.lost_answers > 0;
        calls.lost_answers = calls.lost_answers.saturating_sub(1);
        is_lost
    };
    if is_lost {
        tokio::time::sleep(SILENCE).await;
    }
    let known = twirp.calls().known.iter().find(|info| info.egress_id == id).cloned();
    answer(&known.expect("an egress"))
}

async fn list(State(twirp): State<Twirp>, headers: HeaderMap, body: Bytes) -> Response {
    let request: proto::ListEgressRequest = read(&headers, &body);
    let items = twirp.calls().known.clone().into_iter();
    let items = items.filter(|info| info.room_name == request.room_name).collect();
    answer(&proto::ListEgressResponse {
        items,
        ..proto::ListEgressResponse::default()
    })
}

async fn stop(State(twirp): State<Twirp>, headers: HeaderMap, body: Bytes) -> Response {
    let request: proto::StopEgressRequest = read(&headers, &body);
    let mut calls = twirp.calls();
    calls.stops.push(request.egress_id.clone());
    let known = calls.known.iter_mut().find(|info| info.egress_id == request.egress_id);
    let Some(info) = known else {
        return refusal("not_found");
    };
    info.status = EgressStatus::EgressEnding as i32;
    answer(&*info)
}
