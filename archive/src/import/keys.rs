//! The keys of the table of events, taken away for a copy and made again as they were.

use sqlx::{Executor as _, PgConnection};

/// Memory to sort them in.
const SORT_MEMORY: &str = "SET LOCAL maintenance_work_mem = '256MB'";

/// What makes each of them again.
pub(super) struct Keys {
    definitions: Vec<String>,
}

impl Keys {
    pub(super) async fn take_away(connection: &mut PgConnection) -> Result<Self, sqlx::Error> {
        let found = sqlx::query!(
            r#"
            SELECT
                format('%I', class.relname) AS "index!",
                pg_get_indexdef(class.oid) AS "definition!",
                CASE WHEN pg_constraint.conname IS NOT NULL THEN format('%I', pg_constraint.conname) END AS "constraint",
                pg_get_constraintdef(pg_constraint.oid) AS "rule"
            FROM pg_index
            JOIN pg_class AS class ON class.oid = pg_index.indexrelid
            LEFT JOIN pg_constraint ON pg_constraint.conindid = pg_index.indexrelid AND pg_constraint.contype IN ('p', 'u')
            WHERE pg_index.indrelid = 'events'::regclass
            ORDER BY class.relname
            "#
        )
        .fetch_all(&mut *connection)
        .await?;
        let mut definitions = Vec::with_capacity(found.len());
        for key in found {
            let take_away = if let (Some(name), Some(rule)) = (key.constraint, key.rule) {
                definitions.push(format!("ALTER TABLE events ADD CONSTRAINT {name} {rule}"));
                format!("ALTER TABLE events DROP CONSTRAINT {name}")
            } else {
                definitions.push(key.definition);
                format!("DROP INDEX {}", key.index)
            };
            connection.execute(take_away.as_str()).await?;
        }
        Ok(Self { definitions })
    }

    pub(super) async fn make_again(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        connection.execute(SORT_MEMORY).await?;
        for definition in &self.definitions {
            connection.execute(definition.as_str()).await?;
        }
        Ok(())
    }
}
