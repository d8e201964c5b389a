-- What a source holds back until a person has said a word, as it reported it; and the job that asks for that word.
ALTER TABLE policy_sources ADD COLUMN hold TEXT;
ALTER TABLE jobs ADD COLUMN hold TEXT;
