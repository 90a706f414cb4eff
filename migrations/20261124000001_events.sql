-- The log. Columns as postgres-es reads them, plus what makes it one log: position, recorded_at, hash.
CREATE TABLE events (
    position       bigint      NOT NULL CHECK (position > 0),
    aggregate_type text        COLLATE "C" NOT NULL,
    aggregate_id   text        COLLATE "C" NOT NULL,
    sequence       bigint      NOT NULL CHECK (sequence > 0),
    event_type     text        NOT NULL,
    event_version  text        NOT NULL,
    payload        json        NOT NULL, -- the exact bytes that were hashed: never bind a JSON value, jsonb rewrites it
    metadata       json        NOT NULL,
    recorded_at    timestamptz NOT NULL, -- set by the sequencer and part of the hash
    hash           bytea       NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (aggregate_type, aggregate_id, sequence)
);

-- The fence: a stale leader always tries a position that exists.
CREATE UNIQUE INDEX events_position ON events (position);

-- Only the sequencer appends. Roles belong to the cluster: another database may have made it already, or be making it at
-- this moment, and a careful administrator has made it beforehand.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'boxoffice_sequencer') THEN
        CREATE ROLE boxoffice_sequencer NOLOGIN;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;
END
$$;
DO $$
BEGIN
    GRANT boxoffice_sequencer TO CURRENT_USER;
EXCEPTION
    WHEN unique_violation OR insufficient_privilege THEN NULL;
END
$$;
GRANT SELECT, INSERT ON events TO boxoffice_sequencer;

CREATE FUNCTION events_are_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' AND current_user = 'boxoffice_sequencer' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'the log is append-only, and only its sequencer appends (% by %)', TG_OP, current_user
        USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER events_append_only
    BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION events_are_append_only();
