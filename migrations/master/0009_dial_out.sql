-- A server to which nobody can connect: it opens a connection to each of its peers instead.
ALTER TABLE servers ADD COLUMN dials_out INTEGER NOT NULL DEFAULT 0;
