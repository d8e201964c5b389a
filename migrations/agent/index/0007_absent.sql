-- Paths that were deleted or left the view, and by which change: what this host tells those that it serves in the stead of
-- its source. A path has a row here or in `entry`, never in both.
CREATE TABLE absent (
  binding INTEGER NOT NULL REFERENCES binding (id),
  path BLOB NOT NULL,
  epoch_id INTEGER NOT NULL REFERENCES epoch (id),
  seq INTEGER NOT NULL,
  is_excluded INTEGER NOT NULL,
  PRIMARY KEY (binding, path)
) STRICT, WITHOUT ROWID;

CREATE INDEX absent_seq ON absent (binding, epoch_id, seq);

CREATE INDEX entry_seq ON entry (binding, epoch_id, seq);

-- Everything that left after this seq of the watermark's epoch is in `absent`; null before the first watermark.
ALTER TABLE binding ADD COLUMN absent_since INTEGER;

UPDATE binding SET absent_since = seq;
