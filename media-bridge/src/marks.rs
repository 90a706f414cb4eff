//! What everybody in a room sees of a person, as attributes of the participant: their role, a raised hand, that they are
//! silenced. Set by the bridge alone: no token lets anybody change attributes.

use std::collections::BTreeMap;

use crate::{DesiredPerson, DesiredRoom, StageRole};

/// By the names that begin with `PREFIX`; whatever else a participant carries is none of our business. Nothing of a
/// listener, which most are, so that a full room is not told about each of them.
pub type Marks = BTreeMap<String, String>;

pub(crate) const PREFIX: &str = "boxoffice.";
const ROLE: &str = "boxoffice.role";
const HAND: &str = "boxoffice.hand";
const MUTED: &str = "boxoffice.muted";
const LEADS: &str = "boxoffice.leads";

pub(crate) fn wanted(room: &DesiredRoom, person: &DesiredPerson) -> Marks {
    let role = match person.role {
        StageRole::Host => Some("host"),
        StageRole::CoHost => Some("co_host"),
        StageRole::Speaker => Some("speaker"),
        StageRole::Listener => None,
    };
    let mark = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut marks = Marks::new();
    marks.extend(role.map(|role| mark(ROLE, role)));
    marks.extend(person.asks.then(|| mark(HAND, "raised")));
    marks.extend(person.is_muted.then(|| mark(MUTED, "true")));
    let leads = role.is_some() && person.user == room.lead;
    marks.extend(leads.then(|| mark(LEADS, "true")));
    marks
}

/// What to tell the media server, which merges: an empty value takes a mark away.
pub(crate) fn change(wanted: &Marks, present: &Marks) -> Marks {
    let gone = present.keys().filter(|name| !wanted.contains_key(*name));
    let gone = gone.map(|name| (name.clone(), String::new()));
    let new = wanted.iter().filter(|(name, value)| present.get(*name) != Some(value));
    let new = new.map(|(name, value)| (name.clone(), value.clone()));
    gone.chain(new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(of: &[(&str, &str)]) -> Marks {
        let mark = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        of.iter().map(mark).collect()
    }

    #[test]
    fn only_what_differs_is_told() {
        let wanted = marks(&[(ROLE, "speaker"), (MUTED, "true")]);
        let present = marks(&[(ROLE, "speaker"), (HAND, "raised")]);
        assert_eq!(change(&wanted, &present), marks(&[(HAND, ""), (MUTED, "true")]));
        assert_eq!(change(&wanted, &wanted), Marks::new());
    }
}
