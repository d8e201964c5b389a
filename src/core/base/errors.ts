/**
 * Every error that a user can meet. The code is public API: it stands in logs, JSON, exit messages and docs, and is
 * never renamed. `action` says what the reader can do; `status` is the HTTP status where the API answers with it.
 */
export interface ErrorDescription {
  readonly status: number
  readonly action: string
}

const describe = (status: number, action: string): ErrorDescription => ({ status, action })

export const ERRORS = {
  // general
  INTERNAL: describe(500, 'Report this with the log lines around it.'),
  USAGE: describe(400, 'Read the help of the command and correct the arguments.'),
  INVALID_REQUEST: describe(400, 'Correct the named field and send the request again.'),
  UNKNOWN_FIELD: describe(400, 'Remove the field or correct its name.'),
  NOT_FOUND: describe(404, 'Check the id or the name.'),
  NAME_TAKEN: describe(409, 'Choose another name.'),
  IN_USE: describe(409, 'Remove what still uses it first.'),
  STALE: describe(412, 'Read the object again, then repeat the change on its new version.'),
  UNAUTHENTICATED: describe(401, 'Sign in, or send a valid API token.'),
  FORBIDDEN: describe(403, 'Ask an administrator for the role that allows this.'),
  CROSS_SITE: describe(403, 'Send the request from a page of this admin tool.'),
  REQUEST_IN_PROGRESS: describe(409, 'Wait for the first request to end, then send it again.'),
  IDEMPOTENCY_MISMATCH: describe(409, 'Use a new Idempotency-Key for another request.'),
  REQUEST_TOO_LARGE: describe(413, 'Send less at a time.'),
  LOGIN_FAILED: describe(401, 'Check the name and the password.'),
  TOO_MANY_ATTEMPTS: describe(429, 'Wait as long as the answer says, then try again.'),
  // data folders and processes
  DATA_DIR_EXISTS: describe(409, 'Choose an empty folder, or use the one that exists.'),
  DATA_DIR_MISSING: describe(409, 'Run the init or enroll command for this folder first.'),
  DATA_VERSION: describe(
    409,
    'Use the version of the program that made this data folder, or a newer one.',
  ),
  DATA_DIR_LOCKED: describe(409, 'Stop the other process that runs on this folder.'),
  PORT_IN_USE: describe(409, 'Stop what listens there or choose another port.'),
  LISTEN_REFUSED: describe(
    409,
    'Listen on loopback, or give a certificate with --tls-cert and --tls-key.',
  ),
  PLATFORM_UNSUPPORTED: describe(409, 'Use a Linux host for this role.'),
  FILE_UNREADABLE: describe(400, 'Check that the file exists and may be read.'),
  // enrolment and identity
  MASTER_UNREACHABLE: describe(
    502,
    'Check the address, the port and the firewall; the agent goes on trying.',
  ),
  MASTER_UNTRUSTED: describe(403, 'Check that the address is the master that issued the token.'),
  TOKEN_INVALID: describe(403, 'Make a new enrolment token.'),
  TOKEN_EXPIRED: describe(403, 'Make a new enrolment token.'),
  TOKEN_USED: describe(403, 'Make a new enrolment token.'),
  AGENT_REVOKED: describe(403, 'Enrol the host again if it is to come back.'),
  AGENT_UNKNOWN: describe(403, 'Enrol the host again.'),
  INCOMPATIBLE: describe(409, 'Update the older of the two programs.'),
  CERTIFICATE_ENDING: describe(
    403,
    'Enrol the host again before that, with the token that its page makes: it keeps its place.',
  ),
  CERTIFICATE_ENDED: describe(
    403,
    'Enrol the host again with the token that its page makes: it keeps its place.',
  ),
  ROOT_REFUSED: describe(403, 'Choose another folder, or name this one with --allow on the host.'),
  // licences
  LICENSE_MISSING: describe(
    403,
    'Add both licence files on the licence page or with cd-master license add.',
  ),
  LICENSE_INVALID: describe(403, 'Ask for the licence file again; this one cannot be verified.'),
  LICENSE_FOREIGN: describe(403, 'Use the licence file that was issued for this installation.'),
  LICENSE_EXPIRED: describe(403, 'Renew the licence.'),
  LICENSE_NOT_YET_VALID: describe(
    403,
    'Check the clock, or wait for the first day of the licence.',
  ),
  LICENSE_LIMIT: describe(403, 'Remove what is no longer used, or extend the licence.'),
  LEASE_EXPIRED: describe(403, 'Connect the agent to a licensed master.'),
  // policies
  ROOT_OVERLAP: describe(409, 'Choose folders that do not lie within each other.'),
  POLICY_CYCLE: describe(409, 'Break the circle of policies.'),
  ROUTE_INVALID: describe(
    409,
    'Name each server once, and only servers that the policy has as targets.',
  ),
  PATTERN_UNSAFE: describe(
    400,
    'Use RE2 syntax: no look-around and no back references, and fewer or shorter patterns.',
  ),
  PLAIN_REFUSED: describe(
    400,
    'Allow plain hops beyond a group with plainAcrossGroups, or use TLS.',
  ),
  NOT_IMPLEMENTED: describe(501, 'This comes with a later version.'),
  HOLD_CHANGED: describe(409, 'Look at the hold again and approve what it shows now.'),
  // detection
  WATCH_LIMIT: describe(409, 'Raise fs.inotify.max_user_watches on the host.'),
  WATCH_FAILED: describe(500, 'See the log of the agent; the folder is scanned meanwhile.'),
  ROOT_MISSING: describe(409, 'Create the folder or correct the path.'),
  MAX_DELETE: describe(409, 'Look at what would go, then approve it or keep it on the targets.'),
  ROOT_CHANGED: describe(409, 'Put the known root back in its place, or approve the new one.'),
  FILE_UNSTABLE: describe(409, 'Nothing: it is sent when it rests.'),
  // transfer and apply
  PEER_UNREACHABLE: describe(
    502,
    'Check that both agents run, their addresses, and the firewall between them.',
  ),
  PEER_UNTRUSTED: describe(403, 'Enrol the server again.'),
  FRAME_FORGED: describe(
    403,
    'Look at who can change what passes between the two servers, or use TLS there.',
  ),
  HOP_KEY_MISSING: describe(
    409,
    'Nothing: both servers get the key of a plain hop from the master.',
  ),
  PROTOCOL: describe(400, 'Update both agents; if it stays, the peer is faulty or hostile.'),
  TICKET_INVALID: describe(403, 'Nothing: the master sends a new one with the next job.'),
  RELAY_DROPPED: describe(502, 'Nothing: the source serves this server itself.'),
  RELAY_LOST: describe(502, 'Nothing: the source serves this server itself, or by another way.'),
  RELAY_UNFIT: describe(409, 'Nothing: it is served from where it stands, by another run.'),
  BINDING_BUSY: describe(409, 'Nothing: it is tried again when the other job has ended.'),
  BINDING_UNKNOWN: describe(403, 'Nothing: the target learns of the policy from the master.'),
  SIGNATURE_INVALID: describe(403, 'Check the source server: what it sent was changed on the way.'),
  HASH_MISMATCH: describe(409, 'Nothing: the content is asked for again.'),
  PATH_INVALID: describe(400, 'Correct the path: it must be relative and stay below its root.'),
  NO_SPACE: describe(409, 'Free space on the target.'),
  NO_PERMISSION: describe(403, 'Give the agent the right to write there.'),
  NAME_TOO_LONG: describe(409, 'Shorten the name.'),
  NAME_CLASH: describe(409, 'Rename one of the two files.'),
  FIRST_CONTACT: describe(409, 'Look at what would go, then approve it or keep it.'),
  EXTRA_IN_THE_WAY: describe(409, 'Look at what would go, then approve it or keep it.'),
  KEPT: describe(409, 'Nothing; to have it as its source has it, choose replace in the policy.'),
  CONFLICT: describe(
    409,
    'Keep the file in one source only; what lost is kept aside on the target.',
  ),
  FOLDER_NOT_EMPTY: describe(409, 'Nothing: the folder goes when what is in it has gone.'),
  SOURCE_UNAVAILABLE: describe(502, 'Bring the source server back.'),
  OWNER_REFUSED: describe(
    403,
    'Run the agent of the target as root, or with CAP_CHOWN; or leave owners out of the policy.',
  ),
  OWNER_UNKNOWN: describe(409, 'Make the account on the target, or send owners by number.'),
  TYPE_UNSUPPORTED: describe(
    409,
    'Use a file system on the target that holds links and fifos, or exclude them.',
  ),
  LINKS_UNSUPPORTED: describe(
    409,
    'Use a file system on the target that holds as many hard links, or leave them out of the policy.',
  ),
  XATTRS_UNSUPPORTED: describe(
    409,
    'Use a file system with extended attributes on the target, or leave them out of the policy.',
  ),
  XATTRS_REFUSED: describe(
    403,
    'Give the agent of the target the right to set them: CAP_SETFCAP for security.capability.',
  ),
  XATTRS_TOO_LARGE: describe(
    409,
    'Make them smaller: 64 KiB of one file travel, and the file system of the target may hold less.',
  ),
  XATTRS_UNREADABLE: describe(403, 'Give the agent of the source the right to read the file.'),
  ACLS_UNSUPPORTED: describe(
    409,
    'Use a file system with access lists on the target, or leave them out of the policy.',
  ),
  ACLS_REFUSED: describe(403, 'Run the agent of the target as root, or with CAP_FOWNER.'),
  ACLS_UNREADABLE: describe(409, 'Use a Linux host as the source, or leave access lists out.'),
  READ_ONLY: describe(409, 'Mount the file system of the target writable.'),
  SOURCE_CHANGED: describe(409, 'Nothing: the next job takes the new state of the source.'),
  JOURNAL_BEHIND: describe(
    409,
    'Nothing: the source starts a new epoch, because others know more of this one than it does.',
  ),
  IO_ERROR: describe(500, 'Check the disk and the kernel log of that host.'),
  WAITING: describe(409, 'Start a run, or resume what is paused.'),
  CANCELLED: describe(409, 'Nothing: it was cancelled.'),
} as const satisfies Record<string, ErrorDescription>

export type ErrorCode = keyof typeof ERRORS

/** Thrown by shells. The message says what was attempted with which value; no final period. */
export class AppError extends Error {
  override readonly name = 'AppError'
  readonly code: ErrorCode
  readonly data: Readonly<Record<string, unknown>>

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; data?: Record<string, unknown> } = {},
  ) {
    super(message, { cause: options.cause })
    this.code = code
    this.data = options.data ?? {}
  }
}

/** Gives any thrown value as an AppError; what is not one becomes INTERNAL with the original as its cause. */
export function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return new AppError('INTERNAL', message, { cause: thrown })
}
