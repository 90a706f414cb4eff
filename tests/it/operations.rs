//! The commands of `docs/OPERATIONS.md` work as they stand there.

use std::net::TcpListener;
use std::path::Path;
use std::pin::pin;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use boxoffice::managed::spawner;
use tokio::process::Command;

const LIMIT: Duration = Duration::from_secs(100);
const CLEAN_UP_LIMIT: Duration = Duration::from_secs(20);
const MARK: &str = "<!-- runs: ";
/// The blocks of commands that belong together, and what has to be true after each.
const SET_UPS: [(&str, &[&str]); 6] = [
    ("path", &[]),
    ("standby", &[CLEAN_UP]),
    ("url", &[]),
    ("vault", &[]),
    ("nodes", &[ONE_LEADS, EVERY_NODE_NAMES_PEOPLE]),
    ("promote", &[SERVES_AGAIN]),
];
/// What a reader who is done does; also after a failure.
const CLEAN_UP: &str = "
stop_all() {
    kill $(jobs -p) 2>/dev/null || true
    wait || true
    for one in one two; do as $B/pg_ctl -D $PG_SOCKET/$one -m immediate stop >/dev/null 2>&1 || true; done
    rm -rf $PG_SOCKET
}
trap stop_all EXIT
";
const ONE_LEADS: &str = "
[ $(for n in 1 2 3; do curl -s http://127.0.0.1:820$n/metrics; done | grep -c '^log_leading 1') = 1 ]
";
/// A name that was said at one node is read at the others, whoever of them leads.
const EVERY_NODE_NAMES_PEOPLE: &str = "
token=$(boxoffice token --user hedy 2>/dev/null)
profile() { curl -s -H \"Authorization: Bearer $token\" http://127.0.0.1:810$1/v1/me/profile \"${@:2}\"; }
profile 2 -X PUT -H 'Content-Type: application/json' -d '{\"display_name\": \"Hedy\"}' | grep -q Hedy
for n in 1 2 3; do profile $n | grep -q Hedy; done
";
const SERVES_AGAIN: &str = "
for n in 1 2 3; do
    for i in $(seq 100); do curl -sf http://127.0.0.1:810$n/readyz >/dev/null && break; sleep 0.2; done
    curl -sf http://127.0.0.1:810$n/readyz
done
until [ $(for n in 1 2 3; do curl -s http://127.0.0.1:820$n/metrics; done | grep -c '^log_leading 1') = 1 ]; do sleep 0.2; done
echo all is well
";

/// The block of commands under `<!-- runs: name -->`.
pub(crate) fn commands<'a>(page: &'a str, name: &str) -> Result<&'a str> {
    let mark = format!("{MARK}{name} -->\n```sh\n");
    let (_, rest) = page
        .split_once(&mark)
        .with_context(|| format!("the page has commands `{name}`"))?;
    let (block, _) = rest.split_once("```").context("the block ends")?;
    Ok(block)
}

/// The commands of the set-ups in the order of the page, each block with what has to be true after it.
fn script(page: &str) -> Result<String> {
    let mut script = "set -euo pipefail\n".to_owned();
    let marks = page.match_indices(MARK).map(|(at, mark)| &page[at + mark.len()..]);
    for name in marks.filter_map(|rest| rest.split_once(" -->")).map(|(name, _)| name) {
        let Some((_, then)) = SET_UPS.iter().find(|(block, _)| *block == name) else {
            continue;
        };
        script += commands(page, name)?;
        then.iter().for_each(|check| script += check);
    }
    for (name, _) in SET_UPS {
        commands(page, name)?;
    }
    Ok(script)
}

/// The page's ports are another one's who runs it at the same time: the same commands with ports that are free.
fn with_free_ports(script: &str) -> Result<String> {
    let is_free = |tens: u32| (1..=3).all(|n| TcpListener::bind(format!("127.0.0.1:{tens}{n}")).is_ok());
    let first = 1100 + std::process::id() % 1000;
    let mut free = (first..first + 1000).filter(|tens| is_free(*tens));
    let mut next = || free.next().context("free ports");
    let (api, metrics) = (format!("127.0.0.1:{}", next()?), format!("127.0.0.1:{}", next()?));
    Ok(script.replace("127.0.0.1:810", &api).replace("127.0.0.1:820", &metrics))
}

/// Runs it with all that it begins in a group of its own. What takes too long is told to clean up, and then killed.
async fn run(script: String, folder: &Path, limit: Duration) -> Result<String> {
    let binaries = Path::new(env!("CARGO_BIN_EXE_boxoffice"))
        .parent()
        .context("a folder")?;
    let path = format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap_or_default());
    // If the test itself is killed, the shell is told so.
    let mut bash = Command::new("setpriv");
    bash.args(["--pdeathsig", "TERM", "bash", "-c", &script]);
    bash.current_dir(folder).env("PATH", path).process_group(0);
    bash.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = spawner::spawn(bash).await?;
    let group = format!("-{}", child.id().context("it runs")?);
    let mut output = pin!(child.wait_with_output());
    let mut is_late = false;
    for (limit, signal) in [(limit, "TERM"), (CLEAN_UP_LIMIT, "KILL"), (CLEAN_UP_LIMIT, "KILL")] {
        if let Ok(output) = tokio::time::timeout(limit, &mut output).await {
            let output = output?;
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let (out, err) = (text(&output.stdout), text(&output.stderr));
            ensure!(!is_late, "the commands take too long: {out}\n{err}");
            ensure!(output.status.success(), "{out}\n{err}");
            return Ok(out);
        }
        is_late = true;
        Command::new("kill").args(["-s", signal, "--", &group]).status().await?;
    }
    bail!("the commands cannot be ended")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_of_the_page_work_when_pasted() -> Result<()> {
    let own = std::fs::metadata("/proc/self")?;
    if std::os::unix::fs::MetadataExt::uid(&own) != 0 {
        return Ok(()); // the page says: as root
    }
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/OPERATIONS.md"))?;
    let folder = tempfile::tempdir()?;
    let out = run(with_free_ports(&script(&page)?)?, folder.path(), LIMIT).await?;
    ensure!(out.ends_with("all is well\n"), "{out}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_that_take_too_long_are_ended_with_all_that_they_began() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let script = "trap 'touch cleaned-up' EXIT; sleep 1000 & echo $! >began; sleep 1000";
    let ended = run(script.to_owned(), folder.path(), Duration::from_secs(3)).await;
    let said = format!("{:#}", ended.err().context("it takes too long")?);
    ensure!(said.contains("take too long"), "{said}");
    ensure!(folder.path().join("cleaned-up").exists(), "it was not told");
    let began = std::fs::read_to_string(folder.path().join("began"))?;
    let began = Path::new("/proc").join(began.trim()).join("cmdline");
    ensure!(
        std::fs::read(began).unwrap_or_default().is_empty(),
        "what it began is still there"
    );
    Ok(())
}
