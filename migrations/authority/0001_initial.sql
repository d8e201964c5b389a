-- Times are milliseconds since 1970, names end in their unit.

CREATE TABLE companies (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  created_at_ms INTEGER NOT NULL
) WITHOUT ROWID;

-- The term begins with the first licence file that is issued for the site: until then start and end are null.
CREATE TABLE sites (
  id TEXT PRIMARY KEY,
  company_id TEXT NOT NULL REFERENCES companies (id),
  name TEXT NOT NULL,
  regions INTEGER NOT NULL,
  groups INTEGER NOT NULL,
  cas INTEGER NOT NULL,
  cms INTEGER NOT NULL,
  days INTEGER NOT NULL,
  grace_days INTEGER NOT NULL,
  start_ms INTEGER,
  end_ms INTEGER,
  registered_at_ms INTEGER NOT NULL,
  UNIQUE (company_id, name)
) WITHOUT ROWID;

CREATE TABLE issued_files (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('site', 'install')),
  site_id TEXT NOT NULL REFERENCES sites (id),
  installation_id TEXT,
  key_thumbprint TEXT,
  token TEXT NOT NULL,
  issued_at_ms INTEGER NOT NULL,
  CHECK ((kind = 'install') = (installation_id IS NOT NULL AND key_thumbprint IS NOT NULL))
) WITHOUT ROWID;
CREATE INDEX issued_files_by_site ON issued_files (site_id, issued_at_ms);

-- Every act of the authority. A row's hash covers the one before it, so that none can be changed or taken out unseen.
CREATE TABLE acts (
  number INTEGER PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  act TEXT NOT NULL,
  details TEXT NOT NULL,
  previous_hash TEXT NOT NULL,
  hash TEXT NOT NULL UNIQUE
);
CREATE TRIGGER acts_never_change BEFORE UPDATE ON acts BEGIN SELECT RAISE(ABORT, 'acts are only added'); END;
CREATE TRIGGER acts_never_go BEFORE DELETE ON acts BEGIN SELECT RAISE(ABORT, 'acts are only added'); END;
