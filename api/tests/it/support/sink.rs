//! A mail server that speaks SMTP, and does what a test wants with what it is given.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

const PATIENCE: Duration = Duration::from_secs(20);

/// What it does with the next letter. When nothing is left to do, it takes what comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Whim {
    /// `451` to the recipient: come back later.
    Busy,
    /// `550` to the recipient: no such mailbox.
    NoMailbox,
    /// `554` to the letter itself.
    Refuses,
    /// Takes the letter and hangs up before it says so.
    HangsUp,
}

/// A letter it was given, whole.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) to: String,
    pub(crate) raw: String,
}

impl Received {
    /// A header, as it stands.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let head = self.raw.split("\r\n\r\n").next()?.replace("\r\n ", " ");
        let prefix = format!("{name}: ");
        let found = head.lines().find_map(|line| line.strip_prefix(&prefix));
        found.map(str::to_owned)
    }

    pub(crate) fn subject(&self) -> String {
        self.header("Subject").expect("a subject")
    }

    /// The text, with long lines put together again.
    pub(crate) fn says(&self, words: &str) -> bool {
        self.raw.replace("=\r\n", "").contains(words)
    }
}

#[derive(Debug, Default)]
struct Shared {
    whims: Mutex<VecDeque<Whim>>,
    received: Mutex<Vec<Received>>,
    asked: Mutex<usize>,
}

pub(crate) struct Sink {
    pub(crate) url: String,
    shared: Arc<Shared>,
    _task: AbortOnDropHandle<()>,
}

impl Sink {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("smtp://{}", listener.local_addr().expect("an address"));
        let shared = Arc::<Shared>::default();
        let tracker = TaskTracker::new();
        let task = tracker.spawn(serve(listener, Arc::clone(&shared), tracker.clone()));
        Self {
            url,
            shared,
            _task: AbortOnDropHandle::new(task),
        }
    }

    pub(crate) fn will(&self, whims: impl IntoIterator<Item = Whim>) {
        self.shared.whims.lock().expect("nobody panicked").extend(whims);
    }

    /// From now on it takes what comes.
    pub(crate) fn forgive(&self) {
        self.shared.whims.lock().expect("nobody panicked").clear();
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.shared.received.lock().expect("nobody panicked").clone()
    }

    /// How often somebody wanted to hand a letter over.
    pub(crate) fn asked(&self) -> usize {
        *self.shared.asked.lock().expect("nobody panicked")
    }

    pub(crate) fn subjects(&self) -> Vec<String> {
        self.received().iter().map(Received::subject).collect()
    }

    /// The first letter with such a subject.
    pub(crate) async fn letter(&self, subject: &str) -> Received {
        let is_it = |letter: &Received| letter.subject().starts_with(subject);
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(letter) = self.received().into_iter().find(is_it) {
                return letter;
            }
            assert!(Instant::now() < deadline, "no {subject:?} among {:?}", self.subjects());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) async fn until_asked(&self, times: usize) {
        let deadline = Instant::now() + PATIENCE;
        while self.asked() < times {
            assert!(Instant::now() < deadline, "asked {} times", self.asked());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>, tracker: TaskTracker) {
    while let Ok((client, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        tracker.spawn(async move {
            // Who hangs up in the middle has nothing more to say.
            let _ = converse(client, &shared).await;
        });
    }
}

async fn converse(client: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let (reader, mut writer) = client.into_split();
    let mut lines = BufReader::new(reader).lines();
    let (mut to, mut whim) = (String::new(), None);
    writer.write_all(b"220 sink.test ESMTP\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let answer = match verb.as_str() {
            "EHLO" => "250-sink.test\r\n250 8BITMIME",
            "MAIL" => {
                *shared.asked.lock().expect("nobody panicked") += 1;
                whim = shared.whims.lock().expect("nobody panicked").pop_front();
                "250 ok"
            }
            "RCPT" if whim == Some(Whim::Busy) => "451 4.7.1 come back later",
            "RCPT" if whim == Some(Whim::NoMailbox) => "550 5.1.1 no such mailbox",
            "RCPT" => {
                to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                "250 ok"
            }
            "DATA" => {
                writer.write_all(b"354 go on\r\n").await?;
                let mut raw = String::new();
                while let Some(line) = lines.next_line().await? {
                    if line == "." {
                        break;
                    }
                    raw.push_str(&line);
                    raw.push_str("\r\n");
                }
                if whim == Some(Whim::Refuses) {
                    "554 5.6.0 not this one"
                } else {
                    let letter = Received { to: to.clone(), raw };
                    shared.received.lock().expect("nobody panicked").push(letter);
                    if whim == Some(Whim::HangsUp) {
                        return Ok(());
                    }
                    "250 taken"
                }
            }
            "QUIT" => {
                writer.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            "RSET" | "NOOP" => "250 ok",
            _ => "502 what?",
        };
        writer.write_all(answer.as_bytes()).await?;
        writer.write_all(b"\r\n").await?;
    }
    Ok(())
}
