//! The star schema: a fold that boxoffice brings along, into the tables of `analytics`.

use std::time::Duration;

use crate::project::{FoldPlan, NoScript, SchemaName};

const SQL: &str = include_str!("star.sql");
const NAME: &str = "star";
/// Events of a page, and how long one may take.
const PAGE: u64 = 20_000;
const PAGE_LIMIT: Duration = Duration::from_mins(5);

/// What brings the tables up to a position, or to the log's end. After an update that has other statements it begins anew.
pub fn plan(up_to: Option<u64>, follow: bool) -> Result<FoldPlan, NoScript> {
    Ok(FoldPlan {
        schema: SchemaName::analytics(),
        name: NAME.to_owned(),
        script: SQL.parse()?,
        anew: false,
        anew_if_changed: true,
        page: PAGE,
        page_limit: PAGE_LIMIT,
        up_to,
        follow,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_star_is_a_script() {
        assert!(plan(None, false).is_ok());
    }
}
