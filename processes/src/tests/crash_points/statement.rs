//! What a statement is called in the table of points: its verb, its table, and the kinds of what it writes.

/// What the leader of the log makes sure of whenever it pleases, its lock and the versions of streams it has not seen for a
/// while: it only reads, and no step of any flow.
const HOUSEKEEPING: [&str; 2] = ["pg_try_advisory_lock", "WITH ORDINALITY AS u(aggregate_type"];

/// `None` for what is nobody's step.
pub(super) fn name(sql: &str, parameters: &[u8]) -> Option<String> {
    if HOUSEKEEPING.iter().any(|part| sql.contains(part)) {
        return None;
    }
    let verb = verb(sql);
    let table = match verb.as_str() {
        "INSERT" => after(sql, "INTO"),
        "SELECT" | "DELETE" => after(sql, "FROM"),
        "UPDATE" => after(sql, "UPDATE"),
        _ => None,
    };
    let Some(table) = table else {
        return Some(verb);
    };
    let kinds = match (verb.as_str(), table.as_str()) {
        ("INSERT", "events") => kinds(parameters, br#"{"type":""#),
        ("INSERT", "jobs") => kinds(parameters, br#"{"kind":""#),
        _ => vec![],
    };
    let kinds = if kinds.is_empty() {
        String::new()
    } else {
        format!(" ({})", kinds.join(", "))
    };
    Some(format!("{verb} {table}{kinds}"))
}

pub(super) fn is_write(sql: &str) -> bool {
    matches!(verb(sql).as_str(), "INSERT" | "UPDATE" | "DELETE")
}

/// By what the server says in the end, such as `INSERT 0 1`.
pub(super) fn has_changed_nothing(tag: &[u8]) -> bool {
    let tag = String::from_utf8_lossy(tag);
    let tag = tag.trim_end_matches('\0');
    is_write(tag) && tag.ends_with(" 0")
}

pub(super) fn is_commit(sql: &str) -> bool {
    verb(sql) == "COMMIT"
}

fn verb(sql: &str) -> String {
    let verb = sql
        .split(|char: char| !char.is_ascii_alphabetic())
        .find(|word| !word.is_empty());
    verb.unwrap_or_default().to_ascii_uppercase()
}

fn after(sql: &str, word: &str) -> Option<String> {
    let mut words = sql.split_whitespace().skip_while(|found| *found != word).skip(1);
    let table = words
        .next()?
        .trim_matches(|char: char| !char.is_ascii_alphanumeric() && char != '_');
    (!table.is_empty()).then(|| table.to_owned())
}

/// The kinds of the JSON objects in there, in their order.
fn kinds(parameters: &[u8], mark: &[u8]) -> Vec<String> {
    let starts = parameters.windows(mark.len()).enumerate();
    let starts = starts
        .filter(|(_, window)| *window == mark)
        .map(|(start, _)| start + mark.len());
    let kind = |start: usize| {
        let text = parameters[start..]
            .iter()
            .take_while(|byte| **byte != b'"')
            .copied()
            .collect();
        String::from_utf8(text).unwrap_or_default()
    };
    starts.map(kind).collect()
}
