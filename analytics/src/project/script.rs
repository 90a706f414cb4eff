//! The file of a fold: `-- boxoffice:setup` and what is run once, `-- boxoffice:page` and what is run for each page, in which
//! `:after` and `:until` are positions. It is a script that `psql -v after=0 -v until=1000` takes as well.

use std::fmt::Write as _;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};
use thiserror::Error;

const SETUP: &str = "-- boxoffice:setup";
const PAGE: &str = "-- boxoffice:page";

/// The statements of a fold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Script {
    setup: String,
    page: Vec<Piece>,
    sha256: String,
}

/// Statements between two places for a position.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Piece {
    Text(String),
    After,
    Until,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum NoScript {
    #[error("has no line `{PAGE}`: what follows it is run for each page")]
    NoPage,
    #[error("has a line `{SETUP}` or `{PAGE}` twice, or in the wrong order")]
    Twice,
    #[error("has a statement that begins with {0}: transactions and roles are not the script's to change")]
    NotItsOwn(&'static str),
    #[error("names neither :after nor :until behind `{PAGE}`: it would take in every event with each page")]
    Unbounded,
}

impl FromStr for Script {
    type Err = NoScript;

    fn from_str(text: &str) -> Result<Self, NoScript> {
        let (before, page) = split(text, PAGE).ok_or(NoScript::NoPage)?;
        let setup = split(before, SETUP).map_or("", |(_, setup)| setup);
        if [setup, page]
            .into_iter()
            .any(|part| split(part, SETUP).is_some() || split(part, PAGE).is_some())
        {
            return Err(NoScript::Twice);
        }
        if let Some(word) = [setup, page].into_iter().find_map(not_its_own) {
            return Err(NoScript::NotItsOwn(word));
        }
        let pieces = pieces(page);
        if !pieces.contains(&Piece::After) || !pieces.contains(&Piece::Until) {
            return Err(NoScript::Unbounded);
        }
        let mut sha256 = String::new();
        for byte in Sha256::digest(text) {
            let _ = write!(sha256, "{byte:02x}");
        }
        Ok(Self {
            setup: setup.to_owned(),
            page: pieces,
            sha256,
        })
    }
}

impl Script {
    pub(crate) fn setup(&self) -> &str {
        &self.setup
    }

    /// What tells one script from another.
    pub(crate) fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The statements for the events after a position and up to another.
    pub(crate) fn page(&self, after: u64, until: u64) -> String {
        let mut sql = String::new();
        for piece in &self.page {
            let _ = match piece {
                Piece::Text(text) => write!(sql, "{text}"),
                Piece::After => write!(sql, "{after}"),
                Piece::Until => write!(sql, "{until}"),
            };
        }
        sql
    }
}

/// What comes before the line that begins with `mark`, and after it.
fn split<'a>(text: &'a str, mark: &str) -> Option<(&'a str, &'a str)> {
    let mut from = 0;
    for line in text.split_inclusive('\n') {
        let to = from + line.len();
        if line.trim_end().eq_ignore_ascii_case(mark) {
            return Some((&text[..from], &text[to..]));
        }
        from = to;
    }
    None
}

/// Finds `:after` and `:until` where they are no part of a text, a name, a comment or a cast.
fn pieces(sql: &str) -> Vec<Piece> {
    let mut pieces = vec![];
    let (mut rest, mut begun) = (sql, 0);
    while !rest.is_empty() {
        let length = passed_over(rest).unwrap_or_else(|| {
            let Some((piece, length)) = place(rest) else {
                return rest.chars().next().map_or(1, char::len_utf8);
            };
            let at = sql.len() - rest.len();
            pieces.extend([Piece::Text(sql[begun..at].to_owned()), piece]);
            begun = at + length;
            length
        });
        rest = &rest[length..];
    }
    pieces.push(Piece::Text(sql[begun..].to_owned()));
    pieces
}

/// The first statement that ends the transaction, or takes other rights; the runner does that. It finds mistakes: whoever wants to
/// take them finds a way.
fn not_its_own(sql: &str) -> Option<&'static str> {
    const FORBIDDEN: &[&str] = &[
        "begin",
        "start",
        "commit",
        "end",
        "rollback",
        "abort",
        "prepare",
        "discard",
        "reset",
        "set role",
        "set local role",
        "set session",
    ];
    statements(sql).into_iter().find_map(|statement| {
        let begins = |words: &&&str| {
            let behind = statement.strip_prefix(**words);
            behind.is_some_and(|behind| !behind.starts_with(|next: char| next.is_alphanumeric() || next == '_'))
        };
        FORBIDDEN.iter().find(begins).copied()
    })
}

