//! A database for each story: a copy of one in which everything is prepared.

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Executor as _};
use uuid::Uuid;

use super::world::World;

pub(super) struct Template(PgConnectOptions);

impl Template {
    /// Starts the shop once, so that its views are there.
    pub(super) async fn prepare(options: PgConnectOptions) -> Self {
        World::open(options.clone(), false).await.app.stop().await;
        Self(options)
    }

    pub(super) async fn copy(&self) -> Copy {
        let original = self.0.get_database().expect("a name");
        let name = format!("story_{}", Uuid::new_v4().simple());
        tell_server(&self.0, &format!(r#"CREATE DATABASE "{name}" TEMPLATE "{original}""#)).await;
        Copy {
            server: self.0.clone(),
            name,
        }
    }
}

pub(super) struct Copy {
    server: PgConnectOptions,
    name: String,
}

impl Copy {
    pub(super) fn options(&self) -> PgConnectOptions {
        self.server.clone().database(&self.name)
    }

    pub(super) async fn drop(self) {
        let name = &self.name;
        tell_server(&self.server, &format!(r#"DROP DATABASE "{name}" WITH (FORCE)"#)).await;
    }
}

async fn tell_server(options: &PgConnectOptions, sql: &str) {
    let mut connection = options.clone().database("postgres").connect().await.expect("connect");
    connection.execute(sql).await.expect("a database");
}
