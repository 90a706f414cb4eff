-- Many logs in one table, for engines that spread a table over servers by one of its columns: every key begins with log_id. `serve` and
-- `migrate` do not run this file: docs/DISTRIBUTED.md says when somebody does.
--
-- A tenant keeps a schema, and `events` in it, as a view of what is its own. Whoever reads or appends through that sees one log, with
-- positions 1, 2, 3 of its own, and cannot name another one's rows.
CREATE SCHEMA logs;

CREATE TABLE logs.events (
    log_id         text        COLLATE "C" NOT NULL CHECK (log_id <> ''),
    position       bigint      NOT NULL CHECK (position > 0),
    aggregate_type text        COLLATE "C" NOT NULL,
    aggregate_id   text        COLLATE "C" NOT NULL,
    sequence       bigint      NOT NULL CHECK (sequence > 0),
    event_type     text        NOT NULL,
    event_version  text        NOT NULL,
    payload        json        NOT NULL,
    metadata       json        NOT NULL,
    recorded_at    timestamptz NOT NULL,
    hash           bytea       NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (log_id, aggregate_type, aggregate_id, sequence)
);

-- The fence, one for each log.
CREATE UNIQUE INDEX events_position ON logs.events (log_id, position);

-- Citus: SELECT create_distributed_table('logs.events', 'log_id'), here, while the table is empty.

CREATE FUNCTION logs.events_are_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' AND current_user = 'boxoffice_sequencer' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'the log is append-only, and only its sequencer appends (% by %)', TG_OP, current_user
        USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER events_append_only
    BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON logs.events
    FOR EACH STATEMENT EXECUTE FUNCTION logs.events_are_append_only();

-- Moves the log of a schema here and leaves a view in its place, in the caller's transaction: all of it or nothing. Stop its servers before.
-- Nobody is granted anything on logs.events itself: the sequencer appends through its tenant's view, which takes no other log_id.
CREATE PROCEDURE logs.adopt(tenant text, log text) LANGUAGE plpgsql AS $$
DECLARE
    columns CONSTANT text := 'position, aggregate_type, aggregate_id, sequence, event_type, event_version, payload, '
                             'metadata, recorded_at, hash';
    differing bigint;
BEGIN
    IF EXISTS (SELECT FROM logs.events WHERE log_id = log) THEN
        RAISE EXCEPTION 'there is a log % already', log USING ERRCODE = 'unique_violation';
    END IF;
    EXECUTE format('LOCK TABLE %I.events IN ACCESS EXCLUSIVE MODE', tenant);
    EXECUTE format('ALTER TABLE %I.events RENAME TO events_before', tenant);
    EXECUTE format(
        'CREATE VIEW %I.events WITH (check_option = cascaded) AS SELECT %s, log_id FROM logs.events WHERE log_id = %L',
        tenant, columns, log);
    EXECUTE format('ALTER VIEW %I.events ALTER COLUMN log_id SET DEFAULT %L', tenant, log);
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO boxoffice_sequencer', tenant);
    EXECUTE format('GRANT SELECT, INSERT ON %I.events TO boxoffice_sequencer', tenant);
    SET LOCAL ROLE boxoffice_sequencer;
    EXECUTE format('INSERT INTO %1$I.events (%2$s) SELECT %2$s FROM %1$I.events_before ORDER BY position', tenant, columns);
    RESET ROLE;
    -- The very bytes, in both directions.
    EXECUTE format(
        'SELECT count(*) FROM %1$I.events AS kept FULL JOIN %1$I.events_before AS before USING (position)
         WHERE (kept.aggregate_type, kept.aggregate_id, kept.sequence, kept.event_type, kept.event_version,
                kept.payload::text, kept.metadata::text, kept.recorded_at, kept.hash)
            IS DISTINCT FROM
               (before.aggregate_type, before.aggregate_id, before.sequence, before.event_type, before.event_version,
                before.payload::text, before.metadata::text, before.recorded_at, before.hash)',
        tenant) INTO differing;
    IF differing > 0 THEN
        RAISE EXCEPTION '% events of % are not as they were', differing, tenant;
    END IF;
    EXECUTE format('DROP TABLE %I.events_before', tenant);
END
$$;
