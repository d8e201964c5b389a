-- Paths that were applied with less than was sent, because this host cannot hold it.
CREATE TABLE note (
  binding INTEGER NOT NULL REFERENCES binding (id),
  path BLOB NOT NULL,
  code TEXT NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (binding, path, code)
) STRICT, WITHOUT ROWID;

CREATE INDEX note_seq ON note (binding, seq);
