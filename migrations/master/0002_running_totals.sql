-- Entries and bytes of an epoch up to and with each change, so that a backlog of any length is read in two rows.
ALTER TABLE changes ADD COLUMN total_entries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE changes ADD COLUMN total_bytes INTEGER NOT NULL DEFAULT 0;
UPDATE changes SET total_entries = t.entries, total_bytes = t.bytes
FROM (
  SELECT source_id, epoch, seq, row_number() OVER w AS entries, sum(size) OVER w AS bytes
  FROM changes WINDOW w AS (PARTITION BY source_id, epoch ORDER BY seq)
) AS t
WHERE t.source_id = changes.source_id AND t.epoch = changes.epoch AND t.seq = changes.seq;

-- A person cancelled what was under way to here: left alone until there is something newer.
ALTER TABLE target_states ADD COLUMN waived_seq INTEGER;
