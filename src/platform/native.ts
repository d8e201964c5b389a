import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs'
import { join } from 'node:path'

import { AppError } from '../core/base/errors.ts'
import { systemClock } from './clock.ts'
import { readEnvironment } from './config.ts'
import { writeFileAtomic } from './file-atomic.ts'

let directory: string | null = null

/**
 * Says into which folder native addons are unpacked, before the first one is loaded. Opening a data folder does so; a
 * Worker has its own memory and must be told. Without it a private folder in the user's cache is used.
 */
export function useNativeDirectory(path: string): void {
  directory = path
}

/**
 * Loads a native addon. In an executable the addon is embedded, where no loader finds it, and the folder that the
 * runtime would choose may forbid execution: it is unpacked into a private folder, under the hash of its content.
 */
export function loadNative(addonFile: string): unknown {
  const path = Bun.isStandaloneExecutable ? unpack(addonFile) : addonFile
  const loaded: { exports: unknown } = { exports: {} }
  try {
    process.dlopen(loaded, path)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const message = `cannot load an addon (its file system must not be mounted noexec): ${reason}`
    throw new AppError('PLATFORM_UNSUPPORTED', message, { cause: error })
  }
  return loaded.exports
}

/** Every use compares the whole content: a file that was cut off or changed would end the process while loading. */
function unpack(embeddedFile: string): string {
  const folder = directory ?? join(readEnvironment().cacheDirectory, 'native')
  const bytes = readFileSync(embeddedFile)
  const path = join(folder, `${new Bun.CryptoHasher('sha256').update(bytes).digest('hex')}.node`)
  if (existsSync(path) && bytes.equals(readFileSync(path))) {
    const nowS = systemClock.nowMs() / 1000
    utimesSync(path, nowS, nowS)
    return path
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  writeFileAtomic(path, bytes, 0o500)
  return path
}

const UNUSED_MS = 24 * 60 * 60 * 1000

/** Removes the addons of earlier versions from a folder: what is in use was touched when it was loaded. */
export function removeUnusedAddons(folder: string): void {
  if (!existsSync(folder)) return
  const oldestMs = systemClock.nowMs() - UNUSED_MS
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    const stats = statSync(path, { throwIfNoEntry: false })
    if (stats !== undefined && stats.mtimeMs < oldestMs) rmSync(path, { force: true })
  }
}
