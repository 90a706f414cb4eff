CREATE INDEX rooms_of_host ON rooms (host_id, created_position);
