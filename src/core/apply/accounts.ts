import type { ByteString } from '../base/byte-string.ts'
import { type ListedAccount, withAccounts } from '../change/access-list.ts'
import { type Attributes, listsOf } from '../change/attributes.ts'
import type { Entry } from '../change/entry.ts'

/** The users and groups of this host. */
export interface Accounts {
  /** Null for a name that is not known here. */
  uidOf(user: ByteString): number | null
  gidOf(group: ByteString): number | null
}

/** Names told so far that are not known here: more are not worth a line each. */
const TOLD_MAX = 100

/** Null for a name that is not known here. */
type IdOf = (kind: ListedAccount['kind'], name: ByteString) => number | null

/** Entries with the numbers of this host, and the seqs of those with a name that is not known here. */
export interface LocalEntries {
  readonly entries: readonly Entry[]
  readonly unknown: ReadonlySet<number>
}

const NONE_UNKNOWN: ReadonlySet<number> = new Set()

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
  of(entries: readonly Entry[]): LocalEntries {
    if (entries.every(({ state }) => state?.ownerNames === undefined))
      return { entries, unknown: NONE_UNKNOWN }
    const accounts = this.#accounts()
    const unknown = new Set<number>()
    const local = entries.map((entry) => {
      const idOf: IdOf = (kind, name) => {
        const id = kind === 'user' ? accounts.uidOf(name) : accounts.gidOf(name)
        if (id === null) this.#tell(kind, name)
        if (id === null) unknown.add(entry.seq)
        return id
      }
      return this.#local(entry, idOf)
    })
    return { entries: local, unknown }
  }

  #local(entry: Entry, idOf: IdOf): Entry {
    if (entry.state?.ownerNames === undefined) return entry
    const { ownerNames, ...state } = entry.state
    const { user, group, listed } = ownerNames
    const uid = user === null ? null : idOf('user', user)
    const gid = group === null ? null : idOf('group', group)
    const owner = { uid: uid ?? state.uid, gid: gid ?? state.gid }
    if (listed === undefined || state.attributes === undefined)
      return { ...entry, state: { ...state, ...owner } }
    const ids = new Map(
      listed.map(({ kind, id, name }) => [`${kind} ${id}`, idOf(kind, name) ?? id]),
    )
    const attributes = withIds(state.attributes, ids)
    return { ...entry, state: { ...state, ...owner, attributes } }
  }

  #tell(kind: string, name: ByteString): void {
    const what = `${kind} ${JSON.stringify(name)}`
    if (this.#told.has(what) || this.#told.size === TOLD_MAX) return
    this.#told.add(what)
    this.#notice(`${what} is not known here: files get the number that their source has for it`)
  }
}

/** Attributes whose access lists have other numbers, by kind and number, for the accounts that they name. */
function withIds(attributes: Attributes, ids: ReadonlyMap<string, number>): Attributes {
  const lists = listsOf(attributes)
  if (lists === null) return attributes
  const local = (list: ByteString | null) =>
    list && withAccounts(list, (kind, id) => ids.get(`${kind} ${id}`) ?? id)
  return { ...attributes, acls: { access: local(lists.access), inherited: local(lists.inherited) } }
}
