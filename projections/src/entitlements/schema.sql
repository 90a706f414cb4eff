CREATE TABLE rooms (
    room_id         uuid PRIMARY KEY,
    host            uuid NOT NULL,
    capacity        int  NOT NULL,
    session_id      uuid UNIQUE, -- from the opening of its lobby on
    lobby           bool NOT NULL DEFAULT false, -- the host's side may be there, and nobody else
    live            bool NOT NULL DEFAULT false,
    live_since      timestamptz, -- from the opening on
    lead            uuid, -- the co-host who leads; the host, if there is none
    may_be_recorded bool NOT NULL,
    is_recorded     bool NOT NULL DEFAULT false
);

CREATE TABLE tickets (
    ticket_id uuid PRIMARY KEY,
    room_id   uuid NOT NULL,
    holder    uuid NOT NULL,
    right_to  text NOT NULL -- nothing (not issued), entry, or nothing any more (refunded)
        CHECK (right_to IN ('not_issued', 'entry', 'refunded', 'revoked')),
    turn_at   timestamptz -- when the doors let it in, from its being presented on
) WITH (fillfactor = 80);

-- The turn that was given last: those of one media server share its doors.
CREATE TABLE doors (
    one       bool PRIMARY KEY DEFAULT true CHECK (one),
    last_turn timestamptz NOT NULL
);

-- Whose connection was taken over: entries before this one are good no longer.
CREATE TABLE entries (
    room_id       uuid NOT NULL,
    entrant       uuid NOT NULL, -- a ticket, or one of the host's side
    is_ticket     bool NOT NULL,
    entry         int  NOT NULL,
    taken_over_at timestamptz NOT NULL,
    PRIMARY KEY (room_id, entrant, is_ticket)
);

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
