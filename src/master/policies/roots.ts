import { type ByteString, fromBytes, fromText, toText } from '../../core/base/byte-string.ts'
import { AppError } from '../../core/base/errors.ts'

/** A folder on a server that a policy reads or writes. */
export interface Root {
  readonly policyId: string
  readonly policyName: string
  readonly role: 'source' | 'target'
  /** A server's id, or `group:<id>`: a target group counts even while no server is in it. */
  readonly place: string
  readonly path: string
}

/**
 * Gives a root's path as bytes: `pathBytes` (base64) where given, else the text. Slashes at the end and double ones
 * go; PATH_INVALID where a part is `.` or `..`.
 */
export function rootPath(input: {
  readonly path: string
  readonly pathBytes?: string | undefined
}) {
  const bytes =
    input.pathBytes === undefined
      ? fromText(input.path)
      : fromBytes(Buffer.from(input.pathBytes, 'base64'))
  const names = bytes.split('/').filter((name) => name !== '')
  const bad = names.some((name) => name === '.' || name === '..' || name.includes('\0'))
  if (bad || !bytes.startsWith('/')) {
    throw new AppError('PATH_INVALID', `cannot use path "${input.path}": it must be absolute`)
  }
  return `/${names.join('/')}` as ByteString
}

/** Gives a stored path as the API shows it: `pathBytes` only where the text does not say it exactly. */
export function shownPath(path: string): { path: string; pathBytes?: string } {
  const { text, exact } = toText(path as ByteString)
  return exact
    ? { path: text }
    : { path: text, pathBytes: Buffer.from(path, 'latin1').toString('base64') }
}

/**
 * Refuses roots of which one lies within another on one server where one of the two is a target: POLICY_CYCLE where
 * what arrives would flow on and come back, else ROOT_OVERLAP.
 */
export function assertRootsApart(roots: readonly Root[]): void {
  const overlaps = [...findOverlaps(roots)]
  const [first] = overlaps
  if (first === undefined) return
  const cycle = findCycle(overlaps)
  if (cycle !== null) {
    const names = cycle.map((name) => `"${name}"`).join(' → ')
    throw new AppError(
      'POLICY_CYCLE',
      `cannot use these roots: what arrives would go round ${names}`,
    )
  }
  const [one, other] = first
  throw new AppError(
    'ROOT_OVERLAP',
    `cannot use ${describe(one)}: it overlaps ${describe(other)}`,
    {
      data: { policies: [one.policyId, other.policyId] },
    },
  )
}

function* findOverlaps(roots: readonly Root[]): Generator<readonly [Root, Root]> {
  for (const onPlace of Map.groupBy(roots, (root) => root.place).values()) {
    const sorted = onPlace.toSorted((a, b) => compare(asFolder(a), asFolder(b)))
    // Whatever lies within a folder follows it directly in this order, so open folders form a stack.
    const open: Root[] = []
    for (const root of sorted) {
      while (open.length > 0 && !within(root, open.at(-1))) open.pop()
      for (const outer of open) {
        if (mayNotMeet(outer, root)) yield [outer, root]
      }
      open.push(root)
    }
  }
}

/** One policy's server and group may come to the same folder: that is one target. */
function mayNotMeet(one: Root, other: Root): boolean {
  const same = one.policyId === other.policyId && one.path === other.path && one.role === other.role
  return !same && (one.role === 'target' || other.role === 'target')
}

/** Policies through which content would flow in a circle, by name; null where it comes to an end. */
function findCycle(overlaps: readonly (readonly [Root, Root])[]): string[] | null {
  const next = new Map<string, Root[]>()
  for (const pair of overlaps) {
    const target = pair.find((root) => root.role === 'target')
    const source = pair.find((root) => root.role === 'source')
    if (target === undefined || source === undefined || target.policyId === source.policyId)
      continue
    next.set(target.policyId, [...(next.get(target.policyId) ?? []), source])
  }
  const done = new Set<string>()
  const visit = (policyId: string, trail: readonly string[]): readonly string[] | null => {
    if (trail.includes(policyId)) return trail.slice(trail.indexOf(policyId))
    if (done.has(policyId)) return null
    for (const source of next.get(policyId) ?? []) {
      const found = visit(source.policyId, [...trail, policyId])
      if (found !== null) return found
    }
    done.add(policyId)
    return null
  }
  const names = new Map(overlaps.flat().map((root) => [root.policyId, root.policyName]))
  for (const policyId of next.keys()) {
    const found = visit(policyId, [])
    if (found !== null) return found.map((id) => names.get(id) ?? id)
  }
  return null
}

function asFolder(root: Root): string {
  return root.path === '/' ? '/' : `${root.path}/`
}

function within(inner: Root, outer: Root | undefined): boolean {
  return outer !== undefined && asFolder(inner).startsWith(asFolder(outer))
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function describe(root: Root): string {
  return `${root.role} "${shownPath(root.path).path}" of policy "${root.policyName}"`
}
