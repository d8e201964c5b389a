import { closeSync, lstatSync, openSync, readSync, readdirSync, readlinkSync } from 'node:fs'

const CHUNK_BYTES = 1 << 20

/**
 * Compares two trees by names, types, modes, owners, sizes, modification times in nanoseconds and content. Gives a
 * line for each difference, at most `limit`; none where they are identical.
 */
export function compareTrees(left: string, right: string, limit = 20): string[] {
  const report: Report = { differences: [], limit }
  compare(Buffer.from(left), Buffer.from(right), report)
  return report.differences
}

interface Report {
  readonly differences: string[]
  readonly limit: number
}

function compare(left: Buffer, right: Buffer, report: Report): void {
  if (report.differences.length >= report.limit) return
  const difference = describe(left, right)
  if (difference !== null) report.differences.push(`${left.toString()}: ${difference}`)
  if (!lstatSync(left).isDirectory() || !lstatSync(right).isDirectory()) return
  const names = listing(left)
  const others = listing(right)
  for (const name of names) {
    if (others.has(name)) compare(join(left, name), join(right, name), report)
    else report.differences.push(`${join(left, name).toString()}: only on the left`)
  }
  for (const name of others) {
    if (!names.has(name)) {
      report.differences.push(`${join(right, name).toString()}: only on the right`)
    }
  }
}

function listing(folder: Buffer): Set<string> {
  const names = readdirSync(folder, { encoding: 'buffer' })
  return new Set(names.map((name) => name.toString('latin1')))
}

function join(folder: Buffer, name: string): Buffer {
  return Buffer.concat([folder, Buffer.from('/'), Buffer.from(name, 'latin1')])
}

function describe(left: Buffer, right: Buffer): string | null {
  const a = lstatSync(left, { bigint: true })
  const b = lstatSync(right, { bigint: true })
  if (a.mode !== b.mode) return `mode ${a.mode.toString(8)} and ${b.mode.toString(8)}`
  if (a.uid !== b.uid || a.gid !== b.gid) return `owner ${a.uid}:${a.gid} and ${b.uid}:${b.gid}`
  if (a.mtimeNs !== b.mtimeNs) return `mtime ${a.mtimeNs} and ${b.mtimeNs}`
  if (a.isSymbolicLink()) {
    const targets = [left, right].map((path) => readlinkSync(path, { encoding: 'buffer' }))
    return Buffer.compare(targets[0] ?? left, targets[1] ?? right) === 0
      ? null
      : 'link targets differ'
  }
  if (!a.isFile()) return null
  if (a.size !== b.size) return `size ${a.size} and ${b.size}`
  return hasSameContent(left, right) ? null : 'contents differ'
}

/** Compares files of equal size, however large they are. */
function hasSameContent(left: Buffer, right: Buffer): boolean {
  const files = [openSync(left, 'r'), openSync(right, 'r')] as const
  const chunks = [Buffer.alloc(CHUNK_BYTES), Buffer.alloc(CHUNK_BYTES)] as const
  try {
    for (;;) {
      const bytes = readSync(files[0], chunks[0])
      if (readSync(files[1], chunks[1]) !== bytes) return false
      if (bytes === 0) return true
      if (chunks[0].compare(chunks[1], 0, bytes, 0, bytes) !== 0) return false
    }
  } finally {
    for (const file of files) closeSync(file)
  }
}
