import type { FileType } from '../../src/core/change/entry.ts'
import type { Scenario } from './scenario.ts'

/** What one source wants at a path, as far as it matters for who goes before whom. */
export interface Wish {
  readonly order: number
  readonly type: FileType
  readonly mtimeNs: bigint
}

/** Whose version is to lie at a path; null where nobody wants anything there. Said another way than the code under test does. */
export function leaderOf<T extends Wish>(
  rule: Scenario['conflict'],
  wishes: readonly T[],
): T | null {
  const folders = wishes.filter(({ type }) => type === 'directory')
  const among = folders.length > 0 ? folders : wishes
  const [first] = among.toSorted((one, other) =>
    rule === 'newest' && one.mtimeNs !== other.mtimeNs
      ? Number(other.mtimeNs - one.mtimeNs)
      : one.order - other.order,
  )
  return first ?? null
}
