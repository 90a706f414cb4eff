CREATE TABLE deliveries (
    room_id           uuid        PRIMARY KEY,
    session_id        uuid        NOT NULL,
    host_heard_ms     bigint      NOT NULL,
    listeners_present int         NOT NULL,
    delivered         bool        NOT NULL,
    recorded_at       timestamptz NOT NULL,
    verdict           json,       -- as the event has it; older ones have none
    interruptions     json        NOT NULL
);

CREATE TABLE intervals (
    room_id    uuid        NOT NULL,
    position   bigint      NOT NULL, -- of the event, which holds many
    ordinal    int         NOT NULL,
    person     uuid        NOT NULL,
    ticket_id  uuid,
    joined_at  timestamptz NOT NULL,
    joined_by  json,
    left_at    timestamptz NOT NULL,
    left_by    json,
    audible_ms bigint      NOT NULL,
    speaking   json        NOT NULL,
    PRIMARY KEY (room_id, position, ordinal)
);
