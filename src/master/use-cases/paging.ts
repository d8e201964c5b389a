import { AppError } from '../../core/base/errors.ts'
import type { Page } from '../model.ts'

/** Which page of a list: at most `limit` items (1–500) after the place that `cursor` names. */
export interface PageRequest {
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}

const LIMIT_DEFAULT = 50
const LIMIT_MAX = 500

/** Gives how many items a page holds. */
export function pageLimit(request: PageRequest): number {
  return Math.min(Math.max(1, request.limit ?? LIMIT_DEFAULT), LIMIT_MAX)
}

/** Makes a page of rows read with a limit of one more than the page holds; `keyOf` gives the columns of the order. */
export function toPage<R, T>(
  rows: readonly R[],
  request: PageRequest,
  how: { readonly keyOf: (row: R) => readonly string[]; readonly convert: (row: R) => T },
): Page<T> {
  const limit = pageLimit(request)
  const kept = rows.slice(0, limit)
  const last = rows.length > limit ? kept.at(-1) : undefined
  const nextCursor = last === undefined ? null : encodeCursor(how.keyOf(last))
  return { items: kept.map(how.convert), nextCursor }
}

/** Gives the columns that a cursor names, `count` of them; null without a cursor; INVALID_REQUEST for any other text. */
export function cursorKey(request: PageRequest, count: number): string[] | null {
  if (request.cursor === undefined) return null
  const key = decode(request.cursor)
  if (Array.isArray(key) && key.length === count && key.every((part) => typeof part === 'string'))
    return key
  throw new AppError('INVALID_REQUEST', `cannot read cursor "${request.cursor.slice(0, 100)}"`)
}

function encodeCursor(key: readonly string[]): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url')
}

function decode(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString())
  } catch {
    return null
  }
}
