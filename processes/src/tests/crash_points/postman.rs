//! The mail server as the process sees it: each letter is a point. The server itself is another machine, and outlives it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use super::recorder::{Fate, Recorder};

/// A letter that was taken.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Letter {
    /// The same letter has the same.
    pub(super) message: String,
    pub(super) to: String,
    pub(super) subject: String,
}

/// Clones are one server.
#[derive(Clone)]
pub(super) struct Postman {
    pub(super) url: String,
    letters: Arc<Mutex<Vec<Letter>>>,
    _task: Arc<AbortOnDropHandle<()>>,
}

impl Postman {
    pub(super) async fn start(recorder: Recorder) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let letters = Arc::<Mutex<Vec<Letter>>>::default();
        let (tracker, taken) = (TaskTracker::new(), Arc::clone(&letters));
        let conversations = tracker.clone();
        let task = tracker.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (letters, recorder) = (Arc::clone(&taken), recorder.clone());
                // Who hangs up in the middle has nothing more to say.
                conversations.spawn(async move { converse(client, &letters, &recorder).await.unwrap_or_default() });
            }
        });
        Self {
            url,
            letters,
            _task: Arc::new(AbortOnDropHandle::new(task)),
        }
    }

    /// To mailboxes of this domain, by name; each once, however often it came.
    pub(super) fn letters_to(&self, domain: &str) -> Vec<Letter> {
        let named = |letter: &Letter| {
            let (name, of) = letter.to.split_once('@')?;
            let to = name.to_owned();
            (of == domain).then(|| Letter { to, ..letter.clone() })
        };
        let letters: BTreeSet<Letter> = lock(&self.letters).iter().filter_map(named).collect();
        let mut letters: Vec<Letter> = letters.into_iter().collect();
        letters.sort_by_cached_key(|letter| (letter.to.clone(), letter.subject.clone()));
        letters
    }
}

fn lock(letters: &Mutex<Vec<Letter>>) -> MutexGuard<'_, Vec<Letter>> {
    letters.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn converse(client: TcpStream, letters: &Mutex<Vec<Letter>>, recorder: &Recorder) -> std::io::Result<()> {
    let (reader, mut writer) = client.into_split();
    let mut lines = BufReader::new(reader).lines();
    let mut to = String::new();
    writer.write_all(b"220 post.test ESMTP\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let answer = match verb.as_str() {
            "EHLO" => "250-post.test\r\n250 8BITMIME",
            "RCPT" => {
                to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                "250 ok"
            }
            "DATA" => {
                writer.write_all(b"354 go on\r\n").await?;
                let mut letter = Letter {
                    message: String::new(),
                    to: to.clone(),
                    subject: String::new(),
                };
                while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                    match line.split_once(": ") {
                        Some(("Message-ID", message)) => message.clone_into(&mut letter.message),
                        Some(("Subject", subject)) => subject.clone_into(&mut letter.subject),
                        _ => {}
                    }
                }
                if !take(letter, letters, recorder) {
                    // The process is dead, and hears no answer.
                    return std::future::pending().await;
                }
                "250 taken"
            }
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        writer.write_all(answer.as_bytes()).await?;
        writer.write_all(b"\r\n").await?;
    }
    Ok(())
}

/// `false` if the process does not hear of it.
fn take(letter: Letter, letters: &Mutex<Vec<Letter>>, recorder: &Recorder) -> bool {
    let fate = recorder.ask(format!("mail: {}", letter.subject), true);
    match fate {
        Fate::CarriedOut { .. } => {
            lock(letters).push(letter);
            true
        }
        Fate::CarriedOutUnseen => {
            lock(letters).push(letter);
            recorder.die();
            false
        }
        Fate::Lost => false,
    }
}
