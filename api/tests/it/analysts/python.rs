//! The Python client, at a real socket.

use std::path::{Path, PathBuf};
use std::process::Output;

use api::server::{ServerLimits, serve};
use serde_json::Value;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::net::TcpListener;
use tokio::process::Command;

use super::page::block;
use super::story::LATE;
use crate::support::{ANALYST, HOST, TestApp};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The Python that `scripts/setup` has installed.
pub(super) fn python() -> Command {
    let named = std::env::var_os("BOXOFFICE_PYTHON").map(PathBuf::from);
    let mut python = Command::new(named.unwrap_or_else(|| root().join(".tools/venv/bin/python")));
    python
        .env("PYTHONPATH", root().join("clients/python"))
        .kill_on_drop(true);
    python
}

async fn run(app: &TestApp, folder: &Path, program: &str) -> Output {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    app.tracker.spawn(serve(
        listener,
        app.router(),
        ServerLimits::default(),
        app.cancel.clone(),
    ));
    let mut python = python();
    python.arg("-c").arg(program).current_dir(folder);
    python
        .env("BOXOFFICE_URL", format!("http://{address}"))
        .env("BOXOFFICE_TOKEN", app.token(ANALYST));
    python.output().await.expect("Python runs")
}

async fn answer(app: &TestApp, folder: &Path, program: &str) -> Value {
    let output = run(app, folder, program).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

pub(super) async fn the_client_of_the_page_says_what_late_reschedules_cost(app: &TestApp) {
    let folder = tempfile::tempdir().expect("a folder");
    let program = block("file", "late.py");
    let expected = serde_json::json!({
        "late_moves": LATE.0, "declined": LATE.1, "refunded_minor": LATE.2, "fees_minor": LATE.3,
    });
    assert_eq!(answer(app, folder.path(), &program).await, expected);
    // Again, from where it was: nothing is counted twice.
    app.schedule(HOST, "one-more", |_| {}).await;
    assert_eq!(answer(app, folder.path(), &program).await, expected);
    let kept: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("late.json")).expect("a file")).expect("JSON");
    assert_eq!(kept["position"], app.head().await);
}

/// Dies in the middle, twice, and goes on from what was written.
const COUNT: &str = "
import json, os
from boxoffice_client import FileCursor, Log
log = Log(os.environ['BOXOFFICE_URL'], os.environ['BOXOFFICE_TOKEN'])
dies_at = json.load(open('dies_at.json'))
with FileCursor('count.json', {'events': 0}, write_seconds=0) as cursor:
    while True:
        page = [event for page in log.pages(cursor.position, seen=cursor.hash, limit=4) for event in page]
        if not page:
            break
        for event in page:
            cursor.state['events'] += 1
            if event['position'] == dies_at:
                os._exit(9)
        cursor.took(page[-1])
print(json.dumps({'events': cursor.state['events'], 'head': log.head()['position']}))
";

const FORKED: &str = "
import json, os
from boxoffice_client import Log, LogForked
log = Log(os.environ['BOXOFFICE_URL'], os.environ['BOXOFFICE_TOKEN'])
try:
    next(log.pages(2, seen='00' * 32))
except LogForked as reason:
    print(json.dumps(str(reason)))
";

/// The stream breaks off after two events, and the next node has another log, or one that ends before; or its answer seems to
/// be whole and ends inside a line, as through a proxy that takes an end of the connection for the end of the body.
const BROKEN_OFF: &str = r"
import http.server, json, threading, urllib.parse
from boxoffice_client import Log, LogForked, log as module
module.PAUSE_FIRST_SECONDS = 0.01
event = lambda position, hash: json.dumps({'position': position, 'hash': hash}).encode() + b'\n'
first = [event(1, '01'), event(2, '02'), event(3, '03')]

class Node(http.server.BaseHTTPRequestHandler):
    asked, others, second, protocol_version = 0, [], None, 'HTTP/1.1'
    def do_GET(self):
        after = int(urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)['after'][0])
        Node.asked += 1
        events = first[after:after + 2] if Node.asked == 1 else Node.others[after:]
        body = b''.join(events)[:Node.second if Node.asked == 2 else None]
        self.send_response(200)
        self.send_header('Transfer-Encoding', 'chunked')
        self.end_headers()
        if body:
            self.wfile.write(b'%x\r\n%s\r\n' % (len(body), body))
        # The first answer does not come to its end.
        if Node.asked > 1:
            self.wfile.write(b'0\r\n\r\n')
        self.close_connection = True
    def log_message(self, *_): pass

server = http.server.HTTPServer(('127.0.0.1', 0), Node)
threading.Thread(target=server.serve_forever, daemon=True).start()
said = []
other = [event(1, '01'), event(2, 'ff'), event(3, 'fe')]
line = len(first[1])
inside = (line // 2, line * 3 // 2)
cases = [(first, None), (other, None), (first[:1], None), (first, inside[0]), (first, inside[1]), (other, inside[1])]
for others, second in cases:
    Node.asked, Node.others, Node.second = 0, others, second
    seen = []
    try:
        for page in Log(f'http://127.0.0.1:{server.server_port}', 'x').pages():
            seen += [event['hash'] for event in page]
    except LogForked:
        seen.append('forked')
    said.append(seen)
print(json.dumps(said))
";

#[tokio::test]
async fn the_client_notices_another_log_when_a_stream_broke_off() {
    let mut python = python();
    let output = python.arg("-c").arg(BROKEN_OFF).output().await.expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let (whole, forked) = (["01", "02", "03"], ["01", "02", "forked"]);
    let expected = serde_json::json!([whole, forked, forked, whole, whole, forked]);
    assert_eq!(said, expected);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_cursor_survives_its_process_and_notices_another_log(_: PgPoolOptions, options: PgConnectOptions) {
    let app = TestApp::start(options).await;
    for key in ["one", "two", "three", "four", "five"] {
        app.schedule(HOST, key, |_| {}).await;
    }
    let head = app.head().await;
    assert!(head > 6);
    let folder = tempfile::tempdir().expect("a folder");
    for dies_at in [2, 6] {
        std::fs::write(folder.path().join("dies_at.json"), dies_at.to_string()).expect("a file");
        assert_eq!(run(&app, folder.path(), COUNT).await.status.code(), Some(9));
    }
    std::fs::write(folder.path().join("dies_at.json"), "0").expect("a file");
    let counted = answer(&app, folder.path(), COUNT).await;
    assert_eq!((&counted["events"], &counted["head"]), (&head.into(), &head.into()));
    let forked = answer(&app, folder.path(), FORKED).await;
    assert!(
        forked.as_str().is_some_and(|reason| reason.contains("position 2")),
        "{forked}"
    );
    app.stop().await;
}

#[tokio::test]
async fn the_types_of_the_client_are_those_of_the_document() {
    let document = serde_json::to_vec(&api::openapi()).expect("JSON");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("openapi.json");
    std::fs::write(&path, document).expect("a file");
    let mut check = python();
    check
        .arg(root().join("clients/python/generate.py"))
        .arg("--check")
        .arg(&path);
    let output = check.output().await.expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
