CREATE TABLE source (
  id INTEGER PRIMARY KEY,
  source_id TEXT NOT NULL UNIQUE,
  epoch TEXT NOT NULL,
  head_seq INTEGER NOT NULL,
  reserved_seq INTEGER NOT NULL,
  is_clean INTEGER NOT NULL,
  -- Identity of the root: all three or none.
  root_inode INTEGER,
  root_birth_ns INTEGER,
  root_is_mount_point INTEGER,
  view TEXT NOT NULL,
  view_revision INTEGER NOT NULL,
  file_count INTEGER NOT NULL,
  total_bytes INTEGER NOT NULL,
  complete_at_ms INTEGER
) STRICT;

-- One row per path that was ever part of the source: its final state, or a tombstone (type null).
CREATE TABLE entry (
  id INTEGER PRIMARY KEY,
  source INTEGER NOT NULL REFERENCES source (id),
  -- The path with NUL for its separators: a subtree is one range, parents before what is below them.
  tree_key BLOB NOT NULL,
  seq INTEGER NOT NULL,
  operation TEXT NOT NULL,
  from_path BLOB,
  type TEXT,
  size INTEGER NOT NULL,
  mode INTEGER NOT NULL,
  uid INTEGER NOT NULL,
  gid INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL,
  ctime_ns INTEGER NOT NULL,
  birth_ns INTEGER NOT NULL,
  device INTEGER NOT NULL,
  inode INTEGER NOT NULL,
  link_count INTEGER NOT NULL,
  link_target BLOB,
  hash BLOB,
  hash_trust TEXT NOT NULL,
  is_racy INTEGER NOT NULL,
  changed_at_ms INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX entry_tree ON entry (source, tree_key);
CREATE UNIQUE INDEX entry_seq ON entry (source, seq);
CREATE INDEX entry_inode ON entry (source, inode) WHERE type IS NOT NULL;
