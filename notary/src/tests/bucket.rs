//! A place for objects that takes whatever is put or posted, or does not.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

#[derive(Default)]
struct Shared {
    objects: Mutex<BTreeMap<String, String>>,
    answer: Mutex<Option<u16>>,
    refused: Mutex<usize>,
    read: Mutex<usize>,
    authorization: Mutex<String>,
}

pub(super) struct Bucket {
    pub(super) url: String,
    shared: Arc<Shared>,
    _task: AbortOnDropHandle<()>,
}

impl Bucket {
    pub(super) async fn start() -> Self {
        let shared: Arc<Shared> = Arc::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(take).with_state(Arc::clone(&shared));
        let serve = TaskTracker::new().spawn(async move {
            axum::serve(listener, router).await.unwrap();
        });
        Self {
            url,
            shared,
            _task: AbortOnDropHandle::new(serve),
        }
    }

    pub(super) fn answer_with(&self, status: Option<u16>) {
        *self.shared.answer.lock().unwrap() = status;
    }

    pub(super) fn refused(&self) -> usize {
        *self.shared.refused.lock().unwrap()
    }

    /// How often something was read.
    pub(super) fn read(&self) -> usize {
        *self.shared.read.lock().unwrap()
    }

    pub(super) fn put(&self, name: &str, text: &str) {
        self.shared
            .objects
            .lock()
            .unwrap()
            .insert(name.to_owned(), text.to_owned());
    }

    pub(super) fn get(&self, name: &str) -> Option<String> {
        self.shared.objects.lock().unwrap().get(name).cloned()
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.shared.objects.lock().unwrap().keys().cloned().collect()
    }

    pub(super) fn authorization(&self) -> String {
        self.shared.authorization.lock().unwrap().clone()
    }
}

async fn take(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    if let Some(status) = *shared.answer.lock().unwrap() {
        *shared.refused.lock().unwrap() += 1;
        return StatusCode::from_u16(status).unwrap().into_response();
    }
    if let Some(authorization) = request.headers().get("authorization") {
        authorization
            .to_str()
            .unwrap()
            .clone_into(&mut shared.authorization.lock().unwrap());
    }
    let name = request.uri().path_and_query().unwrap().to_string();
    if request.method() == Method::GET {
        *shared.read.lock().unwrap() += 1;
        let found = shared.objects.lock().unwrap().get(&name).cloned();
        return found.map_or(StatusCode::NOT_FOUND.into_response(), IntoResponse::into_response);
    }
    let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
    let text = String::from_utf8(body.to_vec()).unwrap();
    shared.objects.lock().unwrap().insert(name, text);
    StatusCode::OK.into_response()
}
