//! Which entry a connection belongs to. A ticket has one connection; whoever asks for an entry while another one is there
//! takes over, and from then on the tokens of the entries before, also those that the media server made of them, are good for
//! nothing.

use crate::{DesiredPerson, LiveParticipant};

/// The attribute of a token that bears the number; none for the first entry, which nearly everybody has.
pub(crate) const ENTRY: &str = "boxoffice.entry";
/// The entry that took nothing over.
pub const FIRST_ENTRY: u32 = 1;

/// The number that these attributes bear. What is none of ours is never good.
pub(crate) fn number(attribute: Option<&str>) -> u32 {
    attribute.map_or(FIRST_ENTRY, |number| number.parse().unwrap_or(0))
}

/// Whether this connection was made with an entry that had been taken over by then. One that was there before is closed by
/// the media server when the other one comes; until then it stays, so that nobody is thrown out by a device that never came.
pub(crate) fn is_outdated(person: &DesiredPerson, participant: &LiveParticipant) -> bool {
    let came_after = participant
        .joined_at
        .zip(person.taken_over_at)
        .is_some_and(|(joined_at, taken_over_at)| joined_at >= taken_over_at);
    participant.entry < person.entry && came_after
}
