-- Times are milliseconds since 1970, names end in their unit. Paths are byte strings (code units 0-255) kept as text.

CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE licenses (
  kind TEXT PRIMARY KEY CHECK (kind IN ('site', 'install')),
  token TEXT NOT NULL,
  added_at_ms INTEGER NOT NULL,
  added_by TEXT
) WITHOUT ROWID;

CREATE TABLE license_keys (
  thumbprint TEXT PRIMARY KEY,
  jwk TEXT NOT NULL,
  added_at_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE regions (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  version INTEGER NOT NULL DEFAULT 1,
  created_at_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE groups (
  id TEXT PRIMARY KEY,
  region_id TEXT NOT NULL REFERENCES regions (id),
  name TEXT NOT NULL,
  version INTEGER NOT NULL DEFAULT 1,
  created_at_ms INTEGER NOT NULL,
  UNIQUE (region_id, name)
) WITHOUT ROWID;

CREATE TABLE servers (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  group_id TEXT NOT NULL REFERENCES groups (id),
  roles TEXT NOT NULL,
  weight INTEGER NOT NULL DEFAULT 100,
  mode TEXT NOT NULL DEFAULT 'active' CHECK (mode IN ('active', 'drained')),
  addresses TEXT NOT NULL DEFAULT '[]',
  agent_version TEXT,
  platform TEXT NOT NULL,
  -- SPKI of the agent's key, base64; null once revoked.
  public_key TEXT,
  certificate_serial TEXT NOT NULL,
  certificate_expires_at_ms INTEGER NOT NULL,
  last_seen_at_ms INTEGER,
  revoked_at_ms INTEGER,
  revoke_reason TEXT,
  version INTEGER NOT NULL DEFAULT 1,
  created_at_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX servers_by_group ON servers (group_id);

CREATE TABLE enrollment_tokens (
  id TEXT PRIMARY KEY,
  secret_hash TEXT NOT NULL UNIQUE,
  group_id TEXT REFERENCES groups (id) ON DELETE CASCADE,
  server_id TEXT REFERENCES servers (id) ON DELETE CASCADE,
  roles TEXT NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  max_uses INTEGER NOT NULL,
  uses INTEGER NOT NULL DEFAULT 0,
  created_by TEXT NOT NULL,
  version INTEGER NOT NULL DEFAULT 1,
  created_at_ms INTEGER NOT NULL,
  CHECK ((group_id IS NULL) <> (server_id IS NULL))
) WITHOUT ROWID;

CREATE TABLE hop_rules (
  id TEXT PRIMARY KEY,
  rule TEXT NOT NULL,
  version INTEGER NOT NULL DEFAULT 1,
  created_at_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE policies (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  enabled INTEGER NOT NULL,
  -- Everything of the policy but its name, sources and targets.
  body TEXT NOT NULL,
  version INTEGER NOT NULL DEFAULT 1,
  pause_reason TEXT,
  created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE policy_revisions (
  policy_id TEXT NOT NULL REFERENCES policies (id) ON DELETE CASCADE,
  version INTEGER NOT NULL,
  policy TEXT NOT NULL,
  changed_by TEXT NOT NULL,
  changed_at_ms INTEGER NOT NULL,
  PRIMARY KEY (policy_id, version)
) WITHOUT ROWID;

CREATE TABLE policy_sources (
  id TEXT PRIMARY KEY,
  policy_id TEXT NOT NULL REFERENCES policies (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  server_id TEXT NOT NULL REFERENCES servers (id),
  path TEXT NOT NULL,
  require_mount INTEGER NOT NULL,
  -- Grows when the filter or the metadata changes what is sent.
  view_revision INTEGER NOT NULL DEFAULT 0,
  -- What the source reported, and how far its changes are recorded here.
  epoch TEXT,
  head_seq INTEGER NOT NULL DEFAULT 0,
  recorded_seq INTEGER NOT NULL DEFAULT 0,
  complete_at_ms INTEGER,
  gaps TEXT NOT NULL DEFAULT '[]',
  file_count INTEGER NOT NULL DEFAULT 0,
  total_bytes INTEGER NOT NULL DEFAULT 0,
  error TEXT,
  UNIQUE (policy_id, server_id, path)
) WITHOUT ROWID;
CREATE INDEX policy_sources_by_server ON policy_sources (server_id);

CREATE TABLE policy_targets (
  policy_id TEXT NOT NULL REFERENCES policies (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  server_id TEXT REFERENCES servers (id),
  group_id TEXT REFERENCES groups (id),
  region_id TEXT REFERENCES regions (id),
  path TEXT NOT NULL,
  min_free_percent INTEGER NOT NULL,
  PRIMARY KEY (policy_id, position)
) WITHOUT ROWID;

-- One per policy, source, target server and target path; a changed path makes a new one.
CREATE TABLE bindings (
  id TEXT PRIMARY KEY,
  policy_id TEXT NOT NULL REFERENCES policies (id) ON DELETE CASCADE,
  source_id TEXT NOT NULL REFERENCES policy_sources (id) ON DELETE CASCADE,
  server_id TEXT NOT NULL REFERENCES servers (id),
  path TEXT NOT NULL,
  min_free_percent INTEGER NOT NULL,
  UNIQUE (source_id, server_id, path)
) WITHOUT ROWID;
CREATE INDEX bindings_by_policy ON bindings (policy_id);
CREATE INDEX bindings_by_server ON bindings (server_id);

-- What a target last said of itself: a cache, replaced at every connection, downwards too.
CREATE TABLE target_states (
  binding_id TEXT PRIMARY KEY REFERENCES bindings (id) ON DELETE CASCADE,
  epoch TEXT,
  applied_seq INTEGER NOT NULL DEFAULT 0,
  pending_count INTEGER NOT NULL DEFAULT 0,
  error TEXT,
  failures INTEGER NOT NULL DEFAULT 0,
  last_error TEXT,
  -- It was away and has not caught up since.
  was_away INTEGER NOT NULL DEFAULT 0,
  reported_at_ms INTEGER
) WITHOUT ROWID;

CREATE TABLE pending_exceptions (
  binding_id TEXT NOT NULL REFERENCES bindings (id) ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  path TEXT NOT NULL,
  code TEXT NOT NULL,
  message TEXT NOT NULL,
  PRIMARY KEY (binding_id, seq)
) WITHOUT ROWID;

-- Every change once, whatever number of targets and jobs it is part of.
CREATE TABLE changes (
  source_id TEXT NOT NULL,
  epoch TEXT NOT NULL,
  seq INTEGER NOT NULL,
  path TEXT NOT NULL,
  from_path TEXT,
  operation TEXT NOT NULL,
  type TEXT,
  size INTEGER NOT NULL,
  hash TEXT,
  recorded_at_ms INTEGER NOT NULL,
  PRIMARY KEY (source_id, epoch, seq)
) WITHOUT ROWID;

CREATE TABLE jobs (
  -- Ids of version 7: their order is the order of making.
  id TEXT PRIMARY KEY,
  policy_id TEXT NOT NULL REFERENCES policies (id) ON DELETE CASCADE,
  policy_version INTEGER NOT NULL,
  kind TEXT NOT NULL,
  trigger TEXT NOT NULL,
  state TEXT NOT NULL,
  entries INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  error TEXT,
  version INTEGER NOT NULL DEFAULT 1,
  created_at_ms INTEGER NOT NULL,
  started_at_ms INTEGER,
  ended_at_ms INTEGER
) WITHOUT ROWID;
CREATE INDEX jobs_by_policy ON jobs (policy_id, id);
CREATE INDEX jobs_open ON jobs (state, id);

CREATE TABLE job_sources (
  job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  source_id TEXT NOT NULL,
  server_id TEXT NOT NULL,
  epoch TEXT NOT NULL,
  from_seq INTEGER NOT NULL,
  to_seq INTEGER NOT NULL,
  PRIMARY KEY (job_id, source_id)
) WITHOUT ROWID;

CREATE TABLE job_targets (
  job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  binding_id TEXT NOT NULL,
  source_id TEXT NOT NULL,
  server_id TEXT NOT NULL,
  state TEXT NOT NULL,
  -- Under which id its sender was told of it; one job may be told in parts, as its targets become free.
  run_id TEXT,
  via TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  bytes_on_wire INTEGER NOT NULL DEFAULT 0,
  entries_applied INTEGER NOT NULL DEFAULT 0,
  entries_failed INTEGER NOT NULL DEFAULT 0,
  error TEXT,
  PRIMARY KEY (job_id, binding_id)
) WITHOUT ROWID;
CREATE INDEX job_targets_by_server ON job_targets (server_id, job_id);

CREATE TABLE users (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  role TEXT NOT NULL CHECK (role IN ('admin', 'operator', 'viewer')),
  password_hash TEXT NOT NULL,
  disabled INTEGER NOT NULL DEFAULT 0,
  version INTEGER NOT NULL DEFAULT 1,
  created_at_ms INTEGER NOT NULL,
  password_changed_at_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE sessions (
  token_hash TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  csrf_token TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  last_used_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  address TEXT,
  user_agent TEXT
) WITHOUT ROWID;
CREATE INDEX sessions_by_user ON sessions (user_id);

CREATE TABLE api_tokens (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('admin', 'operator', 'viewer')),
  token_hash TEXT NOT NULL UNIQUE,
  version INTEGER NOT NULL DEFAULT 1,
  created_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  last_used_at_ms INTEGER
) WITHOUT ROWID;
CREATE INDEX api_tokens_by_user ON api_tokens (user_id);

CREATE TABLE login_attempts (
  key TEXT PRIMARY KEY,
  failures INTEGER NOT NULL,
  blocked_until_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE idempotency_keys (
  -- Who sent it, so that nobody meets another's answer.
  actor TEXT NOT NULL,
  key TEXT NOT NULL,
  request_hash TEXT NOT NULL,
  -- Null while the request is being worked on.
  status INTEGER,
  body TEXT,
  created_at_ms INTEGER NOT NULL,
  PRIMARY KEY (actor, key)
) WITHOUT ROWID;

CREATE TABLE audit (
  id TEXT PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  actor_id TEXT,
  actor_name TEXT NOT NULL,
  address TEXT,
  action TEXT NOT NULL,
  object_type TEXT NOT NULL,
  object_id TEXT,
  object_name TEXT,
  outcome TEXT NOT NULL,
  details TEXT
) WITHOUT ROWID;
