//! The way from boxoffice to the media server's API, on which changes get lost. Signalling passes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// What changes something. What asks always gets its answer, or nothing would be tried.
const CHANGES: [&str; 2] = ["RoomService/UpdateParticipant", "RoomService/RemoveParticipant"];
/// A change that comes late is answered to nobody; the media server needs a moment for it all the same.
const MADE_WITHIN: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Weather {
    Fair,
    /// Changes are made, and nobody hears of it.
    LosesAnswers,
    /// Changes are made when whoever made them has given up.
    Late(Duration),
}

/// Ends with this.
pub(super) struct Line {
    port: u16,
    weather: Arc<Mutex<Weather>>,
    _stop: DropGuard,
}

impl Line {
    pub(super) async fn to(upstream: u16) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (port, weather) = (listener.local_addr()?.port(), Arc::new(Mutex::new(Weather::Fair)));
        let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
        let (until, lines, above) = (stop.clone(), tracker.clone(), Arc::clone(&weather));
        tracker.spawn(async move {
            while let Some(Ok((client, _))) = until.run_until_cancelled(listener.accept()).await {
                let (until, above) = (until.clone(), Arc::clone(&above));
                lines.spawn(async move {
                    // An end is an end, however it came.
                    let _ = until.run_until_cancelled(carry(client, upstream, &above)).await;
                });
            }
        });
        Ok(Self {
            port,
            weather,
            _stop: stop.drop_guard(),
        })
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(super) fn set(&self, weather: Weather) {
        *self.weather.lock().unwrap_or_else(PoisonError::into_inner) = weather;
    }
}

async fn carry(mut client: TcpStream, upstream: u16, weather: &Mutex<Weather>) -> std::io::Result<()> {
    let weather = || *weather.lock().unwrap_or_else(PoisonError::into_inner);
    let mut server = TcpStream::connect(("127.0.0.1", upstream)).await?;
    let (mut up, mut down) = (vec![0; 65_536], vec![0; 65_536]);
    let mut fate = Weather::Fair;
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let read = read?;
                let request = &up[..read];
                if read == 0 {
                    return Ok(());
                }
                if request.starts_with(b"GET ") {
                    server.write_all(request).await?;
                    return copy_bidirectional(&mut client, &mut server).await.map(drop);
                }
                if request.starts_with(b"POST ") {
                    fate = if is_change(request) { weather() } else { Weather::Fair };
                }
                if let Weather::Late(by) = fate {
                    sleep(by).await;
                    return deliver_late(request, &mut client, &mut server).await;
                }
                server.write_all(request).await?;
            }
            read = server.read(&mut down) => {
                let read = read?;
                if read == 0 {
                    return Ok(());
                }
                if fate != Weather::LosesAnswers {
                    client.write_all(&down[..read]).await?;
                }
            }
        }
    }
}

/// Whoever made the call has hung up; what they had sent is still there.
async fn deliver_late(request: &[u8], client: &mut TcpStream, server: &mut TcpStream) -> std::io::Result<()> {
    server.write_all(request).await?;
    let (mut rest, mut answer) = (vec![0; 65_536], [0; 1]);
    while let Ok(read @ 1..) = client.read(&mut rest).await {
        server.write_all(&rest[..read]).await?;
    }
    let _ = tokio::time::timeout(MADE_WITHIN, server.read(&mut answer)).await;
    Ok(())
}

fn is_change(request: &[u8]) -> bool {
    let head = String::from_utf8_lossy(request);
    CHANGES.iter().any(|call| head.contains(call))
}
