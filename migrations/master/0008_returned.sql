-- Since when a target is back that was away and has not caught up: a reserved time for that is sought from here on.
ALTER TABLE target_states ADD COLUMN returned_at_ms INTEGER;
