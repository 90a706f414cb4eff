//! A wire to PostgreSQL that can be cut.

use std::path::PathBuf;

use sqlx::postgres::PgConnectOptions;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::sync::watch;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

pub(crate) struct Wire {
    folder: TempDir,
    is_whole: watch::Sender<bool>,
    _task: AbortOnDropHandle<()>,
}

#[derive(Clone)]
enum Server {
    Socket(PathBuf),
    Tcp(String, u16),
}

impl Wire {
    pub(crate) fn to(options: &PgConnectOptions) -> Self {
        let name = format!(".s.PGSQL.{}", options.get_port());
        let server = match options.get_socket() {
            Some(folder) => Server::Socket(folder.join(&name)),
            None => Server::Tcp(options.get_host().to_owned(), options.get_port()),
        };
        let folder = TempDir::new().expect("a folder for the socket");
        let listener = UnixListener::bind(folder.path().join(name)).expect("a socket");
        let (is_whole, whole) = watch::channel(true);
        let tracker = TaskTracker::new();
        let task = tracker.spawn(carry(listener, server, whole, tracker.clone()));
        Self {
            folder,
            is_whole,
            _task: AbortOnDropHandle::new(task),
        }
    }

    /// The same database, by way of this wire.
    pub(crate) fn route(&self, options: PgConnectOptions) -> PgConnectOptions {
        options.socket(self.folder.path())
    }

    pub(crate) fn cut(&self) {
        self.is_whole.send_replace(false);
    }

    pub(crate) fn mend(&self) {
        self.is_whole.send_replace(true);
    }
}

async fn carry(listener: UnixListener, server: Server, whole: watch::Receiver<bool>, tracker: TaskTracker) {
    while let Ok((client, _)) = listener.accept().await {
        if *whole.borrow() {
            tracker.spawn(carry_one(client, server.clone(), whole.clone()));
        }
    }
}

async fn carry_one(client: UnixStream, server: Server, whole: watch::Receiver<bool>) {
    match server {
        Server::Socket(path) => join(client, UnixStream::connect(path).await, whole).await,
        Server::Tcp(host, port) => join(client, TcpStream::connect((host, port)).await, whole).await,
    }
}

/// Carries bytes until either side hangs up or the wire is cut.
async fn join(
    mut client: UnixStream,
    server: std::io::Result<impl AsyncRead + AsyncWrite + Unpin>,
    mut whole: watch::Receiver<bool>,
) {
    let Ok(mut server) = server else { return };
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => {}
        _ = whole.wait_for(|is_whole| !is_whole) => {}
    }
}
