CREATE TABLE rooms (
    room_id           uuid        PRIMARY KEY,
    host_id           uuid        NOT NULL,
    co_host_ids       uuid[]      NOT NULL DEFAULT '{}', -- in the order of their appointment
    title             text        NOT NULL,
    description       text        NOT NULL,
    language          text        NOT NULL,
    state             text        NOT NULL,
    void_reason       text, -- once voided
    starts_at         timestamptz NOT NULL,
    planned_minutes   int         NOT NULL,
    price_minor       bigint      NOT NULL,
    currency          text        NOT NULL,
    capacity          int         NOT NULL,
    held              int         NOT NULL DEFAULT 0 CHECK (held >= 0),
    sold              int         NOT NULL DEFAULT 0 CHECK (sold >= 0),
    sales_open_at     timestamptz NOT NULL,
    sales_close_at    timestamptz NOT NULL,
    tickets_per_buyer int         NOT NULL,
    hold_seconds      int         NOT NULL,
    refund_policy     json        NOT NULL,
    no_show_minutes   int         NOT NULL,
    offer_seconds     int         NOT NULL,
    transferable      bool        NOT NULL,
    recording         json, -- on what terms, if at all
    is_recorded       bool        NOT NULL DEFAULT false,
    decline_until     timestamptz, -- once rescheduled
    sales_paused      bool        NOT NULL DEFAULT false, -- by the host
    sales_suspended   bool        NOT NULL DEFAULT false, -- with the host
    opened_at         timestamptz,
    ended_at          timestamptz,
    delivered         bool        NOT NULL DEFAULT false, -- ended, and the host was heard
    created_position  bigint      NOT NULL UNIQUE,
    position          bigint      NOT NULL,
    search            text        NOT NULL -- title and description in lower case, whatever the database's locale
);

-- The taken seats that are of a tier: what happens to a seat later does not say it.
CREATE TABLE seats (
    ticket_id uuid PRIMARY KEY,
    tier      text NOT NULL
);

CREATE TABLE tiers (
    room_id     uuid   NOT NULL,
    tier        text   NOT NULL,
    name        text   NOT NULL,
    price_minor bigint NOT NULL,
    quota       int    NOT NULL,
    opens_at    timestamptz,
    closes_at   timestamptz,
    held        int    NOT NULL DEFAULT 0 CHECK (held >= 0),
    sold        int    NOT NULL DEFAULT 0 CHECK (sold >= 0),
    ordinal     int    NOT NULL, -- in the host's order
    PRIMARY KEY (room_id, tier)
);

-- Who agreed to share what a room earns, beside its host.
CREATE TABLE sharing (
    room_id uuid NOT NULL,
    user_id uuid NOT NULL,
    PRIMARY KEY (room_id, user_id)
);
