import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { AppError } from '../core/base/errors.ts'
import { type DataLock, takeDataLock } from './data-lock.ts'
import { LEFTOVER, syncDirectory, writeFileAtomic } from './file-atomic.ts'
import { removeUnusedAddons, useNativeDirectory } from './native.ts'
import { errorName, fileError } from './system-error.ts'

export type ProgramKind = 'agent' | 'master' | 'authority'

/** The layout of data folders that this version writes and reads. */
const DATA_VERSION = 1

const PROGRAM: Record<ProgramKind, string> = {
  agent: 'cd-agent',
  master: 'cd-master',
  authority: 'cd-license',
}
const VERSION_FILE = 'version'
const LOCK_FILE = 'lock.db'
const NATIVE_FOLDER = 'native'
/** Stands in a folder whose creation has not come to its end; what lies beside it is ours to clear. */
const UNFINISHED_FILE = 'unfinished'

/** The folder in which a program keeps everything it has. Only its owner may look inside. */
export interface DataDirectory {
  readonly path: string
  /** The absolute path of a name in the folder. */
  file(name: string): string
  /** Replaces a file of the folder in one durable step; 0600 unless said otherwise. */
  write(name: string, bytes: Uint8Array | string, mode?: number): void
  /** Makes this process the one that runs here and clears what a killed one left half written; DATA_DIR_LOCKED. */
  lock(): DataLock
}

/**
 * Makes a data folder and lets `fill` put everything into it. Where `fill` fails or the process dies, the folder does
 * not count and the next call starts over. The path must be new or an empty folder, else DATA_DIR_EXISTS.
 * Addons are unpacked into the folder from here on.
 */
export async function createDataDirectory<T>(
  path: string,
  kind: ProgramKind,
  fill: (directory: DataDirectory) => Promise<T> | T,
): Promise<T> {
  const directory = dataDirectory(path)
  const isNew = !existsSync(directory.path)
  makeFolder(directory)
  const lock = claim(directory)
  try {
    useNativeDirectory(directory.file(NATIVE_FOLDER))
    const filled = await fill(directory)
    finish(directory, kind)
    return filled
  } catch (error) {
    abandon(directory, isNew)
    throw error
  } finally {
    lock.release()
  }
}

/**
 * Opens a data folder without locking it, so that commands work while its server runs. DATA_DIR_MISSING where there is
 * none, DATA_VERSION where another version or another program made it. Addons are unpacked into it from here on.
 */
export function openDataDirectory(path: string, kind: ProgramKind): DataDirectory {
  const directory = dataDirectory(path)
  const found = readVersion(directory)
  if (found.kind !== kind) {
    const message = `cannot open "${directory.path}": it is a data folder of ${PROGRAM[found.kind]}, not of ${PROGRAM[kind]}`
    throw new AppError('DATA_VERSION', message)
  }
  if (found.version !== DATA_VERSION) {
    const message = `cannot open "${directory.path}": its layout has version ${found.version}, this program reads version ${DATA_VERSION}`
    throw new AppError('DATA_VERSION', message)
  }
  useNativeDirectory(directory.file(NATIVE_FOLDER))
  return directory
}

function dataDirectory(path: string): DataDirectory {
  const absolute = resolve(path)
  const file = (name: string): string => join(absolute, name)
  return {
    path: absolute,
    file,
    write: (name, bytes, mode = 0o600) => writeFileAtomic(file(name), bytes, mode),
    lock: () => {
      const lock = takeDataLock(absolute, file(LOCK_FILE))
      for (const name of readdirSync(absolute)) if (LEFTOVER.test(name)) rmSync(file(name))
      removeUnusedAddons(file(NATIVE_FOLDER))
      return lock
    },
  }
}

/** Looks before it touches: the folder may be another program's. */
function makeFolder(directory: DataDirectory): void {
  try {
    mkdirSync(directory.path, { recursive: true, mode: 0o700 })
    refuseUsed(directory)
    chmodSync(directory.path, 0o700)
  } catch (error) {
    throw folderError(directory.path, 'create', error)
  }
}

function refuseUsed(directory: DataDirectory): void {
  const names = readdirSync(directory.path).filter((name) => !name.startsWith(LOCK_FILE))
  const unfinished = names.includes(UNFINISHED_FILE) && !names.includes(VERSION_FILE)
  if (names.length === 0 || unfinished) return
  const message = `cannot create "${directory.path}": it exists and is not empty`
  throw new AppError('DATA_DIR_EXISTS', message)
}

/** Marks the folder as unfinished under its lock; what an earlier attempt left in it goes. */
function claim(directory: DataDirectory): DataLock {
  const lock = takeDataLock(directory.path, directory.file(LOCK_FILE))
  try {
    refuseUsed(directory)
    directory.write(UNFINISHED_FILE, '')
    clear(directory)
    return lock
  } catch (error) {
    lock.release()
    throw error
  }
}

function abandon(directory: DataDirectory, isNew: boolean): void {
  clear(directory)
  rmSync(directory.file(UNFINISHED_FILE), { force: true })
  rmSync(directory.file(LOCK_FILE), { force: true })
  if (isNew) rmSync(directory.path, { recursive: true, force: true })
}

/** Removes all but the two files by which an unfinished folder is known. Called under the lock. */
function clear(directory: DataDirectory): void {
  for (const name of readdirSync(directory.path)) {
    if (name === UNFINISHED_FILE || name.startsWith(LOCK_FILE)) continue
    rmSync(directory.file(name), { recursive: true, force: true })
  }
}

/** From the version file on the folder counts; a marker that a kill left beside it is taken away at the next start. */
function finish(directory: DataDirectory, kind: ProgramKind): void {
  directory.write(VERSION_FILE, `${JSON.stringify({ kind, version: DATA_VERSION })}\n`)
  rmSync(directory.file(UNFINISHED_FILE), { force: true })
  syncDirectory(directory.path)
}

function readVersion(directory: DataDirectory): { kind: ProgramKind; version: number } {
  const text = readVersionFile(directory)
  try {
    const found: unknown = JSON.parse(text)
    if (isVersion(found)) return found
  } catch {
    // Falls through to the same refusal: a file that is no JSON is as foreign as one with other fields.
  }
  const message = `cannot open "${directory.path}": its version file holds ${JSON.stringify(text.slice(0, 40))}, this program reads version ${DATA_VERSION}`
  throw new AppError('DATA_VERSION', message)
}

function isVersion(value: unknown): value is { kind: ProgramKind; version: number } {
  if (typeof value !== 'object' || value === null) return false
  if (!('kind' in value) || !('version' in value)) return false
  return (
    typeof value.kind === 'string' && value.kind in PROGRAM && typeof value.version === 'number'
  )
}

function readVersionFile(directory: DataDirectory): string {
  try {
    return readFileSync(directory.file(VERSION_FILE), 'utf8')
  } catch (error) {
    throw folderError(directory.path, 'open', error)
  }
}

function folderError(path: string, action: string, error: unknown): unknown {
  const attempt = `cannot ${action} "${path}"`
  const name = errorName(error)
  if (name === 'ENOENT' || name === 'ENOTDIR') {
    return new AppError('DATA_DIR_MISSING', `${attempt}: it is no data folder`, { cause: error })
  }
  if (name === 'EEXIST') {
    return new AppError('DATA_DIR_EXISTS', `${attempt}: it is no folder`, { cause: error })
  }
  return fileError(attempt, error)
}
