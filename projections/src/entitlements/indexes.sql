CREATE INDEX rooms_live ON rooms (room_id) WHERE live OR lobby;
CREATE INDEX tickets_admitting ON tickets (room_id, holder) WHERE right_to = 'entry';
CREATE INDEX tickets_in_line ON tickets (turn_at) WHERE turn_at IS NOT NULL;
