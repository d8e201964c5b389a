-- When the root was made, in nanoseconds; 0 where the file system does not tell, null where it was not asked yet.
ALTER TABLE binding ADD COLUMN root_birth_ns INTEGER;
