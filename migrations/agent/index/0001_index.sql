CREATE TABLE binding (
  id INTEGER PRIMARY KEY,
  binding_id TEXT NOT NULL UNIQUE,
  -- The watermark: both or none.
  epoch TEXT,
  seq INTEGER,
  list INTEGER NOT NULL,
  -- Identity of the root: both or none.
  root_inode INTEGER,
  root_is_mount_point INTEGER
) STRICT;

CREATE TABLE epoch (
  id INTEGER PRIMARY KEY,
  epoch TEXT NOT NULL UNIQUE
) STRICT;

-- What was applied: the version, its state as sent, and how the disk looked right after.
CREATE TABLE entry (
  binding INTEGER NOT NULL REFERENCES binding (id),
  path BLOB NOT NULL,
  epoch_id INTEGER NOT NULL REFERENCES epoch (id),
  seq INTEGER NOT NULL,
  list INTEGER NOT NULL,
  type TEXT NOT NULL,
  size INTEGER NOT NULL,
  mode INTEGER NOT NULL,
  uid INTEGER NOT NULL,
  gid INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL,
  link_target BLOB,
  hash BLOB,
  disk_size INTEGER NOT NULL,
  disk_mtime_ns INTEGER NOT NULL,
  disk_ctime_ns INTEGER NOT NULL,
  disk_inode INTEGER NOT NULL,
  disk_device INTEGER NOT NULL,
  PRIMARY KEY (binding, path)
) STRICT, WITHOUT ROWID;

CREATE INDEX entry_hash ON entry (binding, hash) WHERE hash IS NOT NULL;

CREATE TABLE pending (
  binding INTEGER NOT NULL REFERENCES binding (id),
  path BLOB NOT NULL,
  seq INTEGER NOT NULL,
  code TEXT NOT NULL,
  message TEXT NOT NULL,
  is_deletion INTEGER NOT NULL,
  list INTEGER NOT NULL,
  PRIMARY KEY (binding, path)
) STRICT, WITHOUT ROWID;

-- Paths joined by NUL, as many as one set claimed at once.
CREATE TABLE claim (
  id INTEGER PRIMARY KEY,
  binding INTEGER NOT NULL REFERENCES binding (id),
  paths BLOB NOT NULL
) STRICT;

CREATE INDEX claim_binding ON claim (binding);
