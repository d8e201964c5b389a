-- Bytes that a change takes from targets, or would; null where it takes none, or a person said yes.
ALTER TABLE entry ADD COLUMN loss_bytes INTEGER;
CREATE INDEX entry_loss ON entry (source, changed_at_ms, operation) WHERE loss_bytes IS NOT NULL;
CREATE INDEX entry_held ON entry (source, tree_key) WHERE operation = 'held';
CREATE INDEX entry_kept ON entry (source, tree_key) WHERE operation = 'kept';
-- Held rows up to this seq may go.
ALTER TABLE source ADD COLUMN released_seq INTEGER NOT NULL DEFAULT 0;
