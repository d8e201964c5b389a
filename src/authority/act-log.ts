import { createHash } from 'node:crypto'

import { asc, desc } from 'drizzle-orm'

import type { Reader, Writer } from './registry.ts'
import { acts } from './schema.ts'

/** What the authority does; each is written down in the transaction that does it. */
export type ActName = 'init' | 'register' | 'issue-site' | 'issue-install'

export interface Act {
  readonly number: number
  readonly atMs: number
  readonly act: string
  readonly details: Readonly<Record<string, unknown>>
  readonly hash: string
}

/** Before the first act there is none to cover. */
const GENESIS = '0'.repeat(64)

/** Writes an act down, chained to the one before it. */
export async function appendAct(
  writer: Writer,
  { act, details, atMs }: { act: ActName; details: Record<string, unknown>; atMs: number },
): Promise<void> {
  const [last] = await writer.select().from(acts).orderBy(desc(acts.number)).limit(1)
  const row = {
    number: (last?.number ?? 0) + 1,
    atMs,
    act,
    details: JSON.stringify(details),
    previousHash: last?.hash ?? GENESIS,
  }
  await writer.insert(acts).values({ ...row, hash: hashOf(row) })
}

function hashOf(row: Omit<typeof acts.$inferSelect, 'hash'>): string {
  const { previousHash, number, atMs, act, details } = row
  const covered = JSON.stringify([previousHash, number, atMs, act, details])
  return createHash('sha256').update(covered).digest('hex')
}

/** All acts, oldest first, and the number of the first that does not fit the chain; null where all do. */
export async function readActs(
  reader: Reader,
): Promise<{ readonly acts: readonly Act[]; readonly brokenAt: number | null }> {
  const rows = await reader.select().from(acts).orderBy(asc(acts.number))
  const broken = rows.find((row, index) => {
    const previousHash = rows[index - 1]?.hash ?? GENESIS
    return row.number !== index + 1 || row.previousHash !== previousHash || row.hash !== hashOf(row)
  })
  return { acts: rows.map(asAct), brokenAt: broken?.number ?? null }
}

function asAct({ number, atMs, act, details, hash }: typeof acts.$inferSelect): Act {
  return { number, atMs, act, hash, details: readDetails(details) }
}

/** A row that someone damaged is shown as it is: the chain says that it is broken. */
function readDetails(text: string): Act['details'] {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : { damaged: text }
  } catch {
    return { damaged: text }
  }
}
