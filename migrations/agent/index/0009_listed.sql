-- Where the source was when a full list began that has not ended: what has left it since was perhaps named by that list, and
-- is to be told of by the next.
ALTER TABLE binding ADD COLUMN listed_epoch TEXT;
ALTER TABLE binding ADD COLUMN listed_seq INTEGER;
