-- What a target holds until a person has said a word, as it reported it; and which of its entries are held or kept so.
ALTER TABLE target_states ADD COLUMN hold TEXT;
ALTER TABLE pending_exceptions ADD COLUMN state TEXT NOT NULL DEFAULT 'failed';
