-- Where the events come from, if this database holds a copy of a log that lies elsewhere: up to which of its events they
-- are copied, and what that event hashed to there. At most one row; none if the log is this database's own.
CREATE TABLE log_origin (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    -- As the other log counts.
    position bigint NOT NULL,
    hash bytea NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);
