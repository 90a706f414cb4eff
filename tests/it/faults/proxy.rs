//! A line between boxoffice and PostgreSQL that breaks in the worst moments.
//!
//! It knows the sequencer's connection by its name in the first message, and a batch with a hold by its bytes.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const SEQUENCER: &[u8] = b"boxoffice-sequencer";
const A_HOLD: &[u8] = b"seat_held";
/// The leader's lock as it travels: a parameter of 8 bytes.
const LOCK: &[u8] = b"\0\0\0\x08boxoffic";
const ANOTHER_LOCK: &[u8] = b"\0\0\0\x08elsewher";

/// What happens to the next batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Trap {
    /// It arrives and is committed; the answer is lost, and so is the connection.
    LoseAnswer,
    /// Half of it arrives, then the connection is lost.
    LoseRequest,
    /// It arrives; the answer takes its time.
    Stall(Duration),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Locks {
    /// As asked for.
    Honest,
    /// Whoever asks for the leader's lock gets another one, and believes to lead.
    Misled,
}

/// Breaks every line when dropped.
pub(super) struct Proxy {
    port: u16,
    line: Arc<Line>,
    stop: CancellationToken,
}

struct Line {
    socket: PathBuf,
    locks: Locks,
    trap: Mutex<Option<Trap>>,
    has_sprung: Notify,
    has_misled: CancellationToken,
}

impl Proxy {
    pub(super) async fn start(socket: PathBuf, locks: Locks) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (port, stop, tracker) = (
            listener.local_addr()?.port(),
            CancellationToken::new(),
            TaskTracker::new(),
        );
        let line = Arc::new(Line {
            socket,
            locks,
            trap: Mutex::new(None),
            has_sprung: Notify::new(),
            has_misled: CancellationToken::new(),
        });
        let (carrier, until, lines) = (Arc::clone(&line), stop.clone(), tracker.clone());
        tracker.spawn(async move {
            while let Some(Ok((client, _))) = until.run_until_cancelled(listener.accept()).await {
                let (carrier, until) = (Arc::clone(&carrier), until.clone());
                lines.spawn(async move {
                    // An end is an end, however it came.
                    let _ = until.run_until_cancelled(carrier.carry(client)).await;
                });
            }
        });
        Ok(Self { port, line, stop })
    }

    pub(super) fn url(&self) -> String {
        format!("postgres://boxoffice@127.0.0.1:{}/postgres?sslmode=disable", self.port)
    }

    /// Springs with the next batch that holds a seat; returns when it has.
    pub(super) async fn spring(&self, trap: Trap) {
        let sprung = self.line.has_sprung.notified();
        *self.line.trap.lock().expect("no carrier panics") = Some(trap);
        sprung.await;
    }

    pub(super) fn has_misled(&self) -> bool {
        self.line.has_misled.is_cancelled()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Line {
    async fn carry(&self, client: TcpStream) -> std::io::Result<()> {
        client.set_nodelay(true)?;
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = UnixStream::connect(&self.socket).await?.into_split();
        let (mut up, mut down) = (vec![0; 65_536], vec![0; 65_536]);
        let (mut is_first, mut is_sequencer, mut sprung) = (true, false, None);
        loop {
            tokio::select! {
                count = from_client.read(&mut up) => {
                    let Ok(count @ 1..) = count else { return Ok(()) };
                    let bytes = &mut up[..count];
                    if is_first {
                        is_first = false;
                        is_sequencer = find(bytes, SEQUENCER).is_some();
                    }
                    if is_sequencer && self.locks == Locks::Misled {
                        self.mislead(bytes);
                    }
                    if is_sequencer && find(bytes, A_HOLD).is_some() && sprung.is_none() {
                        sprung = self.take_trap();
                    }
                    if sprung == Some(Trap::LoseRequest) {
                        return to_server.write_all(&bytes[..count / 2]).await;
                    }
                    to_server.write_all(bytes).await?;
                }
                count = from_server.read(&mut down) => {
                    let Ok(count @ 1..) = count else { return Ok(()) };
                    match sprung.take() {
                        Some(Trap::LoseAnswer | Trap::LoseRequest) => return Ok(()),
                        Some(Trap::Stall(pause)) => tokio::time::sleep(pause).await,
                        None => {}
                    }
                    to_client.write_all(&down[..count]).await?;
                }
            }
        }
    }

    fn take_trap(&self) -> Option<Trap> {
        let trap = self.trap.lock().expect("no carrier panics").take();
        if trap.is_some() {
            self.has_sprung.notify_waiters();
        }
        trap
    }

    fn mislead(&self, bytes: &mut [u8]) {
        if let Some(at) = find(bytes, LOCK) {
            bytes[at..at + LOCK.len()].copy_from_slice(ANOTHER_LOCK);
            self.has_misled.cancel();
        }
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}
