//! `boxoffice doctor`: what is missing on this machine, and how to get it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use event_log::Hosts;
use processes::people::KeyInUse;
use sqlx::{Connection as _, PgConnection};
use tokio::time::timeout;

use crate::config::{MailOptions, MediaOptions, NotaryOptions, VaultOptions};
use crate::database::DatabaseAccess;
use crate::managed::{self, livekit, postgres};
use crate::output;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    database: DatabaseAccess,
    #[command(flatten)]
    media: MediaOptions,
    #[command(flatten)]
    mail: MailOptions,
    #[command(flatten)]
    notary: NotaryOptions,
    #[command(flatten)]
    vault: VaultOptions,
    /// The Python that has the `livekit` package, for the demo
    #[arg(
        long,
        env = "BOXOFFICE_PYTHON",
        default_value = ".tools/venv/bin/python",
        value_name = "PATH"
    )]
    python: PathBuf,
}

/// What was found about one need.
enum Finding {
    Fine(String),
    /// Works without it, with less.
    Lacking {
        what: String,
        cure: String,
    },
    /// `serve` cannot start.
    Broken {
        what: String,
        cure: String,
    },
}

pub(crate) async fn run(options: Options) -> anyhow::Result<ExitCode> {
    let findings = [
        check_data_dir(&options),
        check_database(&options).await,
        check_ending(),
        check_media(&options),
        check_mail(&options),
        check_notary(&options.notary),
        check_vault(&options).await,
        check_audio_client(&options.python),
    ];
    for finding in &findings {
        match finding {
            Finding::Fine(what) => output::line(format!("ok       {what}")),
            Finding::Lacking { what, cure } => output::line(format!("lacking  {what}\n         → {cure}")),
            Finding::Broken { what, cure } => output::line(format!("MISSING  {what}\n         → {cure}")),
        }
    }
    if findings.iter().any(|finding| matches!(finding, Finding::Broken { .. })) {
        return Ok(ExitCode::FAILURE);
    }
    output::line("`boxoffice serve` can start.");
    Ok(ExitCode::SUCCESS)
}

fn check_data_dir(options: &Options) -> Finding {
    let probe = options.database.data.open().and_then(|folder| {
        tempfile::NamedTempFile::new_in(folder.path())?;
        Ok(folder)
    });
    match probe {
        Ok(folder) => Finding::Fine(format!("data folder {}", folder.path().display())),
        Err(error) => Finding::Broken {
            what: format!("data folder: {error:#}"),
            cure: "choose another with --data-dir, or open this one for writing".to_owned(),
        },
    }
}

async fn check_database(options: &Options) -> Finding {
    match options.database.database.external() {
        Ok(Some(external)) => check_external(external).await,
        Ok(None) => check_private(),
        Err(error) => Finding::Broken {
            what: format!("{error:#}"),
            cure: "DATABASE_URL looks like postgres://user:password@host/database".to_owned(),
        },
    }
}

async fn check_external(hosts: Hosts) -> Finding {
    let first = hosts.first();
    let place = format!("{}:{}", first.get_host(), first.get_port());
    let problem = match timeout(CONNECT_TIMEOUT, hosts.connect(|options| options)).await {
        Ok(Ok(_)) => return Finding::Fine(format!("PostgreSQL at {place} (DATABASE_URL)")),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {} s", CONNECT_TIMEOUT.as_secs()),
    };
    Finding::Broken {
        what: format!("PostgreSQL at {place} (DATABASE_URL): {problem}"),
        cure: "start it, correct DATABASE_URL, or unset it to get a private one".to_owned(),
    }
}

fn check_private() -> Finding {
    let Some(folder) = managed::postgres_binaries().into_iter().next() else {
        return Finding::Broken {
            what: "PostgreSQL's server programs".to_owned(),
            cure: postgres::HOW_TO_GET.to_owned(),
        };
    };
    if !postgres::account_is_there() {
        return Finding::Broken {
            what: "system user `postgres`: PostgreSQL does not run as root".to_owned(),
            cure: "apt-get install postgresql makes it, or run boxoffice as another user".to_owned(),
        };
    }
    Finding::Fine(format!("PostgreSQL in {}", folder.display()))
}

/// `setpriv` is what lets children end with us after a `kill -9`, and what changes to user postgres.
fn check_ending() -> Finding {
    if managed::find_in_path("setpriv").is_some() {
        return Finding::Fine("setpriv".to_owned());
    }
    let what = "setpriv: the private database and media server may outlive a killed boxoffice".to_owned();
    let cure = "apt-get install util-linux".to_owned();
    if rustix::process::geteuid().is_root() {
        Finding::Broken { what, cure }
    } else {
        Finding::Lacking { what, cure }
    }
}

fn check_media(options: &Options) -> Finding {
    if options.media.is_off() {
        return Finding::Fine("no media server is wanted (BOXOFFICE_LIVEKIT=off)".to_owned());
    }
    match options.media.external() {
        Ok(Some(external)) => Finding::Fine(format!("LiveKit at {} (LIVEKIT_URL; not asked)", external.address)),
        Ok(None) => match options.media.program() {
            Some(path) => Finding::Fine(format!("livekit-server in {}", path.display())),
            None => Finding::Lacking {
                what: "livekit-server: tickets are sold, but doors answer 503".to_owned(),
                cure: livekit::HOW_TO_GET.to_owned(),
            },
        },
        Err(error) => Finding::Broken {
            what: format!("{error:#}"),
            cure: "set LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET together, or none of them".to_owned(),
        },
    }
}

