CREATE INDEX payouts_of_host ON payouts (host, created_position);
CREATE INDEX statement_of_host ON statement_lines (host, position);
