-- Which person an id of the log stands for: what is erased when somebody asks for it, and not a part of the log.
CREATE TABLE people (
    subject    bytea       PRIMARY KEY CHECK (octet_length(subject) = 32), -- SHA-256 of the identity provider's issuer and subject
    user_id    uuid        NOT NULL UNIQUE,
    created_at timestamptz NOT NULL
);

-- Ids that lead to nobody any more. Nobody is given one of them again.
CREATE TABLE erased_people (
    seq       bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- the order in which other nodes hear of it
    user_id   uuid        NOT NULL UNIQUE,
    erased_at timestamptz NOT NULL
);

-- How people are reached. A person's own word goes before their token's.
CREATE TABLE contacts (
    user_id    uuid        PRIMARY KEY,
    email      text, -- null: they want none
    from_token boolean     NOT NULL,
    locale     text,
    timezone   text,
    refused_at timestamptz, -- the mailbox was refused for good: nothing is sent until the address is another one
    updated_at timestamptz NOT NULL
);

-- Before people were kept here, their ids were derived from their subjects. Whom the log knows by such an id keeps it.
CREATE TABLE derived_people (
    user_id uuid PRIMARY KEY
);

INSERT INTO derived_people (user_id)
SELECT DISTINCT id::uuid
FROM events, LATERAL (VALUES
    (regexp_replace(metadata ->> 'actor_id', '^admin:', '')),
    (payload ->> 'host'),
    (payload ->> 'buyer'),
    (payload ->> 'user'),
    (payload ->> 'to')
) AS named (id)
WHERE id ~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$';
