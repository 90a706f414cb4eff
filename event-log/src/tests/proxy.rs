//! A proxy between the log and PostgreSQL that can break the line in the worst moments.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

#[derive(Clone)]
pub(super) struct Proxy {
    port: u16,
    line: Arc<Line>,
    tracker: TaskTracker,
    stop: CancellationToken,
}

#[derive(Default)]
struct Line {
    is_cut: AtomicBool,
    swallows_next_answer: AtomicBool,
}

impl Proxy {
    pub(super) async fn start(pool: &PgPool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self {
            port: listener.local_addr().unwrap().port(),
            line: Arc::default(),
            tracker: TaskTracker::new(),
            stop: CancellationToken::new(),
        };
        let target = Target::of(&pool.connect_options());
        let (line, tracker, stop) = (Arc::clone(&proxy.line), proxy.tracker.clone(), proxy.stop.clone());
        proxy.tracker.spawn(async move {
            while let Some(Ok((client, _))) = stop.run_until_cancelled(listener.accept()).await {
                let (line, stop, target) = (Arc::clone(&line), stop.clone(), target.clone());
                tracker.spawn(async move { stop.run_until_cancelled(line.carry(client, target)).await });
            }
        });
        proxy
    }

    pub(super) fn options(&self, pool: &PgPool) -> PgConnectOptions {
        let direct = pool.connect_options().as_ref().clone();
        // Without a socket, the host counts.
        let options = PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(self.port)
            .username(direct.get_username())
            .database(direct.get_database().unwrap_or_default())
            .ssl_mode(sqlx::postgres::PgSslMode::Disable);
        match std::env::var("PGPASSWORD") {
            Ok(password) => options.password(&password),
            Err(_) => options,
        }
    }

    /// PostgreSQL is away: no new connection, and the old ones break.
    pub(super) fn cut(&self) {
        self.line.is_cut.store(true, Ordering::SeqCst);
    }

    pub(super) fn mend(&self) {
        self.line.is_cut.store(false, Ordering::SeqCst);
    }

    /// What PostgreSQL says next does not arrive, and the connection breaks.
    pub(super) fn swallow_next_answer(&self) {
        self.line.swallows_next_answer.store(true, Ordering::SeqCst);
    }

    pub(super) fn has_swallowed(&self) -> bool {
        !self.line.swallows_next_answer.load(Ordering::SeqCst)
    }

    pub(super) async fn stop(self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}

#[derive(Clone)]
enum Target {
    Socket(PathBuf),
    Tcp(String, u16),
}

impl Target {
    fn of(options: &PgConnectOptions) -> Self {
        match options.get_socket() {
            Some(folder) => Self::Socket(folder.join(format!(".s.PGSQL.{}", options.get_port()))),
            None => Self::Tcp(options.get_host().to_owned(), options.get_port()),
        }
    }
}

impl Line {
    async fn carry(&self, client: TcpStream, target: Target) {
        if self.is_cut.load(Ordering::SeqCst) {
            return;
        }
        match target {
            Target::Socket(path) => {
                let (from_server, to_server) = UnixStream::connect(path).await.unwrap().into_split();
                self.pump(client, from_server, to_server).await;
            }
            Target::Tcp(host, port) => {
                let (from_server, to_server) = TcpStream::connect((host, port)).await.unwrap().into_split();
                self.pump(client, from_server, to_server).await;
            }
        }
    }

    async fn pump(
        &self,
        client: TcpStream,
        mut from_server: impl AsyncReadExt + Unpin,
        mut to_server: impl AsyncWriteExt + Unpin,
    ) {
        let (mut from_client, mut to_client) = client.into_split();
        let (mut up, mut down) = (vec![0; 65536], vec![0; 65536]);
        loop {
            tokio::select! {
                Ok(count @ 1..) = from_client.read(&mut up) => {
                    if self.is_cut.load(Ordering::SeqCst) || to_server.write_all(&up[..count]).await.is_err() {
                        return;
                    }
                }
                Ok(count @ 1..) = from_server.read(&mut down) => {
                    let is_swallowed = self.swallows_next_answer.swap(false, Ordering::SeqCst);
                    let is_cut = self.is_cut.load(Ordering::SeqCst);
                    if is_swallowed || is_cut || to_client.write_all(&down[..count]).await.is_err() {
                        return;
                    }
                }
                else => return,
            }
        }
    }
}
