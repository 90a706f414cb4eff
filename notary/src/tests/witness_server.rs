//! A witness, after C2SP `tlog-witness` and nothing else: it takes a checkpoint only if it can prove to itself that the log has
//! only grown.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tlog_tiles::tlog;
use tokio::net::TcpListener;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use super::support::key;
use crate::{SignedNote, SigningKey, VerifierKey, Witness};

struct Shared {
    key: SigningKey,
    /// The keys of the logs it knows, by origin.
    logs: HashMap<String, VerifierKey>,
    /// What it cosigned last.
    latest: Mutex<(u64, [u8; 32])>,
    is_away: Mutex<bool>,
    statuses: Mutex<Vec<u16>>,
}

pub(super) struct WitnessServer {
    pub(super) witness: Witness,
    shared: Arc<Shared>,
    _task: AbortOnDropHandle<()>,
}

impl WitnessServer {
    pub(super) async fn start(name: &str) -> Self {
        let key_of_witness = SigningKey::witness(name.parse().unwrap(), &[5; 32]);
        let log = key().verifier();
        let shared = Arc::new(Shared {
            key: key_of_witness.clone(),
            logs: HashMap::from([(log.name().to_owned(), log)]),
            latest: Mutex::new((0, [0; 32])),
            is_away: Mutex::new(false),
            statuses: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/w1/", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/w1/add-checkpoint", post(add_checkpoint))
            .with_state(Arc::clone(&shared));
        let serve = TaskTracker::new().spawn(async move {
            axum::serve(listener, router).await.unwrap();
        });
        Self {
            witness: Witness {
                key: key_of_witness.verifier(),
                url: url.parse().unwrap(),
            },
            shared,
            _task: AbortOnDropHandle::new(serve),
        }
    }

    pub(super) fn go_away(&self, is_away: bool) {
        *self.shared.is_away.lock().unwrap() = is_away;
    }

    /// It has seen more of this log than there is.
    pub(super) fn pretend(&self, size: u64) {
        *self.shared.latest.lock().unwrap() = (size, [1; 32]);
    }

    pub(super) fn size(&self) -> u64 {
        self.shared.latest.lock().unwrap().0
    }

    pub(super) fn statuses(&self) -> Vec<u16> {
        self.shared.statuses.lock().unwrap().clone()
    }
}

async fn add_checkpoint(State(shared): State<Arc<Shared>>, body: String) -> Response {
    let response = judge(&shared, &body).unwrap_or_else(IntoResponse::into_response);
    shared.statuses.lock().unwrap().push(response.status().as_u16());
    response
}

fn judge(shared: &Shared, body: &str) -> Result<Response, StatusCode> {
    if *shared.is_away.lock().unwrap() {
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    let bad = StatusCode::BAD_REQUEST;
    let (head, note) = body.split_once("\n\n").ok_or(bad)?;
    let mut lines = head.split('\n');
    let old = lines.next().and_then(|line| line.strip_prefix("old ")).ok_or(bad)?;
    let old_size: u64 = old.parse().map_err(|_| bad)?;
    if old_size.to_string() != old {
        return Err(bad);
    }
    let proof: Vec<tlog::Hash> = lines.map(hash).collect::<Option<_>>().ok_or(bad)?;
    let note: SignedNote = note.parse().map_err(|_| bad)?;
    let mut text = note.text().lines();
    let origin = text.next().ok_or(bad)?;
    let size: u64 = text.next().and_then(|size| size.parse().ok()).ok_or(bad)?;
    let root = text.next().and_then(hash).ok_or(bad)?;
    let log = shared.logs.get(origin).ok_or(StatusCode::NOT_FOUND)?;
    note.verify(log).map_err(|_| StatusCode::FORBIDDEN)?;
    if old_size > size || proof.len() > 63 {
        return Err(bad);
    }
    // Held until the new state is stored: nobody comes between.
    let mut latest = shared.latest.lock().unwrap();
    if old_size != latest.0 {
        return Ok((
            StatusCode::CONFLICT,
            [("content-type", "text/x.tlog.size")],
            format!("{}\n", latest.0),
        )
            .into_response());
    }
    if old_size == size && size > 0 && root.0 != latest.1 {
        return Ok((
            StatusCode::CONFLICT,
            [("content-type", "text/x.tlog.size")],
            format!("{size}\n"),
        )
            .into_response());
    }
    let is_proved = match old_size {
        0 => proof.is_empty(),
        _ if old_size == size => proof.is_empty(),
        _ => tlog::check_tree(&proof, size, root, old_size, tlog::Hash(latest.1)).is_ok(),
    };
    if !is_proved {
        return Err(StatusCode::UNPROCESSABLE_ENTITY);
    }
    *latest = (size, root.0);
    let stranger = SigningKey::witness("stranger.example/w".parse().unwrap(), &[6; 32]);
    let lines = [stranger, shared.key.clone()].map(|key| format!("{}\n", key.cosign(note.text(), 1_796_000_000)));
    Ok(lines.concat().into_response())
}

fn hash(line: &str) -> Option<tlog::Hash> {
    let bytes = STANDARD.decode(line).ok()?;
    Some(tlog::Hash(bytes.try_into().ok()?))
}
