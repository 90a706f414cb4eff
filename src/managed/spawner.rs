//! Starts child processes so that they end when this process ends, however it ends.
//!
//! `setpriv --pdeathsig` has the kernel signal the child when the *thread* that forked it ends, and the runtime ends idle
//! threads. So one thread forks all children, and lives as long as the process.

use std::io;
use std::sync::{OnceLock, mpsc};
use std::thread;

use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

struct Request {
    command: Command,
    runtime: Handle,
    answer: oneshot::Sender<io::Result<Child>>,
}

static SPAWNER: OnceLock<mpsc::Sender<Request>> = OnceLock::new();

/// Starts `command` from the thread that never ends.
pub async fn spawn(command: Command) -> io::Result<Child> {
    let (answer, child) = oneshot::channel();
    let request = Request {
        command,
        runtime: Handle::current(),
        answer,
    };
    SPAWNER
        .get_or_init(start)
        .send(request)
        .map_err(|_| io::Error::other("the spawning thread is gone"))?;
    child
        .await
        .map_err(|_| io::Error::other("the spawning thread is gone"))?
}

fn start() -> mpsc::Sender<Request> {
    let (sender, requests) = mpsc::channel::<Request>();
    // If the thread cannot be made, the receiver is dropped with the closure and `spawn` says so.
    let _ = thread::Builder::new().name("spawner".to_owned()).spawn(move || {
        while let Ok(mut request) = requests.recv() {
            let _inside = request.runtime.enter();
            let _ = request.answer.send(request.command.spawn());
        }
    });
    sender
}
