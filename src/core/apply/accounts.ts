import type { ByteString } from '../base/byte-string.ts'
import type { Entry } from '../change/entry.ts'

/** The users and groups of this host. */
export interface Accounts {
  /** Null for a name that is not known here. */
  uidOf(user: ByteString): number | null
  gidOf(group: ByteString): number | null
}

/** Names told so far that are not known here: more are not worth a line each. */
const TOLD_MAX = 100

/**
 * Gives owners that came by name the numbers that this host has for them, and those of the source where it has none,
 * which is said once a name. What applies and remembers an entry knows numbers alone.
 */
export class LocalOwners {
  readonly #accounts: () => Accounts
  readonly #notice: (message: string) => void
  readonly #told = new Set<string>()

  constructor(accounts: () => Accounts, notice: (message: string) => void) {
    this.#accounts = accounts
    this.#notice = notice
  }

  /** Gives the same entries with the numbers of this host. */
  of(entries: readonly Entry[]): readonly Entry[] {
    if (entries.every(({ state }) => state?.ownerNames === undefined)) return entries
    const accounts = this.#accounts()
    return entries.map((entry) => this.#local(accounts, entry))
  }

  #local(accounts: Accounts, entry: Entry): Entry {
    if (entry.state?.ownerNames === undefined) return entry
    const { ownerNames, ...state } = entry.state
    const { user, group } = ownerNames
    const uid = user === null ? null : accounts.uidOf(user)
    const gid = group === null ? null : accounts.gidOf(group)
    if (user !== null && uid === null) this.#tell('user', user)
    if (group !== null && gid === null) this.#tell('group', group)
    return { ...entry, state: { ...state, uid: uid ?? state.uid, gid: gid ?? state.gid } }
  }

  #tell(kind: string, name: ByteString): void {
    const what = `${kind} ${JSON.stringify(name)}`
    if (this.#told.has(what) || this.#told.size === TOLD_MAX) return
    this.#told.add(what)
    this.#notice(`${what} is not known here: files get the number that their source has for it`)
  }
}
