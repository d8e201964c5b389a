/** Rewritten by a running agent for `cd-agent status`; gone when none runs. */
export const STATUS_FILE = 'status.json'

/** Held by the Sync Server process: an old one must be gone before a new one touches the index. */
export const SYNC_SERVER_LOCK_FILE = 'sync-server-lock.db'
