-- What a target holds less of than was sent: how many entries lack what, as JSON, and those that were applied last.
ALTER TABLE target_states ADD COLUMN notes TEXT NOT NULL DEFAULT '[]';

CREATE TABLE noted_entries (
  binding_id TEXT NOT NULL REFERENCES bindings (id) ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  code TEXT NOT NULL,
  PRIMARY KEY (binding_id, seq, code)
) WITHOUT ROWID;
