//! The machine, in a line.

use std::fs;
use std::path::Path;

/// What `/proc` says of the machine.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    text: String,
}

impl Machine {
    pub(crate) fn look() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let model = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown processor".to_owned());
        let memory_kb: u64 = field("/proc/meminfo", "MemTotal")
            .and_then(|text| text.split_whitespace().next().and_then(|kb| kb.parse().ok()))
            .unwrap_or(0);
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let text = format!(
            "{cores} cores ({model}), {} GB memory, Linux {}",
            memory_kb / 1_048_576,
            kernel.trim()
        );
        Self { text }
    }
}

impl std::fmt::Display for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// Resident memory of a process, in MB.
pub(crate) fn memory_mb(pid: u32) -> Option<u32> {
    let text = field(format!("/proc/{pid}/status"), "VmRSS")?;
    let kb: u32 = text.split_whitespace().next()?.parse().ok()?;
    Some(kb / 1024)
}

/// The value behind the first `name:`.
fn field(path: impl AsRef<Path>, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
