//! What a room decides: a pure function of its state and a command. The rules are in `schedule` (fields), `selling`
//! (seats), `offering` (the waiting list), `transferring` (whose they are), `revising` (what is sold from now on, and when), `sharing` (what it earns), `hosting` (whether its host may), `lifecycle` (open, end, cancel), `verdict` and `voiding` (what it comes to),
//! `entering` (the lobby, and who takes over),
//! `speaking` (the stage), `moderating` (silence and bans), `leading` (the host's side) and `recording`.

use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;
use uuid::Uuid;

use crate::{AnyEvent, Room, RoomCommand, RoomError, RoomEvent, Storable, UserId};

/// What a decision comes to.
pub(super) type Decision = Result<Vec<RoomEvent>, RoomError>;

impl Room {
    /// The events that follow from `command`; none if it is a repeat.
    pub fn decide(&self, command: RoomCommand) -> Result<Vec<RoomEvent>, RoomError> {
        let turn = self.turn_after(&command);
        let events = self.decide_alone(command)?;
        Ok(match turn {
            Some(turn) if turn.is_due || !events.is_empty() => self.with_offers(events, turn.at),
            Some(_) | None => events,
        })
    }

    fn decide_alone(&self, command: RoomCommand) -> Decision {
        match command {
            RoomCommand::Schedule(schedule) => self.schedule(*schedule),
            RoomCommand::HoldSeat(hold) => self.hold_seat(&hold),
            RoomCommand::SellSeat { ticket_id, buyer, at } => self.sell_seat(ticket_id, buyer, at),
            RoomCommand::ReleaseSeat { ticket_id, reason, at } => self.release_seat(ticket_id, reason, at),
            RoomCommand::ReleaseLapsed { at } => self.release_lapsed(at),
            RoomCommand::OpenLobby { by, session_id, at } => self.open_lobby(by, session_id, at),
            RoomCommand::Open { by, session_id, at } => self.open(by, session_id, at),
            RoomCommand::End { by, at } => self.end(by, at),
            RoomCommand::Cancel { by, at } => self.cancel(by, at),
            RoomCommand::RequestToSpeak { user, at } => self.request_to_speak(user, at),
            RoomCommand::WithdrawRequest { user, at } => self.withdraw_request(user, at),
            RoomCommand::ApproveSpeaker { user, by, at } => self.approve_speaker(user, by, at),
            RoomCommand::DeclineRequest { user, by, at } => self.decline_request(user, by, at),
            RoomCommand::DismissSpeaker { user, by, at } => self.dismiss_speaker(user, by, at),
            RoomCommand::RemovePerson { user, by, at } => self.remove_person(user, by, at),
            RoomCommand::AppointCoHost { user, by, at } => self.appoint_co_host(user, by, at),
            RoomCommand::DismissCoHost { user, by, at } => self.dismiss_co_host(user, by, at),
            RoomCommand::InviteSpeaker { user, by, at } => self.invite_speaker(user, by, at),
            RoomCommand::AcceptInvitation { user, at } => self.accept_invitation(user, at),
            RoomCommand::DeclineInvitation { user, at } => self.decline_invitation(user, at),
            RoomCommand::MuteSpeaker { user, by, at } => self.mute_speaker(user, by, at),
            RoomCommand::MuteAll { by, at } => self.mute_all(by, at),
            RoomCommand::Unmute { user, at } => self.unmute(user, at),
            RoomCommand::StepDown { user, at } => self.step_down(user, at),
            RoomCommand::BanPerson { user, by, at } => self.ban_person(user, by, at),
            RoomCommand::UnbanPerson { user, by, at } => self.unban_person(user, by, at),
            RoomCommand::FollowBans { banned, at } => self.follow_bans(&banned, at),
            RoomCommand::HandOver { to, at } => self.hand_over(to, at),
            RoomCommand::TakeOver { entrant, from, at } => self.take_over(entrant, from, at),
            RoomCommand::RecordDelivery(delivery) => self.record_delivery(&delivery),
            RoomCommand::JudgeComing(judge) => self.judge_coming(&judge),
            RoomCommand::Moderate { at } => self.moderate(at),
            RoomCommand::Revise(revise) => self.revise(*revise),
            RoomCommand::PauseSales { by, at } => self.pause_sales(by, at),
            RoomCommand::ResumeSales { by, at } => self.resume_sales(by, at),
            RoomCommand::SuspendSales { at } => self.suspend_sales(at),
            RoomCommand::ReinstateSales { at } => self.reinstate_sales(at),
            RoomCommand::JoinWaitingList(join) => self.join_waiting_list(&join),
            RoomCommand::TransferSeat {
                ticket_id,
                from,
                to,
                at,
            } => self.transfer_seat(ticket_id, from, to, at),
            RoomCommand::Reschedule(reschedule) => self.reschedule(reschedule),
            RoomCommand::ProposeShares { by, shares, at } => self.propose_shares(by, shares, at),
            RoomCommand::AgreeToShare { user, basis_points, at } => self.agree_to_share(user, basis_points, at),
            RoomCommand::LeaveWaitingList { user, at } => self.leave_waiting_list(user, at),
            RoomCommand::ConsentToRecording { user, at } => self.consent_to_recording(user, at),
            RoomCommand::StartRecording { recording_id, by, at } => self.start_recording(recording_id, by, at),
            RoomCommand::StopRecording { by, at } => self.stop_recording(by, at),
            RoomCommand::BeginRecordingPart(began) => self.begin_recording_part(began),
            RoomCommand::EndRecordingPart(ended) => self.end_recording_part(ended),
            RoomCommand::DeleteRecording { recording_id, by, at } => self.delete_recording(recording_id, by, at),
        }
    }

    /// Who is not the host learns nothing else about the room.
    pub(super) fn require_host(&self, user: UserId) -> Result<(), RoomError> {
        match self.facts() {
            None => Err(RoomError::NotScheduled),
            Some(facts) if facts.host == user => Ok(()),
            Some(_) => Err(RoomError::NotHost),
        }
    }

    pub(super) const fn wrong_state(&self) -> RoomError {
        RoomError::WrongState {
            state: self.phase().name(),
        }
    }
}

impl Aggregate for Room {
    const TYPE: &'static str = "room";
    type Command = RoomCommand;
    type Event = RoomEvent;
    type Error = RoomError;
    type Services = ();

    async fn handle(&mut self, command: Self::Command, (): &(), sink: &EventSink<Self>) -> Result<(), Self::Error> {
        for event in self.decide(command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: Self::Event) {
        self.evolve(event);
    }
}

impl Storable for Room {
    const STATE_FORMAT: u32 = 1;

    fn pick(event: &AnyEvent) -> Option<(Uuid, &RoomEvent)> {
        let AnyEvent::Room(id, event) = event else {
            return None;
        };
        Some((id.as_uuid(), event))
    }
}