/// Statements in lower case, each space one, without comments and texts.
fn statements(sql: &str) -> Vec<String> {
    let mut statements = vec![String::new()];
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let length = passed_over(rest);
        if let Some(statement) = statements.last_mut() {
            match first {
                _ if length.is_some() => {}
                ';' => statements.push(String::new()),
                space if space.is_whitespace() => {
                    if !statement.is_empty() && !statement.ends_with(' ') {
                        statement.push(' ');
                    }
                }
                other => statement.extend(other.to_lowercase()),
            }
        }
        rest = &rest[length.unwrap_or(first.len_utf8())..];
    }
    statements
}

/// Bytes that are a text, a name in quotes, a comment or a cast; `None` for what has to be looked at.
fn passed_over(rest: &str) -> Option<usize> {
    match rest.chars().next()? {
        quote @ ('\'' | '"') => Some(quoted(rest, quote)),
        '$' => Some(dollar_quoted(rest)),
        '-' if rest.starts_with("--") => Some(rest.find('\n').unwrap_or(rest.len())),
        '/' if rest.starts_with("/*") => Some(rest.find("*/").map_or(rest.len(), |end| end + 2)),
        ':' if rest.starts_with("::") => Some(2),
        _ => None,
    }
}

fn place(rest: &str) -> Option<(Piece, usize)> {
    [(":after", Piece::After), (":until", Piece::Until)]
        .into_iter()
        .find_map(|(word, piece)| {
            let behind = rest.strip_prefix(word)?;
            let goes_on = behind.starts_with(|next: char| next.is_alphanumeric() || next == '_');
            (!goes_on).then_some((piece, word.len()))
        })
}

/// Bytes of a text in quotes; a doubled quote is two texts, which is as good.
fn quoted(rest: &str, quote: char) -> usize {
    rest[1..].find(quote).map_or(rest.len(), |end| end + 2)
}

/// Bytes of `$tag$ … $tag$`, or of the dollar alone.
fn dollar_quoted(rest: &str) -> usize {
    let is_tag = |tag: &str| tag.chars().all(|one| one.is_alphanumeric() || one == '_');
    let Some(end) = rest[1..].find('$').filter(|end| is_tag(&rest[1..=*end])) else {
        return 1;
    };
    let tag = &rest[..end + 2];
    rest[tag.len()..]
        .find(tag)
        .map_or(rest.len(), |close| tag.len() + close + tag.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(page: &str) -> Result<Script, NoScript> {
        format!("-- about it\n{SETUP}\nCREATE TABLE t ();\n{PAGE}\n{page}").parse()
    }

    #[test]
    fn positions_are_put_where_they_are_named_and_nowhere_else() {
        let page = "SELECT ':after', \":until\", x::after, $$:after$$, $a$ :until $a$ -- :after\n/* :until */ \
                    , :afterwards WHERE p > :after AND p <= :until AND t = 'it''s :after'";
        let script = script(page).unwrap();
        assert_eq!(script.setup(), "CREATE TABLE t ();\n");
        let expected = page.replace("p > :after", "p > 7").replace("p <= :until", "p <= 9");
        assert_eq!(script.page(7, 9), expected);
    }

    #[test]
    fn a_script_without_bounds_is_none() {
        assert_eq!(script("SELECT 1"), Err(NoScript::Unbounded));
        assert_eq!(script("SELECT ':after :until'"), Err(NoScript::Unbounded));
        assert_eq!(script(":after :until\n-- boxoffice:page\n"), Err(NoScript::Twice));
        for (statement, word) in [
            ("COMMIT", "commit"),
            ("/* x */ Begin;", "begin"),
            ("SELECT 1;\n SET  LOCAL ROLE boxoffice", "set local role"),
            ("RESET ROLE", "reset"),
        ] {
            assert_eq!(
                script(&format!("{statement}; :after :until")),
                Err(NoScript::NotItsOwn(word))
            );
        }
        assert!(script("SELECT 'commit'; SELECT ended; SET LOCAL jit = off; SELECT :after, :until").is_ok());
        assert_eq!("SELECT 1".parse::<Script>(), Err(NoScript::NoPage));
        let alone: Script = format!("{PAGE}\nSELECT :after, :until").parse().unwrap();
        assert_eq!((alone.setup(), alone.page(1, 2).as_str()), ("", "SELECT 1, 2"));
        assert_ne!(alone.sha256(), script(":after :until").unwrap().sha256());
    }
}
