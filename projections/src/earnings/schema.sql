CREATE TABLE hosts (
    host             uuid   PRIMARY KEY,
    destination      text,
    created_position bigint NOT NULL UNIQUE,
    position         bigint NOT NULL
);

-- Who a host is to the shop. Whoever is in `hosts` and not here has done nothing but earn.
CREATE TABLE standings (
    host              uuid        PRIMARY KEY,
    standing          text        NOT NULL DEFAULT 'none', -- whatever a suspension adds to it
    reason            text,        -- an admin's, of the last decision
    decided_at        timestamptz,
    failed            json        NOT NULL DEFAULT '[]',
    applied           json        NOT NULL DEFAULT '{}', -- facts of the last application
    stated            json        NOT NULL DEFAULT '{}', -- facts stated by an admin
    channels          json        NOT NULL DEFAULT '[]',
    suspended_at      timestamptz, -- while suspended
    suspension_reason text,
    terms_sha256      text,
    terms_accepted_at timestamptz
);

CREATE TABLE balances (
    host           uuid   NOT NULL,
    currency       text   NOT NULL,
    available      bigint NOT NULL DEFAULT 0,
    pending        bigint NOT NULL DEFAULT 0, -- earned, and not available yet
    pending_payout bigint NOT NULL DEFAULT 0,
    paid_out       bigint NOT NULL DEFAULT 0,
    gross          bigint NOT NULL DEFAULT 0,
    taxes          bigint NOT NULL DEFAULT 0,
    store_fees     bigint NOT NULL DEFAULT 0,
    provider_fees  bigint NOT NULL DEFAULT 0,
    platform_fees  bigint NOT NULL DEFAULT 0,
    reserved       bigint NOT NULL DEFAULT 0,
    receivable     bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (host, currency)
);

CREATE TABLE payouts (
    payout_id        uuid        PRIMARY KEY,
    host             uuid        NOT NULL,
    amount_minor     bigint      NOT NULL,
    currency         text        NOT NULL,
    state            text        NOT NULL,
    reason           text,        -- once failed or returned
    requested_at     timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    created_position bigint      NOT NULL UNIQUE,
    position         bigint      NOT NULL
);
