-- What is known of each stay beside its times, when speech was heard, and when nobody looked or nobody could be heard.

ALTER TABLE media_presence
    ADD COLUMN joined_by text  NOT NULL DEFAULT 'poll',
    ADD COLUMN left_by   text,
    -- [[from, until], ...] in milliseconds since 1970, in order and apart.
    ADD COLUMN speech    jsonb NOT NULL DEFAULT '[]';

ALTER TABLE media_deliveries
    ADD COLUMN opened_at timestamptz,
    -- When to look whether the host's side was heard in time; absent once that is known, or nobody asks any more.
    ADD COLUMN look_at   timestamptz;

CREATE INDEX media_deliveries_look ON media_deliveries (look_at) WHERE look_at IS NOT NULL;

-- How far an opening was watched, without those interruptions.
CREATE TABLE media_watches (
    session_id    uuid        PRIMARY KEY,
    -- The media server's name of its room: another one means that it was lost.
    media_sid     text,
    first_at      timestamptz,
    watched_at    timestamptz,
    -- Since when the media server does not answer for it.
    failing_since timestamptz
);

CREATE TABLE media_interruptions (
    session_id uuid        NOT NULL,
    began_at   timestamptz NOT NULL,
    ended_at   timestamptz NOT NULL,
    cause      text        NOT NULL,
    PRIMARY KEY (session_id, began_at)
);