fn check_mail(options: &Options) -> Finding {
    let checked = options.mail.validate().and_then(|()| options.mail.settings());
    match checked {
        Ok(Some(settings)) => Finding::Fine(format!("mail from {} (SMTP_URL; not asked)", settings.from)),
        Ok(None) => Finding::Lacking {
            what: "a mail server: tickets, reminders and refunds are not mailed".to_owned(),
            cure: "set SMTP_URL and MAIL_FROM".to_owned(),
        },
        Err(error) => Finding::Broken {
            what: format!("{error:#}"),
            cure: "SMTP_URL looks like smtps://user:password@host, MAIL_FROM like Night Talks <tickets@example.org>"
                .to_owned(),
        },
    }
}

async fn check_vault(options: &Options) -> Finding {
    let key = options
        .database
        .data
        .open()
        .and_then(|folder| options.vault.known(&folder));
    let key = match key {
        Ok(key) => key.map(|key| key.id()),
        Err(error) => {
            return Finding::Broken {
                what: format!("{error:#}"),
                cure: "put the shop's key there; names that were locked with a lost one have to be said again"
                    .to_owned(),
            };
        }
    };
    let in_use = keys_in_use(options).await;
    let (ours, others): (Vec<KeyInUse>, Vec<KeyInUse>) =
        in_use.iter().flatten().partition(|used| Some(used.vault_key) == key);
    if !others.is_empty() {
        let others = others
            .iter()
            .map(|used| format!("{} with {}", used.people, used.vault_key));
        let here = key.map_or_else(|| "none is".to_owned(), |key| format!("{key} is"));
        return Finding::Lacking {
            what: format!(
                "vault keys by which names are locked: {}; {here} here",
                others.collect::<Vec<_>>().join(", ")
            ),
            cure: "`boxoffice vault rewrap --old-key-file` locks them with the key that is here, or these people say their \
                names again"
                .to_owned(),
        };
    }
    let whose = if options.vault.is_shared() {
        "that nodes can share"
    } else {
        "of the data folder, so one node alone can read names"
    };
    let name = key.map_or_else(|| "(made at the first start)".to_owned(), |key| key.to_string());
    let locked = match in_use {
        Some(_) => format!(
            "names locked with it: {}",
            ours.iter().map(|used| used.people).sum::<u64>()
        ),
        None => "the database was not asked what is locked with it".to_owned(),
    };
    Finding::Fine(format!("vault key {name} {whose}; {locked}"))
}

/// `None` if there is nobody to ask: no database runs, or it has no tables yet.
async fn keys_in_use(options: &Options) -> Option<Vec<KeyInUse>> {
    let asked = async {
        let mut connection = connect_if_running(options).await?;
        processes::people::keys_in_use(&mut connection).await.ok()
    };
    timeout(CONNECT_TIMEOUT, asked).await.ok()?
}

/// A private database is not started for this.
async fn connect_if_running(options: &Options) -> Option<PgConnection> {
    if let Some(external) = options.database.database.external().ok()? {
        let (connection, _) = external.connect(|options| options).await.ok()?;
        return Some(connection);
    }
    let folder = options.database.data.open().ok()?;
    let is_running = folder.try_lock().ok()?.is_none();
    if !is_running {
        return None;
    }
    let running = postgres::options_of_running(&folder).await.ok()?;
    PgConnection::connect_with(&running).await.ok()
}

fn check_notary(notary: &NotaryOptions) -> Finding {
    match notary.validate() {
        Ok(()) if notary.leaves_the_data_folder() => {
            Finding::Fine("checkpoints of the log leave the data folder (not asked)".to_owned())
        }
        Ok(()) => Finding::Lacking {
            what: "a place for checkpoints of the log: whoever has this machine can rewrite the log and them"
                .to_owned(),
            cure: "set BOXOFFICE_NOTARY_DIRECTORY, BOXOFFICE_NOTARY_BUCKET, BOXOFFICE_NOTARY_WEBHOOK or \
                BOXOFFICE_NOTARY_WITNESSES"
                .to_owned(),
        },
        Err(error) => Finding::Broken {
            what: format!("the notary: {error:#}"),
            cure: "`boxoffice notary generate` makes a key; places are http(s) URLs".to_owned(),
        },
    }
}

fn check_audio_client(python: &Path) -> Finding {
    let package = |lib: PathBuf| lib.join("site-packages/livekit").is_dir();
    let libraries = python.parent().and_then(Path::parent).map(|venv| venv.join("lib"));
    let found = libraries
        .and_then(|folder| std::fs::read_dir(folder).ok())
        .is_some_and(|entries| entries.flatten().any(|entry| package(entry.path())));
    if found {
        return Finding::Fine(format!("audio client in {}", python.display()));
    }
    Finding::Lacking {
        what: "audio client (only `boxoffice demo` needs it)".to_owned(),
        cure: "scripts/setup demo".to_owned(),
    }
}
