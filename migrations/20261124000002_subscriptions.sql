-- How far each follower of the log is, with the hash found there: a log that was forked behind a follower is noticed.
CREATE TABLE projection_checkpoint (
    name     text        NOT NULL,
    version  int         NOT NULL,
    position bigint      NOT NULL,
    hash     bytea       NOT NULL CHECK (octet_length(hash) = 32),
    moved_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (name, version)
);
