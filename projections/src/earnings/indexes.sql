CREATE INDEX payouts_of_host ON payouts (host, created_position);
