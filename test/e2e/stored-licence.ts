import { Database } from 'bun:sqlite'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Fleet } from '../../scripts/fleet/fleet.ts'
import { LICENSE_TYPES } from '../../src/core/wire/license.ts'
import {
  createSigningKey,
  parseSigningKey,
  type SigningKey,
  signToken,
} from '../../src/platform/signed-token.ts'

const DAY_S = 86_400

type Claims = Record<string, unknown> & { readonly nbf: number }

/** The Company/Site License File as the master keeps it. */
export async function storedSiteFile(fleet: Fleet): Promise<string> {
  return inDatabase(fleet, (database) => {
    const row = database.query<{ token: string }, []>("SELECT token FROM licenses WHERE kind = 'site'") // prettier-ignore
    return row.get()?.token ?? ''
  })
}

/** Puts a file in its place, as someone with the right to write into the data folder could. */
export async function storeSiteFile(fleet: Fleet, token: string): Promise<void> {
  inDatabase(fleet, (database) => {
    database.run("UPDATE licenses SET token = ? WHERE kind = 'site'", [token])
  })
}

/** Files that must not count, each made from the good one. */
export const variants = {
  /** The authority's own, but its term and its grace are over. */
  expired: async (fleet: Fleet, good: string) =>
    sign(await authorityKey(fleet), { ...claims(good), ...pastTerm(good) }),
  /** The good one with greater limits, and the signature of the good one. */
  tampered: async (_fleet: Fleet, good: string) => {
    const [header = '', , signature = ''] = good.split('.')
    const limits = { regions: 999, groups: 999, cas: 999, cms: 999 }
    const payload = Buffer.from(JSON.stringify({ ...claims(good), limits }))
    return `${header}.${payload.toString('base64url')}.${signature}`
  },
  /** The same claims, signed by an authority that this master does not trust. */
  foreign: async (_fleet: Fleet, good: string) => sign(await createSigningKey(), claims(good)),
  /** Issued by the authority, for a site that the install licence does not belong to. */
  ofAnotherSite: async (fleet: Fleet, good: string) =>
    sign(await authorityKey(fleet), { ...claims(good), site: randomUUID() }),
} as const

function claims(token: string): Claims {
  const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()
  return JSON.parse(payload) as Claims
}

function pastTerm(good: string) {
  const { nbf } = claims(good)
  return { iat: nbf - 60 * DAY_S, nbf: nbf - 60 * DAY_S, exp: nbf - 30 * DAY_S, graceDays: 0 }
}

async function sign(key: SigningKey, content: Claims): Promise<string> {
  return await signToken(key, { type: LICENSE_TYPES.site, claims: content })
}

async function authorityKey(fleet: Fleet): Promise<SigningKey> {
  const file = join(fleet.directory, 'license', 'authority-key.json')
  return await parseSigningKey(readFileSync(file, 'utf8'), file)
}

function inDatabase<T>(fleet: Fleet, work: (database: Database) => T): T {
  const database = new Database(join(fleet.directory, 'master', 'master.db'))
  try {
    return work(database)
  } finally {
    database.close()
  }
}
