CREATE INDEX rooms_live ON rooms (room_id) WHERE live;
CREATE INDEX tickets_admitting ON tickets (room_id, holder) WHERE right_to = 'entry';
