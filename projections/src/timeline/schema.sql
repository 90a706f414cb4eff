-- Which room a ticket is of: most of its own events do not say it.
CREATE TABLE tickets (
    ticket_id uuid PRIMARY KEY,
    room_id   uuid NOT NULL
);

CREATE TABLE entries (
    position   bigint      PRIMARY KEY,
    room_id    uuid        NOT NULL,
    ticket_id  uuid,       -- if the event is the ticket's
    at         timestamptz NOT NULL,
    event_type text        NOT NULL,
    facts      json        NOT NULL
);

CREATE INDEX entries_of_room ON entries (room_id, position);
