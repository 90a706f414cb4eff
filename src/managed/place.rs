//! Where the private cluster lives: below the data folder if its account can get there.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use tracing::warn;

use super::account::Account;
use super::data_dir::DataDir;

/// A Unix socket's path has at most this many bytes, whatever the file system allows.
const SOCKET_PATH_MAX: usize = 107;
const SOCKET_NAME: &str = "/.s.PGSQL.5432";
/// Where a cluster goes that cannot live in the data folder. Not the temp folder: a reboot may empty that.
const ELSEWHERE: &str = "/var/lib/boxoffice";

#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) account: Account,
    /// The cluster's own folder.
    pub(super) data: PathBuf,
    /// The folder with its socket: who may enter it may connect.
    pub(super) socket: PathBuf,
    pub(super) log: PathBuf,
}

impl Place {
    /// Finds the cluster's place, the same one every time.
    pub(super) async fn choose(data_dir: &DataDir) -> anyhow::Result<Self> {
        let account = Account::for_postgres();
        let home = choose_home(data_dir, account).await?;
        let socket = choose_socket(&home, data_dir);
        account.make_folder(&socket).await?;
        ensure_ours(&socket, &home, account)?;
        Ok(Self {
            account,
            data: home.join("data"),
            socket,
            log: data_dir.file("postgres.log"),
        })
    }

    pub(super) fn is_initialised(&self) -> bool {
        self.data.join("PG_VERSION").exists()
    }

    /// The major version of the programs that made the cluster.
    pub(super) fn version(&self) -> Option<String> {
        let text = fs::read_to_string(self.data.join("PG_VERSION")).ok()?;
        Some(text.trim().to_owned())
    }
}

/// A home that holds a cluster stays the home, even if a better one became possible: a cluster must never seem lost.
async fn choose_home(data_dir: &DataDir, account: Account) -> anyhow::Result<PathBuf> {
    let near = data_dir.file("postgres");
    let far = Path::new(ELSEWHERE).join(data_dir.short_name());
    let holds_cluster = |home: &Path| home.join("data/PG_VERSION").exists();
    if !holds_cluster(&near) && holds_cluster(&far) {
        return Ok(far);
    }
    account.make_folder(&near).await?;
    if account.can_enter(&near).await {
        return Ok(near);
    }
    ensure!(
        !holds_cluster(&near),
        "user postgres can no longer enter {}: open the folders above it (chmod a+x), or move the data folder",
        near.display()
    );
    fs::create_dir_all(ELSEWHERE).with_context(|| format!("make folder {ELSEWHERE}"))?;
    account.make_folder(&far).await?;
    warn!(
        "user postgres cannot enter {}: the database is kept in {} (choose a place with --data-dir)",
        data_dir.path().display(),
        far.display()
    );
    let _ = fs::remove_dir(&near);
    Ok(far)
}

fn choose_socket(home: &Path, data_dir: &DataDir) -> PathBuf {
    let near = home.join("run");
    if near.as_os_str().len() + SOCKET_NAME.len() <= SOCKET_PATH_MAX {
        near
    } else {
        PathBuf::from(format!("/tmp/boxoffice-{}", data_dir.short_name()))
    }
}

/// A folder under `/tmp` could have been put there by somebody else, who could then pose as our database.
fn ensure_ours(socket: &Path, home: &Path, account: Account) -> anyhow::Result<()> {
    let meta = fs::symlink_metadata(socket).with_context(|| format!("look at {}", socket.display()))?;
    let owner = match account {
        Account::Own => rustix::process::geteuid().as_raw(),
        Account::Postgres => fs::symlink_metadata(home)
            .with_context(|| format!("look at {}", home.display()))?
            .uid(),
    };
    ensure!(
        meta.is_dir() && meta.uid() == owner && meta.mode() & 0o777 == 0o700,
        "{} is not ours alone: remove it",
        socket.display()
    );
    Ok(())
}
