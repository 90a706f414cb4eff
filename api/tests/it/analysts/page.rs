//! The blocks of `docs/ANALYTICS.md` work as they stand there.
#![expect(clippy::disallowed_methods, reason = "tests run the statements of a page")]

use std::path::Path;

use analytics::install::READER;
use serde_json::Value;
use sqlx::PgPool;

use super::story::{LATE, as_role, fold, plan};
use crate::support::TestApp;

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/ANALYTICS.md");
    std::fs::read_to_string(path).expect("the page")
}

/// What is marked `<!-- kind: name -->`, with what the mark says beside, and its block.
pub(super) struct Block {
    pub(super) kind: String,
    pub(super) name: String,
    notes: Vec<String>,
    pub(super) text: String,
}

pub(super) fn blocks() -> Vec<Block> {
    let page = page();
    let marked = page.split("<!-- ").skip(1).map(|part| {
        let (mark, rest) = part.split_once(" -->\n```").expect("a mark before a block");
        let (_, rest) = rest.split_once('\n').expect("a block");
        let (text, _) = rest.split_once("```").expect("the block ends");
        let (kind, said) = mark.split_once(": ").expect("kind: name");
        let mut said = said.split("; ").map(str::to_owned);
        Block {
            kind: kind.to_owned(),
            name: said.next().unwrap_or_default(),
            notes: said.collect(),
            text: text.to_owned(),
        }
    });
    marked.collect()
}

pub(super) fn block(kind: &str, name: &str) -> String {
    let found = blocks()
        .into_iter()
        .find(|block| block.kind == kind && block.name == name);
    found.unwrap_or_else(|| panic!("the page has {kind}: {name}")).text
}

async fn explain(pool: &PgPool, query: &str) -> String {
    let mut connection = pool.acquire().await.expect("a connection");
    // Tables of a test are so small that reading them whole is best. What cannot be read otherwise still is.
    sqlx::raw_sql("SET enable_seqscan = off")
        .execute(&mut *connection)
        .await
        .expect("a setting");
    let lines: Vec<String> = sqlx::query_scalar(&format!("EXPLAIN (COSTS off) {query}"))
        .fetch_all(&mut *connection)
        .await
        .expect("a plan");
    sqlx::raw_sql("RESET enable_seqscan")
        .execute(&mut *connection)
        .await
        .expect("a setting");
    lines.join("\n")
}

pub(super) async fn the_queries_of_the_page_answer_and_read_as_they_say(app: &TestApp) {
    let analyst = as_role(app, READER).await;
    let written = page().matches("\n```sql\n").count() + page().matches("\n```python\n").count();
    assert_eq!(blocks().len(), written, "each has its mark, by which it is run");
    let queries: Vec<_> = blocks().into_iter().filter(|block| block.kind == "query").collect();
    assert!(queries.len() > 6, "{} queries", queries.len());
    for Block { name, notes, text, .. } in &queries {
        let plan = explain(&analyst, text).await;
        for note in notes {
            assert_eq!(note, "reads: index", "{name}");
            assert!(plan.contains("Index") && !plan.contains("Seq Scan"), "{name}:\n{plan}");
        }
        let is_told_how = !notes.is_empty();
        assert!(
            is_told_how || !plan.contains(" on events"),
            "{name} reads all of the log:\n{plan}"
        );
        let query = text.trim_end().trim_end_matches(';');
        let rows: Vec<Value> = sqlx::query_scalar(&format!("SELECT to_jsonb(answer) FROM ({query}) AS answer"))
            .fetch_all(&analyst)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!rows.is_empty(), "{name} has no answer");
    }
    analyst.close().await;
}

pub(super) async fn the_fold_of_the_page_says_what_late_reschedules_cost(app: &TestApp) {
    let (statements, question) = (block("file", "late.sql"), block("answer", "late.sql"));
    let answer = async || -> (i64, i64, i64, i64) {
        let sql = format!(
            "SELECT late_moves::bigint, declined::bigint, refunded_minor::bigint, fees_minor::bigint FROM ({}) AS answer",
            question.trim_end().trim_end_matches(';')
        );
        sqlx::query_as(&sql).fetch_one(&app.pool).await.expect("an answer")
    };
    for page in [20_000, 3] {
        let anew = analytics::project::FoldPlan {
            anew: true,
            page,
            ..plan("notice", "late", &statements)
        };
        fold(&app.pool, anew).await;
        assert_eq!(answer().await, LATE, "in pages of {page}");
    }
}
