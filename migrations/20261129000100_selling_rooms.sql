-- The rooms that are not over, by host: what stands still while a host is suspended. Kept with the checkpoint of the processes.
CREATE TABLE selling_rooms (
    room_id uuid PRIMARY KEY,
    host    uuid NOT NULL
);

CREATE INDEX selling_rooms_of_host ON selling_rooms (host, room_id);

-- Those that the processes have read past already.
INSERT INTO selling_rooms (room_id, host)
SELECT scheduled.aggregate_id::uuid, (scheduled.payload ->> 'host')::uuid
FROM events AS scheduled
WHERE scheduled.aggregate_type = 'room'
  AND scheduled.event_type = 'room_scheduled'
  AND NOT EXISTS (
      SELECT FROM events AS over
      WHERE over.aggregate_type = 'room'
        AND over.aggregate_id = scheduled.aggregate_id
        AND over.event_type IN ('room_ended', 'room_cancelled')
  );
