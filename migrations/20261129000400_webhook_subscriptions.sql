-- Who of the shop's own systems is told what happens, and how far each is in the log. The operator's settings: not part of the log.
CREATE TABLE webhook_subscriptions (
    id            uuid        PRIMARY KEY,
    seq           bigint      GENERATED ALWAYS AS IDENTITY UNIQUE, -- the order of lists
    url           text        NOT NULL,
    description   text        NOT NULL,
    event_types   text[]      NOT NULL, -- none: all
    paused_reason text        CHECK (paused_reason IN ('operator', 'failing', 'gone')), -- null: active
    position      bigint      NOT NULL CHECK (position >= 0), -- what is behind here is delivered, or does not concern it
    term          bigint      NOT NULL DEFAULT 1, -- counts changes: a delivery under way moves nothing after one
    failures      int         NOT NULL DEFAULT 0, -- in a row
    failing_since timestamptz,
    retry_at      timestamptz, -- by the application's clock
    last_error    text,
    delivered_at  timestamptz,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL
);

-- What deliveries are signed with. After a rotation the old one signs beside the new one for a while.
CREATE TABLE webhook_secrets (
    subscription_id uuid        NOT NULL REFERENCES webhook_subscriptions ON DELETE CASCADE,
    secret          bytea       NOT NULL,
    created_at      timestamptz NOT NULL,
    expires_at      timestamptz, -- null: the current one
    PRIMARY KEY (subscription_id, secret)
);
