//! Makes the schema `analytics` on a shop's database, and the roles that may read it.
//!
//! It may run again at any time: after an update it adds the views of new event types and the columns of new fields. It is a
//! command and no migration, because views follow from the program's own types, and because it makes roles, which the
//! owner of a database elsewhere may not be allowed to.
#![expect(
    clippy::disallowed_methods,
    reason = "views and roles are made of names that are known only at run time"
)]

use std::str::FromStr;

use sqlx::postgres::PgConnection;
use sqlx::{PgPool, Row as _};
use thiserror::Error;

use crate::columns::{EventTable, event_tables};
use crate::{SCHEMA, views};

/// Who folds: owns the schemas of folds that `boxoffice project` makes, and may else do what readers may.
pub const PROJECTOR: &str = "boxoffice_projector";
/// Who reads, if nobody else is named.
pub const READER: &str = "boxoffice_analyst";
/// How long a reader's statement may take.
const STATEMENT_LIMIT: &str = "60s";
/// Serialises installations on a database.
const INSTALL_LOCK: i64 = 0x626f_785f_616e_616c;

/// The name of a database role.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RoleName(String);

#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("must be 1 to 63 characters from a-z, 0-9 and _, and begin with a letter")]
pub struct NoRoleName;

impl RoleName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RoleName {
    type Err = NoRoleName;

    fn from_str(text: &str) -> Result<Self, NoRoleName> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let is_name = (1..=63).contains(&text.len()) && text.bytes().all(is_plain);
        if is_name && text.starts_with(|first: char| first.is_ascii_lowercase()) && !text.starts_with("pg_") {
            Ok(Self(text.to_owned()))
        } else {
            Err(NoRoleName)
        }
    }
}

#[derive(Debug, Error)]
pub enum InstallError {
    #[error("the role {role} cannot be made: a superuser, or who may make roles, has to: CREATE ROLE {role} {options}")]
    NoRole {
        role: String,
        options: &'static str,
        #[source]
        source: sqlx::Error,
    },
    #[error("make the schema analytics")]
    Database(#[from] sqlx::Error),
}

/// Makes whatever is missing, in one transaction, and lets `reader` read it and nothing else.
pub async fn install(pool: &PgPool, reader: &RoleName) -> Result<usize, InstallError> {
    let mut transaction = pooling::begin(pool).await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(INSTALL_LOCK)
        .execute(&mut *transaction)
        .await?;
    make_role(&mut transaction, PROJECTOR, "NOLOGIN").await?;
    make_role(&mut transaction, reader.as_str(), "LOGIN").await?;
    run(&mut transaction, &format!("CREATE SCHEMA IF NOT EXISTS {SCHEMA}")).await?;
    run(&mut transaction, views::WHOLE).await?;
    let tables = event_tables();
    for table in &tables {
        make_view(&mut transaction, table).await?;
    }
    for role in [PROJECTOR, reader.as_str()] {
        grant(&mut transaction, role).await?;
    }
    limit(&mut transaction, reader.as_str()).await?;
    transaction.commit().await?;
    Ok(tables.len())
}

async fn run(connection: &mut PgConnection, statements: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(statements).execute(connection).await?;
    Ok(())
}

/// Roles are the cluster's: another database's installation may make the same at the same moment.
async fn make_role(connection: &mut PgConnection, role: &str, options: &'static str) -> Result<(), InstallError> {
    let statement = format!(
        "DO $$ BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
                CREATE ROLE {role} {options} NOSUPERUSER NOCREATEDB NOCREATEROLE;
            END IF;
            IF NOT pg_has_role(current_user, '{role}', 'USAGE') THEN
                GRANT {role} TO CURRENT_USER;
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END $$"
    );
    run(connection, &statement)
        .await
        .map_err(|source| InstallError::NoRole {
            role: role.to_owned(),
            options,
            source,
        })
}

async fn make_view(connection: &mut PgConnection, table: &EventTable) -> Result<(), sqlx::Error> {
    let rows = sqlx::query(
        "SELECT column_name::text FROM information_schema.columns
         WHERE table_schema = $1 AND table_name = $2
         ORDER BY ordinal_position",
    )
    .bind(SCHEMA)
    .bind(views::name(table))
    .fetch_all(&mut *connection)
    .await?;
    let present = rows
        .iter()
        .map(|row| row.try_get(0))
        .collect::<Result<Vec<String>, _>>()?;
    run(connection, &views::create(table, &present)).await
}

/// What is there, and what will be made by who installs.
async fn grant(connection: &mut PgConnection, role: &str) -> Result<(), sqlx::Error> {
    let statements = format!(
        "GRANT USAGE ON SCHEMA {SCHEMA} TO {role};
         GRANT SELECT ON ALL TABLES IN SCHEMA {SCHEMA} TO {role};
         ALTER DEFAULT PRIVILEGES IN SCHEMA {SCHEMA} GRANT SELECT ON TABLES TO {role};"
    );
    run(connection, &statements).await
}

/// Settings of a role in this database alone, so that installations on others are not in the way.
async fn limit(connection: &mut PgConnection, role: &str) -> Result<(), sqlx::Error> {
    let database: String = sqlx::query_scalar("SELECT quote_ident(current_database())")
        .fetch_one(&mut *connection)
        .await?;
    let settings = [
        ("statement_timeout", STATEMENT_LIMIT),
        ("idle_in_transaction_session_timeout", STATEMENT_LIMIT),
        ("default_transaction_read_only", "on"),
        ("search_path", SCHEMA),
    ];
    for (setting, value) in settings {
        let statement = format!("ALTER ROLE {role} IN DATABASE {database} SET {setting} = '{value}'");
        run(connection, &statement).await?;
    }
    Ok(())
}
