-- What the source said of each: deleted, excluded, or withheld. Of what is withheld, or deleted and kept, something may lie
-- here all the same, which then has a row in `entry` as well.
ALTER TABLE absent ADD COLUMN operation TEXT NOT NULL DEFAULT 'delete';

UPDATE absent SET operation = 'excluded' WHERE is_excluded <> 0;

ALTER TABLE absent DROP COLUMN is_excluded;

-- Of what was withheld before, nobody knows.
UPDATE binding SET absent_since = seq;
