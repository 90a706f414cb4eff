CREATE INDEX tickets_of_holder ON tickets (holder, created_position);
CREATE INDEX tickets_of_room ON tickets (room_id, created_position);
CREATE INDEX refunds_by_position ON refunds (owed_position);
