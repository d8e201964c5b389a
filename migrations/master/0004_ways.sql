-- How a run was planned to reach each target, as JSON: the bindings that pass it on, and why. Null: the source itself.
ALTER TABLE job_targets ADD COLUMN way TEXT;
