-- What is to be recorded, and what was. Filled by the "recording" subscription; files are outside the database.
CREATE TABLE media_recordings (
    recording_id   uuid        PRIMARY KEY,
    room_id        uuid        NOT NULL,
    session_id     uuid        NOT NULL,
    retention_days int         NOT NULL,
    started_at     timestamptz NOT NULL,
    stopped_at     timestamptz,
    delete_at      timestamptz, -- by itself; from the stop on
    closed_at      timestamptz, -- stopped, and every part of it has ended: nothing to do until it is due
    deleted_at     timestamptz,
    erased_at      timestamptz  -- its files are gone
);
CREATE INDEX media_recordings_room ON media_recordings (room_id);
CREATE INDEX media_recordings_open ON media_recordings (started_at) WHERE erased_at IS NULL;

CREATE TABLE media_recording_parts (
    recording_id uuid        NOT NULL,
    part         int         NOT NULL,
    format       text        NOT NULL CHECK (format IN ('wav', 'ogg')),
    began_at     timestamptz NOT NULL,
    ended_at     timestamptz,
    broke_off    boolean     NOT NULL DEFAULT false,
    duration_ms  bigint,
    bytes        bigint, -- absent if nothing could be saved
    sha256       text,
    PRIMARY KEY (recording_id, part)
);
