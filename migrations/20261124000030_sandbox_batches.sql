-- The sandbox writes whole batches now, and each row costs less. A provider's reference is made of the payment's id, so
-- the primary key finds it; an intent changes its state once, in place; a delivery is written with its event, in one
-- statement, and goes when it is done: what is left in the table is still to make, or was given up.
ALTER TABLE sandbox.intents DROP CONSTRAINT intents_provider_ref_key;
ALTER TABLE sandbox.intents SET (fillfactor = 60);

ALTER TABLE sandbox.deliveries DROP CONSTRAINT deliveries_event_seq_fkey;
-- Nobody writes `delivered_at` any more; it stays for a version that still looks at it.
DELETE FROM sandbox.deliveries WHERE delivered_at IS NOT NULL;
