//! The line between a process and PostgreSQL, request by request.
//!
//! Everything that a process keeps (the log, jobs, checkpoints, webhooks, cursors) goes through here, whatever code asks
//! for it: a statement that is added tomorrow is numbered as well. A request is what a client sends until it waits for an
//! answer.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;

use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::recorder::{Fate, Recorder};
use super::statement;

pub(super) struct Wire {
    port: u16,
    tracker: TaskTracker,
    cut: CancellationToken,
}

impl Wire {
    pub(super) async fn lay(pool: &PgPool, recorder: &Recorder) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let wire = Self {
            port: listener.local_addr().unwrap().port(),
            tracker: TaskTracker::new(),
            cut: CancellationToken::new(),
        };
        let server = Server::of(&pool.connect_options());
        let (recorder, tracker, cut) = (recorder.clone(), wire.tracker.clone(), wire.cut.clone());
        wire.tracker.spawn(async move {
            while let Some(Ok((client, _))) = cut.run_until_cancelled(listener.accept()).await {
                client.set_nodelay(true).unwrap();
                let (server, recorder, cut) = (server.clone(), recorder.clone(), cut.clone());
                tracker.spawn(async move { cut.run_until_cancelled(server.serve(client, recorder)).await });
            }
        });
        wire
    }

    pub(super) fn options(&self, pool: &PgPool) -> PgConnectOptions {
        let direct = pool.connect_options();
        // Without a socket, the host counts.
        PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(self.port)
            .username(direct.get_username())
            .database(direct.get_database().unwrap_or_default())
            .application_name("boxoffice-process")
            .ssl_mode(PgSslMode::Disable)
    }

    /// The server sees its clients go; what they had begun is rolled back.
    pub(super) async fn cut(self) {
        self.cut.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}

#[derive(Clone)]
enum Server {
    Socket(PathBuf),
    Tcp(String, u16),
}

impl Server {
    fn of(options: &PgConnectOptions) -> Self {
        match options.get_socket() {
            Some(folder) => Self::Socket(folder.join(format!(".s.PGSQL.{}", options.get_port()))),
            None => Self::Tcp(options.get_host().to_owned(), options.get_port()),
        }
    }

    /// A connection that breaks is the process's to notice.
    async fn serve(self, client: TcpStream, recorder: Recorder) -> io::Result<()> {
        match self {
            Self::Socket(path) => carry(client, UnixStream::connect(path).await?, &recorder).await,
            Self::Tcp(host, port) => carry(client, TcpStream::connect((host, port)).await?, &recorder).await,
        }
    }
}

async fn carry(
    mut client: TcpStream,
    mut server: impl AsyncRead + AsyncWrite + Unpin,
    recorder: &Recorder,
) -> io::Result<()> {
    let length = client.read_u32().await?;
    let mut startup = vec![0; length.saturating_sub(4) as usize];
    client.read_exact(&mut startup).await?;
    server.write_u32(length).await?;
    server.write_all(&startup).await?;
    let mut is_in_transaction = relay(&mut server, Some(&mut client)).await?.is_in_transaction;
    let mut known = HashMap::new();
    loop {
        let request = Request::read(&mut client, &mut known).await?;
        let named = request.statement.as_ref().and_then(|(sql, parameters)| {
            let has_effect = !is_in_transaction && statement::is_write(sql) || statement::is_commit(sql);
            Some((statement::name(sql, parameters)?, has_effect))
        });
        let fate = match named {
            Some((name, has_effect)) => recorder.ask(name, has_effect),
            None if recorder.is_dead() => Fate::Lost,
            None => Fate::CarriedOut { number: None },
        };
        if fate == Fate::Lost {
            return std::future::pending().await;
        }
        server.write_all(&request.bytes).await?;
        if request.is_last {
            return Ok(());
        }
        if fate == Fate::CarriedOutUnseen {
            relay(&mut server, None).await?;
            recorder.die();
            return std::future::pending().await;
        }
        let answer = relay(&mut server, Some(&mut client)).await?;
        is_in_transaction = answer.is_in_transaction;
        if let (Fate::CarriedOut { number: Some(number) }, true) = (fate, answer.has_changed_nothing) {
            recorder.had_no_effect(number);
        }
    }
}

struct Request {
    bytes: Vec<u8>,
    /// What is executed, and with which parameters.
    statement: Option<(String, Vec<u8>)>,
    /// The client says goodbye.
    is_last: bool,
}

impl Request {
    /// `known`: statements that this connection has prepared, by their names.
    async fn read(client: &mut TcpStream, known: &mut HashMap<Vec<u8>, String>) -> io::Result<Self> {
        let mut request = Self {
            bytes: vec![],
            statement: None,
            is_last: false,
        };
        loop {
            let (kind, body) = message(client, &mut request.bytes).await?;
            let mut texts = body.split(|byte| *byte == 0);
            let mut text = || texts.next().unwrap_or_default().to_vec();
            match kind {
                b'Q' => {
                    request.statement = Some((String::from_utf8_lossy(&text()).into_owned(), vec![]));
                    return Ok(request);
                }
                b'P' => {
                    let name = text();
                    known.insert(name, String::from_utf8_lossy(&text()).into_owned());
                }
                b'B' => {
                    let (_portal, name) = (text(), text());
                    let sql = known.get(&name).cloned().unwrap_or_default();
                    request.statement = Some((sql, body));
                }
                b'X' => {
                    request.is_last = true;
                    return Ok(request);
                }
                b'S' => return Ok(request),
                _ => {}
            }
        }
    }
}

struct Answer {
    is_in_transaction: bool,
    /// A write that found nothing to write.
    has_changed_nothing: bool,
}

/// Passes the server's answer on, to its end, or reads it and tells nobody.
async fn relay(server: &mut (impl AsyncRead + Unpin), mut client: Option<&mut TcpStream>) -> io::Result<Answer> {
    let mut has_changed_nothing = false;
    loop {
        let mut bytes = vec![];
        let (kind, body) = message(server, &mut bytes).await?;
        if let Some(client) = &mut client {
            client.write_all(&bytes).await?;
        }
        if kind == b'C' {
            has_changed_nothing = statement::has_changed_nothing(&body);
        }
        if kind == b'Z' {
            return Ok(Answer {
                is_in_transaction: body.first() != Some(&b'I'),
                has_changed_nothing,
            });
        }
    }
}

/// Reads one message and adds it to `bytes` as it came.
async fn message(from: &mut (impl AsyncRead + Unpin), bytes: &mut Vec<u8>) -> io::Result<(u8, Vec<u8>)> {
    let kind = from.read_u8().await?;
    let length = from.read_u32().await?;
    let mut body = vec![0; length.saturating_sub(4) as usize];
    from.read_exact(&mut body).await?;
    bytes.push(kind);
    bytes.extend(length.to_be_bytes());
    bytes.extend(&body);
    Ok((kind, body))
}
