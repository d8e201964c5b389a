import { AppError } from '../base/errors.ts'
import type { Working } from '../base/working.ts'
import type { RelPath } from '../path/rel-path.ts'
import type { NameContent, Placing, Settling } from './decision.ts'
import { contentIsGone, finish } from './prepare.ts'
import { EMPTY_HASH } from './survey.ts'
import type { Prepared, Work } from './work.ts'

interface Named {
  readonly placed: readonly Placing[]
  /** What lies in place with the right content, and could not be replaced by a name. */
  readonly left: readonly Settling[]
}

type NamePlacing = Placing & { readonly verdict: { readonly content: NameContent } }
type PreparedPaths = Map<RelPath, Prepared>

/**
 * Makes in staging the further names of files that lie in place or were prepared, while nothing is placed yet. Where a
 * file cannot get another name it is copied, or what lies there stays, and that is noted.
 */
export function* linkNames(
  work: Work,
  placed: readonly Placing[],
  prepared: PreparedPaths,
): Working<Named> {
  const names = placed.filter(isName)
  const left = new Map<Placing, Settling>()
  let hasCopied = false
  for (const placing of names) {
    if (work.ledger.failed.has(placing.entry.path)) continue
    yield
    work.ledger.attempt(placing.entry, () => {
      const { held } = placing.verdict.content
      const made = makeName(work, placing, prepared)
      if (made === 'refused' && held !== null) left.set(placing, { ...placing, verdict: held })
      else if (made === 'refused') makeCopy(work, placing, prepared)
      hasCopied ||= made !== 'linked'
    })
  }
  // Content must not be lost when its name is already durable.
  if (hasCopied) work.tree.sync()
  return { placed: placed.filter((placing) => !left.has(placing)), left: [...left.values()] }
}

function isName(placing: Placing): placing is NamePlacing {
  return placing.verdict.content.kind === 'name'
}

function makeName(
  work: Work,
  placing: NamePlacing,
  prepared: PreparedPaths,
): 'linked' | 'copied' | 'refused' {
  const { entry, verdict } = placing
  if (verdict.content.how === 'copy') {
    makeCopy(work, placing, prepared)
    return 'copied'
  }
  const path = work.staging.newPath()
  if (!work.tree.link(otherName(work, placing, prepared), path)) {
    work.ledger.unlinked.add(entry.path)
    work.metadata.say('LINKS_UNSUPPORTED')
    return 'refused'
  }
  const { inode } = verdict.content
  if (inode !== null && work.tree.lstat(path)?.inode !== inode) throw contentIsGone(entry.path)
  keep(work, placing, path, prepared)
  return 'linked'
}

function makeCopy(work: Work, placing: NamePlacing, prepared: PreparedPaths): void {
  const path = work.staging.newPath()
  work.tree.copy(otherName(work, placing, prepared), path)
  keep(work, placing, path, prepared)
}

/** Where the other name lies now. One that was to be placed in this set, and failed, has nothing to share. */
function otherName(
  { ledger }: Work,
  { entry, verdict }: NamePlacing,
  prepared: PreparedPaths,
): RelPath {
  const { of, inode } = verdict.content
  if (inode !== null) return of
  const made = prepared.get(of)
  if (made !== undefined) return made.path
  const failure = ledger.failed.get(of)
  throw failure === undefined
    ? contentIsGone(entry.path)
    : new AppError(failure.code, `${failure.message} (it is ${JSON.stringify(entry.path)} as well)`)
}

function keep(
  work: Work,
  { entry }: NamePlacing,
  ...[path, prepared]: [path: RelPath, prepared: PreparedPaths]
): void {
  const hash = entry.state.size === 0 ? EMPTY_HASH : entry.state.hash
  prepared.set(entry.path, { path, hash, notes: finish(work, path, entry) })
}
