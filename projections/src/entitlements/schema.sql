CREATE TABLE rooms (
    room_id    uuid PRIMARY KEY,
    host       uuid NOT NULL,
    session_id uuid UNIQUE, -- from the opening on
    live       bool NOT NULL DEFAULT false,
    lead       uuid -- the co-host who leads; the host, if there is none
);

CREATE TABLE tickets (
    ticket_id uuid PRIMARY KEY,
    room_id   uuid NOT NULL,
    holder    uuid NOT NULL,
    right_to  text NOT NULL -- nothing (not issued), entry, or nothing any more (refunded)
        CHECK (right_to IN ('not_issued', 'entry', 'refunded', 'revoked'))
) WITH (fillfactor = 80);

-- Who may not be there, whatever tickets they have.
CREATE TABLE excluded (
    room_id uuid NOT NULL,
    person  uuid NOT NULL,
    reason  text NOT NULL CHECK (reason IN ('removed', 'banned', 'banned_everywhere')),
    PRIMARY KEY (room_id, person, reason)
);

-- The stage but for the host: everybody who does not just listen, in the order they came.
CREATE TABLE voices (
    room_id  uuid   NOT NULL,
    person   uuid   NOT NULL,
    stands   text   NOT NULL CHECK (stands IN ('asks', 'invited', 'speaks', 'co_host')),
    muted    bool   NOT NULL DEFAULT false,
    position bigint NOT NULL,
    PRIMARY KEY (room_id, person)
);
