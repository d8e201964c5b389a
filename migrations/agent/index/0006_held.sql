-- What goes only on a person's word: since when it is held, that word, and how what lies there looked when it was shown.
-- Without a type, nothing lies at the path: it waits for a folder above that is held.
ALTER TABLE pending ADD COLUMN held_since_ms INTEGER;
ALTER TABLE pending ADD COLUMN answer TEXT;
ALTER TABLE pending ADD COLUMN disk_type TEXT;
ALTER TABLE pending ADD COLUMN disk_size INTEGER;
ALTER TABLE pending ADD COLUMN disk_mtime_ns INTEGER;
ALTER TABLE pending ADD COLUMN disk_ctime_ns INTEGER;
ALTER TABLE pending ADD COLUMN disk_inode INTEGER;
ALTER TABLE pending ADD COLUMN disk_device INTEGER;
