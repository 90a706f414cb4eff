-- Raw webhooks of the media server: hints, kept for evidence. `id` is the server's own, so that a repeat is one row.
CREATE TABLE media_webhooks (
    id          text        PRIMARY KEY,
    body        bytea       NOT NULL,
    received_at timestamptz NOT NULL
);

-- Stays of people in live rooms, merged from polling and webhooks; the delivery evidence is made of them.
-- A stay is one connection: who comes back has a new `participant_sid`.
CREATE TABLE media_presence (
    session_id      uuid        NOT NULL,
    identity        text        NOT NULL,
    participant_sid text        NOT NULL,
    user_id         uuid        NOT NULL,
    joined_at       timestamptz NOT NULL,
    seen_at         timestamptz NOT NULL,
    left_at         timestamptz,
    audible         boolean     NOT NULL,
    audible_ms      bigint      NOT NULL,
    PRIMARY KEY (session_id, identity, participant_sid)
);

-- Openings of rooms, and whether their delivery evidence is on the log. Filled by the "delivery" subscription.
CREATE TABLE media_deliveries (
    session_id  uuid        PRIMARY KEY,
    room_id     uuid        NOT NULL,
    ended_at    timestamptz,
    -- When to record, or to try again; set at the end of the room.
    due_at      timestamptz,
    recorded_at timestamptz,
    -- Why the room refused the evidence, should it ever; such a row is not tried again.
    refusal     text
);
CREATE INDEX media_deliveries_room ON media_deliveries (room_id);
CREATE INDEX media_deliveries_due ON media_deliveries (due_at) WHERE recorded_at IS NULL AND refusal IS NULL;
