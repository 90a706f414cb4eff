-- Letters that were handed over: a letter has one name, and is sent once. No address, no text.
CREATE TABLE mails_sent (
    message_id uuid        PRIMARY KEY,
    sent_at    timestamptz NOT NULL
);

CREATE INDEX mails_sent_at ON mails_sent (sent_at);
