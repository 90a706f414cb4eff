//! The names of schemas that people choose beside the shop's: one rule, for whoever makes tables next to the log's.

/// Schemas of the shop and of PostgreSQL, and names that could be taken for one.
const RESERVED: &[&str] = &["public", "information_schema", "analytics", "sandbox", "view"];
const RESERVED_PREFIXES: &[&str] = &["pg_", "view_"];

/// Whether a text is 1 to `chars_max` characters from a-z, 0-9 and `_`, begins with a letter, and is no schema of the shop's: it
/// needs no quotes in a statement, and leads to nobody else's table.
pub fn is_free_schema_name(text: &str, chars_max: usize) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let is_name = (1..=chars_max).contains(&text.len())
        && text.bytes().all(is_plain)
        && text.starts_with(|first: char| first.is_ascii_lowercase());
    let is_reserved = RESERVED.contains(&text) || RESERVED_PREFIXES.iter().any(|prefix| text.starts_with(prefix));
    is_name && !is_reserved
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHARS_MAX: usize = 40;

    #[test]
    fn no_name_leads_to_a_table_of_somebody_else() {
        let longest = "a".repeat(CHARS_MAX);
        for name in ["spring", "what_if_2", "a", "late_moves", "viewers", &longest] {
            assert!(is_free_schema_name(name, CHARS_MAX), "{name}");
        }
        let long = "a".repeat(CHARS_MAX + 1);
        for name in [
            "",
            "Spring",
            "2nd",
            "_a",
            "a b",
            "a-b",
            "a;b",
            "a\"b",
            "ä",
            "public",
            "information_schema",
            "view",
            "view_ledger",
            "pg_temp",
            "analytics",
            "sandbox",
            &long,
        ] {
            assert!(!is_free_schema_name(name, CHARS_MAX), "{name}");
        }
    }
}
