-- How hosts fare, as their agents measure it.
CREATE TABLE server_metrics (
  server_id TEXT NOT NULL REFERENCES servers (id) ON DELETE CASCADE,
  at_ms INTEGER NOT NULL,
  cpu_percent REAL NOT NULL,
  memory_percent REAL NOT NULL,
  sessions INTEGER,
  load1 REAL NOT NULL,
  disk_free_bytes INTEGER,
  tx_bytes INTEGER NOT NULL,
  rx_bytes INTEGER NOT NULL,
  PRIMARY KEY (server_id, at_ms)
) WITHOUT ROWID;
CREATE INDEX server_metrics_by_time ON server_metrics (at_ms);
