-- Whose payout it is: a provider speaks of a payout by its id alone. Kept with the checkpoint of the processes.
CREATE TABLE payout_hosts (
    payout_id uuid PRIMARY KEY,
    host      uuid NOT NULL
);
