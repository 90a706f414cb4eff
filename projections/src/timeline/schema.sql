-- Which room a ticket is of: most of its own events do not say it.
CREATE TABLE tickets (
    ticket_id uuid PRIMARY KEY,
    room_id   uuid NOT NULL
);

-- Where in the log a room's events and those of its tickets are; what they say is in the log. A row holds what one page
-- brought, in order, at most 1,024 positions: a page is written once, however full its rooms are, and no row is changed.
CREATE TABLE entries (
    room_id   uuid     NOT NULL,
    last      bigint   NOT NULL, -- of the positions
    positions bigint[] NOT NULL CHECK (cardinality(positions) BETWEEN 1 AND 1024),
    PRIMARY KEY (room_id, last)
);
