//! What processes of this machine cost, as the kernel counts it.

use std::collections::HashSet;
use std::fs;

use tokio::time::Instant;

use super::figures::millis;

/// What the kernel counts in, on every Linux that there is.
const TICKS_PER_SECOND: u64 = 100;
/// The state of a listening socket in `/proc/net/tcp`.
const LISTENS: &str = "0A";

/// A process and what it had used at some moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meter {
    pid: u32,
    ticks: u64,
    at: Instant,
}

impl Meter {
    pub(super) fn start(pid: u32) -> Option<Self> {
        Some(Self {
            pid,
            ticks: ticks(pid)?,
            at: Instant::now(),
        })
    }

    /// Thousandths of a core, on average since the start.
    pub(super) fn millicores(&self) -> Option<u64> {
        let used = ticks(self.pid)?.saturating_sub(self.ticks);
        let elapsed = millis(self.at.elapsed()).max(1);
        Some(used * 1_000 * (1_000 / TICKS_PER_SECOND) / elapsed)
    }

    pub(super) fn memory_mb(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
        Some(kilobytes / 1_024)
    }
}

fn ticks(pid: u32) -> Option<u64> {
    ticks_of(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The name of the process, in brackets, may have spaces and brackets in it.
fn ticks_of(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(user + system)
}

/// The process that listens on this port, if it runs here and we may look at it.
pub(crate) fn listener(port: u16) -> Option<u32> {
    let sockets: HashSet<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .flat_map(|table| table.lines().filter_map(|line| socket(line, port)).collect::<Vec<_>>())
        .collect();
    if sockets.is_empty() {
        return None;
    }
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let mut pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.find(|pid| {
        let files = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        let mut targets = files.filter_map(|file| fs::read_link(file.path()).ok());
        targets.any(|target| target.to_str().is_some_and(|target| sockets.contains(target)))
    })
}

/// The name of a listening socket, as links in `/proc` have it.
fn socket(line: &str, port: u16) -> Option<String> {
    let mut fields = line.split_whitespace().skip(1);
    let (_, listens_on) = fields.next()?.rsplit_once(':')?;
    let state = fields.nth(1)?;
    let is_it = state == LISTENS && u16::from_str_radix(listens_on, 16) == Ok(port);
    is_it
        .then(|| fields.nth(5))
        .flatten()
        .map(|inode| format!("socket:[{inode}]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_of_a_process_with_a_strange_name_are_found() {
        let stat = "42 (a) b (c) S 1 42 42 0 -1 4194560 9 0 0 0 17 5 0 0 20 0 1 0 99 1 1";
        assert_eq!(ticks_of(stat), Some(22));
    }

    #[test]
    fn who_listens_is_found() {
        let own = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = own.local_addr().unwrap().port();
        assert_eq!(listener(port), Some(std::process::id()));
        drop(own);
        assert_eq!(listener(port), None);
        assert!(Meter::start(std::process::id()).unwrap().memory_mb().unwrap() > 0);
    }
}
