-- Extended attributes and access lists as they were sent; null where the policy sends none.
ALTER TABLE entry ADD COLUMN attributes BLOB;
