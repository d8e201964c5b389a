import { randomBytes } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

const CHUNK_BYTES = 1 << 20

/** Writes one large file that does not compress. */
export function makeLargeFile(path: string, bytes: number): void {
  mkdirSync(dirname(path), { recursive: true })
  const file = openSync(path, 'w')
  for (let left = bytes; left > 0; left -= CHUNK_BYTES) {
    writeSync(file, randomBytes(Math.min(left, CHUNK_BYTES)))
  }
  closeSync(file)
}

/** How much the next version of a file differs. */
export const EDITS = 100
export const EDIT_BYTES = 100

/** Writes the next version of a file: something is inserted near its front, and edits lie all over it. */
function makeNextVersion(from: string, to: string, random: () => number): void {
  const [input, output] = [openSync(from, 'r'), openSync(to, 'w')]
  const insertAt = Math.floor(random() * CHUNK_BYTES)
  const chunk = new Uint8Array(CHUNK_BYTES)
  let bytes = writeSync(output, chunk, 0, readSync(input, chunk, 0, insertAt, null))
  bytes += writeSync(output, randomBytes(EDIT_BYTES))
  for (let read = -1; read !== 0; bytes += read) {
    read = readSync(input, chunk, 0, CHUNK_BYTES, null)
    writeSync(output, chunk, 0, read)
  }
  for (let edit = 0; edit < EDITS; edit++) {
    const at = Math.floor(random() * (bytes - EDIT_BYTES))
    writeSync(output, randomBytes(EDIT_BYTES), 0, EDIT_BYTES, at)
  }
  closeSync(input)
  closeSync(output)
}

/** Puts the next version in the place of a file; `act` runs between its making, which takes time, and the change. */
export async function replaceWithNext<T>(
  path: string,
  random: () => number,
  measure: (replace: () => void) => Promise<T>,
): Promise<T> {
  const next = `${dirname(path)}.next`
  makeNextVersion(path, next, random)
  return measure(() => renameSync(next, path))
}
