/** Rewritten by a running agent for `cd-agent status`; gone when none runs. */
export const STATUS_FILE = 'status.json'

/** What this host holds of every binding. One writer, the Sync Server; the agent looks into it. */
export const INDEX_FILE = 'index.db'

/** Held by the Sync Server process: an old one must be gone before a new one touches the index. */
export const SYNC_SERVER_LOCK_FILE = 'sync-server-lock.db'
