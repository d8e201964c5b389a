/** Every bound of the product that is not part of a schema, each with its reason. */

/** Bytes of one frame on a data connection: large enough to amortize a call, small enough to buffer a few. */
export const FRAME_BYTES_MAX = 1 << 20

/** Entries in one set: bounds what a target stages and one transaction writes; a renamed folder fits whole. */
export const SET_ENTRIES_MAX = 8192

/** Entries in one set that are neither renames nor deletions: a target stages them and keeps them in mind at once. */
export const SET_NEW_ENTRIES_MAX = 4096

/** Entries that a target looks at between two breaths, each with a look at the disk and one into the index. */
export const SURVEYED_AT_ONCE = 64

/** Bytes of small-file content in one set, so that a receipt comes at least this often. */
export const SET_BYTES_MAX = 256 << 20

/** Bytes of encoded entries in one set: bounds what a receiver holds of a set that it cannot judge before its end. */
export const SET_ENTRY_BYTES_MAX = 16 << 20

/**
 * Sets sent ahead of their receipts, so that sending and applying overlap, and that a line around half of the earth does
 * not stand idle where sets are small. What they hold waits in files at both ends, not in memory.
 */
export const SETS_IN_FLIGHT_MAX = 8

/** Content read, compressed and sent at a time: large enough for the disk, small enough to share the event loop. */
export const CONTENT_CHUNK_BYTES = 256 << 10

/** A file up to this size travels packed with others in one frame. */
export const SMALL_FILE_BYTES_MAX = 64 << 10

/** Seqs reserved durably at a time: one fsync for so many changes. */
export const SEQ_RESERVATION = 10_000

/** A row whose ctime lies this close to its reading may hide a second change and is read again. */
export const RACY_MS = 20

/** A file from this size on is kept in staging when its transfer is broken off; less is sent again as quickly. */
export const PARTIAL_BYTES_MIN = 1 << 20

/** Files broken off that one target keeps, the newest first: more were never on their way at the same time. */
export const PARTIAL_FILES_MAX = 64

/** What they may hold together: a few of the largest files. */
export const PARTIAL_BYTES_MAX = 256 * 2 ** 30

/** A file broken off so long ago is given up: its source has not come back for it. */
export const PARTIAL_AGE_MAX_MS = 24 * 3_600_000

/**
 * Bytes of names and values of one path's extended attributes that travel: what Linux gives one attribute, and far above
 * what an ordinary file system keeps of all of them (ext4: a block).
 */
export const XATTR_BYTES_MAX = 64 << 10

/** Bytes of one access list: what Linux gives one attribute. */
export const ACL_BYTES_MAX = 64 << 10

/** Accounts of access lists that travel by name with one path; ext4 holds half of that in one list. */
export const LISTED_ACCOUNTS_MAX = 1024

/** What the patterns of one list compile to: with more, one hostile path of 4 KiB would take longer than a second. */
export const FILTER_INSTRUCTIONS_MAX = 3000

/** What a filter's machine remembers of its states, as it counts itself; it takes a few times that. */
export const FILTER_STATES_BYTES_MAX = 1 << 20

/**
 * Servers that only dial out and are reached through this one, and servers that one of them keeps a connection to: each costs
 * a connection at both ends and a listener.
 */
export const REGISTRATIONS_MAX = 512

/** Connections through one registration at a time, those that wait for the other side included: each may carry a job. */
export const TUNNELS_PER_PEER_MAX = 32

/** Connections through all registrations of a server together: as many as it takes sessions. */
export const TUNNELS_MAX = 512

/** Bytes in one frame of a tunnel: what a socket gives at a time, small enough that others have their turn. */
export const TUNNEL_CHUNK_BYTES = 256 << 10

/** Bytes that wait at the end of a tunnel for a local connection before the tunnel is held up. */
export const TUNNEL_QUEUE_BYTES = 1 << 20

/** Changes in one page to the master. */
export const CHANGES_PAGE_MAX = 1000

/** Hours an agent may synchronize without hearing from a licensed master. */
export const LEASE_HOURS = 72
