//! What a person wants to be called in a room: personal data, so it is not printed.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

const CHARS_MAX: usize = 80;

#[derive(Clone, PartialEq, Eq)]
pub struct DisplayName(String);

#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("must have 1 to {CHARS_MAX} characters, none of them a control character or invisible")]
pub struct NoDisplayName;

impl FromStr for DisplayName {
    type Err = NoDisplayName;

    fn from_str(text: &str) -> Result<Self, NoDisplayName> {
        let name = text.trim();
        if (1..=CHARS_MAX).contains(&name.chars().count()) && !name.contains(is_in_the_way) {
            Ok(Self(name.to_owned()))
        } else {
            Err(NoDisplayName)
        }
    }
}

/// What would break a line, turn the text around it, or make two names look the same. Joiners stay: some scripts need them.
fn is_in_the_way(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{200b}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

impl DisplayName {
    /// To be shown or sealed, never logged.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DisplayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DisplayName(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_line_of_eighty_characters_at_most() {
        let read = |text: &str| text.parse::<DisplayName>().map(|name| name.reveal().to_owned());
        for name in [
            "A",
            "Alice Liddell",
            "愛麗絲",
            "O\u{2019}Brien",
            "\u{915}\u{94d}\u{200d}\u{937}",
            "👩\u{200d}🎤",
        ] {
            assert_eq!(read(name).as_deref(), Ok(name));
        }
        assert_eq!(read(" \u{3000}Alice\n").as_deref(), Ok("Alice"));
        assert!(read(&"é".repeat(CHARS_MAX)).is_ok());
        let too_long = "é".repeat(CHARS_MAX + 1);
        let turned = "Alice\u{202e}tsoh";
        for bad in [
            "",
            " ",
            "\u{200b}",
            &too_long,
            "a\nb",
            "a\0b",
            "a\u{7f}b",
            "a\u{85}b",
            turned,
            "a\u{2066}b",
            "a\u{2028}b",
        ] {
            assert_eq!(read(bad), Err(NoDisplayName), "{bad:?}");
        }
    }

    #[test]
    fn a_name_is_not_printed() {
        let name: DisplayName = "Alice".parse().unwrap();
        assert!(!format!("{name:?}").contains("Alice"));
    }
}
