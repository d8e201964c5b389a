import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** Names that `writeFileAtomic` uses before a file is whole; after a kill they may be left behind. */
export const LEFTOVER = /^\.tmp-/

/**
 * Replaces a file in one step that survives a power cut: a reader sees the old bytes or the new ones.
 * `mode` holds whatever the umask.
 */
export function writeFileAtomic(path: string, bytes: Uint8Array | string, mode = 0o600): void {
  const temporary = join(dirname(path), `.tmp-${basename(path)}-${randomBytes(6).toString('hex')}`)
  try {
    writeDurably(temporary, Buffer.from(bytes), mode)
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
  syncDirectory(dirname(path))
}

function writeDurably(path: string, bytes: Buffer, mode: number): void {
  const descriptor = openSync(path, 'wx', mode)
  try {
    for (let offset = 0; offset < bytes.length;) {
      offset += writeSync(descriptor, bytes, offset)
    }
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** Makes the names in a folder survive a power cut. Windows has no such call and needs none. */
export function syncDirectory(path: string): void {
  if (process.platform === 'win32') return
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
