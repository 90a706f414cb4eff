//! What analysts are given, on a log that people have made: views, star schema, folds, files, and the page that shows them.

mod columns;
mod fold;
mod page;
mod parquet;
mod python;
mod rights;
mod story;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use self::story::{refreshed, shop};

/// One eventful day is asked in every way there is: to live through it takes longer than all the questions.
#[sqlx::test(migrations = "../migrations")]
async fn an_eventful_day_is_told_alike_in_every_way(_: PgPoolOptions, options: PgConnectOptions) {
    let app = shop(options).await;
    refreshed(&app).await;
    fold::the_star_adds_up_to_the_ledger(&app).await;
    page::the_queries_of_the_page_answer_and_read_as_they_say(&app).await;
    page::the_fold_of_the_page_says_what_late_reschedules_cost(&app).await;
    python::the_client_of_the_page_says_what_late_reschedules_cost(&app).await;
    parquet::the_files_add_up_to_the_ledger_in_other_programs(&app).await;
    parquet::an_export_that_was_broken_off_is_repeated_and_one_that_does_not_fit_is_refused(&app).await;
    fold::a_fold_takes_in_each_event_once_however_it_is_stopped(&app).await;
    app.stop().await;
}
