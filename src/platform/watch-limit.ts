import { readFileSync } from 'node:fs'

import { type ByteString, toText } from '../core/base/byte-string.ts'
import { AppError } from '../core/base/errors.ts'

/** A setting of the kernel that bounds how many folders may be watched. */
export interface WatchLimit {
  readonly setting: string
  readonly watchesMax: number
}

/** The second one holds for a user namespace, as containers have them. */
const SETTINGS = ['fs.inotify.max_user_watches', 'user.max_inotify_watches']

/** Gives the setting that is the lowest now; null where the system has none, or does not tell. */
export function watchLimit(): WatchLimit | null {
  let lowest: WatchLimit | null = null
  for (const setting of SETTINGS) {
    const watchesMax = readSetting(setting)
    if (watchesMax !== null && watchesMax < (lowest?.watchesMax ?? Number.POSITIVE_INFINITY))
      lowest = { setting, watchesMax }
  }
  return lowest
}

/** WATCH_LIMIT: so many folders are to be watched, of this root and of others. */
export function watchLimitError(
  root: ByteString,
  neededCount: number,
  limit: WatchLimit | null = watchLimit(),
): AppError {
  const quoted = JSON.stringify(toText(root).text)
  const value =
    limit === null ? 'the limit of the kernel' : `${limit.setting} = ${limit.watchesMax}`
  const message = `cannot watch ${quoted}: ${neededCount} folders are to be watched, more than ${value} leaves`
  return new AppError('WATCH_LIMIT', message, { data: { neededCount } })
}

function readSetting(setting: string): number | null {
  try {
    const value = Number(readFileSync(`/proc/sys/${setting.replaceAll('.', '/')}`, 'utf8'))
    return Number.isSafeInteger(value) ? value : null
  } catch {
    // Not Linux, or not to be read: then watching itself finds out.
    return null
  }
}
