CREATE INDEX rooms_of_host ON rooms (host_id, created_position);
CREATE INDEX sharing_of_user ON sharing (user_id);
