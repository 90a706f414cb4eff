//! Who may do what in a live room: one table. The rules ask it, and `docs/LIVE.md` shows it.

use crate::UserId;
use crate::room::{Room, RoomError};

/// What somebody is in a room, by rank.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Role {
    Listener,
    Speaker,
    CoHost,
    /// Also the co-host who leads while the host is away.
    Host,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Power {
    Speak,
    AppointCoHosts,
    InviteSpeakers,
    AnswerRequests,
    MoveToAudience,
    Mute,
    MuteAll,
    Remove,
    Ban,
    End,
    Unmute,
    StepDown,
    AskToSpeak,
    AnswerInvitation,
    React,
    Record,
}

/// Over whom somebody has a power.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    Nobody,
    Oneself,
    /// Those whose rank is lower; to the host, everybody else.
    Below,
    /// The room as a whole.
    Room,
}

use Reach::{Below, Nobody, Oneself};

/// In the order of the columns of [`POWERS`].
pub const ROLES: [Role; 4] = [Role::Host, Role::CoHost, Role::Speaker, Role::Listener];

/// What each role may do, in the order of [`ROLES`].
pub const POWERS: [(Power, [Reach; 4]); 16] = [
    (Power::Speak, [Oneself, Oneself, Oneself, Nobody]),
    (Power::AppointCoHosts, [Below, Nobody, Nobody, Nobody]),
    (Power::InviteSpeakers, [Below, Below, Nobody, Nobody]),
    (Power::AnswerRequests, [Below, Below, Nobody, Nobody]),
    (Power::MoveToAudience, [Below, Below, Nobody, Nobody]),
    (Power::Mute, [Below, Below, Nobody, Nobody]),
    (Power::MuteAll, [Below, Below, Nobody, Nobody]),
    (Power::Remove, [Below, Below, Nobody, Nobody]),
    (Power::Ban, [Below, Below, Nobody, Nobody]),
    (Power::End, [Reach::Room, Nobody, Nobody, Nobody]),
    (Power::Record, [Reach::Room, Reach::Room, Nobody, Nobody]),
    (Power::Unmute, [Oneself, Oneself, Oneself, Nobody]),
    (Power::StepDown, [Nobody, Oneself, Oneself, Nobody]),
    (Power::AskToSpeak, [Nobody, Nobody, Nobody, Oneself]),
    (Power::AnswerInvitation, [Nobody, Nobody, Nobody, Oneself]),
    (Power::React, [Oneself, Oneself, Oneself, Oneself]),
];

/// Over whom a role has a power.
pub fn reach(power: Power, role: Role) -> Reach {
    let row = POWERS.iter().find(|(listed, _)| *listed == power);
    let column = ROLES.iter().position(|listed| *listed == role);
    let reach = row.zip(column).and_then(|((_, row), column)| row.get(column));
    reach.copied().unwrap_or(Nobody)
}

impl Power {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Speak => "speak",
            Self::AppointCoHosts => "appoint and dismiss co-hosts",
            Self::InviteSpeakers => "invite to speak",
            Self::AnswerRequests => "approve and decline requests to speak",
            Self::MoveToAudience => "move to the audience",
            Self::Mute => "mute",
            Self::MuteAll => "mute all",
            Self::Remove => "remove",
            Self::Ban => "ban and unban",
            Self::End => "end the room",
            Self::Unmute => "unmute",
            Self::StepDown => "step down",
            Self::AskToSpeak => "ask to speak, withdraw",
            Self::AnswerInvitation => "accept and decline an invitation",
            Self::React => "react",
            Self::Record => "start and stop recording",
        }
    }
}

impl Reach {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nobody => "–",
            Self::Oneself => "oneself",
            Self::Below => "those below",
            Self::Room => "the room",
        }
    }
}

/// The table as documentation shows it, in Markdown.
pub fn powers_table() -> String {
    let mut table = "| | host | co-host | speaker | listener |\n| --- | --- | --- | --- | --- |\n".to_owned();
    for (power, reaches) in POWERS {
        let cells = reaches.map(Reach::name).join(" | ");
        for part in ["| ", power.name(), " | ", &cells, " |\n"] {
            table.push_str(part);
        }
    }
    table
}

impl Room {
    pub fn role_of(&self, user: UserId) -> Role {
        let stage = self.stage();
        let leads = || stage.is_some_and(|stage| stage.lead() == Some(user));
        if self.is_host(user) || leads() {
            Role::Host
        } else if self.is_co_host(user) {
            Role::CoHost
        } else if stage.is_some_and(|stage| stage.is_speaker(user)) {
            Role::Speaker
        } else {
            Role::Listener
        }
    }

    /// Whether somebody has the power at all. Who has not learns nothing else about the room.
    pub(super) fn require_power(&self, power: Power, by: UserId) -> Result<(), RoomError> {
        if self.facts().is_none() {
            return Err(RoomError::NotScheduled);
        }
        match reach(power, self.role_of(by)) {
            Nobody => Err(RoomError::NotHost),
            Oneself | Below | Reach::Room => Ok(()),
        }
    }

    /// Whether somebody has the power over this person.
    pub(super) fn require_reach(&self, power: Power, by: UserId, on: UserId) -> Result<(), RoomError> {
        let is_within = match reach(power, self.role_of(by)) {
            Nobody => return Err(RoomError::NotHost),
            Oneself => by == on,
            Below => self.role_of(on) < self.role_of(by) || (self.is_host(by) && by != on),
            Reach::Room => true,
        };
        if is_within { Ok(()) } else { Err(RoomError::OutOfReach) }
    }
}
