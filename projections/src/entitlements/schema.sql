CREATE TABLE rooms (
    room_id    uuid PRIMARY KEY,
    host       uuid NOT NULL,
    session_id uuid UNIQUE, -- from the opening on
    live       bool NOT NULL DEFAULT false
);

CREATE TABLE tickets (
    ticket_id uuid PRIMARY KEY,
    room_id   uuid NOT NULL,
    holder    uuid NOT NULL,
    right_to  text NOT NULL -- nothing (not issued), entry, or nothing any more (refunded)
        CHECK (right_to IN ('not_issued', 'entry', 'refunded', 'revoked'))
) WITH (fillfactor = 80);

CREATE TABLE removed (
    room_id uuid NOT NULL,
    person  uuid NOT NULL,
    PRIMARY KEY (room_id, person)
);

-- The stage: who asked to speak and who may, in the order they came.
CREATE TABLE voices (
    room_id  uuid   NOT NULL,
    person   uuid   NOT NULL,
    speaks   bool   NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (room_id, person)
);
