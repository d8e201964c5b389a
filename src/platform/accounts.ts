import { readFileSync, statSync } from 'node:fs'

import { type ByteString, fromBytes } from '../core/base/byte-string.ts'

/** The users and groups that a host's own files name; those of a directory service are known by number alone. */
export interface HostAccounts {
  uidOf(user: ByteString): number | null
  gidOf(group: ByteString): number | null
  userOf(uid: number): ByteString | null
  groupOf(gid: number): ByteString | null
}

/** Gives a function that gives the accounts as they are now; the files are read again where they have changed. */
export function hostAccounts(folder = '/etc'): () => HostAccounts {
  const users = new NameFile(`${folder}/passwd`)
  const groups = new NameFile(`${folder}/group`)
  return () => {
    const [ofUsers, ofGroups] = [users.names(), groups.names()]
    return {
      uidOf: (user) => ofUsers.ids.get(user) ?? null,
      gidOf: (group) => ofGroups.ids.get(group) ?? null,
      userOf: (uid) => ofUsers.names.get(uid) ?? null,
      groupOf: (gid) => ofGroups.names.get(gid) ?? null,
    }
  }
}

interface Names {
  readonly ids: ReadonlyMap<ByteString, number>
  readonly names: ReadonlyMap<number, ByteString>
}

/** Lines of `name:…:number:…`. */
class NameFile {
  readonly #path: string
  #stamp = ''
  #names: Names = { ids: new Map(), names: new Map() }

  constructor(path: string) {
    this.#path = path
  }

  /** A file that is not there names nobody. */
  names(): Names {
    const stat = statSync(this.#path, { bigint: true, throwIfNoEntry: false })
    const stamp = stat === undefined ? '' : `${stat.ino} ${stat.size} ${stat.mtimeNs}`
    if (stamp === this.#stamp) return this.#names
    this.#names = parse(stat === undefined ? new Uint8Array() : readFileSync(this.#path))
    this.#stamp = stamp
    return this.#names
  }
}

function parse(bytes: Uint8Array): Names {
  const ids = new Map<ByteString, number>()
  const names = new Map<number, ByteString>()
  for (const line of fromBytes(bytes).split('\n')) {
    const [name = '', , number = ''] = line.split(':')
    if (name === '' || !/^\d{1,10}$/.test(number)) continue
    // The first line that says something counts, as in the C library.
    const id = Number(number)
    if (!ids.has(name as ByteString)) ids.set(name as ByteString, id)
    if (!names.has(id)) names.set(id, name as ByteString)
  }
  return { ids, names }
}
