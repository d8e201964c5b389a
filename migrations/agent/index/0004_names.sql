-- Which file of its source a path names; null where the policy does not keep names of one file so.
ALTER TABLE entry ADD COLUMN file_key TEXT;

CREATE INDEX entry_names ON entry (binding, file_key, disk_inode) WHERE file_key IS NOT NULL;

-- Files that have, or had, several names here: which of the source it is, and the ctime that the last work on any of them
-- left, which all of them show.
CREATE TABLE shared (
  binding INTEGER NOT NULL REFERENCES binding (id),
  inode INTEGER NOT NULL,
  file_key TEXT NOT NULL,
  ctime_ns INTEGER NOT NULL,
  PRIMARY KEY (binding, inode)
) STRICT, WITHOUT ROWID;
