-- Which room a ticket is of: most of its own events do not say it.
CREATE TABLE tickets (
    ticket_id uuid PRIMARY KEY,
    room_id   uuid NOT NULL
);

-- Where in the log a room's events and those of its tickets are; what they say is in the log. A row holds a stretch of 256
-- positions, a byte for each event in it, in order: position = stretch * 256 + offset.
CREATE TABLE entries (
    room_id uuid   NOT NULL,
    stretch bigint NOT NULL,
    offsets bytea  NOT NULL CHECK (octet_length(offsets) BETWEEN 1 AND 256),
    PRIMARY KEY (room_id, stretch)
);
