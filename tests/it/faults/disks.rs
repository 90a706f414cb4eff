//! A disk that is full, and one that does not keep what it was given.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use boxoffice::client::eventually;
use checker::Report;
use tempfile::TempDir;

use super::arena::Arena;
use super::cluster::Cluster;
use super::tools::Injection;
use crate::support::give_to_postgres;

const STRIKE_LIMIT: Duration = Duration::from_secs(30);
/// Enough for a new cluster and its first log segments.
const DISK: &str = "size=160m";
const BLOCK: usize = 8_192;

/// One call of the sequencer's session fails; PostgreSQL panics and recovers, the server goes on.
async fn strike(arena: &Arena, what: &str, seed: u64) -> Result<Report> {
    arena.open_rooms().await?;
    let crowd = arena.send_crowd(seed).await?;
    let session = arena.cluster.backends("boxoffice-sequencer").await?;
    let injection = Injection::into(&session, what, arena.scratch()).await?;
    eventually("a call to fail", STRIKE_LIMIT, || async {
        Ok(injection.has_struck().then_some(()))
    })
    .await?;
    injection.end().await?;
    arena.cluster.wait_until_open().await?;
    arena.wait_for_sales(arena.lines()).await?;
    arena.judge(crowd).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fails_to_sync_or_is_full_loses_nothing_acknowledged() -> Result<()> {
    let arena = Arena::open(Vec::new()).await?;
    for (seed, what) in [(1, "fdatasync:error=EIO:when=1"), (2, "pwrite64:error=ENOSPC:when=1")] {
        println!("{what}: {}", strike(&arena, what, seed).await?);
    }
    let log = std::fs::read_to_string(arena.cluster.log())?;
    ensure!(log.contains("PANIC"), "PostgreSQL took no notice:\n{log}");
    Ok(())
}

/// A small disk of one's own.
struct Disk {
    folder: TempDir,
}

impl Disk {
    fn mount() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("boxoffice-disk-").tempdir_in("/tmp")?;
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", DISK, "tmpfs"])
            .arg(folder.path())
            .output()?;
        ensure!(
            mounted.status.success(),
            "a disk that really fills up needs the right to mount one (root with CAP_SYS_ADMIN): {}",
            String::from_utf8_lossy(&mounted.stderr)
        );
        let disk = Self { folder };
        give_to_postgres(disk.path())?;
        Ok(disk)
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Takes all the room that is left.
    fn fill(&self) -> Result<PathBuf> {
        let path = self.path().join("ballast");
        let mut ballast = File::create(&path)?;
        while ballast.write_all(&[0; BLOCK]).is_ok() {}
        // The rest of the last block as well.
        while ballast.write_all(&[0; 512]).is_ok() {}
        Ok(path)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a process of PostgreSQL may take a moment longer to end.
        let _ = Command::new("umount").arg("-l").arg(self.folder.path()).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_stops_the_sale_until_there_is_room() -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        println!("not root: no disk of one's own. The injected ENOSPC of the other test stands alone here");
        return Ok(());
    }
    let disk = Disk::mount()?;
    let mut arena = Arena::open_on(Cluster::start_in(Some(disk.path())).await?, Vec::new()).await?;
    arena.open_rooms().await?;
    let crowd = arena.send_crowd(3).await?;
    let ballast = disk.fill().context("filling the disk")?;
    let log = arena.cluster.log();
    eventually("PostgreSQL to run out of room", STRIKE_LIMIT, || async {
        Ok(std::fs::read_to_string(&log)?
            .contains("No space left on device")
            .then_some(()))
    })
    .await?;
    std::fs::remove_file(ballast)?;
    arena.cluster.wait_until_up().await?;
    arena.wait_for_sales(arena.lines()).await?;
    println!("{}", arena.judge(crowd).await?);
    Ok(())
}
