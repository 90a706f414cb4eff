//! The private cluster on real PostgreSQL: what it survives, and whom it refuses.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use rustix::process::{Pid, Signal};
use secrecy::ExposeSecret;
use sqlx::{ConnectOptions, Connection, PgConnection, Row};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use super::data_dir::DataDir;
use super::postgres::Cluster;

/// How long a server may take to be started again.
const RETURN_LIMIT: Duration = Duration::from_secs(30);

/// A data folder that user postgres can enter, as `serve` would make it.
fn data_dir() -> (TempDir, DataDir) {
    let folder = tempfile::Builder::new()
        .prefix("boxoffice-managed-")
        .permissions(Permissions::from_mode(0o711))
        .tempdir()
        .unwrap();
    let data_dir = DataDir::open(folder.path()).unwrap();
    (folder, data_dir)
}

async fn run(cluster: &Cluster, statement: &'static str) {
    let mut connection: PgConnection = cluster.options().connect().await.unwrap();
    sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

async fn count_notes(cluster: &Cluster) -> Result<i64, sqlx::Error> {
    let mut connection: PgConnection = cluster.options().connect().await?;
    let row = sqlx::raw_sql("SELECT count(*) FROM notes")
        .fetch_one(&mut connection)
        .await?;
    row.try_get(0)
}

fn postmaster(data_dir: &DataDir) -> Pid {
    let file = fs::read_to_string(data_dir.path().join("postgres/data/postmaster.pid")).unwrap();
    Pid::from_raw(file.lines().next().unwrap().parse().unwrap()).unwrap()
}

#[tokio::test]
async fn a_killed_cluster_has_kept_what_it_acknowledged() {
    let (_folder, data_dir) = data_dir();
    let cluster = Cluster::start(&data_dir).await.unwrap();
    run(
        &cluster,
        "CREATE TABLE notes (note text); INSERT INTO notes VALUES ('kept')",
    )
    .await;
    cluster.kill().await;

    let again = Cluster::start(&data_dir).await.unwrap();
    assert_eq!(count_notes(&again).await.unwrap(), 1);
    again.stop().await;
    assert!(!data_dir.path().join("postgres/data/postmaster.pid").exists());
}

#[tokio::test]
async fn a_server_that_dies_is_started_again() {
    let (_folder, data_dir) = data_dir();
    let cluster = Cluster::start(&data_dir).await.unwrap();
    run(&cluster, "CREATE TABLE notes (note text)").await;
    let first = postmaster(&data_dir);
    rustix::process::kill_process(first, Signal::KILL).unwrap();

    let back = async {
        while count_notes(&cluster).await.is_err() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(RETURN_LIMIT, back).await.expect("the server is started again");
    assert_ne!(postmaster(&data_dir), first);
    cluster.stop().await;
}

#[tokio::test]
async fn a_lock_file_with_a_number_that_is_now_anothers_is_no_obstacle() {
    let (_folder, data_dir) = data_dir();
    Cluster::start(&data_dir).await.unwrap().stop().await;
    let ours = std::process::id();
    let file = data_dir.path().join("postgres/data/postmaster.pid");
    fs::write(&file, format!("{ours}\n{}\n", data_dir.path().display())).unwrap();

    let again = Cluster::start(&data_dir).await.unwrap();
    assert_ne!(postmaster(&data_dir).as_raw_nonzero().get().unsigned_abs(), ours);
    again.stop().await;
}

#[test]
fn a_data_folder_has_one_owner_at_a_time() {
    let (_folder, data_dir) = data_dir();
    let lock = data_dir.lock().unwrap();
    assert!(data_dir.try_lock().unwrap().is_none());
    let refusal = data_dir.lock().unwrap_err().to_string();
    assert!(refusal.contains(&std::process::id().to_string()), "{refusal}");
    drop(lock);
    assert!(data_dir.try_lock().unwrap().is_some());
}

#[test]
fn a_secret_is_made_once_and_is_for_its_owner_only() {
    let (_folder, data_dir) = data_dir();
    let first = data_dir.secret("some.secret").unwrap();
    let second = data_dir.secret("some.secret").unwrap();
    assert_eq!(first.expose_secret(), second.expose_secret());
    assert_eq!(first.expose_secret().len(), 64);
    let mode = fs::metadata(data_dir.path().join("some.secret"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    fs::write(data_dir.path().join("short.secret"), "abc").unwrap();
    assert!(data_dir.secret("short.secret").is_err());
}
